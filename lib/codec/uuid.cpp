#include "lib/codec/uuid.hpp"

namespace visor::codec {
namespace {

constexpr size_t kUuidSize = 36;

constexpr bool is_dash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

Uuid random_uuid(std::array<uint8_t, 16> random) {
  random[6] = static_cast<uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<uint8_t>((random[8] & 0x3f) | 0x80);
  return {random};
}

std::string to_text(const Uuid& uuid) {
  std::string text = to_hex(uuid);
  for (size_t at : {8u, 13u, 18u, 23u}) text.insert(at, 1, '-');
  return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
  std::string hex;
  bool shaped = text.size() == kUuidSize;
  for (size_t i = 0; shaped && i < text.size(); ++i) {
    if (is_dash(i)) {
      shaped = text[i] == '-';
    } else {
      hex.push_back(text[i]);
    }
  }
  Uuid uuid;
  if (!shaped || !from_hex(hex, uuid.bytes)) {
    return failure(VISOR_EINVAL, "a UUID is 8-4-4-4-12 hex digits; got " + std::to_string(text.size()) +
                                     (text.size() == kUuidSize ? " other characters" : " characters"));
  }
  return uuid;
}

}  // namespace visor::codec
