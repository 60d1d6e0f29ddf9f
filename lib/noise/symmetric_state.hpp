/* The Noise specification's SymmetricState (section 5.2) with ChaCha20-Poly1305 and SHA-256. */
#ifndef VISOR_NOISE_SYMMETRIC_STATE_HPP
#define VISOR_NOISE_SYMMETRIC_STATE_HPP
#include "lib/crypto/aead.hpp"
#include "lib/crypto/hkdf.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::noise {

class SymmetricState {
 public:
  /* With an empty prologue, as all our protocols have. */
  explicit SymmetricState(std::string_view protocol_name);

  void mix_hash(ByteView data);
  /* From here on everything is encrypted. */
  void mix_key(ByteView input_key_material);

  /* Appends the data, encrypted if there is a key. */
  void encrypt_and_hash(ByteView plain, Bytes& out);
  /* False if the tag is wrong or missing. */
  [[nodiscard]] bool decrypt_and_hash(ByteView sealed, Bytes& plain);

  /* What encryption adds now: nothing, or a tag. */
  size_t overhead_bytes() const { return has_key_ ? crypto::kTagBytes : 0; }
  const crypto::Hash& hash() const { return hash_; }

  crypto::TwoSecrets split() const { return crypto::noise_hkdf(chaining_key_.bytes(), {}); }

 private:
  crypto::Hash hash_;
  crypto::Secret<32> chaining_key_;
  crypto::CipherKey key_;
  uint64_t nonce_ = 0;
  bool has_key_ = false;
};

}  // namespace visor::noise
#endif  // VISOR_NOISE_SYMMETRIC_STATE_HPP
