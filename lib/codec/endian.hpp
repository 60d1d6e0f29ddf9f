/* Fixed-width integers at unaligned places, in either byte order. */
#ifndef VISOR_CODEC_ENDIAN_HPP
#define VISOR_CODEC_ENDIAN_HPP
#include <bit>
#include <concepts>
#include <cstring>
#include <visor/value.hpp>

namespace visor::codec {

/* Converts between the machine's order and big-endian. */
template <std::unsigned_integral T>
constexpr T big_endian(T value) {
  return std::endian::native == std::endian::big || sizeof(T) == 1 ? value : std::byteswap(value);
}

/* Converts between the machine's order and little-endian. */
template <std::unsigned_integral T>
constexpr T little_endian(T value) {
  return std::endian::native == std::endian::little || sizeof(T) == 1 ? value : std::byteswap(value);
}

/* `from` must hold sizeof(T) bytes. */
template <std::unsigned_integral T>
T load_be(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return big_endian(value);
}

template <std::unsigned_integral T>
T load_le(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return little_endian(value);
}

/* `to` must have room for sizeof(T) bytes. */
template <std::unsigned_integral T>
void store_be(uint8_t* to, T value) {
  value = big_endian(value);
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
void store_le(uint8_t* to, T value) {
  value = little_endian(value);
  std::memcpy(to, &value, sizeof value);
}

/* Name the width where it is called: append_be<uint16_t>(out, port). */
template <std::unsigned_integral T>
void append_be(Bytes& out, std::type_identity_t<T> value) {
  size_t at = out.size();
  out.resize(at + sizeof(T));
  store_be<T>(out.data() + at, value);
}

template <std::unsigned_integral T>
void append_le(Bytes& out, std::type_identity_t<T> value) {
  size_t at = out.size();
  out.resize(at + sizeof(T));
  store_le<T>(out.data() + at, value);
}

inline void append(Bytes& out, ByteView data) {
  out.insert(out.end(), data.begin(), data.end());
}

}  // namespace visor::codec
#endif  // VISOR_CODEC_ENDIAN_HPP
