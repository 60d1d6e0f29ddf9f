#include "lib/codec/telemetry_bitmap.hpp"

#include <algorithm>
#include <bit>

namespace visor::codec {
namespace {

size_t byte_of(int slot) {
  return static_cast<size_t>(slot) / 8;
}

uint8_t mask_of(int slot) {
  return static_cast<uint8_t>(0x80u >> (slot % 8));
}

}  // namespace

Result<UptimeBitmap> UptimeBitmap::decode(ByteView data) {
  if (data.size() != kBytes) {
    return failure(VISOR_EPROTO, "an uptime bitmap is " + std::to_string(kBytes) + " bytes; got " +
                                     std::to_string(data.size()));
  }
  UptimeBitmap bitmap;
  std::ranges::copy(data, bitmap.bytes_.begin());
  return bitmap;
}

bool UptimeBitmap::set(int slot) {
  if (test(slot)) return false;
  bytes_[byte_of(slot)] = static_cast<uint8_t>(bytes_[byte_of(slot)] | mask_of(slot));
  return true;
}

bool UptimeBitmap::test(int slot) const {
  return (bytes_[byte_of(slot)] & mask_of(slot)) != 0;
}

void UptimeBitmap::merge(const UptimeBitmap& other) {
  for (size_t i = 0; i < kBytes; ++i) bytes_[i] = static_cast<uint8_t>(bytes_[i] | other.bytes_[i]);
}

int UptimeBitmap::set_slots() const {
  int count = 0;
  for (uint8_t byte : bytes_) count += std::popcount(byte);
  return count;
}

std::string UptimeBitmap::text() const {
  std::string out(kSlots, ' ');
  for (int slot = 0; slot < kSlots; ++slot) {
    if (test(slot)) out[static_cast<size_t>(slot)] = '.';
  }
  return out;
}

}  // namespace visor::codec
