#include "lib/yamux/frame.hpp"

#include "lib/codec/endian.hpp"

namespace visor::yamux {

std::array<uint8_t, kHeaderSize> encode(const Header& header) {
  std::array<uint8_t, kHeaderSize> out{};
  out[1] = static_cast<uint8_t>(header.type);
  codec::store_be<uint16_t>(&out[2], header.flags);
  codec::store_be<uint32_t>(&out[4], header.stream);
  codec::store_be<uint32_t>(&out[8], header.length);
  return out;
}

Result<Header> decode(std::span<const uint8_t, kHeaderSize> bytes) {
  if (bytes[0] != 0) {
    return failure(VISOR_EPROTO, "expected a frame of version 0; got version " + std::to_string(bytes[0]));
  }
  if (bytes[1] > static_cast<uint8_t>(Type::GoAway)) {
    return failure(VISOR_EPROTO, "expected a frame of type 0 to 3; got type " + std::to_string(bytes[1]));
  }
  return Header{static_cast<Type>(bytes[1]), codec::load_be<uint16_t>(&bytes[2]),
                codec::load_be<uint32_t>(&bytes[4]), codec::load_be<uint32_t>(&bytes[8])};
}

}  // namespace visor::yamux
