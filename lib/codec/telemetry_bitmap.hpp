/* Uptime of one UTC day (specification telemetry.md, 2.3): 288 slots of 5 minutes, one bit each, the most
 * significant bit first.
 *
 *   slot = (hour * 60 + minute) / 5        byte[slot / 8] |= 1 << (7 - slot % 8)
 */
#ifndef VISOR_CODEC_TELEMETRY_BITMAP_HPP
#define VISOR_CODEC_TELEMETRY_BITMAP_HPP
#include <array>
#include <visor/value.hpp>

#include "lib/codec/telemetry_time.hpp"

namespace visor::codec {

class UptimeBitmap {
 public:
  static constexpr int kSlots = 288;
  static constexpr int64_t kSlotSeconds = 300;
  static constexpr size_t kBytes = 36;

  /* The slot of its day that a moment (Unix seconds) falls into: 0 to 287. */
  static constexpr int slot_of(int64_t unix_s) {
    return static_cast<int>((unix_s - day_of(unix_s) * kSecondsPerDay) / kSlotSeconds);
  }

  /* Exactly 36 bytes, else VISOR_EPROTO. */
  static Result<UptimeBitmap> decode(ByteView data);

  /* Slots are 0 to 287; set() says whether the bit is new. */
  bool set(int slot);
  bool test(int slot) const;
  void merge(const UptimeBitmap& other);
  /* Slots that are set; uptime of the day is set_slots() / 288. */
  int set_slots() const;
  /* 288 characters: '.' for a slot that is set, ' ' for one that is not. */
  std::string text() const;

  ByteView bytes() const { return bytes_; }
  friend bool operator==(const UptimeBitmap&, const UptimeBitmap&) = default;

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_BITMAP_HPP
