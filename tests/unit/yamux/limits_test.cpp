/* What a peer can make us hold, how long we wait for it, and what ends a session. */
#include "tests/unit/yamux/fixture.hpp"

using namespace visor;
using namespace visor::test;

namespace {

/* What a session is ended with when the peer sends this; it sent exactly one GoAway for it. */
struct Ending {
  std::string text;
  visor_status status = VISOR_OK;
  uint32_t reason = 0;
};

Ending ending_after(const std::vector<Bytes>& frames, yamux::Options options = no_timeouts()) {
  MemoryHost memory;
  Side side(memory, std::move(options));
  side.mux->receive(update_frame(1, yamux::kSyn));
  memory.run();
  side.taken();
  for (const Bytes& wire : frames) side.mux->receive(wire);
  REQUIRE(side.failed);
  auto sent = headers(side.taken());
  REQUIRE_FALSE(sent.empty());
  CHECK(sent.back().type == Type::GoAway);
  memory.run();
  CHECK(side.sent.empty());
  CHECK(side.mux->counters().streams == 0);
  for (auto& user : side.users) {
    REQUIRE(user->closed);
    CHECK(user->closed->status == side.failed->status);
    CHECK(user->closed->text == side.failed->text);
  }
  CHECK(side.mux->open().error().status == VISOR_ECLOSED);
  side.mux->receive(update_frame(3, yamux::kSyn)); /* heard no more */
  CHECK(side.mux->counters().accepted == 1);
  return {side.failed->text, side.failed->status, sent.back().length};
}

}  // namespace

TEST_CASE("a peer that breaks the protocol ends the session, and both sides learn why", "[yamux]") {
  struct Row {
    std::vector<Bytes> frames;
    const char* text;
  };
  Bytes version = update_frame(1, 0), type = update_frame(1, 0);
  version[0] = 1;
  type[1] = 9;
  Bytes window(yamux::kWindow, 1);
  for (const Row& row : {Row{{version}, "yamux: expected a frame of version 0; got version 1"},
                         Row{{type}, "yamux: expected a frame of type 0 to 3; got type 9"},
                         Row{{update_frame(1, yamux::kFin), update_frame(1, yamux::kFin)},
                             "yamux: expected no second end of stream 1"},
                         Row{{data_frame(1, {}, yamux::kFin), data_frame(1, {}, yamux::kFin)},
                             "yamux: expected no second end of stream 1"},
                         Row{{update_frame(1, yamux::kSyn)},
                             "yamux: expected a new odd number for a stream that the peer opens; got 1"},
                         Row{{update_frame(4, yamux::kSyn)},
                             "yamux: expected a new odd number for a stream that the peer opens; got 4"},
                         Row{{update_frame(0, yamux::kSyn)},
                             "yamux: expected a new odd number for a stream that the peer opens; got 0"},
                         Row{{data_frame(1, window), data_frame(1, window), data_frame(1, bytes("x"))},
                             "yamux: expected no more than the granted window, at most 262144 bytes; got a "
                             "frame of 262144 bytes "
                             "beyond it on stream 1"},
                         Row{{frame({Type::Data, 0, 77, yamux::kWindow + 1})},
                             "yamux: expected no more than the granted window, at most 262144 bytes; got a "
                             "frame of 262145 bytes "
                             "beyond it on stream 77"},
                         Row{{frame({Type::GoAway, 0, 0, 7})},
                             "yamux: expected a reason from 0 to 2 for going away; got 7"}}) {
    Ending ending = ending_after(row.frames);
    CHECK(ending.text == row.text);
    CHECK(ending.status == VISOR_EPROTO);
    CHECK(ending.reason == yamux::kProtocolError);
  }
  CHECK(ending_after({frame({Type::GoAway, 0, 0, yamux::kProtocolError})}).status == VISOR_EPROTO);
  CHECK(ending_after({frame({Type::GoAway, 0, 0, yamux::kInternalError})}).status == VISOR_ECLOSED);
}

