// The commands of the relay network's client.
#include "tests/conformance/dmsg_server_by_hand.hpp"

namespace visor::test::dmsg {
namespace {

struct Net {
  explicit Net(uint64_t seed)
      : world(seed), machine(world.add("10.0.0.1", R"({"plugins":[]})")), server(machine) {}
  Node& client(const std::string& address) {
    Node& node = world.add(address, client_config(R"("servers":[)" + server.row() + "]"));
    REQUIRE(wait_connected(node));
    return node;
  }
  SimWorld world;
  Node& machine;
  ServerByHand server;
};

/* A command whose values come one after the other, taken by a caller that may be slow. */
struct Following {
  Following(Node& node, const char* command, const std::string& args)
      : commands_(node.kernel().commands()), world_(node.world()) {
    REQUIRE(commands_->api->call(commands_, "dmsg", command, to_span(std::string_view(args)), &kCaller, this,
                                 &ticket_) == VISOR_OK);
  }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  /* Whoever is called back must be there until the end. */
  ~Following() {
    if (finished) return;
    commands_->api->cancel(commands_, ticket_);
    world_.run_until([&] { return finished.has_value(); });
  }
  bool has(std::string_view part) {
    return world_.run_until([&] { return text().find(part) != std::string::npos; });
  }
  std::string text() const {
    std::string all;
    for (const std::string& value : values) all += value;
    return all;
  }
  void resume() {
    takes = SIZE_MAX;
    commands_->api->resume(commands_, ticket_);
  }
  void leave() {
    commands_->api->cancel(commands_, ticket_);
    REQUIRE(world_.run_until([&] { return finished.has_value(); }));
  }
  std::vector<std::string> values;
  size_t takes = SIZE_MAX; /* more values are refused */
  std::optional<Error> finished;

