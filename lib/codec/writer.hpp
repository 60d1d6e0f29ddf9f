/* The binary encoder of feeds (specification cxo.md, section 2): little-endian, no padding, no tags.
 *
 *   bool             one byte, 0 or 1          string, byte slice   u32 byte count, the bytes
 *   integer          its width                 slice of T           u32 element count, the elements
 *   float            IEEE-754 bits             array, struct        the elements or fields alone
 */
#ifndef VISOR_CODEC_WRITER_HPP
#define VISOR_CODEC_WRITER_HPP
#include <bit>
#include <visor/value.hpp>

#include "lib/codec/endian.hpp"

namespace visor::codec {

/* Appends to the caller's buffer, so that one buffer serves many messages.  A count must fit 32 bits. */
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void boolean(bool value) { u8(value ? 1 : 0); }
  void u8(uint8_t value) { out_.push_back(value); }
  void u16(uint16_t value) { append_le<uint16_t>(out_, value); }
  void u32(uint32_t value) { append_le<uint32_t>(out_, value); }
  void u64(uint64_t value) { append_le<uint64_t>(out_, value); }
  void i8(int8_t value) { u8(static_cast<uint8_t>(value)); }
  void i16(int16_t value) { u16(static_cast<uint16_t>(value)); }
  void i32(int32_t value) { u32(static_cast<uint32_t>(value)); }
  void i64(int64_t value) { u64(static_cast<uint64_t>(value)); }
  void f32(float value) { u32(std::bit_cast<uint32_t>(value)); }
  void f64(double value) { u64(std::bit_cast<uint64_t>(value)); }

  /* The number of elements that follow in a slice. */
  void count(size_t elements) { u32(static_cast<uint32_t>(elements)); }
  /* A byte slice: its count, then its bytes. */
  void bytes(ByteView data) {
    count(data.size());
    raw(data);
  }
  void text(std::string_view data) { bytes(visor::bytes(data)); }
  /* Bytes without a count: arrays, hashes, keys, signatures. */
  void raw(ByteView data) { append(out_, data); }
  void key(const visor_key& value) { raw(value.bytes); }

 private:
  Bytes& out_;
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_WRITER_HPP
