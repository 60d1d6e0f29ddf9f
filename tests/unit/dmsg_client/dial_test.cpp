// A dial's way through the servers, by what the peer's entry says and what has become of the servers since.
#include "plugins/dmsg/network.hpp"
#include "tests/conformance/dmsg_server_by_hand.hpp"
#include "tests/unit/dmsg/discovery_stub.hpp"

namespace visor::dmsg_client {
namespace {

using test::Node;
using test::dmsg::ServerByHand;

constexpr uint16_t kPort = 80;

/* Servers by hand, one client that dials and one that listens, and a discovery that only the first one asks.
 */
struct Scene {
  explicit Scene(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Node& node = world.add("10.0.0." + std::to_string(i + 1), R"({"plugins":[]})");
      machines.push_back(&node);
      servers.push_back(std::make_unique<ServerByHand>(node));
      known.push_back({node.key(), node.machine() + ":8080", {}});
    }
  }
  /* Which servers each is connected with from the beginning. */
  void start(const std::vector<size_t>& dialers, const std::vector<size_t>& listeners) {
    dialer = network(from, dialers);
    dialer->use(*directory);
    dialer->start([] {});
    listener = network(to, listeners);
    listener->start([] {});
    REQUIRE(world.run_until([&] {
      return dialer->sessions().ready().size() == dialers.size() &&
             listener->sessions().ready().size() == listeners.size();
    }));
    world.run_for(50);
    auto listens = heard.listen(to.host(), listener.get(), kPort, [this](visor_stream* raw) {
      ++accepted;
      streams.emplace_back(to.host(), raw);
    });
    REQUIRE(listens.has_value());
  }
  std::unique_ptr<Network> network(Node& node, const std::vector<size_t>& which) {
    Config config;
    for (size_t i : which) config.servers.push_back(known[i]);
    config.sessions = 0;
    config.limits.dial_ms = 8000;
    config.limits.setup_ms = 1000;
    return std::make_unique<Network>(node.host(), node.find<visor_identity>(VISOR_IDENTITY_1),
                                     Carrier(node.host(), node.find<visor_sockets>(VISOR_SOCKETS_1)), config);
  }
  /* The listener's entry names these, and the discovery knows them all. */
  void entry_names(const std::vector<size_t>& which) {
    auto* identity = to.find<visor_identity>(VISOR_IDENTITY_1);
    dmsg::Entry entry;
    entry.key = to.key();
    entry.sequence = ++sequence;
    entry.timestamp_ns = to.host().unix_ns();
    auto& named = entry.client.emplace().delegated_servers.emplace();
    for (size_t i : which) named.push_back(known[i].key);
    REQUIRE(dmsg::sign(entry, dmsg::sign_with(to.host(), identity)));
    stub.entries[entry.key] = entry;
    for (const KnownServer& each : known) {
      dmsg::Entry server;
      server.key = each.key;
      server.server.emplace().address = each.tcp;
      stub.entries[each.key] = server;
    }
  }
  Result<visor_stream*> dial(uint16_t port = kPort) {
    visor_addr address{to.key(), port};
    visor_net* net = dialer.get();
    uint64_t before = from.host().now_ms();
    auto stream =
        world.await<visor_stream>(from, [&](visor_done done) { return net->api->dial(net, &address, done); });
    took_ms = from.host().now_ms() - before;
    if (stream) (*stream)->api->close(*stream);
    return stream;
  }
  void kill(size_t which) {
    servers[which]->stop();
    world.network().drop(machines[which]->machine());
  }
  uint64_t requests(size_t which) const { return servers[which]->requests; }

  test::SimWorld world{11};
  Node &from = world.add("10.0.1.1", R"({"plugins":[]})"), &to = world.add("10.0.1.2", R"({"plugins":[]})");
  std::vector<Node*> machines;
  std::vector<std::unique_ptr<ServerByHand>> servers;
  std::vector<KnownServer> known;
  test::DiscoveryStub stub{from.host()};
  std::unique_ptr<dmsg::Directory> directory =
      dmsg::Directory::over_streams(from.host(), {from.key(), 80}, stub.opener(), {});
  std::unique_ptr<Network> dialer, listener;
  std::vector<Stream> streams;
  Listener heard;
  uint64_t sequence = 0, took_ms = 0;
  size_t accepted = 0;
};

}  // namespace

TEST_CASE("a dial takes a server that both are connected with, whatever else the entry names", "[dmsg]") {
  Scene scene(3);
  scene.start({1, 2}, {0, 1});
  scene.entry_names({0, 1});
  REQUIRE(scene.dial().has_value());
  CHECK(scene.requests(0) == 0);
  CHECK(scene.requests(1) == 1);
  CHECK(scene.dialer->sessions().size() == 2); /* none was made for it */
  CHECK(scene.took_ms < 200);
}

TEST_CASE("a dial connects with a server that only the entry names, and keeps that session", "[dmsg]") {
  Scene scene(2);
  scene.start({0}, {1});
  scene.entry_names({1});
  REQUIRE(scene.dial().has_value());
  CHECK(scene.requests(0) == 0);
  CHECK(scene.requests(1) == 1);
  CHECK(scene.dialer->sessions().size() == 2);
  size_t asked = scene.stub.asked.size();
  REQUIRE(scene.dial().has_value());
  CHECK(scene.stub.asked.size() == asked); /* entry and session are there */
}

TEST_CASE("an entry that is out of date is asked for again, and a dial follows it", "[dmsg]") {
  Scene scene(2);
  scene.start({0}, {1});
  scene.entry_names({0});
  CHECK_FALSE(scene.dial().has_value()); /* and the wrong entry is kept */
  scene.entry_names({1});
  REQUIRE(scene.dial().has_value());
  CHECK(scene.accepted == 1);
  CHECK(scene.requests(1) == 1);
}

TEST_CASE("a server that is gone costs a dial little: the others are tried", "[dmsg]") {
  Scene scene(3);
  scene.start({0, 1, 2}, {0, 1, 2});
  scene.entry_names({0, 1, 2});
  REQUIRE(scene.dial().has_value());
  for (size_t gone = 0; gone < 2; ++gone) {
    scene.kill(gone);
    REQUIRE(scene.dial().has_value());
    CHECK(scene.took_ms < 500);
  }
  CHECK(scene.accepted == 3);
}

TEST_CASE("without an entry, or with an empty one, every server that is connected is tried", "[dmsg]") {
  Scene scene(2);
  scene.start({0, 1}, {1});
  SECTION("none") {}
  SECTION("an empty one") {
    scene.entry_names({});
  }
  SECTION("a discovery that is away") {
    scene.stub.away = true;
  }
  REQUIRE(scene.dial().has_value());
  CHECK(scene.requests(1) == 1);
}

TEST_CASE("where nobody answers, a dial says what it tried, within its limit", "[dmsg]") {
  Scene scene(2);
  scene.start({0, 1}, {0, 1});
  scene.entry_names({0, 1});
  for (auto& server : scene.servers) server->manner = test::dmsg::Manner::kSilent;
  auto failed = scene.dial();
  REQUIRE_FALSE(failed.has_value());
  CHECK(scene.took_ms <= 8000);
  for (const KnownServer& each : scene.known) {
    CHECK(failed.error().text.find(to_hex(each.key).substr(0, 10)) != std::string::npos);
  }
  CHECK(scene.dialer->dialing() == 0);
  CHECK(scene.dialer->ephemeral() == 0);
}

}  // namespace visor::dmsg_client
