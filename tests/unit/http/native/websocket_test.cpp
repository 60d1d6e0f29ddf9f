#include "lib/http/websocket_stream.hpp"

#include <catch2/catch.hpp>

#include "lib/http/websocket_handshake.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::http;
using test::MemoryHost;
using test::PipeEnd;
using test::PipeManners;
using test::StreamUser;

namespace {

struct Pipe {
  MemoryHost memory;
  std::shared_ptr<PipeManners> manners = std::make_shared<PipeManners>();
  std::pair<PipeEnd*, PipeEnd*> ends = PipeEnd::make(memory.host(), manners);

  visor_stream* adapter(PipeEnd* carrier, WebSocketRole role, std::string early,
                        const WebSocketOptions& options) {
    return new WebSocketStream(memory.host(), Stream(memory.host(), carrier), role, {}, std::move(early),
                               options);
  }
};

/* One end is the adapter, the other a peer that writes raw frames. */
struct OneSide : Pipe {
  explicit OneSide(WebSocketRole role = WebSocketRole::kServer, std::string early = {},
                   const WebSocketOptions& options = {})
      : peer(memory.host(), ends.second),
        user(memory.host(), adapter(ends.first, role, std::move(early), options)) {}

  /* The close code that the peer was sent, 0 when none. */
  int close_code() const {
    std::string sent = peer.text();
    size_t at = sent.find('\x88');
    if (at == std::string::npos || sent.size() < at + 4) return 0;
    return static_cast<uint8_t>(sent[at + 2]) << 8 | static_cast<uint8_t>(sent[at + 3]);
  }

