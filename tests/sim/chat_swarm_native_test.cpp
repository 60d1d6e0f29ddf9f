// Groups in trouble: ten small ones, the first of ten members; VISOR_SOAK_SEEDS=first..last for others, each
// of ten members with 10,000 messages (VISOR_SOAK_MESSAGES for another number).
#include <cstring>

#include "tests/sim/chat_swarm.hpp"

namespace visor::test::chat {

TEST_CASE("a group has every message once and in one order, whatever happens to it", "[chat][swarm]") {
  uint64_t first = 1, last = 10;
  size_t members = 4, messages = 15, trouble_every = 5;
  if (const char* range = std::getenv("VISOR_SOAK_SEEDS")) {
    first = std::strtoull(range, nullptr, 10);
    last = first;
    if (const char* dots = std::strstr(range, "..")) last = std::strtoull(dots + 2, nullptr, 10);
    const char* said = std::getenv("VISOR_SOAK_MESSAGES");
    messages = said ? std::strtoull(said, nullptr, 10) : 10'000;
    members = 10;
    trouble_every = 50;
  }
  for (uint64_t seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    ChatSwarm swarm({.seed = seed,
                     .members = seed == 1 ? 10 : members,
                     .messages = messages,
                     .trouble_every = trouble_every});
    swarm.run();
  }
}

}  // namespace visor::test::chat
