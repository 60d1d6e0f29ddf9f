/* SHA-256 natively.  The old one-algorithm functions of libcrypto are used on purpose: a feed hashes objects
 * of 64 bytes by the hundred thousand, and there they take 120 ns where EVP takes 200 and the one-shot
 * SHA256(), which fetches the algorithm anew in OpenSSL 3, 700. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <new>
#include <type_traits>

#include "lib/crypto/secret.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::crypto {
namespace {

SHA256_CTX* context(std::array<uint8_t, 128>& state) {
  static_assert(sizeof(SHA256_CTX) <= 128 && alignof(SHA256_CTX) <= 8 &&
                std::is_trivially_copyable_v<SHA256_CTX>);
  return std::launder(reinterpret_cast<SHA256_CTX*>(state.data()));
}

}  // namespace

Sha256::Sha256() {
  SHA256_Init(::new (state_.data()) SHA256_CTX);
}

Sha256& Sha256::update(ByteView data) {
  SHA256_Update(context(state_), data.data(), data.size());
  return *this;
}

Hash Sha256::finish() {
  Hash hash;
  SHA256_Final(hash.bytes.data(), context(state_));
  return hash;
}

void Sha256::wipe() {
  crypto::wipe(state_);
}

Hash sha256(ByteView data) {
  return Sha256().update(data).finish();
}

Hash sha256(std::initializer_list<ByteView> parts) {
  Sha256 hasher;
  for (ByteView part : parts) hasher.update(part);
  return hasher.finish();
}

}  // namespace visor::crypto
