/* Streams from their user's side: reading, handing on, and every order of ends. */
#include "tests/unit/yamux/fixture.hpp"

using namespace visor;
using namespace visor::test;

TEST_CASE("both sides open streams and talk, however the wire cuts", "[yamux]") {
  for (size_t piece : {size_t(SIZE_MAX), size_t(1), size_t(5), size_t(12), size_t(13)}) {
    Pair pair(no_timeouts(), piece);
    StreamUser& first = pair.client.open();
    StreamUser& second = pair.server.open();
    CHECK(first.write("from client") == VISOR_OK);
    CHECK(second.write("from server") == VISOR_OK);
    pair.run();
    REQUIRE(pair.server.users.size() == 2); /* its own and the accepted one */
    REQUIRE(pair.client.users.size() == 2);
    StreamUser& first_there = *pair.server.users[1];
    StreamUser& second_there = *pair.client.users[1];
    CHECK(first_there.text() == "from client");
    CHECK(second_there.text() == "from server");
    CHECK(first_there.write("back") == VISOR_OK);
    first_there.stream.end();
    pair.run();
    CHECK(first.text() == "back");
    CHECK(first.ended);
    CHECK_FALSE(first.closed);
    CHECK(first.write("still ours") == VISOR_OK);
    first.stream.end();
    pair.run();
    CHECK(first_there.text() == "from clientstill ours");
    REQUIRE(first.closed);
    CHECK(first.closed->status == VISOR_OK);
    REQUIRE(first_there.closed);
    CHECK(first_there.closed->status == VISOR_OK);
    CHECK(pair.client.mux->counters().streams == 1);
    CHECK(pair.server.mux->counters().streams == 1);
    CHECK(pair.client.mux->counters().sent_payload == 21);
    CHECK(pair.server.mux->counters().received_payload == 21);
    CHECK(pair.client.mux->counters().sent_bytes == pair.server.mux->counters().received_bytes);
    CHECK(pair.client.mux->counters().sent_frames == pair.server.mux->counters().received_frames);
    CHECK(pair.client.mux->idle());
  }
}

TEST_CASE("everything of one turn leaves in one write", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  for (int i = 0; i < 3; ++i) {
    StreamUser& user = side.open();
    CHECK(user.write("a") == VISOR_OK);
    CHECK(user.write("b") == VISOR_OK);
  }
  side.users[0]->stream.end();
  memory.run();
  CHECK(side.writes == 1);
  CHECK(to_text(side.sent) ==
        "window 1 1 0, data 0 1 2, window 4 1 0, window 1 3 0, data 0 3 2, window 1 5 0, data 0 5 2");
  CHECK(side.idles == 1);
}

TEST_CASE("a stream is handed on with everything behind its head unread", "[yamux]") {
  /* Port and payload in one frame, in two, and byte by byte. */
  for (size_t piece : {size_t(SIZE_MAX), size_t(1), size_t(13), size_t(14), size_t(15)}) {
    Pair pair(no_timeouts({.head_bytes = 2}), piece);
    Bytes head;
    visor_stream* handed_on = nullptr;
    Stream reader;
    pair.server.on_accept = [&](visor_stream* raw) {
      reader = Stream(pair.server.host, raw);
      reader.attach({.data =
                         [&](ByteView data) {
                           codec::append(head, data);
                           if (head.size() == 2) handed_on = reader.release();
                         },
                     .end = {},
                     .ready = {},
                     .closed = {}});
    };
    StreamUser& dialer = pair.client.open();
    CHECK(dialer.write(std::string_view("\0\x32"
                                        "payload",
                                        9)) == VISOR_OK);
    dialer.stream.end();
    pair.run();
    CHECK(to_hex(head) == "0032");
    REQUIRE(handed_on);
    CHECK(pair.server.mux->counters().unread_bytes == 7);

    StreamUser user(pair.server.host, handed_on);
    CHECK(user.data.empty()); /* nothing inside attach */
    pair.run();
    CHECK(user.text() == "payload");
    CHECK(user.ended);
    CHECK(pair.server.mux->counters().unread_bytes == 0);
    CHECK(user.write("answer") == VISOR_OK);
    user.stream.end();
    pair.run();
    CHECK(dialer.text() == "answer");
    CHECK(dialer.closed);
    CHECK(user.closed);
  }
}

