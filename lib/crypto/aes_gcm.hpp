/* AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes: private groups' messages (specification
 * chat.md, 7.5). */
#ifndef VISOR_CRYPTO_AES_GCM_HPP
#define VISOR_CRYPTO_AES_GCM_HPP
#include "lib/crypto/secret.hpp"

namespace visor::crypto {

struct AesKey : Secret<32> {
  using Secret::Secret;
};
using AesNonce = std::array<uint8_t, 12>;

inline constexpr size_t kAesTagBytes = 16;

/* ciphertext | tag.  A nonce must never be used twice with one key. */
Bytes seal_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView plain);

/* VISOR_EPROTO when the tag is wrong or missing: another key, or damaged. */
Result<Bytes> open_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView sealed);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_AES_GCM_HPP
