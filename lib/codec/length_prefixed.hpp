/* Messages behind a big-endian length, out of a byte stream cut anywhere.
 *
 *   length (u16 or u32, big-endian) | body of that many bytes
 */
#ifndef VISOR_CODEC_LENGTH_PREFIXED_HPP
#define VISOR_CODEC_LENGTH_PREFIXED_HPP
#include <array>
#include <optional>
#include <visor/value.hpp>

namespace visor::codec {

enum class Prefix : uint8_t { kU16 = 2, kU32 = 4 };

/* Appends the prefix of a body of `size` bytes, which must fit it; the body follows. */
void append_prefix(Bytes& out, Prefix prefix, size_t size);

class LengthPrefixedReader {
 public:
  /* A body outside [min_body, max_body] bytes is refused as soon as its length is known. */
  LengthPrefixedReader(Prefix prefix, size_t min_body, size_t max_body)
      : min_body_(min_body), max_body_(max_body), prefix_(prefix) {}

  /* Takes the bytes of at most one message from the start of `input`, and moves that start past them.  Gives
   * the body, lent until the next call and no longer than `input`'s own bytes live; nothing when the input is
   * used up first.  Call until it gives nothing, or stop and give the rest of the input to somebody else. A
   * length out of range is VISOR_EPROTO, for ever: the stream cannot be followed any further.
   *
   * Memory grows as bytes arrive, never by what a length promises, and a message that arrives whole is not
   * copied. */
  Result<std::optional<ByteView>> read(ByteView& input);

  /* Bytes held of a message that is not complete. */
  size_t buffered_bytes() const { return have_prefix_ + (delivered_ ? 0 : body_.size()); }

 private:
  bool take_prefix(ByteView& input);
  void forget_delivered();

  Bytes body_;
  size_t min_body_;
  size_t max_body_;
  std::array<uint8_t, 4> prefix_bytes_{};
  Prefix prefix_;
  uint8_t have_prefix_ = 0;  // bytes of the prefix that have come
  bool delivered_ = false;   // body_ is lent to the caller
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_LENGTH_PREFIXED_HPP
