// A network that loses pieces and connections, as one number: the same on every machine and in wasm
// (tests/sim/trace.test.mjs compares them).
#include <iostream>

#include "tests/conformance/telemetry_user.hpp"

namespace visor::test {
namespace {

uint64_t trace(uint64_t seed) {
  SimWorld world(seed, {.latency_min_ms = 1,
                        .latency_max_ms = 40,
                        .split = true,
                        .lost_per_million = 5000,
                        .cut_per_million = 500});
  Node& tpd = add_tpd(world);
  std::vector<Node*> visors;
  for (uint8_t i = 1; i <= 5; ++i) {
    visors.push_back(&add_visor(world, "10.0.0." + std::to_string(i), tpd, visors, with_secret(i)));
  }
  world.run_for(8 * kIntervalMs);
  world.network().cut("10.0.0.1", "tpd");
  world.remove(*visors[1]);
  world.run_for(8 * kIntervalMs);
  world.network().heal("10.0.0.1", "tpd");
  world.run_for(8 * kIntervalMs);
  auto rows = tpd.call("transport_discovery", "transports", R"({"live":"all"})");
  REQUIRE(rows.has_value());
  world.loop().note(bytes(std::string_view(*rows)));
  return world.loop().trace();
}

}  // namespace

TEST_CASE("a network under loss and cuts has one trace a seed", "[sim]") {
  const uint64_t first = trace(1), second = trace(2);
  CHECK(first == trace(1));
  CHECK(first != second);
  std::cout << "trace of seed 1: " << first << "\ntrace of seed 2: " << second << std::endl;
}

}  // namespace visor::test
