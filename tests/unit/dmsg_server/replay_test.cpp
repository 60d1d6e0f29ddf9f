/* The relay in the place of the one whose sessions were captured: the dialer's and the listener's bytes go
 * in, and what comes out is what was captured, byte for byte. */
#include "lib/codec/endian.hpp"
#include "plugins/dmsg-server/relay.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/support/test_identity.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::test;
using namespace visor::dmsg_server;

namespace {

/* One captured client: its bytes, and the connection on which they are played. */
class Player {
 public:
  Player(MemoryHost& memory, Relay& relay, const boost::json::value& session) : memory_(memory) {
    for (const auto& chunk : array(session, "chunks")) {
      std::string direction = text(chunk, "dir");
      if (direction == "c2s" || direction == "s2c") {
        codec::append(direction == "c2s" ? to_say_ : expected, hex(chunk, "hex"));
      }
    }
    memory.next_random(fixed_hex<32>(at(session, "server_eph"), "sk"));
    auto [near, far] = PipeEnd::make(memory.host(), std::make_shared<PipeManners>());
    relay_end = near;
    user = std::make_unique<StreamUser>(memory.host(), far);
    relay.accept({near, parse_origin("192.0.2.1:4242"), {}, 0}, "tcp");
  }
  /* The next bytes of the client. */
  void say(size_t size) {
    REQUIRE(said_ + size <= to_say_.size());
    REQUIRE(user->stream.write(ByteView(to_say_).subspan(said_, size)) == VISOR_OK);
    said_ += size;
    memory_.run();
  }
  bool said_all() const { return said_ == to_say_.size(); }
  std::string heard() const { return to_hex(user->data); }
  std::string heard_expected() const { return to_hex(expected); }

  Bytes expected;
  PipeEnd* relay_end;
  std::unique_ptr<StreamUser> user;

 private:
  MemoryHost& memory_;
  Bytes to_say_;
  size_t said_ = 0;
};

constexpr size_t kMessage1 = 51, kMessage3 = 67, kHeader = 12, kRequest = 373, kResponse = 301, kData = 36;

}  // namespace

TEST_CASE("a relay says what the captured one said, to the dialer and to the listener", "[dmsg_server]") {
  boost::json::value vectors = load_vectors("dmsg_session.json");
  MemoryHost memory;
  TestIdentity identity(memory.host(), fixed_hex<32>(at(at(vectors, "keys"), "server-1"), "sk"));
  Config config;
  config.announces = false;
  Relay relay(memory.host(), &identity, config, [] {});

  Player listener(memory, relay, at(vectors, "live_session_listener"));
  listener.say(kMessage1);
  listener.say(kMessage3);
  Player dialer(memory, relay, at(vectors, "live_session_dialer"));
  dialer.say(kMessage1);
  dialer.say(kMessage3);
  CHECK(relay.sessions() == 2);

  dialer.say(kHeader); /* SYN */
  dialer.say(kHeader + kRequest);
  CHECK(listener.user->data.size() == 51 + kHeader + kHeader + kRequest);
  listener.say(kHeader); /* ACK */
  listener.say(kHeader + kResponse);
  dialer.say(kHeader + kData);
  listener.say(kHeader + kData);
  dialer.say(kHeader); /* FIN */
  listener.say(kHeader);
  CHECK(dialer.said_all());
  CHECK(listener.said_all());
  CHECK(dialer.heard() == dialer.heard_expected());
  CHECK(listener.heard() == listener.heard_expected());
  CHECK(relay.passages() == 0);
  CHECK(relay.counters().connected == 1);
  CHECK(relay.counters().relayed_bytes == 2 * kData);

  /* The very same request on another stream: whoever captured it gains nothing. */
  Bytes captured;
  for (const auto& frame : array(at(at(vectors, "live_session_dialer"), "frames"), "c2s")) {
    if (frame.if_object()->contains("body") && captured.empty()) captured = hex(frame, "body");
  }
  REQUIRE(captured.size() == kRequest);
  Bytes replay{0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 1, 0x75};
  codec::append(replay, captured);
  REQUIRE(dialer.user->stream.write(replay) == VISOR_OK);
  memory.run();
  CHECK(relay.counters().malformed == 1);
  CHECK(relay.counters().connected == 1);
  CHECK(listener.heard() == listener.heard_expected());
  CHECK(to_hex(ByteView(dialer.user->data).subspan(dialer.expected.size())) ==
        "000100020000000300000000"
        "000100040000000300000000"); /* ACK, FIN */
}
