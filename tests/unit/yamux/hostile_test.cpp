/* Whatever bytes come, nothing breaks and nothing grows past its limit. */
#include "tests/unit/yamux/fixture.hpp"

using namespace visor;
using namespace visor::test;

namespace {

yamux::Options tight() {
  yamux::Options options = no_timeouts();
  options.limits = {.streams = 20,
                    .unacknowledged_in = 10,
                    .unacknowledged_out = 5,
                    .stream_queue_bytes = 4096,
                    .queued_bytes = 65536,
                    .unread_bytes = 100000,
                    .control_bytes = 1200};
  return options;
}

void check_bounds(const Side& side, const yamux::Options& options) {
  yamux::Counters now = side.mux->counters();
  REQUIRE(now.streams <= options.limits.streams);
  REQUIRE(now.unacknowledged_in <= options.limits.unacknowledged_in);
  REQUIRE(now.unacknowledged_out <= options.limits.unacknowledged_out);
  REQUIRE(now.unread_bytes <= options.limits.unread_bytes);
  /* One answer a frame, and one farewell for each stream that goes. */
  REQUIRE(now.control_bytes <=
          options.limits.control_bytes + 2 * options.limits.streams * yamux::kHeaderSize);
}

/* Frames that could be meant well, with a taste for the same few streams. */
Bytes likely_frame(Seeded& seeded) {
  static constexpr uint16_t kFlags[] = {0, 0, 0, 1, 1, 2, 4, 8, 3, 5, 9, 12};
  static constexpr uint32_t kLengths[] = {
      0, 0, 1, 100, 5000, 131072, yamux::kWindow, yamux::kWindow + 1, UINT32_MAX};
  Header header{static_cast<Type>(seeded.below(20) == 0 ? 2 + seeded.below(2) : seeded.below(2)),
                kFlags[seeded.below(std::size(kFlags))], static_cast<uint32_t>(seeded.below(30)),
                kLengths[seeded.below(std::size(kLengths))]};
  if (header.type == Type::GoAway && seeded.below(3) != 0) header.type = Type::Ping;
  if (header.type == Type::Data && header.length > 5000)
    header.length = static_cast<uint32_t>(seeded.below(6000));
  Bytes body(header.type == Type::Data ? header.length : 0, 0x5a);
  return frame(header, body);
}

Bytes mutated(Bytes wire, Seeded& seeded) {
  if (wire.empty()) return wire;
  switch (seeded.below(3)) {
    case 0:
      wire[seeded.below(wire.size())] ^= static_cast<uint8_t>(1u << seeded.below(8));
      break;
    case 1:
      wire[seeded.below(std::min<size_t>(wire.size(), 12))] = static_cast<uint8_t>(seeded.number());
      break;
    default:
      wire.resize(seeded.below(wire.size()));
  }
  return wire;
}

}  // namespace

TEST_CASE("any frames leave a session within its bounds", "[yamux][hostile]") {
  size_t failures = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Seeded seeded(seed);
    yamux::Options options = tight();
    options.client = seeded.below(2) == 0;
    MemoryHost memory(seed);
    Side side(memory, options);
    for (int step = 0; step < 150 && !side.failed; ++step) {
      Bytes wire = likely_frame(seeded);
      if (seeded.below(10) == 0) wire = mutated(std::move(wire), seeded);
      size_t cut = seeded.below(wire.size() + 1);
      side.mux->receive(ByteView(wire).first(cut));
      side.mux->receive(ByteView(wire).subspan(cut));
      if (!side.users.empty()) {
        StreamUser& user = *side.users[seeded.below(side.users.size())];
        switch (seeded.below(8)) {
          case 0:
            user.stream.pause(seeded.below(2) == 0);
            break;
          case 1:
            (void)user.stream.write(seeded.bytes(seeded.below(3000)));
            break;
          case 2:
            user.stream.end();
            break;
          case 3:
            user.stream.close();
            break;
          default:
            break;
        }
      }
      if (seeded.below(6) == 0 && side.mux->counters().streams < 20) {
        auto opened = side.mux->open();
        if (opened) side.users.push_back(std::make_unique<StreamUser>(side.host, *opened));
      }
      if (seeded.below(4) == 0) {
        side.blocked = seeded.below(2) == 0;
        if (!side.blocked) side.mux->writable();
      }
      if (seeded.below(3) == 0) memory.run();
      check_bounds(side, options);
    }
    failures += side.failed ? 1 : 0;
    memory.run();
    (void)headers(side.sent); /* what we say is well-formed, whatever was said to us */
  }
  CHECK(failures > 100); /* the frames were not too tame to be a test, */
  CHECK(failures < 400); /* nor too wild to get anywhere */
}

TEST_CASE("bytes that are no frames end the session", "[yamux][hostile]") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Seeded seeded(seed);
    MemoryHost memory(seed);
    Side side(memory, tight());
    Bytes noise = seeded.bytes(1 + seeded.below(400));
    noise[0] = static_cast<uint8_t>(1 + seeded.below(255));
    for (size_t at = 0; at < noise.size(); at += 7) {
      side.mux->receive(ByteView(noise).subspan(at, std::min<size_t>(7, noise.size() - at)));
    }
    if (noise.size() >= yamux::kHeaderSize) {
      REQUIRE(side.failed);
      CHECK(side.failed->status == VISOR_EPROTO);
    }
  }
}

TEST_CASE("a conversation that is cut anywhere just waits", "[yamux][hostile]") {
  Bytes wire = data_frame(1, bytes("opening"), yamux::kSyn);
  codec::append(wire, update_frame(3, yamux::kSyn));
  codec::append(wire, data_frame(3, bytes("x")));
  codec::append(wire, data_frame(1, bytes("end"), yamux::kFin));
  codec::append(wire, update_frame(3, yamux::kRst));
  for (size_t size = 0; size <= wire.size(); ++size) {
    MemoryHost memory;
    Side side(memory, no_timeouts());
    side.mux->receive(ByteView(wire).first(size));
    memory.run();
    CHECK_FALSE(side.failed);
    CHECK(side.mux->counters().received_bytes == size);
    side.mux->receive(ByteView(wire).subspan(size));
    memory.run();
    REQUIRE(side.users.size() == 2);
    CHECK(side.users[0]->text() == "openingend");
    CHECK(side.users[0]->ended);
    REQUIRE(side.users[1]->closed);
    CHECK(side.users[1]->closed->status == VISOR_ECLOSED);
  }
}

TEST_CASE("a peer that opens and resets without end costs no memory", "[yamux][hostile]") {
  yamux::Options options = tight();
  MemoryHost memory;
  Side side(memory, options);
  side.blocked = true;
  size_t accepted = 0;
  side.on_accept = [&](visor_stream* raw) {
    ++accepted;
    raw->api->close(raw);
  };
  uint32_t id = 1;
  for (; id < 20001 && !side.failed; id += 2) {
    side.mux->receive(update_frame(id, yamux::kSyn));
    side.mux->receive(update_frame(id, yamux::kRst));
    memory.run();
    check_bounds(side, options);
  }
  /* Nothing left, so the answers to a hundred openings are all that it may pile up. */
  REQUIRE(side.failed);
  CHECK(side.failed->status == VISOR_EPROTO);
  CHECK(accepted <= 102);
}
