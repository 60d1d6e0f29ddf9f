// Discovery, servers and clients together: real kernels on the simulated network.
#include "tests/conformance/dmsg_network.hpp"

namespace visor::test::dmsg {
namespace {

struct Net {
  Net(uint64_t seed, size_t count) : world(seed), discovery(discovery_node(world)) {
    for (size_t i = 0; i < count; ++i) servers.push_back(&server_node(world, i));
  }
  Node& server_with(const std::string& key) {
    for (Node* server : servers) {
      if (to_hex(server->key()) == key) return *server;
    }
    FAIL("no such server: " << key);
    return *servers.front();
  }
  std::string entry(const visor_key& key) {
    auto text = discovery.call("dmsg_discovery", "entry", R"({"pk":")" + to_hex(key) + R"("})");
    return text ? *text : text.error().text;
  }
  /* The machine loses its power. */
  void kill(Node& node) {
    world.network().set_silent(node.machine(), true);
    world.network().drop(node.machine());
  }
  SimWorld world;
  Node& discovery;
  std::vector<Node*> servers;
};

}  // namespace

TEST_CASE("clients of one server each find each other by the discovery", "[dmsg][network]") {
  Net net(1, 2);
  std::vector<Node*> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(&client_node(net.world, "10.0.1." + std::to_string(i + 1)));
  std::set<std::string> used;
  std::vector<std::unique_ptr<Echo>> echoes;
  for (Node* client : clients) {
    REQUIRE(wait_registered(*client));
    CHECK(net.entry(client->key()).find(server_of(*client)) != std::string::npos);
    used.insert(server_of(*client));
    echoes.push_back(std::make_unique<Echo>(*client, 80));
  }
  CHECK(used.size() == 2);
  for (Node* from : clients) {
    for (Node* to : clients) {
      auto user = dial(*from, to->key(), 80);
      echo_through(net.world, *user, pattern(2000));
    }
  }
}

TEST_CASE("an entry follows its client's sessions, and goes with it", "[dmsg][network]") {
  Net net(2, 2);
  Node& a = client_node(net.world, "10.0.1.1");
  REQUIRE(wait_registered(a));
  std::string first = server_of(a);
  net.kill(net.server_with(first));
  REQUIRE(net.world.run_until(
      [&] {
        std::string entry = net.entry(a.key());
        return connected(a) == 1 && entry.find(server_of(a)) != std::string::npos &&
               entry.find(first) == std::string::npos;
      },
      1000));
  visor_key key = a.key();
  net.world.remove(a);
  CHECK(net.entry(key).find("delegated_servers") == std::string::npos);
}

TEST_CASE("a server is killed: a new dial between its clients succeeds within a second", "[dmsg][network]") {
  for (uint64_t seed = 10; seed < 20; ++seed) {
    Net net(seed, 2);
    Node &a = client_node(net.world, "10.0.1.1"), &b = client_node(net.world, "10.0.1.2");
    REQUIRE(wait_registered(a));
    REQUIRE(wait_registered(b));
    Echo echo(b, 80);
    auto before = dial(a, b.key(), 80);
    net.kill(net.server_with(server_of(b)));
    auto dialing = begin_dial(a, b.key(), 80);
    REQUIRE(net.world.run_until([&] { return dialing->done(); }));
    INFO((dialing->error ? dialing->error->text : ""));
    REQUIRE(dialing->user);
    INFO("seed " << seed << ": " << dialing->took_ms() << " ms");
    CHECK(dialing->took_ms() < 1000);
    echo_through(net.world, *dialing->user, pattern(100));
    CHECK(before->closed.has_value());
  }
}

TEST_CASE("while the discovery is away, those that are connected still reach each other", "[dmsg][network]") {
  Net net(3, 1);
  Node &a = client_node(net.world, "10.0.1.1"), &b = client_node(net.world, "10.0.1.2");
  REQUIRE(wait_registered(a));
  REQUIRE(wait_registered(b));
  Echo echo(b, 80);
  net.kill(net.discovery);
  auto user = dial(a, b.key(), 80);
  echo_through(net.world, *user, pattern(100));
  net.world.run_for(200'000);
  CHECK_FALSE(status(a).if_contains("discovery")->if_object()->if_contains("problem")->if_string()->empty());
  net.world.network().set_silent(kDiscoveryMachine, false);
  REQUIRE(net.world.run_until(
      [&] { return registered(a) && !status(a)["discovery"].as_object().contains("problem"); }, 120'000));
}

TEST_CASE("the discovery may be on the relay network itself", "[dmsg][network]") {
  SimWorld world(4);
  std::vector<Node*> servers;
  std::string rows;
  for (size_t i = 0; i < 2; ++i) {
    servers.push_back(&server_node(world, i, ""));
    rows +=
        (rows.empty() ? "" : ",") + server_row(servers.back()->key(), "tcp://" + server_machine(i) + ":8081");
  }
  rows = R"("servers":[)" + rows + "]";
  Node& discovery =
      world.add(kDiscoveryMachine,
                in_config(plugin("storage_memory") + "," + plugin("dmsg", rows + R"(,"sessions":0)") + "," +
                          plugin("dmsg_discovery", json_text("network", "dmsg"))));
  REQUIRE(wait_connected(discovery, 2));
  std::string address = "dmsg://" + to_hex(discovery.key()) + ":80";
  Node &a = client_node(world, "10.0.1.1", rows, address), &b = client_node(world, "10.0.1.2", rows, address);
  REQUIRE(wait_registered(a));
  REQUIRE(wait_registered(b));
  Echo echo(b, 81);
  auto user = dial(a, b.key(), 81);
  echo_through(world, *user, pattern(1000));
  auto entry = discovery.call("dmsg_discovery", "entry", R"({"pk":")" + to_hex(b.key()) + R"("})");
  REQUIRE(entry);
  CHECK(entry->find(server_of(b)) != std::string::npos);
}

TEST_CASE("a thousand streams between two clients through a real server", "[dmsg][network]") {
  Net net(5, 1);
  Node &a = client_node(net.world, "10.0.1.1"), &b = client_node(net.world, "10.0.1.2");
  REQUIRE(wait_registered(a));
  REQUIRE(wait_registered(b));
  Echo echo(b, 80);
  std::vector<std::unique_ptr<Dialing>> dials;
  for (int i = 0; i < 1000; ++i) dials.push_back(begin_dial(a, b.key(), 80));
  REQUIRE(net.world.run_until([&] { return std::ranges::all_of(dials, [](auto& d) { return d->done(); }); }));
  for (size_t i = 0; i < dials.size(); ++i) {
    INFO((dials[i]->error ? dials[i]->error->text : ""));
    REQUIRE(dials[i]->user);
    REQUIRE(dials[i]->user->write("number " + std::to_string(i)) == VISOR_OK);
  }
  REQUIRE(net.world.run_until(
      [&] { return std::ranges::all_of(dials, [](auto& d) { return d->user->data.size() >= 8; }); }));
  for (size_t i = 0; i < dials.size(); ++i) CHECK(dials[i]->user->text() == "number " + std::to_string(i));
  net.kill(*net.servers[0]); /* and all end */
  REQUIRE(net.world.run_until([&] {
    return echo.open() == 0 &&
           std::ranges::all_of(dials, [](auto& d) { return d->user->closed.has_value(); });
  }));
}

}  // namespace visor::test::dmsg
