#include "lib/crypto/nonced.hpp"

#include <sodium/crypto_aead_chacha20poly1305.h>

namespace visor::crypto {
namespace {

constexpr size_t kTag = crypto_aead_chacha20poly1305_IETF_ABYTES;

}  // namespace

Bytes seal_nonced(std::span<const uint8_t, 32> key, std::span<const uint8_t, kNonceBytes> nonce,
                  ByteView plain) {
  Bytes out(nonce.begin(), nonce.end());
  out.resize(kNonceBytes + plain.size() + kTag);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data() + kNonceBytes, nullptr, plain.data(), plain.size(),
                                            nullptr, 0, nullptr, nonce.data(), key.data());
  return out;
}

Result<Bytes> open_nonced(std::span<const uint8_t, 32> key, ByteView sealed) {
  constexpr const char* kWrong = "it was sealed with another key, or it is damaged";
  if (sealed.size() < kNonceBytes + kTag) return failure(VISOR_EPROTO, kWrong);
  const ByteView cipher = sealed.subspan(kNonceBytes);
  Bytes out(cipher.size());  // longer than the plaintext, so that it has an address
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, cipher.data(), cipher.size(),
                                                nullptr, 0, sealed.data(), key.data()) != 0) {
    return failure(VISOR_EPROTO, kWrong);
  }
  out.resize(cipher.size() - kTag);
  return out;
}

}  // namespace visor::crypto
