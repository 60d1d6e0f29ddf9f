/* Peers that are not who they should be, say nothing, or say anything. */
#include "lib/noise/frames.hpp"
#include "lib/noise/handshake.hpp"
#include "tests/unit/session/fixture.hpp"

using namespace visor;
using namespace visor::test;

namespace {

visor_key some_key(uint8_t number) {
  MemoryHost memory;
  return *TestIdentity(memory.host(), number).key();
}

/* Everything that a dialer with these seeds sends in a short visit to the listener of Visit. */
constexpr uint64_t kDialerSeed = 11, kListenerSeed = 22;

struct Visit {
  MemoryHost pipe_memory, dialer_memory{kDialerSeed}, listener_memory{kListenerSeed};
  End dialer{dialer_memory.host(), 1}, listener{listener_memory.host(), 2};
  PipeEnd *dialer_end, *listener_end;

  Visit() {
    std::tie(dialer_end, listener_end) = PipeEnd::make(pipe_memory.host(), std::make_shared<PipeManners>());
    dialer.start(dialer_end, {.initiator = true, .payload = {1, 2, 3}});
    listener.start(listener_end, {});
    run();
    StreamUser& user = dialer.open();
    REQUIRE(user.write("how do you do") == VISOR_OK);
    user.stream.end();
    run();
    REQUIRE(listener.users.size() == 1);
    REQUIRE(listener.users[0]->text() == "how do you do");
  }
  void run() {
    while (pipe_memory.turn() || dialer_memory.turn() || listener_memory.turn()) {
    }
  }
};

/* The same listener, met by recorded or damaged bytes. */
struct Replay {
  MemoryHost memory{kListenerSeed};
  End listener{memory.host(), 2};
  std::unique_ptr<StreamUser> peer;

  explicit Replay(ByteView wire, size_t piece = SIZE_MAX) {
    auto manners = std::make_shared<PipeManners>();
    manners->piece = piece;
    auto [near, far] = PipeEnd::make(memory.host(), manners);
    listener.start(near, {});
    peer = std::make_unique<StreamUser>(memory.host(), far);
    (void)peer->stream.write(wire);
    memory.run();
  }
  bool heard_all() const {
    return listener.users.size() == 1 && listener.users[0]->text() == "how do you do" &&
           listener.users[0]->ended;
  }
};

}  // namespace

TEST_CASE("a dialer that meets somebody else says nothing of itself", "[session][hostile]") {
  Couple couple;
  couple.dialing.expected_peer = some_key(3);
  couple.start();
  couple.memory.run();
  REQUIRE(couple.dialer.closed);
  CHECK(couple.dialer.closed->status == VISOR_EPROTO);
  CHECK(couple.dialer.closed->text.find(to_hex(some_key(3))) != std::string::npos);
  CHECK(couple.dialer.closed->text.find(to_hex(some_key(2))) != std::string::npos);
  CHECK_FALSE(couple.dialer.peer);
  CHECK_FALSE(couple.listener.peer);
  REQUIRE(couple.listener.closed);
  CHECK(couple.listener.closed->status == VISOR_ECLOSED);
  CHECK(couple.listener.closed->text ==
        "the connection closed during the handshake, after 35 bytes; the peer may expect another key, or be "
        "another program: the other end closed");
}

TEST_CASE("a listener may know whom it expects, too", "[session][hostile]") {
  Couple couple;
  couple.listening.expected_peer = some_key(3);
  couple.start();
  couple.memory.run();
  REQUIRE(couple.listener.closed);
  CHECK(couple.listener.closed->status == VISOR_EPROTO);
  CHECK_FALSE(couple.listener.peer);
  REQUIRE(couple.dialer.closed);
  CHECK(couple.dialer.closed->status == VISOR_ECLOSED);
}

TEST_CASE("silence ends the handshake in time", "[session][hostile]") {
  bool initiator = GENERATE(true, false);
  Lonely lonely({.initiator = initiator});
  lonely.memory.advance_ms(4999);
  CHECK_FALSE(lonely.end.closed);
  lonely.memory.advance_ms(1);
  REQUIRE(lonely.end.closed);
  CHECK(lonely.end.closed->status == VISOR_ETIMEDOUT);
  CHECK(lonely.end.closed->text == "expected the handshake to end within 5000 ms; got 0 bytes from the peer");
  CHECK(lonely.peer->closed);
  CHECK(lonely.peer->data.size() == (initiator ? 35 : 0));
}

