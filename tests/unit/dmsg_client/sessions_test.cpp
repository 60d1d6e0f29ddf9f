// Which servers a client of the relay network stays connected with.
#include "plugins/dmsg/sessions.hpp"

#include "tests/conformance/dmsg_server_by_hand.hpp"

namespace visor::dmsg_client {
namespace {

using test::Node;
using test::dmsg::ServerByHand;

/* Servers by hand, and the sessions of one client, which knows `configured` of them from the beginning. */
struct Scene {
  explicit Scene(size_t count, size_t configured, size_t wanted, size_t limit = 64) {
    for (size_t i = 0; i < count; ++i) {
      Node& node = world.add("10.0.0." + std::to_string(i + 1), R"({"plugins":[]})");
      machines.push_back(&node);
      servers.push_back(std::make_unique<ServerByHand>(node));
      known.push_back({node.key(), node.machine() + ":8080", {}});
    }
    config.servers.assign(known.begin(), known.begin() + static_cast<ptrdiff_t>(configured));
    config.sessions = wanted;
    config.limits.sessions = limit;
    config.interval_ms = 1000;
    Host host = client.host();
    auto* sockets = client.find<visor_sockets>(VISOR_SOCKETS_1);
    sessions = std::make_unique<Sessions>(
        host, Carrier(host, sockets), client.find<visor_identity>(VISOR_IDENTITY_1), config,
        Sessions::Events{.changed = [this] { ++changes; },
                         .accept = [](const SessionPointer&, visor_stream* raw) { raw->api->close(raw); }});
    sessions->start();
  }
  size_t ready() const { return sessions->ready().size(); }
  bool wait_ready(size_t count, uint64_t ms = 2000) {
    return world.run_until([&] { return ready() == count; }, ms);
  }
  size_t index_of(const visor_key& key) const {
    return static_cast<size_t>(std::ranges::find(known, key, &KnownServer::key) - known.begin());
  }
  void kill(size_t which) {
    servers[which]->stop();
    world.network().drop(machines[which]->machine());
  }
  Result<SessionPointer> want(const KnownServer& server, uint64_t ms = 15'000) {
    std::optional<Result<SessionPointer>> found;
    sessions->want(server, [&](Result<SessionPointer> session) { found = std::move(session); });
    CHECK_FALSE(found.has_value());
    REQUIRE(world.run_until([&] { return found.has_value(); }, ms));
    return *found;
  }