 private:
  static const visor_caller kCaller;
  visor_commands* commands_;
  World& world_;
  visor_ticket* ticket_ = nullptr;
};

inline constexpr visor_caller Following::kCaller = {
    .size = sizeof(visor_caller),
    .caps = 0,
    .value = [](void* ctx, visor_span json) -> visor_status {
      auto* self = static_cast<Following*>(ctx);
      if (self->values.size() >= self->takes) return VISOR_EAGAIN;
      self->values.emplace_back(visor::text(json));
      return VISOR_OK;
    },
    .finished =
        [](void* ctx, visor_status status, visor_span why) {
          static_cast<Following*>(ctx)->finished = Error{status, std::string(visor::text(why))};
        },
};

std::string dial_args(const visor_key& key, const std::string& more) {
  return R"({"pk":")" + to_hex(key) + R"(","port":7)" + more + "}";
}

}  // namespace

TEST_CASE("dial says a text and shows what comes back", "[dmsg][commands]") {
  Net net(1);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  Following listening(b, "listen", R"({"port":7,"echo":true,"text":"welcome; "})");
  REQUIRE(listening.has("listening"));
  auto values = a.values("dmsg", "dial", dial_args(b.key(), R"(,"text":"hello","idle_ms":2000)"));
  INFO((values ? "" : values.error().text));
  REQUIRE(values);
  REQUIRE(values->size() >= 2);
  CHECK(values->front().find(R"({"event":"connected","pk":")" + to_hex(b.key())) == 0);
  std::string all;
  for (const std::string& value : *values) all += value;
  CHECK(all.find(R"("text":"welcome; )") != std::string::npos);
  CHECK(all.find("hello") != std::string::npos);
  CHECK(listening.has(to_hex(a.key())));
  CHECK(listening.has(R"({"event":"data","stream":1,"text":"hello"})"));
  CHECK(listening.has(R"({"event":"ended","stream":1)"));
  listening.leave();
  CHECK(number(b, "listening") == 0);
  CHECK(number(a, "pipes") == 0);
  CHECK(number(b, "pipes") == 0);
}

TEST_CASE("a dial that fails is the command's failure", "[dmsg][commands]") {
  Net net(2);
  Node& a = net.client("10.0.1.1");
  auto failed = a.values("dmsg", "dial", dial_args(net.machine.key(), ""));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().status == VISOR_ECLOSED);
  CHECK(failed.error().text.find("cannot reach") == 0);
  CHECK_FALSE(a.values("dmsg", "dial", R"({"pk":"00","port":7})"));
  Following listening(a, "listen", R"({"port":7})");
  REQUIRE(listening.has("listening"));
  auto again = a.values("dmsg", "listen", R"({"port":7})");
  REQUIRE_FALSE(again);
  CHECK(again.error().status == VISOR_EEXIST);
}

TEST_CASE("bytes that are no text are shown in hex, and an end ends the command", "[dmsg][commands]") {
  Net net(3);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  Listener listener;
  std::unique_ptr<StreamUser> other;
  REQUIRE(listener.listen(b.host(), net_of(b), 7, [&](visor_stream* raw) {
    other = std::make_unique<StreamUser>(b.host(), raw);
    (void)other->stream.write(Bytes{0xff, 0x00, 0x80});
    other->stream.end();
  }));
  auto values = a.values("dmsg", "dial", dial_args(b.key(), ""));
  REQUIRE(values);
  REQUIRE(values->size() == 2);
  CHECK(values->back() == R"({"event":"data","hex":"ff0080"})");
}

TEST_CASE("a caller that is slow holds the stream, and loses nothing", "[dmsg][commands]") {
  Net net(4);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  Listener listener;
  std::unique_ptr<StreamUser> other;
  REQUIRE(listener.listen(b.host(), net_of(b), 7,
                          [&](visor_stream* raw) { other = std::make_unique<StreamUser>(b.host(), raw); }));
  Following dialing(a, "dial", dial_args(b.key(), ""));
  REQUIRE(dialing.has("connected"));
  dialing.takes = 3;
  REQUIRE(net.world.run_until([&] { return other != nullptr; }));
  size_t written = 0;
  std::string part(50000, 'x');
  for (int i = 0; i < 100; ++i) {
    while (written < 10u << 20 && other->write(part) == VISOR_OK) written += part.size();
    net.world.run_for(20);
  }
  CHECK(written < 4u << 20);
  CHECK(dialing.values.size() == 3);
  other->stream.end();
  dialing.resume();
  REQUIRE(net.world.run_until([&] { return dialing.finished.has_value(); }));
  CHECK(dialing.finished->status == VISOR_OK);
  size_t shown = 0;
  for (char c : dialing.text()) shown += c == 'x';
  shown -= static_cast<size_t>(std::ranges::count(dialing.values.front(), 'x'));
  CHECK(shown >= written);
}

TEST_CASE("a caller that leaves ends its dial and its listener", "[dmsg][commands]") {
  Net net(5);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  Following listening(b, "listen", R"({"port":7})");
  REQUIRE(listening.has("listening"));
  Following dialing(a, "dial", dial_args(b.key(), R"(,"text":"anybody?")"));
  REQUIRE(listening.has("anybody?"));
  dialing.leave();
  CHECK(listening.has("ended"));
  Following waiting(a, "dial", dial_args(b.key(), ""));
  waiting.leave(); /* before it is through */
  listening.leave();
  net.world.run_for(6000);
  for (Node* node : {&a, &b}) {
    CHECK(number(*node, "pipes") == 0);
    CHECK(number(*node, "dials") == 0);
    CHECK(number(*node, "ephemeral_ports") == 0);
    CHECK(number(*node, "leaving") == 0);
  }
}

TEST_CASE("what a server opens and does not use costs little, and not for long", "[dmsg][commands]") {
  Net net(6);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  Echo echo(a, 80);
  std::vector<Stream> idle;
  for (int i = 0; i < 200; ++i) idle.push_back(net.server.open_to(a.key()));
  net.world.run_for(100);
  for (int i = 0; i < 200; ++i) idle.push_back(net.server.open_to(a.key()));
  net.world.run_for(100);
  CHECK(number(a, "accepting") == 256);
  CHECK(number(a, "refused") == 144);
  for (Stream& stream : idle) (void)stream.write(Bytes{0x00}); /* never the second byte */
  net.world.run_for(6000);
  CHECK(number(a, "accepting") == 0);
  CHECK(number(a, "malformed") == 256);
  idle.clear();
  for (const Bytes& bad : {Bytes{0, 0}, Bytes{0xff, 0xff}, Bytes(300, 0x00), pattern(500)}) {
    Stream stream = net.server.open_to(a.key());
    REQUIRE(stream.write(bad) == VISOR_OK);
    net.world.run_for(100);
  }
  net.world.run_for(6000);
  CHECK(number(a, "accepting") == 0);
  CHECK(number(a, "leaving") == 0);
  auto user = dial(b, a.key(), 80);
  echo_through(net.world, *user, pattern(1000));
}

}  // namespace visor::test::dmsg
