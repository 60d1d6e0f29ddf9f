// A service directory behind a gateway: asked over HTTP as visors ask it, restarted, attacked; and transports
// that make themselves to the visors that it lists.
#include "lib/services/registration.hpp"
#include "tests/conformance/fetch_user.hpp"
#include "tests/conformance/transports_user.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test::service_directory {
namespace {

using fetching::Answer;
using services::Service;
using transports::json;
using transports::member;

constexpr char kUrl[] = "http://10.0.0.1:9090";
constexpr uint64_t kInterval = 60'000;

std::string directory_config(const std::string& members = {},
                             const std::string& disk = R"("storage_memory")") {
  return R"({"plugins":[{"plugin":)" + disk + R"(,"as":"disk"},
    {"plugin":"gateway","config":{"listen":"tcp://0.0.0.0:9090","token":"0123456789abcdef"}},
    {"plugin":"service_discovery","config":{"drive":"disk")" +
         (members.empty() ? "" : "," + members) + "}}]}";
}

boost::json::value status(Node& node) {
  auto text = node.call("service_discovery", "status");
  REQUIRE(text.has_value());
  return json(*text);
}

int64_t counter(Node& node, std::string_view name) {
  return member(member(status(node), "requests"), name).to_number<int64_t>();
}

struct Asker {
  Asker(World& world, const std::string& machine)
      : node(world.add(machine, R"({"plugins":[{"plugin":"fetch"}]})")) {
    auto made = services::Directory::open(node.host(), std::string(kUrl) + "/");
    REQUIRE(made);
    directory = std::move(*made);
  }
  dmsg::Sign sign() { return dmsg::sign_with(node.host(), node.find<visor_identity>(VISOR_IDENTITY_1)); }
  Result<std::vector<Service>> list(const services::ServiceQuery& query = {.type = "visor"}) {
    std::optional<Result<std::vector<Service>>> got;
    http::Call call = directory->list(query, [&](auto result) { got.emplace(std::move(result)); });
    REQUIRE(node.world().run_until([&] { return got.has_value(); }));
    return *got;
  }
  size_t listed(const std::string& type = "visor") {
    auto services = list({.type = type});
    REQUIRE(services);
    return services->size();
  }
  Service service(const std::string& type, const std::string& id = {}) {
    Service own;
    own.name = {type, node.key(), 45, id};
    own.addresses = {{"stcpr", "tcp://" + node.machine() + ":7000"}};
    own.metadata = {{"name", "Kayaking"}};
    return own;
  }

  Node& node;
  std::unique_ptr<services::Directory> directory;
};

struct Registered {
  Registered(Asker& by, Service own) : registration(by.node.host(), *by.directory, by.sign()) {
    registration.set(std::move(own));
    REQUIRE(by.node.world().run_until([&] { return registration.counters().registered; }));
  }
  services::Registration registration;
};

}  // namespace

TEST_CASE("service directory: listed while it is renewed, and no longer", "[services]") {
  SimWorld world(1);
  Node& hub = world.add("10.0.0.1", directory_config());
  Asker one(world, "10.0.0.2"), other(world, "10.0.0.3");
  CHECK(other.listed() == 0);
  auto visor = std::make_unique<Registered>(one, one.service("visor"));
  Registered group(other, other.service("skychat", "kayaking"));
  CHECK(other.listed() == 1);
  auto groups = one.list({.type = "skychat", .key = other.node.key()});
  REQUIRE(groups);
  REQUIRE(groups->size() == 1);
  CHECK(groups->at(0).metadata.at("name") == "Kayaking");
  CHECK(groups->at(0).name.id == "kayaking");
  world.run_for(10 * kInterval);
  CHECK(other.listed() == 1);
  CHECK(visor->registration.counters().posts >= 9);
  // One that is silent is listed for three heartbeats.
  visor.reset();
  world.run_for(2 * kInterval - 2000);
  CHECK(other.listed() == 1);
  world.run_for(kInterval + 4000);
  CHECK(other.listed() == 0);
  // One that says so is gone at once.
  bool withdrawn = false;
  group.registration.withdraw([&] { withdrawn = true; });
  REQUIRE(world.run_until([&] { return withdrawn; }));
  CHECK(one.listed("skychat") == 0);
  CHECK(counter(hub, "withdrawn") == 1);
}

TEST_CASE("service directory: entries outlive it, and it outlives their withdrawal", "[services]") {
  Scratch folder;
  SimWorld world(2);
  const std::string disk = R"("storage_leveldb","config":{"path":")" + folder.path().string() + R"("})";
  Node* hub = &world.add("10.0.0.1", directory_config({}, disk));
  Asker one(world, "10.0.0.2");
  {
    Registered visor(one, one.service("visor")), group(one, one.service("skychat", "a"));
    bool withdrawn = false;
    group.registration.withdraw([&] { withdrawn = true; });
    REQUIRE(world.run_until([&] { return withdrawn; }));
  }
  world.remove(*hub);
  hub = &world.add("10.0.0.1", directory_config({}, disk));
  CHECK(one.listed() == 1);
  CHECK(one.listed("skychat") == 0);
  CHECK(member(member(status(*hub), "drive"), "restored").to_number<int64_t>() == 2);
  world.run_for(4 * kInterval);
  CHECK(one.listed() == 0);
}

TEST_CASE("service directory: a registration comes back with the directory", "[services]") {
  SimWorld world(3);
  Node* hub = &world.add("10.0.0.1", directory_config());
  Asker one(world, "10.0.0.2"), other(world, "10.0.0.3");
  Registered visor(one, one.service("visor"));
  world.remove(*hub);
  world.run_for(5 * kInterval);
  CHECK_FALSE(visor.registration.counters().registered);
  CHECK(visor.registration.counters().failures > 0);
  CHECK_FALSE(other.list());
  hub = &world.add("10.0.0.1", directory_config());
  CHECK(world.run_until([&] { return visor.registration.counters().registered; }, 2 * kInterval));
  CHECK(other.listed() == 1);
  // A stop while a post or a withdrawal is under way.
  for (uint64_t ms : {0, 5, 20, 60}) {
    Asker third(world, "10.0.1." + std::to_string(ms + 1));
    services::Registration short_lived(third.node.host(), *third.directory, third.sign());
    short_lived.set(third.service("visor"));
    world.run_for(ms);
    bool withdrawn = false;
    short_lived.withdraw([&] { withdrawn = true; });
    CHECK(world.run_until([&] { return withdrawn; }, 5'000));
  }
}

TEST_CASE("service directory: strangers change nothing, and garbage is answered", "[services]") {
  SimWorld world(4);
  Node& hub = world.add("10.0.0.1", directory_config(R"("limits":{"services_of_key":2})"));
  Asker one(world, "10.0.0.2"), stranger(world, "10.0.0.4");
  Registered visor(one, one.service("visor"));
  std::string stored = services::to_json(one.list()->at(0));
  auto ask = [&](const std::string& method, const std::string& body, const std::string& path = "") {
    return fetching::ask(stranger.node,
                         {.method = method, .url = std::string(kUrl) + "/api/services" + path, .body = body})
        .http;
  };
  CHECK(ask("POST", stored) == 409);
  CHECK(ask("DELETE", stored) == 400);
  std::string gone = stored;
  gone.insert(gone.find("\"signature\""), "\"withdrawn\":true,");
  CHECK(ask("DELETE", gone) == 401);
  for (const std::string& body : {std::string(), std::string("{"), std::string("[]"),
                                  std::string(20'000, '['), std::string(5'000, '\xff')}) {
    int32_t http = ask("POST", body);
    CHECK(http >= 400);
    CHECK(http < 500);
  }
  CHECK(ask("GET", {}, "/" + std::string(5'000, 'x')) >= 400);
  CHECK(ask("GET", {}, "?cursor=%00") == 400);
  CHECK(ask("PUT", stored) == 405);
  CHECK(one.listed() == 1);
  // One key fills its own places, and nobody else's.
  auto crowd = std::make_unique<Registered>(stranger, stranger.service("skychat", "a"));
  auto more = std::make_unique<Registered>(stranger, stranger.service("skychat", "b"));
  services::Registration third(stranger.node.host(), *stranger.directory, stranger.sign());
  third.set(stranger.service("skychat", "c"));
  REQUIRE(world.run_until([&] { return third.counters().failures > 0; }));
  CHECK(third.counters().last_error.find("no room") != std::string::npos);
  CHECK(counter(hub, "refused_full") > 0);
  CHECK(one.listed("skychat") == 2);
}

TEST_CASE("service directory: an address that asks too often is told so", "[services]") {
  SimWorld world(5);
  world.add("10.0.0.1", directory_config(R"("limits":{"requests_per_s":1,"burst":5})"));
  Asker greedy(world, "10.0.0.2"), modest(world, "10.0.0.3");
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    auto answer = greedy.list();
    if (answer) continue;
    ++refused;
    CHECK(answer.error().status == VISOR_EAGAIN);
  }
  CHECK(refused >= 4);
  CHECK(modest.list());
}

TEST_CASE("service directory: what is none is said to be none", "[services]") {
  SimWorld world(6);
  // A gateway without the directory.
  world.add("10.0.0.1", R"({"plugins":[{"plugin":"gateway","config":{"listen":"tcp://0.0.0.0:9090",
    "token":"0123456789abcdef"}}]})");
  Asker one(world, "10.0.0.2");
  auto services = one.list();
  REQUIRE_FALSE(services);
  CHECK(services.error().status != VISOR_ENOENT);
  CHECK_FALSE(services::Directory::open(one.node.host(), "dmsg://x"));
}

TEST_CASE("service directory: its commands", "[services]") {
  SimWorld world(7);
  Node& hub = world.add("10.0.0.1", directory_config());
  Asker one(world, "10.0.0.2");
  Registered visor(one, one.service("visor"));
  auto rows = hub.call("service_discovery", "list", R"({"type":"visor"})");
  REQUIRE(rows.has_value());
  auto listed = json(*rows);
  const auto& row = transports::array(listed).at(0);
  CHECK(transports::words(member(row, "pk")) == to_hex(one.node.key()));
  CHECK(hub.call("service_discovery", "list", R"({"type":"skychat"})").value() == "[]");
  CHECK(member(member(status(hub), "http"), "mounted").as_bool());
}

/* --- transports that make themselves ------------------------------------------------------------ */

namespace {

std::string public_member() {
  return R"("public":{"discovery":")" + std::string(kUrl) + "\"";
}
std::string auto_member(size_t count) {
  return R"("auto":{"discovery":")" + std::string(kUrl) + R"(","count":)" + std::to_string(count) + "}";
}

Node& visor_with(World& world, const std::string& machine, const std::string& members) {
  return world.add(machine,
                   R"({"plugins":[{"plugin":"fetch"},{"plugin":"transports","config":{)" + members + "}}]}");
}

Node& public_visor(World& world, const std::string& machine, const std::string& address = {}) {
  std::string at = address.empty() ? "tcp://" + machine + ":7000" : address;
  return visor_with(world, machine,
                    R"("listen":"tcp://0.0.0.0:7000",)" + public_member() +
                        R"(,"addresses":[{"type":"stcpr","address":")" + at + "\"}]}");
}

std::set<std::string> peers(Node& node) {
  std::set<std::string> keys;
  for (const auto& row : transports::serving(node)) {
    for (const visor_key& edge : row.edges) {
      if (edge != node.key()) keys.insert(to_hex(edge));
    }
  }
  return keys;
}

int64_t automatic(Node& node, std::string_view name) {
  auto text = node.call("transports", "status");
  REQUIRE(text.has_value());
  auto value = json(*text);
  const auto& found = member(member(value, "auto"), name);
  return (found.is_object() ? member(found, "now") : found).to_number<int64_t>();
}

}  // namespace

