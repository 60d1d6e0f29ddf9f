// Lessons of other implementations (docs/feeds.md) that only a whole visor can show.
#include "tests/conformance/feeds_user.hpp"

namespace visor::test {
namespace {

std::string with_feeds(const std::string& config) {
  return R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds","config":)" + config + "}]}";
}

TEST_CASE("feeds: lesson 21, no time limit can be switched off", "[feeds][lesson]") {
  SimWorld world(1);
  for (const char* wrong : {R"({"fill":{"stall_ms":0}})", R"({"fill":{"total_ms":0}})",
                            R"({"heartbeat_ms":0})", R"({"fill":{"stall_ms":-1}})"}) {
    INFO(wrong);
    Node& node = world.make("10.0.0.1", with_feeds(wrong));
    const Result<void> started = node.start();
    REQUIRE_FALSE(started);
    CHECK_THAT(started.error().text, Catch::Contains("_ms"));
    world.remove(node);
  }
  world.add("10.0.0.1", with_feeds(R"({"fill":{"stall_ms":100,"total_ms":100},"heartbeat_ms":100})"));
}

TEST_CASE("feeds: lesson 38, feeds that nobody follows any more go with all that is theirs",
          "[feeds][lesson]") {
  SimWorld world(1);
  Node& owner = world.add("10.0.0.1", with_feeds(R"({"listen":"tcp://0.0.0.0:8870"})"));
  Node& reader = world.add("10.0.0.2", with_feeds(R"({"keep":{"unused_ms":60000,"superseded_ms":1000}})"));
  auto own = open_feed(world, owner, nullptr);
  const visor_op op = put(std::string_view("a/b"), bytes(std::string_view("value")));
  REQUIRE(
      world.await<void>(owner, [&](visor_done done) { return own->api->write(own.get(), &op, 1, done); }));
  auto followed = open_feed(world, reader, &owner.key(), "tcp://10.0.0.1:8870");
  auto objects = [&] {
    const std::string status = *reader.call("feeds", "status");
    const size_t at = status.find(R"("objects":)");
    REQUIRE(at != std::string::npos);
    return std::stoul(status.substr(at + 10));
  };
  REQUIRE(world.run_until([&] {
    visor_span value{};
    return followed->api->get(followed.get(), VISOR_TEXT("a/b"), &value) == VISOR_OK;
  }));
  // As long as it is followed it stays, however old it is.
  world.run_for(600000);
  CHECK(objects() > 0);
  followed.reset();
  world.run_for(30000);
  CHECK(objects() > 0);
  world.run_for(300000);
  CHECK(objects() == 0);
}

}  // namespace
}  // namespace visor::test
