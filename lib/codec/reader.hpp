/* The decoder of what writer.hpp writes.  Input is hostile: each read is checked against what is left. */
#ifndef VISOR_CODEC_READER_HPP
#define VISOR_CODEC_READER_HPP
#include <bit>
#include <visor/value.hpp>

#include "lib/codec/endian.hpp"

namespace visor::codec {

/* The first failure sticks: later reads give zeros and empty views, so a whole struct is read without a test
 * between its fields, and asked about once, by done() or finish().  A loop over count() elements must stop
 * when ok() is false.  Views that it hands out point into the input. */
class Reader {
 public:
  explicit Reader(ByteView input) : input_(input) {}

  bool boolean();
  uint8_t u8() { return number<uint8_t>("u8"); }
  uint16_t u16() { return number<uint16_t>("u16"); }
  uint32_t u32() { return number<uint32_t>("u32"); }
  uint64_t u64() { return number<uint64_t>("u64"); }
  int8_t i8() { return static_cast<int8_t>(number<uint8_t>("i8")); }
  int16_t i16() { return static_cast<int16_t>(number<uint16_t>("i16")); }
  int32_t i32() { return static_cast<int32_t>(number<uint32_t>("i32")); }
  int64_t i64() { return static_cast<int64_t>(number<uint64_t>("i64")); }
  float f32() { return std::bit_cast<float>(number<uint32_t>("f32")); }
  double f64() { return std::bit_cast<double>(number<uint64_t>("f64")); }

  /* The number of elements of a slice; never more than the bytes that are left, whatever an element's size,
   * so that reserving a small record per element is bounded by the input. */
  size_t count();
  /* A byte slice or string. */
  ByteView bytes();
  std::string_view text() { return visor::text(bytes()); }
  /* Exactly `size` bytes without a count. */
  ByteView raw(size_t size) { return take(size, "bytes"); }
  /* Fills `out` (a hash, a signature), with zeros after a failure. */
  void raw(std::span<uint8_t> out);
  visor_key key();

  bool ok() const { return problem_ == Problem::kNone; }
  size_t consumed() const { return at_; }
  /* What has not been read; empty after a failure. */
  ByteView rest() const { return ok() ? input_.subspan(at_) : ByteView(); }
  bool at_end() const { return rest().empty(); }

  /* Marks the input as wrong for a reason that only the caller can see; `reason` must be a literal. */
  void fail(const char* reason);

  /* Whether all reads so far were good; bytes may be left.  VISOR_EPROTO otherwise. */
  Result<void> done() const;
  /* The same, and nothing may be left. */
  Result<void> finish() const;

 private:
  enum class Problem : uint8_t { kNone, kShort, kBoolean, kCount, kCaller };

  template <class T>
  T number(const char* what) {
    ByteView data = take(sizeof(T), what);
    return data.empty() ? T(0) : load_le<T>(data.data());
  }
  ByteView take(size_t size, const char* what);
  void set(Problem problem, const char* what, size_t wanted);

  ByteView input_;
  size_t at_ = 0;
  size_t wanted_ = 0;           // kShort: bytes; kCount: elements; kBoolean: the byte
  const char* what_ = nullptr;  // what was being read, or the caller's reason
  Problem problem_ = Problem::kNone;
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_READER_HPP