TEST_CASE("automatic transports: as many as wanted, to different visors, replaced when one is lost",
          "[services]") {
  SimWorld world(8);
  Node& hub = world.add("10.0.0.1", directory_config());
  std::vector<Node*> publics;
  for (int i = 0; i < 6; ++i) publics.push_back(&public_visor(world, "10.0.1." + std::to_string(i + 1)));
  REQUIRE(world.run_until([&] { return counter(hub, "posted_new") == 6; }));
  Node& one = visor_with(world, "10.0.2.1", auto_member(3));
  Node& two = visor_with(world, "10.0.2.2", auto_member(3));
  REQUIRE(world.run_until([&] { return peers(one).size() == 3 && peers(two).size() == 3; }, kInterval));
  for (const auto& row : transports::serving(one)) CHECK(row.label == "automatic");
  // No more of them, however long it goes on.
  world.run_for(10 * kInterval);
  CHECK(transports::serving(one).size() == 3);
  CHECK(automatic(one, "transports") == 3);
  // A public visor that is gone is replaced, the directory being there or not.
  for (Node* each : publics) {
    if (!peers(one).contains(to_hex(each->key()))) continue;
    world.remove(*each);
    break;
  }
  CHECK(world.run_until([&] { return automatic(one, "transports") < 3; }, 10 * kInterval));
  CHECK(world.run_until([&] { return peers(one).size() == 3; }, 10 * kInterval));
  world.remove(hub);
  world.run_for(10 * kInterval);
  CHECK(peers(one).size() == 3);
}

