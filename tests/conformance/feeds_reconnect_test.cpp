// What follows a feed when the connection beneath it is lost.
#include "tests/conformance/feeds_user.hpp"

namespace visor::test {
namespace {

std::string with_transports(const std::string& config) {
  return R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"transports","config":{)" + config +
         R"(}},{"plugin":"feeds"}]})";
}

TEST_CASE("feeds: a connection that is lost is back, and with it what was written, within a quarter second",
          "[feeds][transports]") {
  SimWorld world(7);
  Node& owner = world.add("10.0.0.1", with_transports(R"("listen":"tcp://0.0.0.0:7000")"));
  Node& reader =
      world.add("10.0.0.2", with_transports(R"("peers":[{"pk":")" + to_hex(owner.key()) +
                                            R"(","type":"stcpr","address":"tcp://10.0.0.1:7000"}])"));
  auto own = open_feed(world, owner, nullptr, "skynet");
  auto followed = open_feed(world, reader, &owner.key(), "skynet");
  auto* feeds = owner.find<visor_feeds>(VISOR_FEEDS_1);
  visor_handle* handle = nullptr;
  REQUIRE(feeds->api->serve(
              feeds, VISOR_TEXT("skynet"), 50, [](void*, const visor_addr*, bool) {}, nullptr, &handle) ==
          VISOR_OK);
  const Owned<visor_handle> serving(handle);
  auto write = [&](std::string_view path) {
    const visor_op op = put(path, bytes(std::string_view("value")));
    auto written =
        world.await<void>(owner, [&](visor_done done) { return own->api->write(own.get(), &op, 1, done); });
    REQUIRE(written);
  };
  auto reads = [&](std::string_view path) {
    visor_span value{};
    return followed->api->get(followed.get(), to_span(path), &value) == VISOR_OK;
  };
  write("before");
  REQUIRE(world.run_until([&] { return reads("before"); }, 20000));
  world.run_for(60000);

  const std::string listed = *owner.call("transports", "list");
  const std::string id = listed.substr(listed.find(R"("id":")") + 6, 36);
  auto removed = owner.call("transports", "remove", R"({"id":")" + id + "\"}");
  REQUIRE(removed);
  write("after");
  CHECK(world.run_until([&] { return reads("after"); }, 250));
}

}  // namespace
}  // namespace visor::test
