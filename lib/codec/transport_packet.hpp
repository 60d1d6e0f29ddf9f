/* Packets on a transport's control stream (specification telemetry.md, 1.6), all numbers big-endian:
 *
 *   0 type u8 | 1 route u32 | 5 size u16 | 7 payload of that size
 *
 * A ping (type 8) carries 8 bytes, which the peer sends back as they are in a pong (type 9). */
#ifndef VISOR_CODEC_TRANSPORT_PACKET_HPP
#define VISOR_CODEC_TRANSPORT_PACKET_HPP
#include <array>
#include <optional>
#include <visor/value.hpp>

namespace visor::codec {

enum class PacketType : uint8_t {
  kData = 0,
  kClose = 1,
  kKeepAlive = 2,
  kHandshake = 3,
  kPing = 4,
  kPong = 5,
  kError = 6,
  kSack = 7,
  kTransportPing = 8,
  kTransportPong = 9,
  kDht = 12,
  kSetupRpc = 13,
  kVisorRpc = 14,
  kSkynetForward = 15,
  kAppDirect = 16,
  kDatagram = 17,
  kBwProbe = 18,
  kBwAck = 19
};

inline constexpr size_t kPacketHeaderBytes = 7;
inline constexpr size_t kMaxPacketPayload = 65535;
inline constexpr size_t kPingPayloadBytes = 8;

/* A whole ping or pong on route 0. */
using PingPacket = std::array<uint8_t, kPacketHeaderBytes + kPingPayloadBytes>;
PingPacket encode_ping(PacketType type, uint64_t nonce);

struct Packet {
  PacketType type = PacketType::kData; /* may be one that has no name here */
  uint32_t route = 0;
  ByteView payload; /* lent until the next read */
};

/* The nonce of a ping or pong; nothing if the payload is not 8 bytes. */
std::optional<uint64_t> ping_nonce(const Packet& packet);

/* Takes packets out of a byte stream cut anywhere.  Memory grows with the bytes that arrive, up to one
 * packet. */
class PacketReader {
 public:
  /* Takes the bytes of at most one packet from the start of `input` and moves that start past them; nothing
   * when the input is used up first.  Call until it gives nothing.  Every byte string is a sequence of
   * packets: a reader judges them by their types. */
  std::optional<Packet> read(ByteView& input);

 private:
  std::array<uint8_t, kPacketHeaderBytes> header_{};
  Bytes payload_;
  size_t have_header_ = 0;
  bool delivered_ = false;
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_TRANSPORT_PACKET_HPP
