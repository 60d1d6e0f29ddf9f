// A feed as one file, between visors that never meet; and the commands that take key@host:port.
#include <filesystem>
#include <fstream>

#include "tests/conformance/feeds_user.hpp"
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/native_world.hpp"
#include "tests/support/open_call.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {
namespace {

std::string feeds_with(const std::string& folder) {
  return plugins_config(
      {plugin("storage_memory", "{}", "disk"),
       plugin("feeds", R"({"drive":"disk","listen":"tcp://127.0.0.1:0","folder":")" + folder + "\"}")});
}

void write_leaves(World& world, Node& node, visor_feed* feed, size_t count, const std::string& value) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < count; ++i) paths.push_back("d" + std::to_string(i / 100) + "/" + std::to_string(i));
  std::vector<visor_op> ops;
  for (const std::string& path : paths) ops.push_back(put(std::string_view(path), bytes(value)));
  auto written = world.await<void>(
      node, [&](visor_done done) { return feed->api->write(feed, ops.data(), ops.size(), done); });
  REQUIRE(written.has_value());
}

std::string leaf(visor_feed* feed, std::string_view path) {
  visor_span value{};
  return feed->api->get(feed, to_span(path), &value) == VISOR_OK ? std::string(text(value)) : "";
}

/* Of a command of feeds, or why not. */
std::string answer(Node& node, const std::string& command, const std::string& args) {
  auto said = node.call("feeds", command, args);
  return said ? *said : "error: " + said.error().text;
}

}  // namespace

TEST_CASE("feeds: a feed goes into a file and comes out of it elsewhere", "[feeds][file]") {
  NativeWorld world;
  Scratch scratch;
  const std::string folder = scratch.path().string();
  Node& owner = world.add("owner", feeds_with(folder), with_secret(7));
  auto own = open_feed(world, owner, nullptr);
  const std::string value(900, 'v');
  write_leaves(world, owner, own.get(), 3000, value);
  CHECK_THAT(answer(owner, "export", R"({"file":"../out"})"), Catch::Contains("without its folder"));
  const std::string said = answer(owner, "export", R"({"port":50,"file":"all.feed"})");
  CHECK_THAT(said, Catch::Contains(R"("seq":0)"));
  CHECK(std::filesystem::file_size(folder + "/all.feed") > 3000 * value.size());
  CHECK_FALSE(std::filesystem::exists(folder + "/all.feed.part"));

  Node& reader = world.add("reader", feeds_with(folder), with_secret(8));
  CHECK_THAT(answer(reader, "import", R"({"file":"all.feed"})"), Catch::Contains(R"("leaves":3000)"));
  auto followed = open_feed(world, reader, &owner.key());
  CHECK(leaf(followed.get(), "d29/2999") == value);
  CHECK_THAT(answer(reader, "import", R"({"file":"all.feed"})"), Catch::Contains("what is here is as new"));
  CHECK_THAT(answer(owner, "import", R"({"file":"all.feed"})"), Catch::Contains("what is here is as new"));
  CHECK_THAT(answer(reader, "import", R"({"file":"none"})"), Catch::Contains("cannot be opened"));

  // Whoever has lost everything but the key and the file goes on with the next number.
  Node& again = world.add("again", feeds_with(folder), with_secret(7));
  auto restored = open_feed(world, again, nullptr);
  CHECK_THAT(answer(again, "import", R"({"file":"all.feed"})"), Catch::Contains(R"("leaves":3000)"));
  CHECK(leaf(restored.get(), "d0/0") == value);
  write_leaves(world, again, restored.get(), 1, "new");
  CHECK(leaf(restored.get(), "d0/0") == "new");
  CHECK(leaf(restored.get(), "d0/1") == value);
  CHECK_THAT(answer(again, "list", "{}"), Catch::Contains(R"("seq":1)"));
}

TEST_CASE("feeds: a file that is cut, changed or of another kind changes nothing", "[feeds][file]") {
  NativeWorld world;
  Scratch scratch;
  const std::string folder = scratch.path().string();
  Node& owner = world.add("owner", feeds_with(folder));
  auto own = open_feed(world, owner, nullptr);
  write_leaves(world, owner, own.get(), 40, "value");
  CHECK_THAT(answer(owner, "export", R"({"file":"good"})"), Catch::Contains(R"("seq":0)"));
  std::ifstream in(folder + "/good", std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(in), {});
  Node& reader = world.add("reader", feeds_with(folder));
  auto followed = open_feed(world, reader, &owner.key());
  auto try_file = [&](const std::string& content) {
    std::ofstream(folder + "/bad", std::ios::binary) << content;
    const std::string said = answer(reader, "import", R"({"file":"bad"})");
    INFO(said);
    CHECK(said.starts_with("error: "));
    CHECK(leaf(followed.get(), "d0/0").empty());
  };
  for (size_t size : {size_t{0}, size_t{20}, size_t{43}, size_t{60}, good.size() / 2, good.size() - 1}) {
    try_file(good.substr(0, size));
  }
  for (size_t at = 0; at < good.size(); at += 29) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    try_file(changed);
  }
  try_file(good + "x");
  CHECK_THAT(answer(reader, "import", R"({"file":"good"})"), Catch::Contains(R"("leaves":40)"));
  CHECK(leaf(followed.get(), "d0/0") == "value");
}

