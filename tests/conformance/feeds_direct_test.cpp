// Feeds over TCP without a relay: <key>@host:port, Noise XX with the identities' keys.
#include <visor/plugin.hpp>

#include "tests/conformance/feeds_user.hpp"
#include "tests/support/catalog.hpp"
#include "tests/support/world.hpp"

#include <catch2/catch.hpp>

namespace visor::test {
namespace {

constexpr char kOwner[] =
    R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds","config":{"listen":"tcp://0.0.0.0:8870"}}]})";
constexpr char kReader[] = R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds"}]})";

void write_leaf(World& world, Node& node, visor_feed* feed, std::string_view path, std::string_view value) {
  const visor_op op = put(path, bytes(value));
  auto written =
      world.await<void>(node, [&](visor_done done) { return feed->api->write(feed, &op, 1, done); });
  INFO((written ? "" : written.error().text));
  REQUIRE(written.has_value());
}

std::string leaf(visor_feed* feed, std::string_view path) {
  visor_span value{};
  return feed->api->get(feed, to_span(path), &value) == VISOR_OK ? std::string(text(value)) : "";
}

struct Announced {
  std::vector<visor_status> states;
  Owned<visor_handle> handle;
  void announce(Node& node, std::string_view network, const visor_key& to) {
    auto* feeds = node.find<visor_feeds>(VISOR_FEEDS_1);
    const visor_addr peer{to, 50};
    visor_handle* made = nullptr;
    REQUIRE(
        feeds->api->announce(
            feeds, to_span(network), &peer,
            [](void* ctx, visor_status status) { static_cast<Announced*>(ctx)->states.push_back(status); },
            this, &made) == VISOR_OK);
    handle.reset(made);
  }
};

}  // namespace

TEST_CASE("feeds: a feed is followed over TCP, from the address and key of its owner", "[feeds][direct]") {
  SimWorld world(1);
  Node& owner = world.add("10.0.0.1", kOwner);
  Node& reader = world.add("10.0.0.2", kReader);
  auto own = open_feed(world, owner, nullptr);
  write_leaf(world, owner, own.get(), "a/b", "first");
  auto followed = open_feed(world, reader, &owner.key(), "tcp://10.0.0.1:8870");
  REQUIRE(world.run_until([&] { return leaf(followed.get(), "a/b") == "first"; }));
  write_leaf(world, owner, own.get(), "a/b", "second");
  REQUIRE(world.run_until([&] { return leaf(followed.get(), "a/b") == "second"; }));
  CHECK_THAT(*owner.call("feeds", "status"), Catch::Contains(R"("address":"tcp://)"));

  SECTION("the connection is lost, and comes again by itself") {
    world.network().drop("10.0.0.1");
    write_leaf(world, owner, own.get(), "a/b", "third");
    REQUIRE(world.run_until([&] { return leaf(followed.get(), "a/b") == "third"; }));
  }
  SECTION("who is announced to can subscribe back") {
    auto other = open_feed(world, reader, nullptr);
    write_leaf(world, reader, other.get(), "x", "1");
    auto back = open_feed(world, owner, &reader.key());
    REQUIRE(world.run_until([&] { return leaf(back.get(), "x") == "1"; }));
  }
}

TEST_CASE("feeds: over TCP nobody but the owner of the key is talked to", "[feeds][direct]") {
  SimWorld world(1);
  Node& owner = world.add("10.0.0.1", kOwner);
  Node& reader = world.add("10.0.0.2", kReader);
  Announced announced;
  visor_key wrong = reader.key();
  Node& third = world.add("10.0.0.3", kReader);
  announced.announce(third, "tcp://10.0.0.1:8870", wrong);
  REQUIRE(world.run_until([&] { return !announced.states.empty(); }));
  CHECK(announced.states[0] != VISOR_OK);
  CHECK_THAT(*third.call("feeds", "peers"), Catch::Contains("Noise handshake failed"));
  announced.handle.reset();

  Announced right;
  right.announce(third, "tcp://10.0.0.1:8870", owner.key());
  REQUIRE(world.run_until([&] { return !right.states.empty(); }));
  CHECK(right.states[0] == VISOR_OK);
  CHECK_THAT(*owner.call("feeds", "peers"), Catch::Contains(to_hex(third.key())));
}

TEST_CASE("feeds: an address where nobody listens says so, and is tried again", "[feeds][direct]") {
  SimWorld world(1);
  Node& reader = world.add("10.0.0.2", kReader);
  Announced announced;
  const visor_key nobody = reader.key();
  Node& third = world.add("10.0.0.3", kReader);
  announced.announce(third, "tcp://10.0.0.9:1", nobody);
  REQUIRE(world.run_until([&] { return announced.states.size() >= 2; }));
  CHECK(announced.states[1] != VISOR_OK);
}

}  // namespace visor::test