TEST_CASE("a stream handed on inside the event goes on at once", "[yamux]") {
  Pair pair(no_timeouts({.head_bytes = 2}));
  std::unique_ptr<StreamUser> user;
  Stream reader;
  pair.server.on_accept = [&](visor_stream* raw) {
    reader = Stream(pair.server.host, raw);
    reader.attach(
        {.data = [&](ByteView) { user = std::make_unique<StreamUser>(pair.server.host, reader.release()); },
         .end = {},
         .ready = {},
         .closed = {}});
  };
  StreamUser& dialer = pair.client.open();
  CHECK(dialer.write("12345") == VISOR_OK);
  pair.run();
  REQUIRE(user);
  CHECK(user->text() == "345");
}

TEST_CASE("the head is cut off the peer's streams only", "[yamux]") {
  Pair pair(no_timeouts({.head_bytes = 4}));
  StreamUser& ours = pair.client.open();
  CHECK(ours.write("123456789") == VISOR_OK);
  pair.run();
  StreamUser& theirs = *pair.server.users[0];
  CHECK(theirs.pieces == std::vector<size_t>{4, 5});
  CHECK(theirs.write("123456789") == VISOR_OK);
  pair.run();
  CHECK(ours.pieces == std::vector<size_t>{9});
}

TEST_CASE("who pauses keeps what came, in order, up to the end", "[yamux]") {
  Pair pair;
  StreamUser& writer = pair.client.open();
  CHECK(writer.write("one ") == VISOR_OK);
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  reader.stream.pause(true);
  CHECK(writer.write("two ") == VISOR_OK);
  pair.run();
  CHECK(writer.write("three") == VISOR_OK);
  writer.stream.end();
  pair.run();
  CHECK(reader.text() == "one ");
  CHECK_FALSE(reader.ended);
  reader.stream.pause(false);
  CHECK(reader.text() == "one "); /* nothing inside pause */
  pair.run();
  CHECK(reader.text() == "one two three");
  CHECK(reader.ended);
}

TEST_CASE("pausing inside the event stops the rest of the same arrival", "[yamux]") {
  Pair pair;
  StreamUser& writer = pair.client.open();
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  reader.on_data = [&] { reader.stream.pause(true); };
  Bytes wire = data_frame(1, bytes("first"));
  codec::append(wire, data_frame(1, bytes("second")));
  pair.server.mux->receive(wire);
  CHECK(reader.text() == "first");
  reader.on_data = {};
  reader.stream.pause(false);
  pair.run();
  CHECK(reader.text() == "firstsecond");
  CHECK_FALSE(writer.closed);
}