TEST_CASE("a client's peer has even numbers", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  side.mux->receive(update_frame(2, yamux::kSyn));
  CHECK(side.users.size() == 1);
  side.mux->receive(update_frame(3, yamux::kSyn));
  REQUIRE(side.failed);
  CHECK(side.failed->text == "yamux: expected a new even number for a stream that the peer opens; got 3");
}

TEST_CASE("a window is spent only as far as it was granted", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  side.pause_accepted = true;
  side.mux->receive(data_frame(1, Bytes(yamux::kWindow - 1, 1), yamux::kSyn));
  CHECK_FALSE(side.failed);
  side.mux->receive(data_frame(1, bytes("x")));
  CHECK_FALSE(side.failed);
  side.mux->receive(data_frame(1, bytes("x")));
  REQUIRE(side.failed);
  CHECK(side.failed->status == VISOR_EPROTO);
}

TEST_CASE("frames for streams that are not there are dropped", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  Bytes wire = data_frame(9, Bytes(1000, 1));
  codec::append(wire, update_frame(9, 0, 5));
  codec::append(wire, update_frame(9, yamux::kFin));
  codec::append(wire, update_frame(9, yamux::kRst));
  codec::append(wire, data_frame(9, Bytes(7, 1), yamux::kFin | yamux::kAck));
  codec::append(wire, update_frame(1, yamux::kSyn | yamux::kFin)); /* what follows is still understood */
  codec::append(wire, data_frame(1, bytes("after its end")));
  codec::append(wire, update_frame(1, 0x8000));                /* flags nobody knows */
  codec::append(wire, frame({Type::Ping, 0, 0, 7}));           /* neither asked nor answered */
  codec::append(wire, frame({Type::Ping, yamux::kAck, 0, 7})); /* an answer to nothing */
  side.mux->receive(wire);
  CHECK_FALSE(side.failed);
  REQUIRE(side.users.size() == 1);
  CHECK(side.users[0]->ended);
  CHECK(side.users[0]->data.empty());
  CHECK(side.mux->counters().dropped_payload == 1007 + 13);
  CHECK(side.mux->counters().received_payload == 0);
  memory.run();
  CHECK(to_text(side.sent) == "window 2 1 0");
}

TEST_CASE("streams beyond the limits are reset, not accepted", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.limits.streams = 5;
  options.limits.unacknowledged_in = 3;
  MemoryHost memory;
  Side side(memory, options);
  for (uint32_t id : {1u, 3u, 5u, 7u}) side.mux->receive(data_frame(id, bytes("abc"), yamux::kSyn));
  memory.run();
  CHECK(side.users.size() == 3);
  CHECK(to_text(side.taken()) == "window 8 7 0, window 2 1 0, window 2 3 0, window 2 5 0");
  for (uint32_t id : {9u, 11u, 13u}) side.mux->receive(update_frame(id, yamux::kSyn));
  memory.run();
  CHECK(side.users.size() == 5);
  CHECK(side.mux->counters().refused == 2);
  CHECK(side.mux->counters().dropped_payload == 3);
  CHECK_FALSE(side.failed);
  auto ours = side.mux->open();
  REQUIRE_FALSE(ours);
  CHECK(ours.error().status == VISOR_ENOSPC);
  CHECK(ours.error().text == "the session has 5 streams, its limit: close one first");
}

TEST_CASE("streams of ours wait for the peer's acknowledgements", "[yamux]") {
  yamux::Options options = no_timeouts({.client = true});
  options.limits.unacknowledged_out = 2;
  MemoryHost memory;
  Side side(memory, options);
  side.open();
  side.open();
  auto third = side.mux->open();
  REQUIRE_FALSE(third);
  CHECK(third.error().status == VISOR_EAGAIN);
  side.mux->receive(update_frame(3, yamux::kAck));
  side.mux->receive(update_frame(3, yamux::kAck)); /* said twice, counted once */
  CHECK(side.mux->counters().unacknowledged_out == 1);
  side.open();
  side.users[0]->stream.close();
  CHECK(side.mux->counters().unacknowledged_out == 1);
}

