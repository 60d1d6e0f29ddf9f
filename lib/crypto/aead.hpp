/* ChaCha20-Poly1305 (RFC 8439) with the nonces of Noise: 4 zero bytes | counter, u64 little-endian. */
#ifndef VISOR_CRYPTO_AEAD_HPP
#define VISOR_CRYPTO_AEAD_HPP
#include "lib/crypto/secret.hpp"

namespace visor::crypto {

inline constexpr size_t kTagBytes = 16;

/* Writes ciphertext | tag: `out` must hold plain.size() + kTagBytes bytes, and either begins where `plain`
 * does or does not overlap it.  A nonce must never be used twice with one key. */
void seal(const CipherKey& key, uint64_t nonce, ByteView associated, ByteView plain, std::span<uint8_t> out);

/* Writes the plaintext of `sealed`: `out` must hold sealed.size() - kTagBytes bytes, and either begins where
 * `sealed` does or does not overlap it.  False if the tag is wrong or missing; then `out` holds nothing
 * useful. */
[[nodiscard]] bool open(const CipherKey& key, uint64_t nonce, ByteView associated, ByteView sealed,
                        std::span<uint8_t> out);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_AEAD_HPP