TEST_CASE("drops of bytes do not prolong the handshake", "[session][hostile]") {
  Lonely lonely;
  Bytes message = {0, 33, 2};
  message.resize(35, 1);
  size_t sent = 0;
  for (; sent < message.size() && !lonely.end.closed; ++sent) {
    lonely.receive(ByteView(message).subspan(sent, 1));
    lonely.memory.advance_ms(200);
  }
  CHECK(sent == 25);
  REQUIRE(lonely.end.closed);
  CHECK(lonely.end.closed->status == VISOR_ETIMEDOUT);
  CHECK(lonely.end.closed->text ==
        "expected the handshake to end within 5000 ms; got 25 bytes from the peer");
}

TEST_CASE("what is no handshake is refused as soon as that is known", "[session][hostile]") {
  struct Row {
    const char* name;
    std::string bytes;
  };
  for (const Row& row :
       {Row{"a message that is too long", std::string("\x0f\xff", 2)},
        Row{"the longest prefix", std::string("\xff\xff", 2)},
        Row{"an empty message", std::string("\x00\x00", 2)}, Row{"HTTP", "GET / HTTP/1.1\r\n\r\n"},
        Row{"a key that is no point", std::string("\x00\x21\x05", 3) + std::string(32, 'x')},
        Row{"a message that is too short", std::string("\x00\x05hello", 7)}}) {
    INFO(row.name);
    for (bool initiator : {true, false}) {
      Lonely lonely({.initiator = initiator});
      lonely.receive(bytes(std::string_view(row.bytes)));
      REQUIRE(lonely.end.closed);
      CHECK(lonely.end.closed->status == VISOR_EPROTO);
      CHECK_FALSE(lonely.end.closed->text.empty());
      CHECK(lonely.peer->closed);
      CHECK(lonely.end.closings == 1);
    }
  }
}

TEST_CASE("an identity that does not agree, and options that cannot be, end the session",
          "[session][hostile]") {
  SECTION("identity") {
    Couple couple;
    couple.dialer.identity.refuses = true;
    couple.start();
    couple.memory.run();
    REQUIRE(couple.dialer.closed);
    CHECK(couple.dialer.closed->status == VISOR_EPERM);
    CHECK(couple.dialer.closed->text == "handshake: this identity does not agree");
    CHECK(couple.listener.closed);
  }
  SECTION("the responder's identity") {
    Couple couple;
    couple.listener.identity.refuses = true;
    couple.start();
    couple.memory.run();
    REQUIRE(couple.listener.closed);
    CHECK(couple.listener.closed->status == VISOR_EPERM);
    CHECK(couple.dialer.closed);
  }
  SECTION("a payload without bounds") {
    Lonely lonely({.payload = Bytes(1025)});
    CHECK_FALSE(lonely.end.closed); /* never inside the constructor */
    lonely.memory.run();
    REQUIRE(lonely.end.closed);
    CHECK(lonely.end.closed->status == VISOR_EINVAL);
    CHECK(lonely.end.closed->text == "a session's payload has at most 1024 bytes; got 1025");
  }
  SECTION("XK without a key") {
    Lonely lonely({.initiator = true, .pattern = noise::Pattern::kXK});
    lonely.memory.run();
    REQUIRE(lonely.end.closed);
    CHECK(lonely.end.closed->status == VISOR_EINVAL);
  }
}

TEST_CASE("a peer's payload is taken as it is, whatever it is", "[session][hostile]") {
  Couple couple;
  couple.dialing.payload = Bytes(1024, 0xee);
  couple.listening.payload = {};
  couple.connect();
  CHECK(couple.listener.payload == Bytes(1024, 0xee));
  CHECK(couple.dialer.payload.empty());
}

