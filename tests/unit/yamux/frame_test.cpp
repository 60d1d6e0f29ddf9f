#include "tests/unit/yamux/fixture.hpp"

using namespace visor;
using namespace visor::test;

TEST_CASE("frame headers have the captured bytes", "[yamux]") {
  struct Row {
    Header header;
    const char* hex;
  };
  for (const Row& row : {Row{{Type::WindowUpdate, yamux::kSyn, 1, 0}, "000100010000000100000000"},
                         Row{{Type::WindowUpdate, yamux::kAck, 1, 0}, "000100020000000100000000"},
                         Row{{Type::Data, 0, 1, 373}, "000000000000000100000175"},
                         Row{{Type::WindowUpdate, yamux::kFin, 1, 0}, "000100040000000100000000"},
                         Row{{Type::Ping, yamux::kSyn, 0, 0}, "000200010000000000000000"},
                         Row{{Type::Ping, yamux::kAck, 0, 0}, "000200020000000000000000"}}) {
    auto wire = yamux::encode(row.header);
    CHECK(to_hex(wire) == row.hex);
    auto back = yamux::decode(wire);
    REQUIRE(back);
    CHECK(to_text(*back) == to_text(row.header));
  }
}

TEST_CASE("a header of another version or type is refused with what came", "[yamux]") {
  auto wire = yamux::encode({Type::Ping, 0, 0, 0});
  wire[0] = 3;
  auto version = yamux::decode(wire);
  REQUIRE_FALSE(version);
  CHECK(version.error().status == VISOR_EPROTO);
  CHECK(version.error().text == "expected a frame of version 0; got version 3");
  wire[0] = 0;
  wire[1] = 4;
  auto type = yamux::decode(wire);
  REQUIRE_FALSE(type);
  CHECK(type.error().status == VISOR_EPROTO);
  CHECK(type.error().text == "expected a frame of type 0 to 3; got type 4");
}

namespace {

Bytes concatenated(const boost::json::value& session, std::string_view direction) {
  Bytes out;
  for (const auto& f : array(at(session, "frames"), direction)) {
    if (!f.if_object()->contains("header")) continue; /* the handshake */
    codec::append(out, hex(f, "header"));
    if (f.if_object()->contains("body")) codec::append(out, hex(f, "body"));
  }
  return out;
}
Bytes body(const boost::json::value& session, std::string_view direction, size_t index) {
  size_t at_index = 0;
  for (const auto& f : array(at(session, "frames"), direction)) {
    if (f.if_object()->contains("body") && at_index++ == index) return hex(f, "body");
  }
  FAIL("no such body");
  return {};
}

}  // namespace

TEST_CASE("a stream that we open has the captured frames", "[yamux]") {
  boost::json::value vectors = load_vectors("dmsg_session.json");
  const boost::json::value& session = at(vectors, "live_session_dialer");
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  StreamUser& user = side.open();
  REQUIRE(user.stream.write(body(session, "c2s", 0)) == VISOR_OK);
  memory.run();
  REQUIRE(user.stream.write(body(session, "c2s", 1)) == VISOR_OK);
  memory.run();
  side.mux->receive(concatenated(session, "s2c"));
  user.stream.end();
  memory.run();
  CHECK(to_hex(side.sent) == to_hex(concatenated(session, "c2s")));

  Bytes expected = body(session, "s2c", 0);
  codec::append(expected, body(session, "s2c", 1));
  CHECK(user.data == expected);
  CHECK(user.ended);
  REQUIRE(user.closed);
  CHECK(user.closed->status == VISOR_OK);
  CHECK_FALSE(side.failed);
  CHECK(side.mux->counters().streams == 0);
}

TEST_CASE("a stream that the peer opens has the captured frames", "[yamux]") {
  boost::json::value vectors = load_vectors("dmsg_session.json");
  const boost::json::value& session = at(vectors, "live_session_listener");
  Bytes from_peer = concatenated(session, "s2c"), to_peer = concatenated(session, "c2s");
  MemoryHost memory;
  Side side(memory, no_timeouts({.client = true}));
  side.mux->receive(from_peer);
  memory.run(); /* the acknowledgement leaves at once */
  REQUIRE(side.users.size() == 1);
  StreamUser& user = *side.users[0];
  REQUIRE(user.stream.write(body(session, "c2s", 0)) == VISOR_OK);
  memory.run();
  REQUIRE(user.stream.write(body(session, "c2s", 1)) == VISOR_OK);
  user.stream.end();
  memory.run();
  CHECK(to_hex(side.sent) == to_hex(to_peer));
  CHECK(user.ended);
  REQUIRE(user.closed);
  CHECK(user.closed->status == VISOR_OK);
}
