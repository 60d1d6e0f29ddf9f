#include "lib/codec/transport_packet.hpp"

#include "../seeded.hpp"
#include "../vectors.hpp"
#include "lib/codec/endian.hpp"

using namespace visor;
using namespace visor::codec;

TEST_CASE("a ping has the network's 15 bytes", "[codec][transport]") {
  auto vectors = test::load_vectors("transport.json");
  const auto& ping = test::at(vectors, "ping");
  uint64_t nonce = load_be<uint64_t>(test::hex(ping, "nonce").data());
  PingPacket packet = encode_ping(PacketType::kTransportPing, nonce);
  CHECK(Bytes(packet.begin(), packet.end()) == test::hex(ping, "bytes"));
  CHECK(encode_ping(PacketType::kTransportPong, nonce)[0] == 9);
}

TEST_CASE("packets are read however the stream is cut", "[codec][transport]") {
  test::Seeded seeded(7);
  struct Sent {
    uint8_t type;
    uint32_t route;
    Bytes payload;
  };
  std::vector<Sent> sent;
  Bytes stream;
  for (size_t i = 0; i < 200; ++i) {
    size_t size = i % 50 == 0 ? kMaxPacketPayload : seeded.below(40);
    Sent packet{static_cast<uint8_t>(seeded.number()), static_cast<uint32_t>(seeded.number()),
                seeded.bytes(size)};
    stream.push_back(packet.type);
    append_be<uint32_t>(stream, packet.route);
    append_be<uint16_t>(stream, static_cast<uint16_t>(size));
    append(stream, packet.payload);
    sent.push_back(std::move(packet));
  }

  PacketReader reader;
  size_t next = 0;
  for (size_t at = 0; at < stream.size();) {
    size_t size = std::min(seeded.below(4) == 0 ? 30000 : 1 + seeded.below(12), stream.size() - at);
    ByteView input(stream.data() + at, size);
    at += size;
    while (auto packet = reader.read(input)) {
      REQUIRE(next < sent.size());
      REQUIRE(static_cast<uint8_t>(packet->type) == sent[next].type);
      REQUIRE(packet->route == sent[next].route);
      REQUIRE(Bytes(packet->payload.begin(), packet->payload.end()) == sent[next].payload);
      ++next;
    }
    REQUIRE(input.empty());
  }
  CHECK(next == sent.size());
}

TEST_CASE("a nonce is read from a payload of 8 bytes only", "[codec][transport]") {
  Bytes payload = test::Seeded(8).bytes(9);
  Packet packet{PacketType::kTransportPong, 0, ByteView(payload).first(8)};
  CHECK(ping_nonce(packet) == load_be<uint64_t>(payload.data()));
  packet.payload = payload;
  CHECK_FALSE(ping_nonce(packet));
  packet.payload = ByteView(payload).first(7);
  CHECK_FALSE(ping_nonce(packet));
}