TEST_CASE("a conversation that is cut anywhere waits, then goes on", "[session][hostile]") {
  Visit visit;
  Bytes wire = visit.dialer_end->written;
  {
    Replay whole(wire, 1);
    REQUIRE(whole.heard_all()); /* the recording fits the listener */
    CHECK(whole.listener.payload == Bytes{1, 2, 3});
  }
  for (size_t size = 0; size < wire.size(); ++size) {
    Replay replay(ByteView(wire).first(size));
    REQUIRE_FALSE(replay.listener.closed);
    REQUIRE_FALSE(replay.heard_all());
    (void)replay.peer->stream.write(ByteView(wire).subspan(size));
    replay.memory.run();
    REQUIRE(replay.heard_all());
  }
}

TEST_CASE("a conversation with one bit changed is not believed", "[session][hostile]") {
  Visit visit;
  Bytes wire = visit.dialer_end->written;
  Seeded seeded(5);
  size_t ended = 0;
  for (size_t at = 0; at < wire.size(); ++at) {
    Bytes damaged = wire;
    damaged[at] ^= static_cast<uint8_t>(1u << seeded.below(8));
    Replay replay(damaged, 64);
    REQUIRE_FALSE(replay.heard_all());
    if (replay.listener.closed) {
      ++ended;
      REQUIRE(replay.listener.closed->status == VISOR_EPROTO);
    } else {
      /* A longer length makes it wait for what will never come: the timeouts' work. */
      replay.memory.advance_ms(60000);
      REQUIRE(replay.listener.closed);
      REQUIRE(replay.listener.closed->status == VISOR_ETIMEDOUT);
    }
    REQUIRE(replay.listener.closings == 1);
  }
  CHECK(ended > wire.size() / 2);
}

TEST_CASE("a frame that is repeated, left out or too long ends the session", "[session][hostile]") {
  Visit visit;
  Bytes wire = visit.dialer_end->written;
  /* Handshake messages of 35 and 70 bytes, then one frame with everything. */
  size_t start = 35 + 67 + 3;
  REQUIRE(wire.size() > start);
  SECTION("repeated") {
    codec::append(wire, Bytes(wire.begin() + static_cast<ptrdiff_t>(start), wire.end()));
    Replay replay(wire);
    CHECK(replay.heard_all());
    REQUIRE(replay.listener.closed);
    CHECK(replay.listener.closed->status == VISOR_EPROTO);
    CHECK(replay.listener.closed->text == "expected a frame with a nonce above 1; got 1");
  }
  SECTION("too long") {
    wire.resize(start);
    codec::append(wire, bytes(std::string_view("\x0f\xff")));
    Replay replay(wire);
    REQUIRE(replay.listener.closed);
    CHECK(replay.listener.closed->status == VISOR_EPROTO);
  }
  SECTION("shorter than its own seal") {
    wire.resize(start);
    codec::append(wire, bytes(std::string_view("\x00\x17", 2)));
    Replay replay(wire);
    REQUIRE(replay.listener.closed);
    CHECK(replay.listener.closed->status == VISOR_EPROTO);
  }
}

namespace {

/* A dialer made of its parts, who has the keys and says what it likes. */
struct Insider {
  Lonely lonely;
  std::optional<noise::FrameWriter> writer;
  std::optional<noise::FrameReader> reader;

  Insider() {
    TestIdentity identity(lonely.memory.host(), 1);
    auto handshake = noise::Handshake::start(
        {.pattern = noise::Pattern::kXX,
         .role = noise::Role::kInitiator,
         .local_static = *identity.key(),
         .remote_static = {},
         .agree = [&](const visor_key& peer) -> Result<crypto::SharedSecret> {
           crypto::SharedSecret secret;
           REQUIRE(identity.agree(&peer, secret.data()) == VISOR_OK);
           return secret;
         },
         .random = [&](std::span<uint8_t> out) { lonely.memory.host().random(out); }});
    REQUIRE(handshake);
    /* Old peers put other things into their payloads, even in the clear. */
    lonely.receive(noise::frame_message(*handshake->write_message(Bytes(1184, 0x4d))));
    ByteView answer = lonely.peer->data;
    REQUIRE(answer.size() > 2);
    REQUIRE(handshake->read_message(answer.subspan(2)));
    lonely.receive(noise::frame_message(*handshake->write_message()));
    auto keys = handshake->finish();
    REQUIRE(keys);
    writer.emplace(std::move(keys->send));
    reader.emplace(std::move(keys->receive));
    lonely.peer->data.clear();
    REQUIRE(lonely.end.peer);
    CHECK(lonely.end.payload.empty());
  }
  void say(ByteView plain) {
    Bytes wire;
    REQUIRE(writer->write(plain, wire));
    lonely.receive(wire);
  }
  Bytes heard() {
    Bytes plain;
    REQUIRE(reader->read(std::exchange(lonely.peer->data, {}), plain));
    return plain;
  }
};

}  // namespace