  test::SimWorld world{7};
  Node& client = world.add("10.0.1.1", R"({"plugins":[]})");
  std::vector<Node*> machines;
  std::vector<std::unique_ptr<ServerByHand>> servers;
  std::vector<KnownServer> known;
  Config config;
  int changes = 0;
  std::unique_ptr<Sessions> sessions;
};

}  // namespace

TEST_CASE("one session with each server at most, however many ask for it", "[dmsg]") {
  Scene scene(1, 1, 1);
  int found = 0;
  for (int i = 0; i < 20; ++i) {
    scene.sessions->want(scene.known[0],
                         [&](Result<SessionPointer> session) { found += session.has_value(); });
  }
  CHECK(scene.sessions->size() == 1); /* it is under way */
  REQUIRE(scene.world.run_until([&] { return found == 20; }, 2000));
  scene.world.run_for(100); /* a server hears last of a session */
  CHECK(scene.sessions->size() == 1);
  CHECK(scene.servers[0]->sessions() == 1);
  CHECK(scene.sessions->counters().connected == 1);
}

TEST_CASE("a server that gave trouble is chosen after those that did not", "[dmsg]") {
  Scene scene(3, 3, 1);
  REQUIRE(scene.wait_ready(1));
  std::set<size_t> used;
  for (int i = 0; i < 3; ++i) {
    size_t which = scene.index_of(scene.sessions->ready()[0]->key());
    CHECK(used.insert(which).second); /* each of the three before one of them again */
    scene.kill(which);
    CHECK(scene.world.run_until([&] { return scene.sessions->troubled(scene.known[which].key); }, 1000));
    if (i < 2) REQUIRE(scene.wait_ready(1, 1000));
  }
  scene.servers[1] = std::make_unique<ServerByHand>(*scene.machines[1]);
  REQUIRE(scene.wait_ready(1, 31'000));
  CHECK_FALSE(scene.sessions->troubled(scene.known[1].key));
}

TEST_CASE("a dial's own session stays as long as it is used, and then goes", "[dmsg]") {
  Scene scene(2, 1, 1);
  REQUIRE(scene.wait_ready(1));
  auto session = scene.want(scene.known[1]);
  REQUIRE(session);
  CHECK((*session)->key() == scene.known[1].key);
  CHECK(scene.ready() == 2);
  CHECK(scene.sessions->known() == 2); /* while it is there */
  auto opened = (*session)->open(80);
  REQUIRE(opened);
  Stream stream(scene.client.host(), *opened);
  scene.world.run_for(20'000);
  CHECK(scene.ready() == 2); /* in use */
  stream.close();
  REQUIRE(scene.wait_ready(1, 10'000));
  CHECK(scene.sessions->ready()[0]->key() == scene.known[0].key); /* the one that is to be kept */
}

TEST_CASE("what the discovery lists is used, and what it lists no more is not tried again", "[dmsg]") {
  Scene scene(3, 0, 0);
  scene.world.run_for(2000);
  CHECK(scene.ready() == 0);
  scene.sessions->know({scene.known[0], scene.known[1]});
  REQUIRE(scene.wait_ready(2));
  scene.sessions->know({scene.known[1], scene.known[2]});
  REQUIRE(scene.world.run_until([&] { return scene.sessions->ready(scene.known[2].key) != nullptr; }, 2000));
  CHECK(scene.sessions->ready(scene.known[0].key)); /* nothing is wrong with it */
  scene.kill(0);
  scene.world.run_for(40'000);
  CHECK(scene.sessions->find(scene.known[0].key) == nullptr);
  CHECK(scene.ready() == 2);
}

TEST_CASE("sessions have a limit, and who asks for one more is told", "[dmsg]") {
  Scene scene(3, 2, 0, 2);
  REQUIRE(scene.wait_ready(2));
  auto session = scene.want(scene.known[2]);
  REQUIRE_FALSE(session);
  CHECK(session.error().status == VISOR_ENOSPC);
  CHECK(scene.sessions->size() == 2);
}

TEST_CASE("who waits for a session is told of its failure, of the stop, or nothing once it has canceled",
          "[dmsg]") {
  Scene scene(1, 0, 1);
  SECTION("a server that is not there") {
    scene.kill(0);
    auto session = scene.want(scene.known[0]);
    REQUIRE_FALSE(session);
    CHECK(scene.sessions->find(scene.known[0].key) == nullptr); /* nobody else named it */
  }
  SECTION("the stop") {
    std::optional<Error> any, one;
    scene.sessions->want_any([&](Result<SessionPointer> session) { any = session.error(); });
    scene.sessions->want(scene.known[0], [&](Result<SessionPointer> session) { one = session.error(); });
    CHECK(scene.sessions->waiting() == 2);
    scene.sessions->stop();
    scene.world.run_for(1);
    REQUIRE((any.has_value() && one.has_value()));
    CHECK(any->status == VISOR_ECANCELED);
    CHECK(one->status == VISOR_ECANCELED);
  }
  SECTION("a cancel") {
    bool called = false;
    uint64_t any = scene.sessions->want_any([&](Result<SessionPointer>) { called = true; });
    uint64_t one = scene.sessions->want(scene.known[0], [&](Result<SessionPointer>) { called = true; });
    scene.sessions->cancel(any);
    scene.sessions->cancel(one);
    CHECK(scene.sessions->waiting() == 0);
    scene.world.run_for(2000);
    CHECK_FALSE(called);
  }
}

}  // namespace visor::dmsg_client
