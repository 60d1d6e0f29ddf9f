/* Frames of yamux (specification dmsg 6): a header of 12 bytes, big-endian, and for Data its body.
 *
 *   0 version (0) | 1 type | 2 flags u16 | 4 stream u32 | 8 length u32
 *
 * length: bytes of the body (Data), added to the peer's send window (WindowUpdate), opaque (Ping), reason
 * (GoAway). */
#ifndef VISOR_YAMUX_FRAME_HPP
#define VISOR_YAMUX_FRAME_HPP
#include <array>
#include <visor/value.hpp>

namespace visor::yamux {

inline constexpr size_t kHeaderSize = 12;

enum class Type : uint8_t { Data = 0, WindowUpdate = 1, Ping = 2, GoAway = 3 };

/* Any combination may ride on Data and WindowUpdate. */
enum Flag : uint16_t { kSyn = 1, kAck = 2, kFin = 4, kRst = 8 };

/* The length of a GoAway. */
enum Reason : uint32_t { kNormal = 0, kProtocolError = 1, kInternalError = 2 };

struct Header {
  Type type = Type::Data;
  uint16_t flags = 0;
  uint32_t stream = 0; /* 0 for Ping and GoAway */
  uint32_t length = 0;

  bool has(Flag flag) const { return (flags & flag) != 0; }
};

std::array<uint8_t, kHeaderSize> encode(const Header& header);

/* VISOR_EPROTO for another version or an unknown type; unknown flags are kept and mean nothing. */
Result<Header> decode(std::span<const uint8_t, kHeaderSize> bytes);

}  // namespace visor::yamux
#endif  // VISOR_YAMUX_FRAME_HPP
