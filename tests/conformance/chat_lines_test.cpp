// Direct messages with a peer that a test plays by hand: one that is slow, silent, old or broken.
#include "lib/codec/endian.hpp"
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/stream_user.hpp"

namespace visor::test {
namespace {

std::string frame(std::string_view payload) {
  Bytes out;
  codec::append_be<uint32_t>(out, static_cast<uint32_t>(payload.size()));
  codec::append(out, bytes(payload));
  return std::string(text(ByteView(out)));
}

/* Alice has a chat; the other has the network alone, and a test that talks on it. */
struct ByHand {
  ByHand() {
    auto list = base_plugins("");
    list.push_back(plugin(
        "chat",
        R"({"drive":"disk","networks":["skynet"],"acknowledged_ms":2000,"retry_ms":500,"max_retry_ms":1000})"));
    alice = &world.add("10.0.0.1", plugins_config(list), with_secret(1));
    other = &world.add("10.0.0.2", plugins_config(base_plugins(peer_of(*alice))), with_secret(2));
    REQUIRE(world.run_until([&] { return net() != nullptr; }, 5000));
    world.run_for(2000);  // the transport stands
  }
  visor_net* net() { return other->find<visor_net>(VISOR_NET_1, "skynet"); }
  void listen(bool paused = false) {
    auto listening = listener.listen(other->host(), net(), 1, [this, paused](visor_stream* stream) {
      lines.push_back(std::make_unique<StreamUser>(other->host(), stream, paused));
    });
    REQUIRE(listening.has_value());
  }
  StreamUser& dial() {
    const visor_addr to{alice->key(), 1};
    auto stream = world.await<visor_stream>(
        *other, [&](visor_done done) { return net()->api->dial(net(), &to, done); });
    REQUIRE(stream.has_value());
    return *lines.emplace_back(std::make_unique<StreamUser>(other->host(), *stream));
  }
  void send(const std::string& said) {
    auto sent = alice->call("chat", "send",
                            R"({"wait_ms":0,"to":")" + to_hex(other->key()) + R"(","text":")" + said + "\"}");
    INFO((sent ? std::string() : sent.error().text));
    REQUIRE(sent.has_value());
  }
  json::array history() {
    auto rows = alice->call("chat", "history", R"({"peer":")" + to_hex(other->key()) + "\"}");
    REQUIRE(rows.has_value());
    return parse_json(*rows).get_array();
  }
  uint64_t counter(const char* group, const char* name) {
    auto status = alice->call("chat", "status");
    REQUIRE(status.has_value());
    return parse_json(*status).at(group).at(name).to_number<uint64_t>();
  }

  SimWorld world;
  Node* alice;
  Node* other;
  std::vector<std::unique_ptr<StreamUser>> lines;
  Listener listener;
};

}  // namespace

TEST_CASE("chat: lessons 1 and 2, messages come in any pieces, and old ones as text", "[chat]") {
  ByHand hand;
  StreamUser& line = hand.dial();
  const std::string first = frame(R"({"type":"chat-msg","id":"1","body":"one","ack":true})");
  line.write(first + frame("plain old text"));
  for (const char byte : frame(R"({"type":"chat-msg","id":"2","body":"three"})")) {
    line.write(std::string_view(&byte, 1));
    hand.world.run_for(10);
  }
  REQUIRE(hand.world.run_until([&] { return hand.history().size() == 3; }, 5000));
  CHECK(hand.history().at(0).at("text") == "one");
  CHECK(hand.history().at(1).at("text") == "plain old text");
  CHECK(hand.history().at(2).at("text") == "three");
  CHECK(hand.world.run_until([&] { return line.text() == frame(R"({"type":"chat-ack","id":"1"})"); }, 5000));
}

TEST_CASE("chat: a frame that is too large, empty or cut short ends its line and nothing else", "[chat]") {
  ByHand hand;
  for (const std::string& wrong :
       {std::string("\0\1\0\1", 4), std::string("\0\0\0\0", 4), std::string("\xff\xff\xff\xff", 4)}) {
    StreamUser& line = hand.dial();
    line.write(wrong);
    CHECK(hand.world.run_until([&] { return line.closed.has_value() || line.ended; }, 10000));
  }
  StreamUser& line = hand.dial();
  line.write(frame("still here"));
  CHECK(hand.world.run_until([&] { return hand.history().size() == 1; }, 5000));
}

TEST_CASE(
    "chat: lesson 5, a line that takes messages and acknowledges none is dropped, and all goes out anew",
    "[chat]") {
  ByHand hand;
  hand.listen();
  hand.send("is anybody there");
  REQUIRE(hand.world.run_until([&] { return hand.lines.size() == 1 && !hand.lines[0]->data.empty(); }, 5000));
  REQUIRE(
      hand.world.run_until([&] { return hand.lines.size() >= 2 && !hand.lines[1]->data.empty(); }, 20000));
  CHECK(hand.counter("line_events", "half_open") >= 1);
  CHECK(hand.lines[1]->text() == hand.lines[0]->text());  // the same id: known if it came the first time
  const json::value envelope = parse_json(hand.lines[1]->text().substr(4));
  hand.lines.back()->write(
      frame(R"({"type":"chat-ack","id":")" + std::string(envelope.at("id").get_string()) + "\"}"));
  CHECK(hand.world.run_until([&] { return hand.history().at(0).at("state") == "received"; }, 5000));
  CHECK(hand.counter("waiting", "messages") == 0);
}

TEST_CASE("chat: lesson 3, a reader that takes nothing costs its line, in bounded time", "[chat]") {
  ByHand hand;
  hand.listen(true);
  const std::string large(60000, 'x');
  for (int i = 0; i < 60; ++i) hand.send(large);
  CHECK(hand.world.run_until(
      [&] { return hand.counter("line_events", "lost") + hand.counter("line_events", "half_open") > 0; },
      15000));
  CHECK(hand.counter("waiting", "messages") == 60);  // and nothing is lost by it
}

TEST_CASE("chat: lesson 6, what a peer opened carries our answers too", "[chat]") {
  ByHand hand;
  StreamUser& line = hand.dial();
  line.write(frame("hello"));
  REQUIRE(hand.world.run_until([&] { return hand.history().size() == 1; }, 5000));
  hand.send("an answer");
  CHECK(hand.world.run_until([&] { return line.text().find("an answer") != std::string::npos; }, 5000));
  CHECK(hand.counter("line_events", "dialed") == 0);
}

TEST_CASE("chat: lesson 4, the same message sent again is acknowledged again and shown once", "[chat]") {
  ByHand hand;
  const std::string said = frame(R"({"type":"chat-msg","id":"7","body":"once","ack":true})");
  for (int i = 0; i < 3; ++i) {
    StreamUser& line = hand.dial();
    line.write(said);
    CHECK(hand.world.run_until([&] { return !line.data.empty(); }, 5000));
  }
  CHECK(hand.history().size() == 1);
  CHECK(hand.counter("messages", "repeated") == 2);
}

}  // namespace visor::test
