/* HMAC-SHA256 (RFC 2104) and key derivation from it (RFC 5869; Noise, section 4.3). */
#ifndef VISOR_CRYPTO_HKDF_HPP
#define VISOR_CRYPTO_HKDF_HPP
#include "lib/crypto/secret.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::crypto {

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> message);
inline Hash hmac_sha256(ByteView key, ByteView message) {
  return hmac_sha256(key, {message});
}

struct TwoSecrets {
  Secret<32> first, second;
};

/* Noise's HKDF with two outputs. */
TwoSecrets noise_hkdf(ByteView chaining_key, ByteView input_key_material);

/* Extract and expand.  Fills `out`, which may hold at most 8160 bytes. */
void hkdf_sha256(ByteView salt, ByteView input_key_material, ByteView info, std::span<uint8_t> out);

}  // namespace visor::crypto
#endif  // VISOR_CRYPTO_HKDF_HPP
