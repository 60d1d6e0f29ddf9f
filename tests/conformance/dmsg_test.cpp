// The relay network's client between real kernels on the simulated network, over servers made by hand.
#include "tests/conformance/dmsg_server_by_hand.hpp"

namespace visor::test::dmsg {
namespace {

constexpr const char* kNothing = R"({"plugins":[]})";

/* A server and clients that know it. */
struct Net {
  explicit Net(uint64_t seed, Manner manner = Manner::kRelays)
      : world(seed), machine(world.add("10.0.0.1", kNothing)), server(machine, 8080, manner) {}
  Node& client(const std::string& address, const std::string& more = "") {
    return world.add(address, client_config(R"("servers":[)" + server.row() + "]" + more));
  }
  SimWorld world;
  Node& machine;
  ServerByHand server;
};

}  // namespace

TEST_CASE("a stream goes through a server, from key to key, and both ends know each other", "[dmsg]") {
  Net net(1);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  REQUIRE(wait_connected(a));
  REQUIRE(wait_connected(b));
  Echo echo(b, 80);
  auto user = dial(a, b.key(), 80);
  REQUIRE(user->stream.peer());
  CHECK(user->stream.peer()->key == b.key());
  CHECK(user->stream.peer()->port == 80);
  echo_through(net.world, *user, pattern(777777));
  REQUIRE(echo.peers.size() == 1);
  CHECK(echo.peers[0].key == a.key());
  CHECK(echo.peers[0].port == 49153);
  user->stream.end();
  REQUIRE(net.world.run_until([&] { return user->closed.has_value(); }));
  CHECK(user->closed->status == VISOR_OK);
  CHECK(number(a, "ephemeral_ports") == 0);
  CHECK(number(a, "dialed") == 1);
  CHECK(number(b, "accepted") == 1);
}

TEST_CASE("who dials before there is a session waits for one", "[dmsg]") {
  Net net(2);
  Node& b = net.client("10.0.1.2");
  REQUIRE(wait_connected(b));
  Echo echo(b, 80);
  Node& a = net.client("10.0.1.1");
  auto user = dial(a, b.key(), 80);
  echo_through(net.world, *user, pattern(10));
}

TEST_CASE("a key that is not there, and a port that nobody listens on, are unreachable at once", "[dmsg]") {
  Net net(3);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  REQUIRE(wait_connected(a));
  REQUIRE(wait_connected(b));
  for (const visor_key& key : {b.key(), net.machine.key()}) {
    uint64_t before = a.host().now_ms();
    Error error = dial_fails(a, key, 81);
    CHECK(error.status == VISOR_ECLOSED);
    CHECK(error.text.find("cannot reach " + to_hex(key) + ":81") == 0);
    CHECK(a.host().now_ms() - before < 200);
  }
  CHECK(number(b, "unheard") == 1);
  CHECK(number(a, "failed") == 2);
  net.world.run_for(6000);
  CHECK(number(a, "leaving") == 0);
  CHECK(number(b, "leaving") == 0);
  CHECK(number(a, "ephemeral_ports") == 0);
}

TEST_CASE("what no dial and no listener can be is refused with the reason", "[dmsg]") {
  Net net(4);
  Node& a = net.client("10.0.1.1");
  CHECK(dial_fails(a, a.key(), 0).status == VISOR_EINVAL);
  CHECK(dial_fails(a, visor_key{}, 80).status == VISOR_EINVAL);
  Echo echo(a, 80);
  Listener second;
  auto again = second.listen(a.host(), net_of(a), 80, [](visor_stream* s) { s->api->close(s); });
  REQUIRE_FALSE(again);
  CHECK(again.error().status == VISOR_EEXIST);
  CHECK_FALSE(second.listen(a.host(), net_of(a), 0, [](visor_stream* s) { s->api->close(s); }));
}

TEST_CASE("a configuration that cannot work is refused with the reason", "[dmsg]") {
  Net net(31);
  const std::string key = to_hex(net.machine.key()), no_key = "05" + key.substr(2);
  struct Case {
    std::string members, part;
  };
  for (const Case& each :
       {Case{R"("servers":[)" + server_row(net.machine.key(), "tcp://nowhere") + "]", "servers[0]"},
        Case{R"("servers":[{"pk":")" + no_key + R"(","address":"tcp://10.0.0.1:1"}])", "servers[0]"},
        Case{R"("discovery":"dmsg://)" + key + R"(:80")", "name at least one"},
        Case{R"("discovery":"dmsg://)" + key + R"(:0","servers":[)" + net.server.row() + "]",
             "a port from 1 to 65535"},
        Case{R"("discovery":"dmsg://nobody","servers":[)" + net.server.row() + "]", "discovery"},
        Case{R"("sessions":65)", "sessions"}, Case{R"("session":1)", "session"}}) {
    Node& node = net.world.make("10.0.2.1", client_config(each.members));
    auto started = node.start();
    INFO(each.members);
    REQUIRE_FALSE(started);
    INFO(started.error().text);
    CHECK(started.error().text.find(each.part) != std::string::npos);
    net.world.remove(node);
  }
}

TEST_CASE("one can dial oneself, by way of the server", "[dmsg]") {
  Net net(5);
  Node& a = net.client("10.0.1.1");
  REQUIRE(wait_connected(a));
  Echo echo(a, 80);
  auto user = dial(a, a.key(), 80);
  echo_through(net.world, *user, pattern(5000));
}

TEST_CASE("a slow reader stops its own stream, and no other", "[dmsg]") {
  Net net(7);
  Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
  REQUIRE(wait_connected(a));
  REQUIRE(wait_connected(b));
  Echo echo(b, 80);
  auto slow = dial(a, b.key(), 80), quick = dial(a, b.key(), 80);
  slow->stream.pause(true);
  size_t written = 0;
  Bytes part = pattern(50000);
  for (int i = 0; i < 200; ++i) {
    while (slow->stream.write(part) == VISOR_OK) written += part.size();
    net.world.run_for(50);
  }
  CHECK(written < 5u << 20); /* windows and queues, of three processes and both ways */
  echo_through(net.world, *quick, pattern(300000));
  slow->stream.pause(false);
  REQUIRE(net.world.run_until([&] { return slow->data.size() == written; }));
}

TEST_CASE("a canceled dial leaves nothing, whenever it is canceled", "[dmsg]") {
  for (uint64_t after_ms : {0, 1, 5, 10, 20, 30, 50}) {
    Net net(8 + after_ms);
    Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
    REQUIRE(wait_connected(a));
    REQUIRE(wait_connected(b));
    Echo echo(b, 80);
    auto dialing = begin_dial(a, b.key(), 80);
    if (after_ms > 0) net.world.run_for(after_ms);
    dialing.reset();
    net.world.run_for(10000);
    CHECK(number(a, "dials") == 0);
    CHECK(number(a, "setups") == 0);
    CHECK(number(a, "ephemeral_ports") == 0);
    CHECK(number(a, "leaving") == 0);
    CHECK(number(b, "accepting") == 0);
    CHECK(echo.open() == 0);
  }
}

TEST_CASE("whatever a server does with a request, the dial ends, and says why", "[dmsg]") {
  struct Case {
    Manner manner;
    visor_status status;
    const char* part;
  };
  for (const Case& each :
       {Case{Manner::kSilent, VISOR_ETIMEDOUT, "no answer within 5000 ms"},
        Case{Manner::kRefuses, VISOR_ECLOSED, "the server ended the stream"},
        Case{Manner::kResets, VISOR_ECLOSED, "before it was set up"},
        Case{Manner::kNoise, VISOR_EPROTO, "the answer: "},
        Case{Manner::kWrongLength, VISOR_EPROTO, "the answer: "},
        Case{Manner::kEcho, VISOR_EPROTO, "the answer: "}, Case{Manner::kForged, VISOR_EPROTO, "signature"},
        Case{Manner::kOtherAnswer, VISOR_EPROTO, "the answer: "},
        Case{Manner::kForgedRequest, VISOR_ECLOSED, ""}}) {
    INFO("manner " << static_cast<int>(each.manner));
    Net net(20, each.manner);
    Node &a = net.client("10.0.1.1"), &b = net.client("10.0.1.2");
    REQUIRE(wait_connected(a));
    REQUIRE(wait_connected(b));
    Echo echo(b, 80);
    uint64_t before = a.host().now_ms();
    Error error = dial_fails(a, b.key(), 80);
    INFO(error.text);
    CHECK(error.status == each.status);
    CHECK(error.text.find(each.part) != std::string::npos);
    CHECK(a.host().now_ms() - before < 5500);
    CHECK(echo.accepted() == (each.manner == Manner::kOtherAnswer ? 1 : 0));
    net.server.manner = Manner::kRelays; /* the session has survived it */
    auto user = dial(a, b.key(), 80);
    echo_through(net.world, *user, pattern(100));
    CHECK(number(a, "sessions_connected") == 1);
  }
}

TEST_CASE("a server with another key than expected gets no session", "[dmsg]") {
  SimWorld world(30);
  Node& machine = world.add("10.0.0.1", kNothing);
  ServerByHand server(machine);
  Node& other = world.add("10.0.0.2", kNothing);
  Node& a = world.add("10.0.1.1", client_config(R"("servers":[)" + server.row(other.key()) + "]"));
  world.run_for(5000);
  CHECK(connected(a) == 0);
  CHECK(number(a, "sessions_failed") >= 2);
  auto text = a.call("dmsg", "sessions");
  REQUIRE(text);
  CHECK(text->find("may expect another key") != std::string::npos);
}

}  // namespace visor::test::dmsg
