// A discovery behind a gateway and on a network, asked as clients and relays ask it.
#include "lib/dmsg/registration.hpp"
#include "lib/http/client.hpp"
#include "tests/conformance/fetch_user.hpp"
#include "tests/conformance/transports_user.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test::discovering {
namespace {

using fetching::Answer;

constexpr char kGateway[] =
    R"({"plugin":"gateway","config":{"listen":"tcp://0.0.0.0:9090","token":"0123456789abcdef"}})";

std::string discovery_config(const std::string& members = {}, const std::string& more = {}) {
  return R"({"plugins":[{"plugin":"storage_memory","as":"disk"},)" + std::string(kGateway) +
         R"(,{"plugin":"dmsg_discovery","config":{"drive":"disk")" + (members.empty() ? "" : "," + members) +
         "}}" + more + "]}";
}

struct Asker {
  Asker(World& world, const std::string& machine)
      : node(world.add(machine, R"({"plugins":[{"plugin":"fetch"}]})")) {
    auto made = dmsg::Directory::over_fetch(node.host(), "http://10.0.0.1:9090");
    REQUIRE(made);
    directory = std::move(*made);
  }

  dmsg::Sign sign() { return dmsg::sign_with(node.host(), node.find<visor_identity>(VISOR_IDENTITY_1)); }
  template <class T>
  Result<T> wait(const std::function<dmsg::Call(std::function<void(Result<T>)>)>& ask) {
    auto got = std::make_shared<std::optional<Result<T>>>();
    dmsg::Call call = ask([got](Result<T> result) { *got = std::move(result); });
    REQUIRE(node.world().run_until([&] { return got->has_value(); }));
    return **got;
  }
  Result<dmsg::Entry> entry(const visor_key& key) {
    return wait<dmsg::Entry>([&](auto done) { return directory->entry(key, done); });
  }
  Result<std::vector<dmsg::Entry>> servers() {
    return wait<std::vector<dmsg::Entry>>([&](auto done) { return directory->servers(done); });
  }

  Node& node;
  std::unique_ptr<dmsg::Directory> directory;
};

dmsg::OwnEntry client_of(std::vector<visor_key> servers) {
  dmsg::OwnEntry own;
  own.client.emplace().delegated_servers = std::move(servers);
  return own;
}

dmsg::OwnEntry server_at(const std::string& address, int64_t room) {
  dmsg::OwnEntry own;
  own.server.emplace().address = address;
  own.server->available_sessions = room;
  return own;
}

boost::json::value status(Node& node) {
  auto json = node.call("dmsg_discovery", "status");
  REQUIRE(json.has_value());
  return transports::json(*json);
}

}  // namespace

