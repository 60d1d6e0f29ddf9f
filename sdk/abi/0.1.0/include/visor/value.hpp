/* visor/value.hpp - the ABI's values in C++: bytes, text, keys, errors.  Header-only; part of
 * visor/plugin.hpp. */
#ifndef VISOR_VALUE_HPP
#define VISOR_VALUE_HPP
#include <compare>
#include <cstring>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi.h"

/* Keys are values: ordered as big-endian numbers, which is the order of a transport's edges. */
inline bool operator==(const visor_key& a, const visor_key& b) {
  return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}
inline std::strong_ordering operator<=>(const visor_key& a, const visor_key& b) {
  return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) <=> 0;
}

namespace visor {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/* What went wrong: the status for programs, the text for people (what was expected, what came, what to do).
 */
struct Error {
  visor_status status = VISOR_EINTERNAL;
  std::string text;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(visor_status status, std::string text) {
  return std::unexpected<Error>(Error{status, std::move(text)});
}

inline ByteView bytes(visor_span s) {
  return {static_cast<const uint8_t*>(s.data), s.size};
}
inline ByteView bytes(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline ByteView bytes(const visor_key& k) {
  return {k.bytes, sizeof k.bytes};
}

inline std::string_view text(visor_span s) {
  return {static_cast<const char*>(s.data), s.size};
}
inline std::string_view text(ByteView s) {
  return {reinterpret_cast<const char*>(s.data()), s.size()};
}

inline visor_span to_span(ByteView s) {
  return {s.data(), s.size()};
}
inline visor_span to_span(std::string_view s) {
  return {s.data(), s.size()};
}

/* Lower-case hex. */
inline std::string to_hex(ByteView data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(data.size() * 2, '\0');
  for (size_t i = 0; i < data.size(); ++i) {
    out[2 * i] = kDigits[data[i] >> 4];
    out[2 * i + 1] = kDigits[data[i] & 15];
  }
  return out;
}

/* Reads exactly out.size() bytes from hex of either case; false if the text is of another length or not hex.
 */
inline bool from_hex(std::string_view hex, std::span<uint8_t> out) {
  auto nibble = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (hex.size() != out.size() * 2) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

inline std::string to_hex(const visor_key& key) {
  return to_hex(bytes(key));
}

/* A public key from its 66 hex digits; whether it is a point on the curve is for lib/crypto to say. */
inline Result<visor_key> key_from_hex(std::string_view hex) {
  visor_key key{};
  if (!from_hex(hex, key.bytes)) {
    return failure(VISOR_EINVAL,
                   "a public key is 66 hex digits; got " + std::to_string(hex.size()) + " characters");
  }
  return key;
}

}  // namespace visor
#endif  // VISOR_VALUE_HPP