TEST_CASE("feeds: what is stored is read after a restart, though nobody opens it", "[feeds][file]") {
  NativeWorld world;
  Scratch scratch;
  const std::string folder = scratch.path().string();
  const std::string config =
      plugins_config({plugin("storage_leveldb", R"({"path":")" + folder + "/data\"}", "disk"),
                      plugin("feeds", R"({"drive":"disk","folder":")" + folder + "\"}")});
  Node* node = &world.add("owner", config, with_secret(7));
  auto own = open_feed(world, *node, nullptr);
  write_leaves(world, *node, own.get(), 3, "value");
  own.reset();
  world.remove(*node);
  node = &world.add("owner", config, with_secret(7));
  CHECK_THAT(answer(*node, "get", R"({"path":"d0/1"})"), Catch::Contains(R"("value":"value")"));
  CHECK_THAT(answer(*node, "tree", R"({"port":50,"prefix":"d0"})"), Catch::Contains("d0/2"));
  CHECK_THAT(answer(*node, "tree", R"({"port":51})"), Catch::Contains("is open or stored here"));
  CHECK_THAT(answer(*node, "list", "{}"), Catch::Contains(R"("state":"stored")"));
  CHECK_THAT(answer(*node, "export", R"({"file":"all.feed"})"), Catch::Contains(R"("seq":0)"));
}

TEST_CASE("feeds: commands take key@host:port", "[feeds][direct]") {
  NativeWorld world;
  Node& owner = world.add("owner", feeds_with("unused"));
  auto own = open_feed(world, owner, nullptr);
  write_leaves(world, owner, own.get(), 3, "value");
  const std::string status = answer(owner, "status", "{}");
  const size_t at = status.find("tcp://") + 6;
  const std::string address = status.substr(at, status.find('"', at) - at);
  Node& reader = world.add("reader", feeds_with("unused"));
  const std::string whom = R"("owner":")" + to_hex(owner.key()) + "@" + address + "\"";
  OpenCall watch(reader, "feeds", "watch", R"({"port":50,"values":true,)" + whom + "}");
  REQUIRE(world.run_until([&] { return watch.values.size() == 1; }, 20000));
  CHECK_THAT(answer(reader, "tree", "{" + whom + "}"), Catch::Contains("d0/2"));
  CHECK_THAT(answer(reader, "get", "{" + whom + R"(,"path":"d0/1"})"), Catch::Contains("value"));
  watch.cancel();
  OpenCall both(reader, "feeds", "watch", R"({"port":50,"network":"skynet",)" + whom + "}");
  REQUIRE(world.run_until([&] { return both.finished.has_value(); }, 20000));
  CHECK(*both.finished == VISOR_EINVAL);
}

}  // namespace visor::test
