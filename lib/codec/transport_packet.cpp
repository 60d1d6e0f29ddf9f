#include "lib/codec/transport_packet.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"

namespace visor::codec {

PingPacket encode_ping(PacketType type, uint64_t nonce) {
  PingPacket packet{};
  packet[0] = static_cast<uint8_t>(type);
  store_be<uint32_t>(packet.data() + 1, 0);
  store_be<uint16_t>(packet.data() + 5, kPingPayloadBytes);
  store_be<uint64_t>(packet.data() + kPacketHeaderBytes, nonce);
  return packet;
}

std::optional<uint64_t> ping_nonce(const Packet& packet) {
  if (packet.payload.size() != kPingPayloadBytes) return std::nullopt;
  return load_be<uint64_t>(packet.payload.data());
}

std::optional<Packet> PacketReader::read(ByteView& input) {
  if (delivered_) {
    delivered_ = false;
    payload_.clear();
  }
  size_t taken = std::min(kPacketHeaderBytes - have_header_, input.size());
  std::copy_n(input.begin(), taken, header_.begin() + static_cast<ptrdiff_t>(have_header_));
  have_header_ += taken;
  input = input.subspan(taken);
  if (have_header_ < kPacketHeaderBytes) return std::nullopt;

  Packet packet{static_cast<PacketType>(header_[0]), load_be<uint32_t>(header_.data() + 1), {}};
  size_t size = load_be<uint16_t>(header_.data() + 5);
  ByteView part = input.first(std::min(size - payload_.size(), input.size()));
  input = input.subspan(part.size());
  if (part.size() == size) {
    packet.payload = part;
  } else {
    payload_.insert(payload_.end(), part.begin(), part.end());
    if (payload_.size() < size) return std::nullopt;
    packet.payload = payload_;
    delivered_ = true;
  }
  have_header_ = 0;
  return packet;
}

}  // namespace visor::codec