TEST_CASE("the unread bytes of all streams are bounded, and who holds most pays", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.limits.unread_bytes = 300000;
  MemoryHost memory;
  Side side(memory, options);
  side.pause_accepted = true;
  side.mux->receive(data_frame(1, Bytes(100000, 1), yamux::kSyn));
  side.mux->receive(data_frame(3, Bytes(150000, 1), yamux::kSyn));
  CHECK(side.mux->counters().unread_bytes == 250000);
  memory.run();
  side.taken();
  side.mux->receive(data_frame(5, Bytes(60000, 1), yamux::kSyn));
  CHECK(side.mux->counters().unread_bytes == 160000);
  CHECK(side.mux->counters().streams == 2);
  memory.run();
  REQUIRE(side.users[1]->closed);
  CHECK(side.users[1]->closed->status == VISOR_ENOSPC);
  CHECK(side.users[1]->closed->text ==
        "the session's streams hold more than 300000 unread bytes, this one most");
  CHECK(to_text(side.sent) == "window 8 3 0, window 2 5 0");
  CHECK_FALSE(side.failed);
}

TEST_CASE("a peer that floods a session with frames without payload is left", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.limits.empty_frames = 100;
  options.limits.empty_frames_s = 1000;
  MemoryHost memory;
  Side side(memory, options);
  side.mux->receive(data_frame(1, Bytes(10, 1), yamux::kSyn));
  for (int i = 0; i < 100; ++i) side.mux->receive(update_frame(77, 0, 1)); /* no such stream */
  CHECK_FALSE(side.failed);
  for (int i = 0; i < 200; ++i) side.mux->receive(data_frame(1, Bytes(1, 1)));
  CHECK_FALSE(side.failed); /* payload is bounded by windows */
  memory.advance_ms(50);
  for (int i = 0; i < 50; ++i) side.mux->receive(data_frame(1, {}));
  CHECK_FALSE(side.failed);
  memory.advance_ms(3600000); /* an hour of silence earns no more than the first lot */
  for (int i = 0; i < 100; ++i) side.mux->receive(frame({Type::Ping, yamux::kAck, 0, 0}));
  CHECK_FALSE(side.failed);
  side.mux->receive(frame({Type::Ping, yamux::kAck, 0, 0}));
  REQUIRE(side.failed);
  CHECK(side.failed->text == "yamux: the peer sends more than 1000 frames without payload a second");
}

TEST_CASE("a peer that asks and never reads the answers is left", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.limits.control_bytes = 1200;
  MemoryHost memory;
  Side side(memory, options);
  side.blocked = true;
  side.mux->receive(frame({Type::Ping, yamux::kSyn, 0, 0}));
  memory.run();
  side.taken();
  uint32_t asked = 0;
  while (!side.failed && asked < 1000) side.mux->receive(frame({Type::Ping, yamux::kSyn, 0, ++asked}));
  CHECK(asked == 102);
  REQUIRE(side.failed);
  CHECK(side.failed->text == "yamux: the peer asks and does not read: more than 1200 bytes of answers wait");
}

TEST_CASE("pings are answered with their number, and ours measure the way", "[yamux]") {
  MemoryHost memory;
  Side side(memory, {.client = true});
  side.mux->receive(frame({Type::Ping, yamux::kSyn, 0, 0xdeadbeef}));
  memory.run();
  CHECK(to_hex(side.taken()) == "0002000200000000deadbeef");
  memory.advance_ms(30000);
  CHECK(to_hex(side.taken()) == "000200010000000000000000");
  memory.advance_ms(12);
  side.mux->receive(frame({Type::Ping, yamux::kAck, 0, 0}));
  CHECK(side.mux->counters().round_trip_ns == 12000000);
  memory.advance_ms(30000 - 12);
  CHECK(to_hex(side.taken()) == "000200010000000000000001");
  memory.advance_ms(9999);
  side.mux->receive(frame({Type::Ping, yamux::kAck, 0, 0})); /* not the one that was asked */
  CHECK_FALSE(side.failed);
  memory.advance_ms(1);
  REQUIRE(side.failed);
  CHECK(side.failed->status == VISOR_ETIMEDOUT);
  CHECK(side.failed->text == "yamux: the peer did not answer a ping within 10000 ms");
  CHECK(to_text(side.sent) == "away 0 0 0");
  CHECK(memory.timers() == 0);
}

