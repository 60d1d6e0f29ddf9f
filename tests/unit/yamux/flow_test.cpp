/* Windows, queues and turns: who has to wait, and who must not. */
#include "tests/unit/yamux/fixture.hpp"

using namespace visor;
using namespace visor::test;

TEST_CASE("the window is granted again once half of it was read", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  side.mux->receive(update_frame(1, yamux::kSyn));
  memory.run();
  CHECK(to_text(side.taken()) == "window 2 1 0");
  Bytes half(yamux::kWindow / 2, 1);
  side.mux->receive(data_frame(1, ByteView(half).first(half.size() - 1)));
  memory.run();
  CHECK(side.taken().empty());
  side.mux->receive(data_frame(1, bytes("x")));
  memory.run();
  CHECK(to_text(side.taken()) == "window 0 1 131072");
  side.mux->receive(data_frame(1, half));
  side.mux->receive(data_frame(1, half)); /* two grants of one turn are one */
  memory.run();
  CHECK(to_text(side.taken()) == "window 0 1 262144");
}

TEST_CASE("a reader that pauses grants nothing, and what it reads later is granted then", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  side.pause_accepted = true;
  side.mux->receive(data_frame(1, Bytes(yamux::kWindow, 1), yamux::kSyn));
  memory.run();
  CHECK(to_text(side.taken()) == "window 2 1 0");
  CHECK(side.mux->counters().unread_bytes == yamux::kWindow);
  side.users[0]->stream.pause(false);
  memory.run();
  CHECK(to_text(side.taken()) == "window 0 1 262144");
  CHECK(side.mux->counters().unread_bytes == 0);
}

TEST_CASE("no window is granted to a peer that has ended", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  side.mux->receive(update_frame(1, yamux::kSyn));
  memory.run();
  side.taken();
  side.mux->receive(data_frame(1, Bytes(200000, 1), yamux::kFin));
  memory.run();
  CHECK(side.users[0]->ended);
  CHECK(side.sent.empty());
  CHECK(side.writes == 1); /* the acknowledgement; nothing is not written either */
  side.users[0]->stream.close();
  memory.run();
  CHECK(to_text(side.taken()) == "window 4 1 0");
}

TEST_CASE("a writer stops at the peer's window and goes on when it grows", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  StreamUser& user = side.open();
  Bytes block(100000, 1);
  size_t written = 0;
  while (user.stream.write(block) == VISOR_OK) {
    written += block.size();
    memory.run();
    REQUIRE(written <= 1000000);
  }
  /* The window has left, as much again waits in the queue. */
  CHECK(written == 500000);
  CHECK(side.mux->counters().sent_payload == yamux::kWindow);
  CHECK(side.mux->counters().queued_bytes == written - yamux::kWindow);
  CHECK(user.readies == 0);
  CHECK_FALSE(side.mux->idle());
  side.taken();

  side.mux->receive(update_frame(1, yamux::kAck, 100));
  memory.run();
  CHECK(to_text(side.taken()) == "data 0 1 100");
  CHECK(user.readies == 0); /* half of the queue is not free yet */
  side.mux->receive(update_frame(1, 0, 200000));
  memory.run();
  CHECK(user.readies == 1);
  CHECK(user.stream.write(block) == VISOR_OK);
  user.stream.end();
  side.mux->receive(update_frame(1, 0, UINT32_MAX));
  side.mux->receive(update_frame(1, 0, UINT32_MAX)); /* a window past all bounds is just a large one */
  memory.run();
  CHECK(side.mux->counters().sent_payload == written + block.size());
  CHECK(to_text(headers(side.taken()).back()) == "window 4 1 0");
  CHECK(side.mux->idle());
}

TEST_CASE("a write is all or nothing, and one that is larger than the queue fits an empty one", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  side.blocked = true;
  StreamUser& user = side.open();
  memory.run();
  Bytes mebibyte(1u << 20, 1);
  CHECK(user.stream.write(Bytes((1u << 20) + 1)) == VISOR_EINVAL);
  CHECK(user.stream.write(mebibyte) == VISOR_OK);
  CHECK(user.stream.write(bytes("x")) == VISOR_EAGAIN);
  CHECK(side.mux->counters().queued_bytes == mebibyte.size());
}

TEST_CASE("a slow reader stalls its own stream only", "[yamux]") {
  Pair pair;
  pair.server.pause_accepted = true;
  StreamUser& slow = pair.client.open();
  pair.run();
  pair.server.pause_accepted = false;
  StreamUser& fast = pair.client.open();
  pair.run();
  Bytes block(50000, 1);
  while (slow.stream.write(block) == VISOR_OK) pair.run();
  size_t written = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(fast.stream.write(block) == VISOR_OK);
    written += block.size();
    pair.run();
  }
  StreamUser& slow_there = *pair.server.users[0];
  StreamUser& fast_there = *pair.server.users[1];
  CHECK(fast_there.data.size() == written);
  CHECK(slow_there.data.empty());
  CHECK(pair.server.mux->counters().unread_bytes == yamux::kWindow);

  slow_there.stream.pause(false);
  pair.run();
  CHECK(slow.readies == 1);
  CHECK(slow_there.data.size() == pair.client.mux->counters().sent_payload - written);
  CHECK(pair.client.mux->counters().queued_bytes == 0);
}