  StreamUser peer, user;
};

/* A frame as RFC 6455, 5.2 draws it; masked by 37 fa 21 3d, the mask of its examples. */
std::string frame(uint8_t first, std::string_view payload, bool masked = true) {
  static constexpr uint8_t kMask[] = {0x37, 0xfa, 0x21, 0x3d};
  std::string out(1, static_cast<char>(first));
  auto length = [&](uint8_t byte) { out += static_cast<char>(byte | (masked ? 0x80 : 0)); };
  if (payload.size() < 126) {
    length(static_cast<uint8_t>(payload.size()));
  } else if (payload.size() < 65536) {
    length(126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    length(127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  if (masked) out.append(reinterpret_cast<const char*>(kMask), 4);
  for (size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(masked ? payload[i] ^ static_cast<char>(kMask[i % 4]) : payload[i]);
  }
  return out;
}

constexpr uint8_t kBinary = 0x82, kBinaryMore = 0x02, kMore = 0x00, kLast = 0x80, kText = 0x81, kClose = 0x88,
                  kPing = 0x89, kPong = 0x8a;

/* Both ends are adapters. */
struct BothSides : Pipe {
  explicit BothSides(const WebSocketOptions& options = {})
      : server(memory.host(), adapter(ends.first, WebSocketRole::kServer, {}, options)),
        client(memory.host(), adapter(ends.second, WebSocketRole::kClient, {}, options)) {}
  StreamUser server, client;
};

}  // namespace

TEST_CASE("the accept key of RFC 6455, section 1.3", "[http][websocket]") {
  CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("an opening must be whole", "[http][websocket]") {
  auto headers = [](std::string_view without) {
    HeaderList list;
    for (auto [name, value] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"upgrade", "WebSocket"},
             {"connection", "keep-alive, Upgrade"},
             {"sec-websocket-version", "13"},
             {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}}) {
      if (name != without) list.add(name, value);
    }
    return list;
  };
  CHECK(check_websocket_request("GET", 11, headers("")));
  CHECK_FALSE(check_websocket_request("POST", 11, headers("")));
  CHECK_FALSE(check_websocket_request("GET", 10, headers("")));
  for (std::string_view name : {"upgrade", "connection", "sec-websocket-version", "sec-websocket-key"}) {
    CHECK_FALSE(check_websocket_request("GET", 11, headers(name)));
  }
  HeaderList short_key = headers("sec-websocket-key");
  short_key.add("sec-websocket-key", "dGhlIHNhbXBsZQ==");
  CHECK_FALSE(check_websocket_request("GET", 11, short_key));
}

TEST_CASE("the client's opening uses fresh randomness and checks the answer", "[http][websocket]") {
  std::array<uint8_t, 16> random;
  std::string_view nonce = "the sample nonce";
  std::copy(nonce.begin(), nonce.end(), random.begin());
  std::string key = websocket_key(random);
  CHECK(key == "dGhlIHNhbXBsZSBub25jZQ==");
  ResponseHead head;
  head.status = 101;
  head.headers.add("Upgrade", "websocket");
  head.headers.add("Connection", "Upgrade");
  CHECK_FALSE(check_websocket_response(head, key));
  ResponseHead good = head;
  good.headers.add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(check_websocket_response(good, key));
  ResponseHead extended = good;
  extended.headers.add("Sec-WebSocket-Extensions", "permessage-deflate");
  CHECK_FALSE(check_websocket_response(extended, key));
  good.status = 200;
  CHECK_FALSE(check_websocket_response(good, key));
}

TEST_CASE("binary messages are bytes, whole, in fragments, and cut anywhere", "[http][websocket]") {
  std::string input = frame(kBinary, "Hello") + frame(kBinaryMore, ", ") + frame(kPing, "p") +
                      frame(kMore, "frag") + frame(kLast, "ments") + frame(kBinary, "") +
                      frame(kBinary, std::string(300, 'x'));
  std::string expected = "Hello, fragments" + std::string(300, 'x');
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    OneSide side;
    side.peer.write(std::string_view(input).substr(0, cut));
    side.memory.run();
    side.peer.write(std::string_view(input).substr(cut));
    side.memory.run();
    REQUIRE(side.user.text() == expected);
    REQUIRE(side.peer.text() == frame(kPong, "p", false));
  }
}

TEST_CASE("the example of RFC 6455, section 5.7, is understood and produced", "[http][websocket]") {
  const uint8_t masked[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  OneSide server;
  server.peer.stream.write(ByteView(masked));
  server.memory.run();
  CHECK(server.user.text() == "Hello");
  server.user.write("Hello");
  server.memory.run();
  CHECK(to_hex(server.peer.data) == "820548656c6c6f");

  OneSide client(WebSocketRole::kClient);
  const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
  client.memory.next_random(mask);
  client.user.write("Hello");
  client.memory.run();
  CHECK(to_hex(client.peer.data) == to_hex(ByteView(masked)));
}

TEST_CASE("writes of one turn share a message, long ones are split", "[http][websocket]") {
  OneSide side;
  side.user.write("one ");
  side.user.write("two");
  side.memory.run();
  CHECK(side.peer.text() == frame(kBinary, "one two", false));
  side.peer.data.clear();
  std::string big(100'000, 'b');
  side.user.write(big);
  side.memory.run();
  std::string message = frame(kBinary, std::string(32768, 'b'), false);
  CHECK(side.peer.text() ==
        message + message + message + frame(kBinary, std::string(100'000 - 3 * 32768, 'b'), false));
}

TEST_CASE("what came behind the handshake is not lost", "[http][websocket]") {
  OneSide side(WebSocketRole::kServer, frame(kBinary, "early") + frame(kBinary, "half").substr(0, 7));
  side.memory.run();
  CHECK(side.user.text().starts_with("early"));
  side.peer.write(frame(kBinary, "half").substr(7));
  side.memory.run();
  CHECK(side.user.text() == "earlyhalf");
}

TEST_CASE("what breaks the protocol ends in the close code that says why", "[http][websocket]") {
  struct Case {
    std::string input;
    int code;
  };
  auto side = GENERATE(WebSocketRole::kServer, WebSocketRole::kClient);
  bool masked = side == WebSocketRole::kServer;
  auto f = [&](uint8_t first, std::string_view payload) { return frame(first, payload, masked); };
  std::vector<Case> cases = {
      {frame(kBinary, "Hello", !masked), 1002}, /* the wrong side of the mask */
      {f(kText, "Hello"), 1003},
      {f(0xC2, "Hello"), 1002}, /* an extension's bit */
      {f(0x83, "Hello"), 1002}, /* an unknown opcode */
      {f(0x8B, "Hello"), 1002},
      {f(kMore, "Hello"), 1002},
      {f(kBinaryMore, "a") + f(kBinary, "b"), 1002},
      {f(0x09, "fragmented ping"), 1002},
      {f(kPing, std::string(126, 'p')), 1002},
      {f(kClose, "x"), 1002},
      {f(kClose, std::string_view("\x03\xed", 2)), 1002}, /* 1005 is never sent */
      {f(kBinary, std::string(1001, 'x')), 1009},
      {f(kBinaryMore, std::string(600, 'x')) + f(kLast, std::string(401, 'x')), 1009},
      {std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + "abcd", masked ? 1002 : 1002},
  };
  for (const Case& c : cases) {
    INFO(to_hex(bytes(std::string_view(c.input).substr(0, 12))));
    WebSocketOptions options;
    options.max_message_bytes = 1000;
    OneSide one(side, {}, options);
    one.memory.next_random(Bytes(4, 0)); /* a mask that changes nothing */
    one.peer.write(c.input);
    one.memory.run();
    std::string sent = one.peer.text();
    size_t at = sent.find('\x88');
    REQUIRE(at != std::string::npos);
    size_t code_at = at + (masked ? 2 : 6);
    CHECK((static_cast<uint8_t>(sent[code_at]) << 8 | static_cast<uint8_t>(sent[code_at + 1])) == c.code);
    CHECK(one.peer.ended);
    CHECK(one.user.write("more") == VISOR_ECLOSED);
    one.peer.stream.end();
    one.memory.run();
    REQUIRE(one.user.closed);
    CHECK(one.user.closed->status == VISOR_EPROTO);
    CHECK_FALSE(one.user.closed->text.empty());
  }
}

TEST_CASE("a message of the greatest size passes", "[http][websocket]") {
  OneSide side;
  std::string big(1u << 20, 'x');
  std::string sent = frame(kBinary, big);
  side.peer.write(std::string_view(sent).substr(0, 1u << 20));
  side.memory.run();
  side.peer.write(std::string_view(sent).substr(1u << 20));
  side.memory.run();
  CHECK(side.user.text() == big);
  side.peer.write(frame(kBinary, big + "x").substr(0, 100));
  side.memory.run();
  CHECK(side.close_code() == 1009);
}

TEST_CASE("an orderly close, from either side", "[http][websocket]") {
  SECTION("the peer's") {
    OneSide side;
    side.user.write("last words");
    side.peer.write(frame(kBinary, "bye") + frame(kClose, std::string_view("\x03\xe8", 2)));
    side.memory.run();
    CHECK(side.user.text() == "bye");
    CHECK(side.user.ended);
    CHECK(side.peer.text() ==
          frame(kBinary, "last words", false) + frame(kClose, std::string_view("\x03\xe8", 2), false));
    side.peer.stream.end();
    side.memory.run();
    REQUIRE(side.user.closed);
    CHECK(side.user.closed->status == VISOR_OK);
  }
  SECTION("the peer's, with a reason") {
    OneSide side;
    side.peer.write(frame(kClose, "\x03\xf3went wrong\x01"));
    side.memory.run();
    side.memory.advance_ms(2000); /* and it never ends its side */
    REQUIRE(side.user.closed);
    CHECK(side.user.closed->status == VISOR_ECLOSED);
    CHECK(side.user.closed->text.find("1011: went wrong?") != std::string::npos);
  }
  SECTION("ours") {
    BothSides both;
    both.client.write("all");
    both.client.stream.end();
    both.memory.run();
    CHECK(both.server.text() == "all");
    CHECK(both.server.ended);
    REQUIRE(both.server.closed);
    CHECK(both.server.closed->status == VISOR_OK);
    REQUIRE(both.client.closed);
    CHECK(both.client.closed->status == VISOR_OK);
  }
  SECTION("ours, and the peer says nothing") {
    OneSide side;
    side.user.stream.end();
    side.memory.run();
    CHECK(side.close_code() == 1000);
    CHECK_FALSE(side.user.closed);
    side.memory.advance_ms(2000);
    REQUIRE(side.user.closed);
    CHECK(side.user.closed->status == VISOR_OK);
  }
  SECTION("abruptly") {
    BothSides both;
    both.client.write("some");
    both.client.stream.close();
    both.memory.run();
    CHECK(both.server.text() == "some");
    REQUIRE(both.server.closed);
    CHECK(both.server.closed->status == VISOR_OK);
  }
  SECTION("the carrier's") {
    OneSide side;
    side.peer.stream.close();
    side.memory.run();
    REQUIRE(side.user.closed);
    CHECK(side.user.closed->status == VISOR_ECLOSED);
  }
}

TEST_CASE("a full queue refuses, and says when there is room", "[http][websocket]") {
  WebSocketOptions options;
  options.max_queued_bytes = 10'000;
  BothSides both(options);
  both.manners->room = 5'000;
  both.server.stream.pause(true);
  both.memory.run();
  std::string piece(1000, 'x');
  size_t taken = 0;
  while (both.client.write(piece) == VISOR_OK) {
    taken += piece.size();
    both.memory.run();
    REQUIRE(taken < 100'000);
  }
  CHECK(both.client.write(piece) == VISOR_EAGAIN);
  CHECK(taken >= 10'000);
  CHECK(both.client.readies == 0);
  both.server.stream.pause(false);
  both.memory.run();
  CHECK(both.server.data.size() == taken);
  CHECK(both.client.readies == 1);
  CHECK(both.client.write(piece) == VISOR_OK);
  both.memory.run();
  CHECK(both.server.data.size() == taken + piece.size());
}

TEST_CASE("pausing stops the carrier", "[http][websocket]") {
  OneSide side;
  side.user.on_data = [&] { side.user.stream.pause(true); };
  side.peer.write(frame(kBinary, "one"));
  side.memory.run();
  side.peer.write(frame(kBinary, "two"));
  side.memory.run();
  CHECK(side.user.text() == "one");
  side.user.stream.pause(false);
  side.memory.run();
  CHECK(side.user.text() == "onetwo");
}

TEST_CASE("a handler may close or destroy the stream that gives it data", "[http][websocket]") {
  OneSide side;
  side.user.on_data = [&] { side.user.stream.close(); };
  side.peer.write(frame(kBinary, "one") + frame(kPing, "p") + frame(kBinary, "two"));
  side.memory.run();
  CHECK(side.user.text() == "onetwo");
  CHECK(side.peer.closed);
}

TEST_CASE("silence is asked about, then given up", "[http][websocket]") {
  OneSide side;
  side.memory.advance_ms(30'000);
  CHECK(side.peer.text() == frame(kPing, "", false));
  side.peer.write(frame(kPong, ""));
  side.memory.advance_ms(30'000);
  CHECK_FALSE(side.user.closed);
  side.memory.advance_ms(30'000);
  REQUIRE(side.user.closed);
  CHECK(side.user.closed->status == VISOR_ETIMEDOUT);
}

TEST_CASE("a peer that pings and does not read costs one answer", "[http][websocket]") {
  OneSide side;
  side.manners->room = 100;
  side.peer.stream.pause(true);
  for (int i = 0; i < 1000; ++i) {
    side.peer.write(frame(kPing, std::to_string(i)));
    side.memory.run();
  }
  side.peer.stream.pause(false);
  side.memory.run();
  CHECK(side.peer.data.size() < 300);
  CHECK(side.peer.text().ends_with(frame(kPong, "999", false)));
}

TEST_CASE("any bytes through any carrier arrive as they were", "[http][websocket][fuzz]") {
  test::Seeded random(11);
  for (int round = 0; round < 200; ++round) {
    WebSocketOptions options;
    options.max_queued_bytes = 1 + random.below(5000);
    BothSides both(options);
    both.manners->piece = 1 + random.below(random.below(2) ? 10 : 5000);
    both.manners->room = 1 + random.below(5000);
    Bytes sent[2];
    for (int step = 0; step < 60; ++step) {
      size_t which = random.below(2);
      StreamUser& from = which ? both.server : both.client;
      Bytes data = random.bytes(1 + random.below(random.below(4) ? 200 : 8000));
      if (from.stream.write(data) == VISOR_OK)
        sent[which].insert(sent[which].end(), data.begin(), data.end());
      if (random.below(3) == 0) both.memory.turn();
      if (random.below(6) == 0) both.server.stream.pause(random.below(2) == 0);
    }
    both.server.stream.pause(false);
    both.memory.run();
    REQUIRE(both.server.data == sent[0]);
    REQUIRE(both.client.data == sent[1]);
  }
}

TEST_CASE("whatever a peer sends, the adapter stands", "[http][websocket][fuzz]") {
  test::Seeded random(13);
  for (int round = 0; round < 3000; ++round) {
    OneSide side(random.below(2) ? WebSocketRole::kServer : WebSocketRole::kClient);
    for (int step = 0; step < 10; ++step) {
      std::string input = frame(static_cast<uint8_t>(random.number()), text(random.bytes(random.below(300))),
                                random.below(2) == 0);
      if (random.below(2)) input = frame(kBinary, text(random.bytes(random.below(300))), random.below(8) > 0);
      if (random.below(4) == 0) input[random.below(input.size())] = static_cast<char>(random.number());
      side.peer.write(input);
      if (random.below(2)) side.memory.run();
    }
    side.peer.stream.end();
    side.memory.advance_ms(5000);
    REQUIRE(side.user.closed);
    REQUIRE(side.user.data.size() < 10'000);
  }
}
