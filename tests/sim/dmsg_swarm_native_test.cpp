// The relay network's clients where nothing can be relied on: ten seeds; VISOR_SOAK_SEEDS=first..last for
// others.
#include "tests/sim/dmsg_swarm.hpp"

namespace visor::test::dmsg {

TEST_CASE("200 clients and 3 servers survive whatever happens to them", "[dmsg][swarm]") {
  uint64_t first = 1, last = 10;
  if (const char* range = std::getenv("VISOR_SOAK_SEEDS")) {
    first = std::strtoull(range, nullptr, 10);
    last = first;
    if (const char* dots = std::strstr(range, "..")) last = std::strtoull(dots + 2, nullptr, 10);
  }
  for (uint64_t seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    Swarm swarm({.seed = seed});
    swarm.run();
    INFO(swarm.dialed << " dialed, " << swarm.failed << " failed, " << swarm.echoed << " echoed, "
                      << swarm.broken << " broken");
    CHECK(swarm.dialed > 30);
    CHECK(swarm.echoed > 30);
  }
}

}  // namespace visor::test::dmsg