TEST_CASE("a peer that breaks yamux inside its seal is told so", "[session][hostile]") {
  Insider insider;
  insider.say({}); /* an empty frame is a sign of life */
  insider.say(Bytes{0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0});
  CHECK(to_hex(insider.heard()) == "000100020000000100000000");
  REQUIRE(insider.lonely.end.users.size() == 1);
  insider.say(Bytes{0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  CHECK(to_hex(insider.heard()) == "000300000000000000000001"); /* GoAway, protocol error */
  REQUIRE(insider.lonely.end.closed);
  CHECK(insider.lonely.end.closed->status == VISOR_EPROTO);
  CHECK(insider.lonely.end.closed->text == "yamux: expected a frame of type 0 to 3; got type 9");
  REQUIRE(insider.lonely.end.users[0]->closed);
  CHECK(insider.lonely.end.users[0]->closed->text == insider.lonely.end.closed->text);
  CHECK(insider.lonely.peer->closed);
}

TEST_CASE("any bytes inside the seal leave the session in order or end it", "[session][hostile]") {
  size_t ended = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Seeded seeded(seed);
    Insider insider;
    for (int step = 0; step < 40 && !insider.lonely.end.closed; ++step) {
      Bytes plain{0, static_cast<uint8_t>(seeded.below(20) == 0 ? seeded.below(6) : 1),
                  0, static_cast<uint8_t>(seeded.below(16)),
                  0, 0,
                  0, static_cast<uint8_t>(seeded.below(12)),
                  0, 0,
                  0, 0};
      if (seeded.below(30) == 0) plain = seeded.bytes(seeded.below(40));
      insider.say(plain);
      (void)insider.heard();
    }
    ended += insider.lonely.end.closed ? 1 : 0;
  }
  CHECK(ended > 10);
}

TEST_CASE("noise of any kind never gets past the handshake", "[session][hostile]") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Seeded seeded(seed);
    Lonely lonely({.initiator = seeded.below(2) == 0});
    lonely.manners->piece = 1 + seeded.below(300);
    Bytes noise = seeded.bytes(seeded.below(5000));
    if (noise.size() > 1 && seeded.below(2) == 0) noise[0] = 0; /* lengths that could be */
    lonely.receive(noise);
    lonely.memory.advance_ms(6000);
    REQUIRE(lonely.end.closings == 1);
    REQUIRE_FALSE(lonely.end.peer);
    REQUIRE((lonely.end.closed->status == VISOR_EPROTO || lonely.end.closed->status == VISOR_ETIMEDOUT));
    REQUIRE(lonely.peer->closed);
    REQUIRE(lonely.memory.timers() == 0);
  }
}

TEST_CASE("a carrier that closes in the middle ends everything", "[session][hostile]") {
  Couple couple;
  couple.connect();
  StreamUser& user = couple.dialer.open();
  CHECK(user.write("words") == VISOR_OK);
  couple.memory.run();
  SECTION("closed") {
    couple.listener_end->api->close(couple.listener_end);
  }
  SECTION("ended") {
    couple.listener_end->api->end(couple.listener_end);
  }
  couple.memory.run();
  REQUIRE(couple.dialer.closed);
  CHECK(couple.dialer.closed->status == VISOR_ECLOSED);
  REQUIRE(user.closed);
  CHECK(user.closed->status == VISOR_ECLOSED);
  CHECK(couple.dialer.closings == 1);
  CHECK(couple.listener.closings == 1);
  CHECK(couple.dialer.session->open().error().status == VISOR_ECLOSED);
}
