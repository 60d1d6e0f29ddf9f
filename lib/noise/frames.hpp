/* Transport frames: a byte stream, encrypted (specifications cxo.md, 9.3; dmsg.md, section 8).
 *
 *   n, u16 big-endian | nonce, u64 big-endian | ciphertext | tag, 16 bytes          n = 24 + plaintext
 *
 * A frame has at most 4096 bytes, so carries at most 4070; where a frame ends means nothing. */
#ifndef VISOR_NOISE_FRAMES_HPP
#define VISOR_NOISE_FRAMES_HPP
#include "lib/codec/length_prefixed.hpp"
#include "lib/noise/sealed.hpp"

namespace visor::noise {

inline constexpr size_t kMaxFrameBytes = 4096;
inline constexpr size_t kFrameOverheadBytes = 2 + kSealBytes;
inline constexpr size_t kMaxFramePlainBytes = kMaxFrameBytes - kFrameOverheadBytes;

/* The bytes on the wire of `plain_bytes` written at once. */
constexpr size_t framed_size(size_t plain_bytes) {
  size_t frames = (plain_bytes + kMaxFramePlainBytes - 1) / kMaxFramePlainBytes;
  return plain_bytes + kFrameOverheadBytes * (frames == 0 ? 1 : frames);
}

class FrameWriter {
 public:
  /* `last_nonce`: of the last frame that was already sent under this key. */
  explicit FrameWriter(crypto::CipherKey key, uint64_t last_nonce = 0)
      : sealer_(std::move(key), last_nonce) {}

  /* Appends the frames that carry all parts, one after another, to `wire`.  No bytes at all make one empty
   * frame, which the other side skips: a sign of life. VISOR_ECLOSED, and nothing appended, when the nonces
   * do not suffice: the session must end. */
  Result<void> write_parts(std::span<const ByteView> parts, Bytes& wire);
  Result<void> write(ByteView plain, Bytes& wire) { return write_parts({&plain, 1}, wire); }

 private:
  Sealer sealer_;
};

class FrameReader {
 public:
  /* `last_nonce`: of the last frame that already came under this key. */
  explicit FrameReader(crypto::CipherKey key, uint64_t last_nonce = 0)
      : frames_(codec::Prefix::kU16, kSealBytes, kMaxFrameBytes - 2),
        key_(std::move(key)),
        last_nonce_(last_nonce) {}

  /* Takes all of `input`, cut anywhere, and appends what its complete frames carry to `plain`: never more
   * than was put in.  VISOR_EPROTO, for ever, at the first frame that is too long or too short, does not
   * decrypt, or whose nonce is not greater than the one before (gaps are fine); what came before it has been
   * appended. */
  Result<void> read(ByteView input, Bytes& plain);

  /* Bytes held of a frame that is not complete: at most 4096. */
  size_t buffered_bytes() const { return frames_.buffered_bytes(); }

 private:
  Result<void> open(ByteView frame, Bytes& plain);

  codec::LengthPrefixedReader frames_;
  crypto::CipherKey key_;
  uint64_t last_nonce_;
  bool failed_ = false;
};

}  // namespace visor::noise
#endif  // VISOR_NOISE_FRAMES_HPP