TEST_CASE("a stream that is not acknowledged in time ends the session", "[yamux]") {
  yamux::Options options = no_timeouts({.client = true});
  options.timeouts.syn_ms = 1000;
  MemoryHost memory;
  Side side(memory, options);
  side.open();
  memory.run();
  side.mux->receive(update_frame(1, yamux::kAck));
  memory.advance_ms(5000);
  CHECK_FALSE(side.failed);
  side.open();
  memory.advance_ms(999);
  CHECK_FALSE(side.failed);
  memory.advance_ms(251);
  REQUIRE(side.failed);
  CHECK(side.failed->status == VISOR_ETIMEDOUT);
  CHECK(side.failed->text == "yamux: stream 3 was not acknowledged within 1000 ms");
}

TEST_CASE("time counts from when the opening has left", "[yamux]") {
  yamux::Options options = no_timeouts({.client = true});
  options.timeouts.syn_ms = 1000;
  MemoryHost memory;
  Side side(memory, options);
  side.blocked = true;
  side.open();
  memory.run(); /* the first batch leaves and blocks */
  side.mux->receive(update_frame(1, yamux::kAck));
  side.open();
  memory.advance_ms(5000);
  CHECK_FALSE(side.failed);
  side.mux->writable();
  memory.advance_ms(1250);
  CHECK(side.failed);
}

TEST_CASE("a peer that never answers our end is forgotten, one that still sends is not", "[yamux]") {
  yamux::Options options = no_timeouts();
  options.timeouts.fin_ms = 1000;
  MemoryHost memory;
  Side side(memory, options);
  side.mux->receive(update_frame(1, yamux::kSyn));
  StreamUser& user = *side.users[0];
  user.stream.end();
  memory.run();
  side.taken();
  for (int i = 0; i < 5; ++i) {
    memory.advance_ms(900);
    side.mux->receive(data_frame(1, bytes("x")));
  }
  CHECK_FALSE(user.closed);
  user.stream.pause(true); /* nobody can tell whether it would send */
  memory.advance_ms(5000);
  CHECK_FALSE(user.closed);
  user.stream.pause(false);
  memory.advance_ms(1250);
  REQUIRE(user.closed);
  CHECK(user.closed->status == VISOR_ETIMEDOUT);
  CHECK(user.closed->text == "the peer neither sent nor ended within 1000 ms after our end");
  CHECK(to_text(side.sent) == "window 8 1 0");
  CHECK_FALSE(side.failed);
  memory.advance_ms(1000);
  CHECK(memory.timers() == 0); /* without streams there is nothing to watch */
}

TEST_CASE("leaving: what is open goes on, nothing new begins", "[yamux]") {
  Pair pair;
  StreamUser& before = pair.client.open();
  pair.run();
  pair.server.mux->go_away();
  CHECK(pair.server.mux->open().error().status == VISOR_ECLOSED);
  StreamUser& crossing = pair.client.open();
  CHECK(crossing.write("too late") == VISOR_OK);
  pair.run();
  REQUIRE(crossing.closed);
  CHECK(crossing.closed->status == VISOR_ECLOSED);
  CHECK(pair.client.mux->open().error().status == VISOR_ECLOSED);
  CHECK(before.write("goes on") == VISOR_OK);
  pair.run();
  CHECK(pair.server.users[0]->text() == "goes on");
  CHECK_FALSE(pair.client.failed);
  CHECK_FALSE(pair.server.failed);
}

TEST_CASE("without anybody to accept, streams are refused", "[yamux]") {
  MemoryHost memory;
  Bytes sent;
  yamux::Multiplexer mux(memory.host(), no_timeouts(),
                         [&](std::span<const visor_span> parts) {
                           for (const visor_span& part : parts) codec::append(sent, bytes(part));
                           return true;
                         },
                         {});
  mux.receive(update_frame(1, yamux::kSyn));
  memory.run();
  CHECK(to_text(sent) == "window 10 1 0");
  mux.receive(Bytes(12, 9)); /* and failing without anybody to tell is quiet */
  CHECK(mux.open().error().status == VISOR_ECLOSED);
}
