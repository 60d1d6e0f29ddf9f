// The drive that keeps nothing: the script that every drive follows, and what is its own.
#include <map>
#include <optional>

#include "tests/conformance/drive_user.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::test {
namespace {

constexpr const char* kConfig = R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})";

}  // namespace

TEST_CASE("storage_memory follows the drives' script", "[drive]") {
  SimWorld world(1);
  check_drive(world, world.add("alpha", kConfig));
}

TEST_CASE("a drive's status names its open maps and says how large they are", "[drive]") {
  SimWorld world(1);
  Node& node = world.add("alpha", kConfig);
  DriveUser drive(world, node);
  auto status = [&] {
    auto got = node.call("disk", "status");
    REQUIRE(got.has_value());
    return *got;
  };
  CHECK(status() == R"({"maps":[]})");
  auto kv = drive.open_map("first \"map\"");
  REQUIRE(put_one(kv.get(), "k", "value") == VISOR_OK);
  visor_span stats{};
  REQUIRE(kv->api->stats(kv.get(), &stats) == VISOR_OK);
  const std::string own(text(stats)); /* lent until the next call */
  CHECK(status() == R"({"maps":[{"name":"first \"map\"","stats":)" + own + "}]}");
  kv.reset();
  CHECK(status() == R"({"maps":[]})");
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

TEST_CASE("a batch of many is as its operations one after another, with a snapshot beside it", "[drive]") {
  SimWorld world(1);
  Node& node = world.add("alpha", kConfig);
  DriveUser drive(world, node);
  auto kv = drive.open_map();
  Seeded random(3);
  std::map<std::string, std::string> model, before;
  for (int round = 0; round < 12; ++round) {
    visor_kv* snapshot = nullptr;
    REQUIRE(kv->api->snapshot(kv.get(), &snapshot) == VISOR_OK);
    before = model;
    std::vector<std::pair<std::string, std::optional<std::string>>> batch;
    for (int i = 0; i < 700; ++i) {
      // Keys whose first eight bytes are equal, and keys that come twice in a batch.
      std::string key = (random.below(2) == 0 ? "prefixed/" : "") + std::to_string(random.below(900));
      if (random.below(4) == 0) {
        batch.emplace_back(std::move(key), std::nullopt);
      } else {
        batch.emplace_back(std::move(key), std::string(random.below(3) * 400, 'v') + std::to_string(i));
      }
    }
    std::vector<visor_op> ops;
    for (const auto& [key, value] : batch) {
      ops.push_back(value ? put(std::string_view(key), bytes(std::string_view(*value))) : erase(bytes(key)));
      if (value) {
        model[key] = *value;
      } else {
        model.erase(key);
      }
    }
    REQUIRE(kv->api->write(kv.get(), ops.data(), ops.size()) == VISOR_OK);
    auto entries = [](visor_kv* map) {
      std::map<std::string, std::string> out;
      REQUIRE(scan(map, {}, [&](ByteView key, ByteView value) {
                out.emplace(text(key), text(value));
                return true;
              }) == VISOR_OK);
      return out;
    };
    CHECK(entries(kv.get()) == model);
    CHECK(entries(snapshot) == before);
    snapshot->api->close(snapshot);
  }
}

}  // namespace visor::test