TEST_CASE("discovery: entries of clients and servers over HTTP, and what is away expires", "[dmsg]") {
  SimWorld world(1);
  Node& hub = world.add("10.0.0.1", discovery_config());
  Asker relay(world, "10.0.0.2"), client(world, "10.0.0.3");
  auto none = client.entry(relay.node.key());
  REQUIRE_FALSE(none);
  CHECK(none.error().status == VISOR_ENOENT);
  auto no_servers = client.servers();
  REQUIRE(no_servers);
  CHECK(no_servers->empty());

  dmsg::Registration relays(relay.node.host(), relay.node.key(), relay.sign(), *relay.directory);
  dmsg::Registration clients(client.node.host(), client.node.key(), client.sign(), *client.directory,
                             {.refresh_ms = 300'000});
  relays.set(server_at("10.0.0.2:8081", 100));
  clients.set(client_of({relay.node.key()}));
  REQUIRE(world.run_until([&] { return relays.counters().registered && clients.counters().registered; }));

  auto servers = client.servers();
  REQUIRE(servers);
  REQUIRE(servers->size() == 1);
  CHECK(servers->front().key == relay.node.key());
  CHECK(servers->front().server->address == "10.0.0.2:8081");
  CHECK(dmsg::verify(servers->front()));
  auto found = relay.entry(client.node.key());
  REQUIRE(found);
  CHECK(found->client->delegated_servers->front() == relay.node.key());

  // Ten minutes on, everybody is still there.
  world.run_for(600'000);
  CHECK(client.servers()->size() == 1);
  CHECK(status(hub).at("entries").as_int64() == 2);

  bool withdrawn = false;
  clients.withdraw([&] { withdrawn = true; });
  REQUIRE(world.run_until([&] { return withdrawn; }));
  auto gone = relay.entry(client.node.key());
  REQUIRE_FALSE(gone);
  CHECK(gone.error().status == VISOR_ENOENT);

  relays.set(server_at("10.0.0.2:8081", 0));
  REQUIRE(world.run_until([&] { return relays.counters().registered; }));
  CHECK(client.servers()->empty());
}

TEST_CASE("discovery: a relay that dies is listed for two minutes at most", "[dmsg]") {
  SimWorld world(2);
  Node& hub = world.add("10.0.0.1", discovery_config());
  Asker relay(world, "10.0.0.2"), client(world, "10.0.0.3");
  {
    dmsg::Registration relays(relay.node.host(), relay.node.key(), relay.sign(), *relay.directory);
    relays.set(server_at("10.0.0.2:8081", 100));
    REQUIRE(world.run_until([&] { return relays.counters().registered; }));
  }
  world.run_for(119'000);
  CHECK(client.servers()->size() == 1);
  world.run_for(1'500);
  CHECK(client.servers()->empty());
  world.run_for(6'000);
  CHECK(status(hub).at("entries").as_int64() == 0);
}

TEST_CASE("discovery: away and back, empty or not, entries return by themselves", "[dmsg]") {
  SimWorld world(3);
  Node* hub = &world.add("10.0.0.1", discovery_config());
  Asker client(world, "10.0.0.3"), other(world, "10.0.0.4");
  dmsg::Registration clients(client.node.host(), client.node.key(), client.sign(), *client.directory);
  clients.set(client_of({}));
  REQUIRE(world.run_until([&] { return clients.counters().registered; }));
  world.remove(*hub);
  world.run_for(200'000);
  CHECK_FALSE(clients.counters().registered);
  CHECK_FALSE(clients.counters().last_error.empty());
  hub = &world.add("10.0.0.1", discovery_config());
  REQUIRE(world.run_until([&] { return clients.counters().registered; }, 70'000));
  CHECK(other.entry(client.node.key()));
}

TEST_CASE("discovery: what it has is there after a restart", "[dmsg]") {
  Scratch folder;
  std::string config = R"({"plugins":[{"plugin":"storage_leveldb","as":"disk","config":{"path":")" +
                       folder.path().string() + R"("}},)" + kGateway + R"(,{"plugin":"dmsg_discovery"}]})";
  SimWorld world(4);
  Node* hub = &world.add("10.0.0.1", config);
  Asker client(world, "10.0.0.3");
  std::optional<dmsg::Registration> clients;
  clients.emplace(client.node.host(), client.node.key(), client.sign(), *client.directory);
  clients->set(client_of({}));
  REQUIRE(world.run_until([&] { return clients->counters().registered; }));
  clients.reset();
  world.remove(*hub);
  hub = &world.add("10.0.0.1", config);
  CHECK(client.entry(client.node.key()));
  CHECK(status(*hub).at("drive").at("restored").as_int64() == 1);
  // Its time goes on from when it was stored.
  world.run_for(60 * 60'000);
  CHECK_FALSE(client.entry(client.node.key()));
}

TEST_CASE("discovery: pages of any origin may ask", "[dmsg]") {
  SimWorld world(5);
  world.add("10.0.0.1", discovery_config());
  Asker page(world, "10.0.0.3");
  const std::string url = "http://10.0.0.1:9090/dmsg-discovery/entries";
  Answer answer = fetching::ask(page.node, {.url = url, .headers = {{"Origin", "http://example.org"}}});
  CHECK(answer.http == 200);
  CHECK(answer.body == "[]");
  auto header = [&](const Answer& from, std::string_view name) {
    for (const auto& [key, value] : from.headers) {
      if (key == name) return value;
    }
    return std::string();
  };
  CHECK(header(answer, "access-control-allow-origin") == "*");
  CHECK(header(answer, "content-type") == "application/json");
  Answer preflight = fetching::ask(
      page.node, {.method = "OPTIONS",
                  .url = "http://10.0.0.1:9090/dmsg-discovery/entry/",
                  .headers = {{"Origin", "http://example.org"}, {"Access-Control-Request-Method", "POST"}}});
  CHECK(preflight.http == 204);
  CHECK(header(preflight, "access-control-allow-methods").find("DELETE") != std::string::npos);
  CHECK(fetching::ask(page.node, {.url = "http://10.0.0.1:9090/health"}).body.find("started_at") !=
        std::string::npos);
}

TEST_CASE("discovery: an address that asks too often is told so, others are not", "[dmsg]") {
  SimWorld world(6);
  world.add("10.0.0.1", discovery_config(R"("limits":{"address_requests_per_s":1,"address_burst":5})"));
  Asker greedy(world, "10.0.0.3"), modest(world, "10.0.0.4");
  const std::string url = "http://10.0.0.1:9090/dmsg-discovery/entries";
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    Answer answer = fetching::ask(greedy.node, {.url = url});
    if (answer.http != 429) continue;
    ++refused;
    CHECK(answer.body == "rate limit exceeded\n");
  }
  CHECK(refused >= 4);
  CHECK(fetching::ask(modest.node, {.url = url}).http == 200);
}

namespace {

// A network of two visors, the discovery on port 80 of one of them.
struct OnNetwork {
  static constexpr char kTransports[] = R"({"plugin":"transports","config":{"listen":"tcp://0.0.0.0:7000"}})";

  explicit OnNetwork(const std::string& members = {})
      : hub(world.add("10.0.0.1",
                      discovery_config(R"("network":"skynet")" + members, "," + std::string(kTransports)))),
        asker(world.add("10.0.0.2", R"({"plugins":[)" + std::string(kTransports) + "]}")),
        directory(dmsg::Directory::over_streams(
            asker.host(), {hub.key(), 80},
            dmsg::open_by_dialling(asker.host(), transports::skynet_of(asker), {hub.key(), 80}))) {
    transports::save(asker, hub.key(), "stcpr", transports::at(hub));
  }

  template <class T>
  Result<T> wait(const std::function<dmsg::Call(std::function<void(Result<T>)>)>& ask) {
    auto got = std::make_shared<std::optional<Result<T>>>();
    dmsg::Call call = ask([got](Result<T> result) { *got = std::move(result); });
    REQUIRE(world.run_until([&] { return got->has_value(); }));
    return **got;
  }

  SimWorld world{7};
  Node &hub, &asker;
  std::unique_ptr<dmsg::Directory> directory;
};

}  // namespace

TEST_CASE("discovery: over a network, without HTTP's port", "[dmsg]") {
  OnNetwork on;
  REQUIRE(on.world.run_until([&] { return status(on.hub).at("network").at("listening").as_bool(); }));
  auto none = on.wait<dmsg::Entry>([&](auto done) { return on.directory->entry(on.asker.key(), done); });
  REQUIRE_FALSE(none);
  CHECK(none.error().status == VISOR_ENOENT);
  auto sign = dmsg::sign_with(on.asker.host(), on.asker.find<visor_identity>(VISOR_IDENTITY_1));
  dmsg::Registration own(on.asker.host(), on.asker.key(), sign, *on.directory);
  own.set(client_of({}));
  REQUIRE(on.world.run_until([&] { return own.counters().registered; }));
  auto read = on.wait<dmsg::Entry>([&](auto done) { return on.directory->entry(on.asker.key(), done); });
  REQUIRE(read);
  CHECK(dmsg::verify(*read));
  on.hub.stop();
  on.world.run_for(130'000);
  CHECK_FALSE(own.counters().registered);
}

TEST_CASE("discovery: a key that asks too often on a network is told so", "[dmsg]") {
  OnNetwork on(R"(,"limits":{"requests_per_s":1,"burst":3})");
  int refused = 0;
  for (int i = 0; i < 8; ++i) {
    auto answer = on.wait<std::vector<dmsg::Entry>>([&](auto done) { return on.directory->servers(done); });
    if (!answer) {
      INFO(answer.error().text);
      CHECK(answer.error().status == VISOR_EAGAIN);
      ++refused;
    }
  }
  CHECK(refused >= 3);
  CHECK(status(on.hub).at("keys").at("refused").as_int64() == refused);
}

TEST_CASE("discovery: a visor stops while questions are under way", "[dmsg]") {
  for (uint64_t ms : {0, 1, 5, 12, 20, 40}) {
    OnNetwork on;
    bool answered = false;
    dmsg::Call call = on.directory->entry(on.asker.key(), [&](Result<dmsg::Entry> result) {
      CHECK_FALSE(result);
      answered = true;
    });
    on.world.run_for(ms);
    on.hub.stop();
    CHECK(on.world.run_until([&] { return answered; }, 20'000));
  }
}

TEST_CASE("discovery: its commands", "[dmsg]") {
  SimWorld world(8);
  Node& hub = world.add("10.0.0.1", discovery_config());
  Asker client(world, "10.0.0.3");
  dmsg::Registration clients(client.node.host(), client.node.key(), client.sign(), *client.directory);
  clients.set(client_of({}));
  REQUIRE(world.run_until([&] { return clients.counters().registered; }));
  const std::string pk = to_hex(client.node.key());
  auto entries = hub.call("dmsg_discovery", "entries");
  REQUIRE(entries.has_value());
  CHECK(entries->find(pk) != std::string::npos);
  CHECK(hub.call("dmsg_discovery", "servers").value() == "[]");
  auto entry = hub.call("dmsg_discovery", "entry", R"({"pk":")" + pk + "\"}");
  REQUIRE(entry.has_value());
  CHECK(dmsg::verify(*dmsg::parse_entry(*entry)));
  auto missing = hub.call("dmsg_discovery", "entry", R"({"pk":")" + std::string(66, '0') + "\"}");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().status == VISOR_ENOENT);
}

}  // namespace visor::test::discovering