TEST_CASE("automatic transports: those who lead nowhere are left alone, and others are found", "[services]") {
  SimWorld world(9);
  Node& hub = world.add("10.0.0.1", directory_config());
  // One says another's address, two say addresses at which nobody is.
  Node& honest = public_visor(world, "10.0.1.1");
  public_visor(world, "10.0.1.2", "tcp://10.0.1.1:7000");
  public_visor(world, "10.0.1.3", "tcp://10.9.9.9:7000");
  public_visor(world, "10.0.1.4", "tcp://10.0.0.1:9090");
  REQUIRE(world.run_until([&] { return counter(hub, "posted_new") == 4; }));
  Node& one = visor_with(world, "10.0.2.1", auto_member(2));
  REQUIRE(world.run_until([&] { return peers(one).contains(to_hex(honest.key())); }, 3 * kInterval));
  world.run_for(60 * kInterval);
  CHECK(peers(one) == std::set<std::string>{to_hex(honest.key())});
  CHECK(automatic(one, "avoided") == 3);
  // An hour of passes is 40; each of the three was tried some few times.
  CHECK(automatic(one, "failed") >= 3);
  CHECK(automatic(one, "failed") <= 30);
}

TEST_CASE("automatic transports: a directory that comes later is found", "[services]") {
  SimWorld world(10);
  Node& one = visor_with(world, "10.0.2.1", auto_member(1));
  world.run_for(3 * kInterval);
  auto text = one.call("transports", "status");
  REQUIRE(text.has_value());
  CHECK_FALSE(transports::words(member(member(json(*text), "auto"), "problem")).empty());
  world.add("10.0.0.1", directory_config());
  Node& open = public_visor(world, "10.0.1.1");
  CHECK(world.run_until([&] { return peers(one).contains(to_hex(open.key())); }, 6 * kInterval));
}