TEST_CASE("closing tells the peer by RST, or by FIN where nothing is lost", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  auto accepted = [&](uint32_t id) -> StreamUser& {
    side.mux->receive(update_frame(id, yamux::kSyn));
    memory.run();
    side.taken();
    return *side.users.back();
  };
  SECTION("the peer may still be sending") {
    accepted(1).stream.close();
    memory.run();
    CHECK(to_text(side.sent) == "window 8 1 0");
    CHECK(side.mux->counters().reset == 1);
  }
  SECTION("both had ended") {
    StreamUser& user = accepted(1);
    user.stream.end();
    side.mux->receive(update_frame(1, yamux::kFin));
    memory.run();
    CHECK(to_text(side.sent) == "window 4 1 0");
    REQUIRE(user.closed);
    CHECK(user.closed->status == VISOR_OK);
  }
  SECTION("the peer had ended and all was read") {
    StreamUser& user = accepted(1);
    side.mux->receive(data_frame(1, bytes("x"), yamux::kFin));
    CHECK(user.ended);
    user.stream.close();
    memory.run();
    CHECK(to_text(side.sent) == "window 4 1 0");
    CHECK(side.mux->counters().reset == 0);
  }
  SECTION("the peer had ended, but our bytes have not left") {
    StreamUser& user = accepted(1);
    side.mux->receive(update_frame(1, yamux::kFin));
    CHECK(user.write("lost") == VISOR_OK);
    user.stream.close();
    memory.run();
    CHECK(to_text(side.sent) == "window 8 1 0");
  }
  SECTION("the peer had ended, but its bytes were not read") {
    StreamUser& user = accepted(1);
    user.stream.pause(true);
    side.mux->receive(data_frame(1, bytes("unread"), yamux::kFin));
    user.stream.close();
    memory.run();
    CHECK(to_text(side.sent) == "window 8 1 0");
    CHECK(side.mux->counters().unread_bytes == 0);
  }
  SECTION("refused at once: acknowledged all the same") {
    side.on_accept = [](visor_stream* raw) { raw->api->close(raw); };
    side.mux->receive(update_frame(3, yamux::kSyn));
    memory.run();
    CHECK(to_text(side.sent) == "window 10 3 0");
  }
  SECTION("ours, which the peer has never seen") {
    StreamUser& user = side.open();
    CHECK(user.write("never sent") == VISOR_OK);
    user.stream.close();
    memory.run();
    CHECK(side.sent.empty());
  }
  memory.run();
  CHECK(side.mux->counters().streams == 0);
  CHECK(side.mux->counters().queued_bytes == 0);
  CHECK(side.mux->counters().unacknowledged_in == 0);
  CHECK(side.mux->counters().unacknowledged_out == 0);
}

TEST_CASE("closing inside the data event drops the rest of the frame", "[yamux]") {
  Pair pair;
  StreamUser& writer = pair.client.open();
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  reader.on_data = [&] { reader.stream.close(); };
  Bytes wire = data_frame(1, Bytes(100, 7));
  codec::append(wire, data_frame(1, Bytes(50, 7), yamux::kFin));
  pair.server.mux->receive(ByteView(wire).first(20)); /* 8 bytes of the body */
  pair.server.mux->receive(ByteView(wire).subspan(20));
  CHECK(reader.data.size() == 8);
  CHECK(pair.server.mux->counters().dropped_payload == 142);
  CHECK_FALSE(pair.server.failed);
  pair.run();
  REQUIRE(writer.closed);
  CHECK(writer.closed->status == VISOR_ECLOSED);
  CHECK(writer.closed->text == "the peer reset the stream");
}

TEST_CASE("a reset by the peer ends the stream at once, unread bytes and all", "[yamux]") {
  Pair pair;
  pair.server.pause_accepted = true;
  StreamUser& writer = pair.client.open();
  CHECK(writer.write("unread") == VISOR_OK);
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  CHECK(reader.write("on its way") == VISOR_OK);
  writer.stream.close();
  pair.run();
  REQUIRE(reader.closed);
  CHECK(reader.closed->status == VISOR_ECLOSED);
  CHECK(reader.data.empty());
  CHECK(pair.server.mux->counters().streams == 0);
  CHECK(pair.server.mux->counters().unread_bytes == 0);
  CHECK(pair.client.mux->counters().dropped_payload == 10); /* it crossed the reset */
}

TEST_CASE("the end of the session ends streams after what they had received", "[yamux]") {
  Pair pair;
  StreamUser& first = pair.client.open();
  StreamUser& second = pair.client.open();
  CHECK(first.write("unread") == VISOR_OK);
  pair.server.pause_accepted = true;
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  StreamUser& idle = *pair.server.users[1];
  pair.server.mux->close({VISOR_ECLOSED, "the cable was cut"});
  pair.memory.run();
  REQUIRE(idle.closed);
  CHECK(idle.closed->status == VISOR_ECLOSED);
  CHECK(idle.closed->text == "the cable was cut");
  CHECK_FALSE(reader.closed);
  CHECK(reader.write("x") == VISOR_ECLOSED);
  pair.server.mux.reset(); /* the stream does not need it */
  reader.stream.pause(false);
  pair.memory.run();
  CHECK(reader.text() == "unread");
  REQUIRE(reader.closed);
  CHECK(reader.closed->text == "the cable was cut");
  CHECK_FALSE(first.closed);
  CHECK_FALSE(second.closed);
}

