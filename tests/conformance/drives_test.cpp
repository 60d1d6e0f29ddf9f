// The drive that keeps nothing: the script that every drive follows, and what is its own.
#include "tests/conformance/drive_user.hpp"

namespace visor::test {
namespace {

constexpr const char* kConfig = R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})";

}  // namespace

TEST_CASE("storage_memory follows the drives' script", "[drive]") {
  SimWorld world(1);
  check_drive(world, world.add("alpha", kConfig));
}

TEST_CASE("many short views beside a long one do not pile up versions", "[drive]") {
  SimWorld world(1);
  Node& node = world.add("alpha", kConfig);
  DriveUser drive(world, node);
  auto kv = drive.open_map();
  REQUIRE(put_one(kv.get(), "k", "first") == VISOR_OK);
  visor_kv* oldest = nullptr;
  REQUIRE(kv->api->snapshot(kv.get(), &oldest) == VISOR_OK);
  for (int i = 0; i < 2000; ++i) {
    std::string key = "k" + std::to_string(i % 50);
    visor_cursor* cursor = nullptr;
    REQUIRE(kv->api->cursor(kv.get(), &cursor) == VISOR_OK);
    REQUIRE(put_one(kv.get(), key, std::string(100, 'v')) == VISOR_OK);
    cursor->api->close(cursor);
  }
  CHECK(get_one(node.host(), oldest, "k") == "first");
  CHECK_FALSE(get_one(node.host(), oldest, "k1"));
  visor_span stats{};
  REQUIRE(kv->api->stats(kv.get(), &stats) == VISOR_OK);
  std::string json(text(stats));
  auto at = json.find("\"kept_versions\":");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(json.substr(at + 16)) < 300);
}

}  // namespace visor::test
