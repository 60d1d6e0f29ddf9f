#include "lib/noise/symmetric_state.hpp"

namespace visor::noise {

SymmetricState::SymmetricState(std::string_view protocol_name)
    // All names in use are longer than a hash, so the first hash is that of the name, not the name itself.
    : hash_(crypto::sha256(bytes(protocol_name))), chaining_key_(hash_.bytes) {
  mix_hash({});  // an empty prologue is hashed too
}

void SymmetricState::mix_hash(ByteView data) {
  hash_ = crypto::sha256({hash_, data});
}

void SymmetricState::mix_key(ByteView input_key_material) {
  crypto::TwoSecrets keys = crypto::noise_hkdf(chaining_key_.bytes(), input_key_material);
  chaining_key_ = std::move(keys.first);
  key_ = crypto::CipherKey(keys.second.bytes());
  nonce_ = 0;
  has_key_ = true;
}

void SymmetricState::encrypt_and_hash(ByteView plain, Bytes& out) {
  size_t start = out.size();
  out.resize(start + plain.size() + overhead_bytes());
  std::span<uint8_t> written = std::span(out).subspan(start);
  if (has_key_) {
    crypto::seal(key_, nonce_++, hash_, plain, written);
  } else {
    std::ranges::copy(plain, written.begin());
  }
  mix_hash(written);
}

bool SymmetricState::decrypt_and_hash(ByteView sealed, Bytes& plain) {
  if (sealed.size() < overhead_bytes()) return false;
  plain.resize(sealed.size() - overhead_bytes());
  if (!has_key_) {
    std::ranges::copy(sealed, plain.begin());
  } else if (!crypto::open(key_, nonce_++, hash_, sealed, plain)) {
    return false;
  }
  mix_hash(sealed);
  return true;
}

}  // namespace visor::noise