TEST_CASE("streams take turns", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  StreamUser& bulk = side.open();
  CHECK(bulk.stream.write(Bytes(200000, 1)) == VISOR_OK);
  StreamUser& small = side.open();
  CHECK(small.write("hello") == VISOR_OK);
  memory.run();
  auto sent = headers(side.sent);
  REQUIRE(sent.size() > 5);
  CHECK(to_text(sent[1]) == "data 0 1 16384");
  CHECK(to_text(sent[3]) == "data 0 3 5");
  CHECK(to_text(sent[4]) == "data 0 1 16384");
}

TEST_CASE("a carrier that is full stops the output until it is writable again", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  side.blocked = true;
  StreamUser& user = side.open();
  CHECK(user.stream.write(Bytes(200000, 1)) == VISOR_OK);
  memory.run();
  CHECK(side.writes == 1); /* it took one batch and said stop */
  size_t first = side.sent.size();
  CHECK(first < 100000);
  CHECK(user.write("more") == VISOR_OK);
  memory.run();
  CHECK(side.writes == 1);
  side.blocked = false;
  side.mux->writable();
  CHECK(side.mux->counters().sent_payload == 200004);
  CHECK(side.mux->idle());
  CHECK(side.idles == 1);
}

TEST_CASE("what all streams queue together is bounded, and an idle stream may always say a little",
          "[yamux]") {
  MemoryHost memory;
  yamux::Options options = no_timeouts({.client = true});
  options.limits.queued_bytes = 500000;
  Side side(memory, options);
  for (int i = 0; i < 3; ++i) {
    StreamUser& user = side.open();
    CHECK(user.stream.write(Bytes(yamux::kWindow, 1)) == VISOR_OK); /* spends the window */
    memory.run();
  }
  CHECK(side.users[0]->stream.write(Bytes(250000, 1)) == VISOR_OK);
  CHECK(side.users[1]->stream.write(Bytes(250000, 1)) == VISOR_OK);
  StreamUser& third = *side.users[2];
  CHECK(third.stream.write(Bytes(10000, 1)) == VISOR_EAGAIN);
  CHECK(third.write("a little") == VISOR_OK);
  CHECK(third.stream.write(Bytes(10000, 1)) == VISOR_EAGAIN);
  CHECK(side.mux->counters().queued_bytes == 500008);

  SECTION("until bytes leave") {
    side.mux->receive(update_frame(1, yamux::kAck, 250000));
  }
  SECTION("until a stream is closed") {
    side.users[0]->stream.close();
  }
  memory.run();
  CHECK(third.readies == 1);
  CHECK(third.stream.write(Bytes(10000, 1)) == VISOR_OK);
}

TEST_CASE("thousands of streams live and die without a trace", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.limits.streams = 5000;
  Pair pair(options);
  constexpr int kRounds = 20, kStreams = 250;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kStreams; ++i) {
      CHECK(pair.client.open().write("stream " + std::to_string(round * kStreams + i)) == VISOR_OK);
    }
    pair.run();
  }
  REQUIRE(pair.server.users.size() == kRounds * kStreams);
  CHECK(pair.server.mux->counters().streams == kRounds * kStreams);
  for (int i = 0; i < kRounds * kStreams; ++i) {
    StreamUser& user = *pair.server.users[static_cast<size_t>(i)];
    REQUIRE(user.text() == "stream " + std::to_string(i));
    REQUIRE(user.write(user.text()) == VISOR_OK);
    user.stream.end();
  }
  pair.run();
  for (auto& user : pair.client.users) {
    REQUIRE(user->ended);
    user->stream.end();
  }
  pair.run();
  for (auto& user : pair.client.users) REQUIRE(user->closed);
  for (auto& user : pair.server.users) REQUIRE(user->closed);
  CHECK(pair.client.mux->counters().streams == 0);
  CHECK(pair.server.mux->counters().streams == 0);
  CHECK(pair.server.mux->counters().accepted == kRounds * kStreams);
  CHECK(pair.client.mux->idle());
}

TEST_CASE("random traffic arrives whole and in order", "[yamux]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Seeded seeded(seed);
    Pair pair(no_timeouts(), 1 + seeded.below(5000));
    struct Flow {
      StreamUser* writer;
      size_t accepted_as;
      Bytes sent;
    };
    std::vector<Flow> flows;
    for (size_t i = 0; i < 6; ++i) {
      flows.push_back({&pair.client.open(), i, {}});
      pair.run();
    }
    for (int step = 0; step < 300; ++step) {
      Flow& flow = flows[seeded.below(flows.size())];
      StreamUser& reader = *pair.server.users[flow.accepted_as];
      switch (seeded.below(4)) {
        case 0:
          reader.stream.pause(seeded.below(2) == 0);
          break;
        case 1:
          pair.client.blocked = seeded.below(3) == 0;
          if (!pair.client.blocked) pair.client.mux->writable();
          break;
        case 2:
          pair.run();
          break;
        default: {
          Bytes block = seeded.bytes(1 + seeded.below(seeded.below(10) == 0 ? 300000 : 3000));
          if (flow.writer->stream.write(block) == VISOR_OK) codec::append(flow.sent, block);
        }
      }
    }
    pair.client.blocked = false;
    for (Flow& flow : flows) {
      flow.writer->stream.end();
      pair.server.users[flow.accepted_as]->stream.pause(false);
    }
    pair.client.mux->writable();
    pair.run();
    for (Flow& flow : flows) {
      StreamUser& reader = *pair.server.users[flow.accepted_as];
      REQUIRE(reader.data == flow.sent);
      REQUIRE(reader.ended);
    }
    CHECK_FALSE(pair.server.failed);
    CHECK_FALSE(pair.client.failed);
    CHECK(pair.server.mux->counters().unread_bytes == 0);
    CHECK(pair.client.mux->counters().queued_bytes == 0);
  }
}
