/* SHA-256 in a tab, by libsodium. */
#include <sodium/crypto_hash_sha256.h>

#include <new>
#include <type_traits>

#include "lib/crypto/secret.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::crypto {
namespace {

using State = crypto_hash_sha256_state;

State* context(std::array<uint8_t, 128>& state) {
  static_assert(sizeof(State) <= 128 && alignof(State) <= 8 && std::is_trivially_copyable_v<State>);
  return std::launder(reinterpret_cast<State*>(state.data()));
}

}  // namespace

Sha256::Sha256() {
  crypto_hash_sha256_init(::new (state_.data()) State);
}

Sha256& Sha256::update(ByteView data) {
  crypto_hash_sha256_update(context(state_), data.data(), data.size());
  return *this;
}

Hash Sha256::finish() {
  Hash hash;
  crypto_hash_sha256_final(context(state_), hash.bytes.data());
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
