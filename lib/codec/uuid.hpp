/* UUIDs (RFC 4122) as text: 8-4-4-4-12 hex digits. */
#ifndef VISOR_CODEC_UUID_HPP
#define VISOR_CODEC_UUID_HPP
#include <array>
#include <compare>
#include <visor/value.hpp>

namespace visor::codec {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  bool blank() const { return *this == Uuid{}; }
  operator ByteView() const { return bytes; }
  friend bool operator==(const Uuid&, const Uuid&) = default;
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/* A random one (version 4) of 16 random bytes. */
Uuid random_uuid(std::array<uint8_t, 16> random);

std::string to_text(const Uuid& uuid);
/* VISOR_EINVAL for anything but 8-4-4-4-12 hex digits. */
Result<Uuid> parse_uuid(std::string_view text);

}  // namespace visor::codec
#endif  // VISOR_CODEC_UUID_HPP
