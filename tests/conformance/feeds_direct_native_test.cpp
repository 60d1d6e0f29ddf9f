// A feed of several megabytes between two visors over real sockets, whose queues fill and empty again.
#include <visor/plugin.hpp>

#include "tests/conformance/feeds_user.hpp"
#include "tests/support/native_world.hpp"

#include <catch2/catch.hpp>

namespace visor::test {
namespace {

std::string address_of(Node& node) {
  const std::string status = *node.call("feeds", "status");
  const size_t at = status.find("tcp://");
  REQUIRE(at != std::string::npos);
  return status.substr(at, status.find('"', at) - at);
}

}  // namespace

TEST_CASE("feeds: a large feed over real sockets", "[feeds][direct]") {
  NativeWorld world;
  Node& owner = world.add(
      "owner",
      R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds","config":{"listen":"tcp://127.0.0.1:0"}}]})");
  Node& reader = world.add("reader", R"({"plugins":[{"plugin":"storage_memory"},{"plugin":"feeds"}]})");
  auto own = open_feed(world, owner, nullptr);
  const std::string value(1000, 'x');
  std::vector<std::string> paths;
  for (int i = 0; i < 8000; ++i) paths.push_back("d" + std::to_string(i % 80) + "/" + std::to_string(i));
  std::vector<visor_op> ops;
  for (const std::string& path : paths) ops.push_back(put(std::string_view(path), bytes(value)));
  auto written = world.await<void>(
      owner, [&](visor_done done) { return own->api->write(own.get(), ops.data(), ops.size(), done); });
  REQUIRE(written.has_value());

  auto followed = open_feed(world, reader, &owner.key(), address_of(owner));
  auto leaf = [&](const std::string& path) {
    visor_span found{};
    return followed->api->get(followed.get(), to_span(std::string_view(path)), &found) == VISOR_OK
               ? std::string(text(found))
               : std::string();
  };
  REQUIRE(world.run_until([&] { return leaf(paths.back()) == value; }, 60000));
  CHECK(leaf(paths.front()) == value);
}

}  // namespace visor::test
