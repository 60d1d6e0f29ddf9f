// Servers that go: the client's sessions, its streams and its dials.
#include "tests/conformance/dmsg_server_by_hand.hpp"

namespace visor::test::dmsg {
namespace {

constexpr const char* kNothing = R"({"plugins":[]})";

/* Some servers and clients that know them all. */
struct Net {
  Net(uint64_t seed, size_t count) : world(seed) {
    for (size_t i = 0; i < count; ++i) {
      machines.push_back(&world.add("10.0.0." + std::to_string(i + 1), kNothing));
      servers.push_back(std::make_unique<ServerByHand>(*machines.back()));
    }
  }
  std::string rows() const {
    std::string rows;
    for (const auto& server : servers) rows += (rows.empty() ? "" : ",") + server->row();
    return rows;
  }
  Node& client(const std::string& address, const std::string& more = "") {
    return world.add(address, client_config(R"("servers":[)" + rows() + "]" + more));
  }
  /* The machine is switched off: what was open breaks, and it answers nobody. */
  void kill(size_t which) {
    servers[which]->stop();
    world.network().drop(machines[which]->machine());
  }
  SimWorld world;
  std::vector<Node*> machines;
  std::vector<std::unique_ptr<ServerByHand>> servers;
};

}  // namespace

TEST_CASE("a lost session is replaced at once, by another server", "[dmsg][failover]") {
  Net net(1, 2);
  Node& a = net.client("10.0.1.1");
  REQUIRE(wait_connected(a));
  size_t used = net.servers[0]->sessions() == 1 ? 0 : 1;
  net.kill(used);
  uint64_t before = a.host().now_ms();
  REQUIRE(net.world.run_until([&] { return net.servers[1 - used]->sessions() == 1; }));
  CHECK(a.host().now_ms() - before < 100);
  REQUIRE(wait_connected(a));
  net.world.run_for(60000);
  CHECK(connected(a) == 1);
}

TEST_CASE("a server that comes back is found again", "[dmsg][failover]") {
  Net net(2, 1);
  Node& a = net.client("10.0.1.1");
  REQUIRE(wait_connected(a));
  net.world.run_for(20000);
  net.kill(0);
  net.world.run_for(40000);
  CHECK(connected(a) == 0);
  CHECK(number(a, "sessions_failed") < 16);  // a pause that grows
  net.servers[0] = std::make_unique<ServerByHand>(*net.machines[0]);
  REQUIRE(wait_connected(a, 1, 31000));
}

TEST_CASE("a short break costs a fraction of a second", "[dmsg][failover]") {
  Net net(3, 1);
  Node& a = net.client("10.0.1.1");
  REQUIRE(wait_connected(a));
  net.world.run_for(20000);
  net.servers[0]->drop_all();
  REQUIRE(net.world.run_until([&] { return connected(a) == 0; }, 1000));
  REQUIRE(wait_connected(a, 1, 300));
}

TEST_CASE("a server that does not answer does not hold up the next one", "[dmsg][failover]") {
  Net net(4, 3);
  for (size_t i = 0; i < 2; ++i) {
    net.servers[i]->stop();
    net.world.network().set_silent(net.machines[i]->machine(), true);
  }
  for (int i = 0; i < 6; ++i) {
    Node& a = net.client("10.0.1." + std::to_string(i + 1));
    REQUIRE(wait_connected(a, 1, 2500));
  }
}

TEST_CASE("as many sessions are kept as are wanted; all, if that is wanted", "[dmsg][failover]") {
  Net net(5, 4);
  Node& two = net.client("10.0.1.1", R"(,"sessions":2)");
  Node& all = net.client("10.0.1.2", R"(,"sessions":0)");
  REQUIRE(wait_connected(two, 2));
  REQUIRE(wait_connected(all, 4));
  net.world.run_for(60000);
  CHECK(connected(two) == 2);
  CHECK(connected(all) == 4);
  net.kill(0);
  net.kill(1);
  REQUIRE(net.world.run_until(
      [&] { return net.servers[2]->sessions() == 2 && net.servers[3]->sessions() == 2; }));
  net.servers[0] = std::make_unique<ServerByHand>(*net.machines[0]);
  REQUIRE(wait_connected(all, 3, 31000));
}

TEST_CASE("a server is killed: its streams end, and a new dial succeeds at once", "[dmsg][failover]") {
  for (uint64_t seed = 10; seed < 20; ++seed) {
    Net net(seed, 2);
    Node &a = net.client("10.0.1.1", R"(,"sessions":0)"), &b = net.client("10.0.1.2", R"(,"sessions":0)");
    REQUIRE(wait_connected(a, 2));
    REQUIRE(wait_connected(b, 2));
    Echo echo(b, 80);
    std::vector<std::unique_ptr<StreamUser>> users;
    for (int i = 0; i < 10; ++i) users.push_back(dial(a, b.key(), 80));
    size_t used = net.servers[0]->requests > 0 ? 0 : 1;
    net.kill(used);
    auto again = begin_dial(a, b.key(), 80);
    REQUIRE(net.world.run_until([&] { return again->done(); }));
    INFO((again->error ? again->error->text : ""));
    REQUIRE(again->user);
    CHECK(again->took_ms() < 200);
    echo_through(net.world, *again->user, pattern(1000));
    for (auto& user : users) {
      REQUIRE(user->closed);
      CHECK(user->closed->status == VISOR_ECLOSED);
    }
    CHECK(echo.open() == 1);
  }
}

TEST_CASE("a dial in the middle of its setup goes on by another server", "[dmsg][failover]") {
  for (uint64_t after_ms : {1, 4, 8, 12, 16, 20}) {
    Net net(30 + after_ms, 2);
    Node &a = net.client("10.0.1.1", R"(,"sessions":0)"), &b = net.client("10.0.1.2", R"(,"sessions":0)");
    REQUIRE(wait_connected(a, 2));
    REQUIRE(wait_connected(b, 2));
    Echo echo(b, 80);
    auto dialing = begin_dial(a, b.key(), 80);
    net.world.run_until([&] { return net.servers[0]->requests + net.servers[1]->requests > 0; });
    net.world.run_for(after_ms);
    if (dialing->done()) continue;
    net.kill(net.servers[0]->requests > 0 ? 0 : 1);
    REQUIRE(net.world.run_until([&] { return dialing->done(); }));
    REQUIRE(dialing->user);
    CHECK(dialing->took_ms() < 400);
    echo_through(net.world, *dialing->user, pattern(1000));
  }
}

TEST_CASE("dials that nobody can answer end within their limit", "[dmsg][failover]") {
  Net net(50, 3);
  Node& a = net.client("10.0.1.1", R"(,"sessions":0,"limits":{"dial_ms":7000,"setup_ms":3000})");
  REQUIRE(wait_connected(a, 3));
  for (auto& server : net.servers) server->manner = Manner::kSilent;
  std::vector<std::unique_ptr<Dialing>> dials;
  for (int i = 0; i < 300; ++i) dials.push_back(begin_dial(a, net.machines[0]->key(), 80));
  REQUIRE(net.world.run_until([&] { return std::ranges::all_of(dials, [](auto& d) { return d->done(); }); }));
  for (auto& each : dials) {
    REQUIRE(each->error);
    CHECK(each->error->status == VISOR_ETIMEDOUT);
    CHECK(each->took_ms() <= 7000);
  }
  CHECK(number(a, "dials") == 0);
  CHECK(number(a, "setups") == 0);
  CHECK(number(a, "ephemeral_ports") == 0);
}

TEST_CASE("without any server a dial ends within its limit, and says what is missing", "[dmsg][failover]") {
  Net net(51, 1);
  net.kill(0);
  Node& a = net.client("10.0.1.1", R"(,"limits":{"dial_ms":3000})");
  auto dialing = begin_dial(a, net.machines[0]->key(), 80);
  REQUIRE(net.world.run_until([&] { return dialing->done(); }));
  REQUIRE(dialing->error);
  CHECK(dialing->error->status == VISOR_ETIMEDOUT);
  CHECK(dialing->took_ms() <= 3000);
  CHECK(dialing->error->text.find("by server " + to_hex(net.machines[0]->key()).substr(0, 10)) !=
        std::string::npos);
  Node& alone = net.world.add("10.0.1.2", client_config(R"("limits":{"dial_ms":1000})"));
  Error error = dial_fails(alone, a.key(), 80);
  CHECK(error.status == VISOR_ETIMEDOUT);
  CHECK(error.text.find("no server is connected") != std::string::npos);
}

}  // namespace visor::test::dmsg
