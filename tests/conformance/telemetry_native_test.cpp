// A visor's own days on a drive that survives it.
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {

TEST_CASE("telemetry: a visor that starts again goes on with the day's row", "[telemetry]") {
  Scratch folder;
  SimWorld world(1);
  Node& tpd = add_tpd(world);
  auto start = [&]() -> Node& {
    auto list = base_plugins(peer_of(tpd));
    list[0] = plugin("storage_leveldb", R"({"path":")" + folder.path().string() + "\"}", "disk");
    list.push_back(plugin("telemetry", telemetry_config(tpd.key())));
    return world.add("10.0.0.1", plugins_config(list), with_secret(1));
  };
  uint64_t before = 0, samples = 0;
  for (int life = 0; life < 3; ++life) {
    INFO("life " << life);
    Node& visor = start();
    world.run_for(6 * kIntervalMs);
    json::array rows = parse_json(*visor.call("telemetry", "history")).get_array();
    REQUIRE(rows.size() == 1);
    const json::object& row = rows[0].get_object();
    CHECK(row.at("id").get_string() == uuid_between(tpd, visor));
    CHECK(row.at("remote").get_string() == to_hex(tpd.key()));
    REQUIRE(row.at("daily").get_array().size() == 1);
    const json::object& day = row.at("daily").get_array()[0].get_object();
    CHECK(day.at("sent_bytes").to_number<uint64_t>() > before);
    CHECK(day.at("samples").to_number<uint64_t>() >= samples + 4);
    before = day.at("sent_bytes").to_number<uint64_t>();
    samples = day.at("samples").to_number<uint64_t>();
    world.remove(visor);
  }
  // The TPD has counted as much, and nothing twice.
  Node& visor = start();
  world.run_for(3 * kIntervalMs);
  uint64_t there = reported(tpd, uuid_between(tpd, visor), visor.key()).sent;
  CHECK(there >= before);
  CHECK(there < before + 2000);
}

}  // namespace visor::test
