/* ChaCha20-Poly1305 (RFC 8439) with the nonce in front of what is sealed. */
#ifndef VISOR_CRYPTO_NONCED_HPP
#define VISOR_CRYPTO_NONCED_HPP
#include "lib/crypto/secret.hpp"

namespace visor::crypto {

inline constexpr size_t kNonceBytes = 12;

/* nonce | ciphertext | tag.  A nonce must never be used twice with one key. */
Bytes seal_nonced(std::span<const uint8_t, 32> key, std::span<const uint8_t, kNonceBytes> nonce,
                  ByteView plain);
/* VISOR_EPROTO: another key, damaged, or too short. */
Result<Bytes> open_nonced(std::span<const uint8_t, 32> key, ByteView sealed);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_NONCED_HPP
