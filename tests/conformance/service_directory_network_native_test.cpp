// A service directory asked by its key, over the relay network: nobody needs an address of it, nor HTTP's
// port.
#include "lib/services/registration.hpp"
#include "tests/conformance/dmsg_network.hpp"

namespace visor::test::dmsg {
namespace {

struct DirectoryNetwork {
  SimWorld world{1};
  Node& discovery = discovery_node(world);
  Node& server = server_node(world, 0);
  Node& asker = client_node(world, "10.0.1.1");
  Node* directory = nullptr;

  DirectoryNetwork() { REQUIRE(wait_registered(asker)); }
  void start_directory(const std::string& members = "") {
    directory =
        &world.add("10.0.1.2",
                   in_config(plugin("fetch") + "," + plugin("dmsg", json_text("discovery", kDiscoveryUrl)) +
                             "," + plugin("storage_memory") + "," +
                             plugin("service_discovery", json_text("network", "dmsg") + members)),
                   {.secret = std::array<uint8_t, 32>{5, 5, 5}, .log_level = VISOR_WARN});
    REQUIRE(wait_registered(*directory));
  }
  std::string url() const { return "dmsg://" + to_hex(directory->key()); }
  services::Service own() const {
    services::Service own;
    own.name = {"visor", asker.key(), 45, {}};
    own.addresses = {{"stcpr", "tcp://203.0.113.7:7000"}};
    return own;
  }
  Result<std::vector<services::Service>> list(services::Directory& from) {
    std::optional<Result<std::vector<services::Service>>> got;
    http::Call call = from.list({.type = "visor"}, [&](auto result) { got.emplace(std::move(result)); });
    REQUIRE(world.run_until([&] { return got.has_value(); }));
    return *got;
  }
};

}  // namespace

TEST_CASE("service directory: registered and listed by its key over the relay network", "[services][dmsg]") {
  DirectoryNetwork on;
  on.start_directory();
  auto directory = services::Directory::open(on.asker.host(), on.url() + ":80/");
  REQUIRE(directory);
  CHECK((*directory)->url() == on.url() + ":80");
  auto none = on.list(**directory);
  REQUIRE(none);
  CHECK(none->empty());

  auto* identity = on.asker.find<visor_identity>(VISOR_IDENTITY_1);
  services::Registration registration(on.asker.host(), **directory,
                                      visor::dmsg::sign_with(on.asker.host(), identity));
  registration.set(on.own());
  REQUIRE(on.world.run_until([&] { return registration.counters().registered; }));
  auto listed = on.list(**directory);
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().name.key == on.asker.key());
  CHECK(listed->front().addresses == on.own().addresses);

  bool withdrawn = false;
  registration.withdraw([&] { withdrawn = true; });
  REQUIRE(on.world.run_until([&] { return withdrawn; }));
  auto empty = on.list(**directory);
  REQUIRE(empty);
  CHECK(empty->empty());
}

TEST_CASE("service directory: one that is not there is said, and found when it comes", "[services][dmsg]") {
  DirectoryNetwork on;
  on.start_directory();
  auto directory = services::Directory::open(on.asker.host(), on.url());
  REQUIRE(directory);
  on.world.remove(*on.directory);
  auto gone = on.list(**directory);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().text.find("the service directory cannot be asked") != std::string::npos);
  on.start_directory();
  CHECK(on.list(**directory));

  // Who has no relay network is told so.
  Node& alone = on.world.add("10.0.1.3", in_config(plugin("storage_memory")), {.log_level = VISOR_WARN});
  auto unreachable = services::Directory::open(alone.host(), on.url());
  REQUIRE(unreachable);
  auto without = on.list(**unreachable);
  REQUIRE_FALSE(without);
  CHECK(without.error().text.find("the network is not there") != std::string::npos);
}

TEST_CASE("service directory: a key that asks too often over the network is told so", "[services][dmsg]") {
  DirectoryNetwork on;
  on.start_directory(R"(,"limits":{"requests_per_s":1,"burst":2})");
  auto directory = services::Directory::open(on.asker.host(), on.url());
  REQUIRE(directory);
  CHECK(on.list(**directory));
  CHECK(on.list(**directory));
  auto third = on.list(**directory);
  REQUIRE_FALSE(third);
  CHECK(third.error().status == VISOR_EAGAIN);
}

}  // namespace visor::test::dmsg