TEST_CASE("a writer that waits for room learns that the session is over", "[yamux]") {
  MemoryHost memory;
  Side side(memory, no_timeouts());
  side.pause_accepted = true;
  side.mux->receive(data_frame(1, bytes("unread"), yamux::kSyn));
  StreamUser& user = *side.users[0];
  Bytes block(yamux::kWindow, 1);
  while (user.stream.write(block) == VISOR_OK) memory.run();
  int before = user.readies;
  side.mux->close({VISOR_ECLOSED, "gone"});
  memory.run();
  CHECK(user.readies == before + 1);
  CHECK(user.stream.write(block) == VISOR_ECLOSED);
  CHECK_FALSE(user.closed); /* it has something to read first */
}

TEST_CASE("destroying the multiplexer cancels its streams", "[yamux]") {
  Pair pair;
  pair.server.pause_accepted = true;
  StreamUser& writer = pair.client.open();
  CHECK(writer.write("unread") == VISOR_OK);
  pair.run();
  StreamUser& reader = *pair.server.users[0];
  pair.server.mux.reset();
  pair.client.mux.reset();
  pair.memory.run();
  REQUIRE(reader.closed);
  CHECK(reader.closed->status == VISOR_ECANCELED);
  REQUIRE(writer.closed);
  CHECK(writer.closed->status == VISOR_ECANCELED);
}

TEST_CASE("every callback may destroy the multiplexer", "[yamux]") {
  Pair pair;
  StreamUser& user = pair.client.open();
  auto destroy = [&] { pair.server.mux.reset(); };
  Bytes more = data_frame(1, bytes("and more"));
  codec::append(more, update_frame(3, yamux::kSyn));
  SECTION("accepting") {
    pair.server.on_accept = [&](visor_stream* raw) {
      raw->api->close(raw);
      destroy();
    };
    Bytes wire = data_frame(1, bytes("with the opening"), yamux::kSyn);
    codec::append(wire, more);
    pair.server.mux->receive(wire);
  }
  SECTION("reading") {
    pair.run();
    pair.server.users[0]->on_data = destroy;
    pair.server.mux->receive(more);
    CHECK(pair.server.users.size() == 1);
  }
  SECTION("reading what was kept") {
    pair.server.pause_accepted = true;
    CHECK(user.write("kept") == VISOR_OK);
    pair.run();
    pair.server.users[0]->on_data = destroy;
    pair.server.users[0]->stream.pause(false);
  }
  SECTION("ready") {
    pair.run();
    StreamUser& writer = *pair.server.users[0];
    while (writer.stream.write(Bytes(yamux::kWindow, 1)) == VISOR_OK) {
    }
    writer.on_ready = destroy;
    pair.run();
    CHECK(writer.readies == 1);
  }
  SECTION("failing") {
    pair.server.on_failed = destroy;
    pair.server.mux->receive(Bytes(12, 0xff));
  }
  pair.memory.run();
  CHECK_FALSE(pair.server.mux);
}

TEST_CASE("streams say whose they are", "[yamux]") {
  yamux::Options options = no_timeouts({.client = true});
  options.peer.bytes[0] = 2;
  options.peer.bytes[32] = 9;
  options.origin = "192.0.2.7:4242, a text longer than any small string";
  MemoryHost memory;
  Side side(memory, options);
  auto raw = side.mux->open(50);
  REQUIRE(raw);
  StreamUser user(side.host, *raw);
  side.mux.reset(); /* what it says does not need the session */
  REQUIRE(user.stream.peer());
  CHECK(user.stream.peer()->key == options.peer);
  CHECK(user.stream.peer()->port == 50);
  CHECK(user.stream.origin() == options.origin);
}