TEST_CASE("automatic transports: an address is looked up for a key alone", "[services]") {
  SimWorld world(11);
  Node& hub = world.add("10.0.0.1", directory_config());
  Node& open = public_visor(world, "10.0.1.1");
  REQUIRE(world.run_until([&] { return counter(hub, "posted_new") == 1; }));
  Node& one = visor_with(world, "10.0.2.1", auto_member(0));
  CHECK(transports::save(one, open.key(), "stcpr", "").raw.state == VISOR_TRANSPORT_SERVING);
  Error none = transports::save_fails(one, open.key(), "swsr", "");
  CHECK(none.status == VISOR_ENOENT);
  CHECK(none.text.find("no address") != std::string::npos);
  // Given up, or stopped, while it is being looked up.
  Node& two = visor_with(world, "10.0.2.2", auto_member(0));
  {
    transports::Save given_up(two, open.key(), "stcpr", "");
  }
  transports::Save stopped(two, open.key(), "stcpr", "");
  world.run_for(3);
  two.stop();
}

TEST_CASE("automatic transports: a public visor takes itself out when it stops", "[services]") {
  SimWorld world(12);
  Node& hub = world.add("10.0.0.1", directory_config());
  Node& open = public_visor(world, "10.0.1.1");
  REQUIRE(world.run_until([&] { return counter(hub, "posted_new") == 1; }));
  open.stop();
  CHECK(counter(hub, "withdrawn") == 1);
  CHECK(hub.call("service_discovery", "list").value() == "[]");
  // What nobody could reach is not listed.
  Node& closed =
      world.make("10.0.1.2", R"({"plugins":[{"plugin":"fetch"},{"plugin":"transports","config":{)" +
                                 public_member() + "}}}]}");
  auto started = closed.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().text.find("addresses") != std::string::npos);
}

}  // namespace visor::test::service_directory
