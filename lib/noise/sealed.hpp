/* Messages sealed under a transport key:
 *
 *   nonce, u64 big-endian | ciphertext | tag, 16 bytes
 *
 * The sender counts from 1 and uses no number twice.  Streams of frames are in frames.hpp; Opener is for what
 * may arrive in another order (specification dmsg.md, section 5). */
#ifndef VISOR_NOISE_SEALED_HPP
#define VISOR_NOISE_SEALED_HPP
#include <array>

#include "lib/crypto/aead.hpp"

namespace visor::noise {

inline constexpr size_t kNonceBytes = 8;
inline constexpr size_t kSealBytes = kNonceBytes + crypto::kTagBytes;
/* Noise keeps the greatest number for itself. */
inline constexpr uint64_t kMaxNonce = UINT64_MAX - 1;

class Sealer {
 public:
  /* `last_nonce`: what has been used already under this key. */
  explicit Sealer(crypto::CipherKey key, uint64_t last_nonce = 0)
      : key_(std::move(key)), last_nonce_(last_nonce) {}

  uint64_t messages_left() const { return kMaxNonce - last_nonce_; }

  /* Seals what lies in the middle of `room`: 8 bytes free | plaintext | 16 bytes free.
   * VISOR_ECLOSED when the numbers are used up: the session must end and a new one begin. */
  Result<void> seal_in_place(std::span<uint8_t> room);

  /* Appends the sealed form of `plain` to `out`, which is unchanged on failure. */
  Result<void> seal(ByteView plain, Bytes& out);

 private:
  crypto::CipherKey key_;
  uint64_t last_nonce_;
};

/* Which of the latest 1024 numbers have been seen. */
class ReplayWindow {
 public:
  static constexpr uint64_t kSize = 1024;

  /* Neither zero, nor seen, nor so old that nobody knows. */
  bool fresh(uint64_t number) const;
  /* Only after the message proved genuine: else a forged number would push the window. */
  void mark(uint64_t number);

 private:
  static constexpr uint64_t bit(uint64_t number) { return uint64_t(1) << number % 64; }
  uint64_t& word(uint64_t number) { return seen_[number % kSize / 64]; }

  std::array<uint64_t, kSize / 64> seen_{};
  uint64_t newest_ = 0;
};

class Opener {
 public:
  explicit Opener(crypto::CipherKey key) : key_(std::move(key)) {}

  /* Appends the plaintext of `sealed` to `plain`, which is unchanged on failure.  VISOR_EPROTO when it is too
   * short, forged, repeated or too old; what follows can still be good. */
  Result<void> open(ByteView sealed, Bytes& plain);

 private:
  crypto::CipherKey key_;
  ReplayWindow window_;
};

}  // namespace visor::noise
#endif  // VISOR_NOISE_SEALED_HPP
