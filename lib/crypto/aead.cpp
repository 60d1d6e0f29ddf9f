#include "lib/crypto/aead.hpp"

#include <sodium/core.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

namespace visor::crypto {
namespace {

using Nonce = std::array<uint8_t, crypto_aead_chacha20poly1305_IETF_NPUBBYTES>;

Nonce noise_nonce(uint64_t counter) {
  Nonce nonce{};
  for (size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<uint8_t>(counter >> (8 * i));
  return nonce;
}

// Lets libsodium choose the code for this processor; without it the portable code runs, at a quarter of the
// speed.
void choose_implementation() {
  [[maybe_unused]] static const int chosen = sodium_init();
}

}  // namespace

void seal(const CipherKey& key, uint64_t nonce, ByteView associated, ByteView plain, std::span<uint8_t> out) {
  choose_implementation();
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(
      out.data(), out.data() + plain.size(), nullptr, plain.data(), plain.size(), associated.data(),
      associated.size(), nullptr, noise_nonce(nonce).data(), key.data());
}

bool open(const CipherKey& key, uint64_t nonce, ByteView associated, ByteView sealed,
          std::span<uint8_t> out) {
  choose_implementation();
  if (sealed.size() < kTagBytes) return false;
  ByteView cipher = sealed.first(sealed.size() - kTagBytes);
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
             out.data(), nullptr, cipher.data(), cipher.size(), cipher.data() + cipher.size(),
             associated.data(), associated.size(), noise_nonce(nonce).data(), key.data()) == 0;
}

}  // namespace visor::crypto
