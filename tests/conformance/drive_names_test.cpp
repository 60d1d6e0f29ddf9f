// A configuration that names a drive which nobody is: it is said at the start, with the drives that are
// there.
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test {
namespace {

std::string with_drive(const std::string& name, const std::string& drive) {
  std::string config = R"({"drive":")" + drive + "\"";
  if (name == "telemetry") config += R"(,"interval_ms":1000)";
  return config + "}";
}

}  // namespace

TEST_CASE("drives: a name that no drive has is refused at the start", "[drives]") {
  SimWorld world(1);
  const std::vector<std::string> below = {plugin("storage_memory", "{}", "disk"),
                                          plugin("storage_memory", "{}", "other"),
                                          plugin("transports", transports_config())};
  for (const std::string name : {"feeds", "telemetry", "transport_discovery", "chat"}) {
    CAPTURE(name);
    std::vector<std::string> list = below;
    if (name != "feeds") list.push_back(plugin("feeds", R"({"drive":"disk"})"));
    list.push_back(plugin(name, with_drive(name, "dsik")));
    Node& wrong = world.make("10.0.0.1", plugins_config(list));
    const Result<void> started = wrong.start();
    REQUIRE_FALSE(started);
    CHECK_THAT(started.error().text, Catch::Contains("'dsik'"));
    CHECK_THAT(started.error().text, Catch::Contains("drives here are 'disk', 'other'"));
    world.remove(wrong);
    list.back() = plugin(name, with_drive(name, "other"));
    Node& right = world.make("10.0.0.1", plugins_config(list));
    CHECK(right.start());
    world.remove(right);
  }
}

/* By its own name and as the default one, the same drive is one store. */
TEST_CASE("drives: feeds take a drive by any of its names", "[drives][feeds]") {
  SimWorld world(1);
  Node& node =
      world.add("10.0.0.1", plugins_config({plugin("storage_memory", "{}", "disk"), plugin("feeds", "{}")}));
  auto* feeds = node.find<visor_feeds>(VISOR_FEEDS_1);
  visor_feed_options options{};
  options.size = sizeof options;
  std::vector<Owned<visor_feed>> opened;
  for (const char* drive : {"", "disk"}) {
    options.drive = to_span(std::string_view(drive));
    options.port = static_cast<uint16_t>(50 + opened.size());
    auto feed = world.await<visor_feed>(
        node, [&](visor_done done) { return feeds->api->open(feeds, &options, done); });
    INFO((feed ? "" : feed.error().text));
    REQUIRE(feed);
    opened.emplace_back(*feed);
  }
  options.drive = VISOR_TEXT("none");
  auto none =
      world.await<visor_feed>(node, [&](visor_done done) { return feeds->api->open(feeds, &options, done); });
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().text, Catch::Contains("'none'") && Catch::Contains("drives here are 'disk'"));
}

}  // namespace visor::test
