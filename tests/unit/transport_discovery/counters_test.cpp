// Specification telemetry.md, 10, item 4: bytes out of counters that begin anew.
#include "plugins/transport-discovery/counters.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/unit/seeded.hpp"

using namespace visor::transport_discovery;

namespace {

struct Step {
  Traffic counters;
  std::optional<uint64_t> epoch;
  Traffic added;
};

void check(const std::vector<Step>& steps) {
  CounterLives lives;
  for (size_t i = 0; i < steps.size(); ++i) {
    INFO("step " << i);
    CHECK(lives.advance(steps[i].counters, steps[i].epoch) == steps[i].added);
  }
}

}  // namespace

TEST_CASE("counters: growth adds the difference, the first value all of it", "[telemetry][tpd]") {
  check({{{100, 10}, {}, {100, 10}},
         {{150, 10}, {}, {50, 0}},
         {{150, 30}, {}, {0, 20}},
         {{150, 30}, {}, {0, 0}}});
  check({{{100, 10}, 7, {100, 10}}, {{150, 10}, 7, {50, 0}}, {{150, 30}, 7, {0, 20}}});
}

TEST_CASE("counters: without an epoch a lower value is a reset, each direction by itself",
          "[telemetry][tpd]") {
  check({{{100, 100}, {}, {100, 100}}, {{5, 120}, {}, {5, 20}}, {{9, 130}, {}, {4, 10}}});
}

TEST_CASE("counters: with an epoch a reset is known, also when the new counter is higher already",
          "[telemetry][tpd]") {
  check({{{100, 100}, 1, {100, 100}}, {{500, 700}, 2, {500, 700}}, {{600, 700}, 2, {100, 0}}});
}

TEST_CASE("counters: within an epoch a lower value is old news", "[telemetry][tpd]") {
  check({{{100, 100}, 1, {100, 100}}, {{50, 100}, 1, {0, 0}}, {{110, 100}, 1, {10, 0}}});
}

TEST_CASE("counters: an old Root that comes again is not counted again", "[telemetry][tpd]") {
  check({{{100, 0}, 1, {100, 0}},
         {{40, 0}, 2, {40, 0}},
         {{100, 0}, 1, {0, 0}},
         {{50, 0}, 2, {10, 0}},
         {{7, 0}, 3, {7, 0}},
         {{50, 0}, 2, {0, 0}},
         {{100, 0}, 1, {0, 0}}});
}

TEST_CASE("counters: a reporter that begins to give epochs goes on where it was", "[telemetry][tpd]") {
  check({{{100, 0}, {}, {100, 0}}, {{150, 0}, 1, {50, 0}}, {{160, 0}, 1, {10, 0}}});
  check({{{100, 0}, 1, {100, 0}}, {{150, 0}, {}, {50, 0}}, {{160, 0}, 1, {10, 0}}});
  check({{{100, 0}, 1, {100, 0}}, {{20, 0}, {}, {20, 0}}, {{30, 0}, {}, {10, 0}}, {{35, 0}, 2, {5, 0}}});
}

TEST_CASE("counters: what they remember survives being stored", "[telemetry][tpd]") {
  CounterLives lives;
  for (uint64_t epoch = 1; epoch <= 6; ++epoch) lives.advance({10 * epoch, epoch}, epoch);
  CHECK(lives.lives().size() == CounterLives::kRemembered);
  CounterLives again;
  again.restore(lives.lives());
  CHECK(again.advance({60, 6}, 6) == Traffic{0, 0});
  CHECK(again.advance({61, 8}, 6) == Traffic{1, 2});
  CHECK(again.advance({50, 5}, 5) == Traffic{0, 0});
}

TEST_CASE("counters: sums stop at the top", "[telemetry][tpd]") {
  constexpr uint64_t kTop = std::numeric_limits<uint64_t>::max();
  Traffic sum{kTop - 1, 5};
  sum += {5, 5};
  CHECK(sum == Traffic{kTop, 10});
  CHECK(sum.sum() == kTop);
}

TEST_CASE("counters: whatever the order of samples of known lives, each byte counts once",
          "[telemetry][tpd]") {
  visor::test::Seeded random(23);
  for (int round = 0; round < 200; ++round) {
    CounterLives lives;
    // Three lives with counters that grow; samples of older lives and older values come in between.
    std::vector<Traffic> last(3);
    std::vector<Traffic> heard(3);
    Traffic counted;
    for (int step = 0; step < 100; ++step) {
      size_t newest = static_cast<size_t>(step) / 34;
      size_t life = random.below(newest + 1);
      if (life == newest) {
        last[life].sent += random.below(50);
        last[life].received += random.below(50);
      }
      Traffic value =
          random.below(4) == 0 ? Traffic{last[life].sent / 2, last[life].received / 2} : last[life];
      heard[life].sent = std::max(heard[life].sent, value.sent);
      heard[life].received = std::max(heard[life].received, value.received);
      counted += lives.advance(value, life + 1);
    }
    Traffic expected;
    for (const Traffic& life : heard) expected += life;
    CHECK(counted == expected);
  }
}
