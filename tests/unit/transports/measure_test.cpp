#include <catch2/catch.hpp>

#include "plugins/transports/pings.hpp"
#include "plugins/transports/throughput.hpp"

using namespace visor::transports;

namespace {
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;
}  // namespace

TEST_CASE("a round trip is measured by its nonce", "[transports]") {
  Pings pings;
  CHECK(pings.latency().avg_ms == 0);
  pings.sent(11, 100 * kMs);
  pings.sent(22, 150 * kMs);
  CHECK(pings.answered(22, 170 * kMs) == 20.0);
  CHECK(pings.answered(11, 200 * kMs) == 100.0);
  CHECK(pings.latency().min_ms == 20);
  CHECK(pings.latency().max_ms == 100);
  CHECK(pings.latency().avg_ms == 60);
  CHECK(pings.latency().last_ms == 100);
  CHECK(pings.in_flight() == 0);
}

TEST_CASE("answers that are forged, repeated, late or too quick count for nothing", "[transports]") {
  Pings pings;
  pings.sent(1, kSecond);
  CHECK_FALSE(pings.answered(2, 2 * kSecond));
  CHECK_FALSE(pings.answered(1, kSecond));  // no time has passed
  CHECK_FALSE(pings.answered(1, 2 * kSecond));
  pings.sent(3, 10 * kSecond);
  CHECK(pings.answered(3, 40 * kSecond) == 30000.0);
  pings.sent(4, 50 * kSecond);
  CHECK_FALSE(pings.answered(4, 80 * kSecond + 1));
  CHECK(pings.samples() == 1);
  CHECK(pings.unmatched() == 4);
  CHECK(pings.latency().max_ms == 30000);
}

TEST_CASE("a slow answer is forgotten with its window", "[transports]") {
  Pings pings;
  uint64_t now = kSecond;
  for (size_t i = 0; i <= Pings::kWindow; ++i) {
    pings.sent(i, now);
    REQUIRE(pings.answered(i, now + (i == 0 ? 5000 : 10) * kMs));
    now += 60 * kSecond;
    if (i + 1 == Pings::kWindow) CHECK(pings.latency().max_ms == 5000);
  }
  CHECK(pings.latency().max_ms == 10);
  CHECK(pings.latency().avg_ms == Approx(10));
}

TEST_CASE("pings under way are bounded in number and age", "[transports]") {
  Pings pings;
  for (uint64_t i = 0; i < 1000; ++i) pings.sent(i, kSecond);
  CHECK(pings.in_flight() == Pings::kMaxInFlight);
  CHECK_FALSE(pings.answered(0, 2 * kSecond));
  CHECK(pings.answered(999, 2 * kSecond));
  pings.sent(5000, 100 * kSecond);
  CHECK(pings.in_flight() == 1);
}

TEST_CASE("three pings without a sign of life mean that nobody is there", "[transports]") {
  Pings pings;
  for (uint64_t i = 0; i < 5; ++i) pings.sent(i, i * kSecond);
  CHECK_FALSE(pings.half_open());  // it never answered: it may not know how
  REQUIRE(pings.answered(4, 5 * kSecond));
  CHECK(pings.missed() == 0);
  pings.sent(10, 10 * kSecond);
  pings.sent(11, 11 * kSecond);
  CHECK_FALSE(pings.half_open());
  pings.heard();
  for (uint64_t i = 12; i < 15; ++i) pings.sent(i, i * kSecond);
  CHECK(pings.half_open());

  Pings expected;
  expected.expect_answers();
  for (uint64_t i = 0; i < 3; ++i) expected.sent(i, i * kSecond);
  CHECK(expected.half_open());
}

TEST_CASE("throughput is the highest rate seen over a window", "[transports]") {
  Throughput throughput(0);
  throughput.observe(1000, kSecond / 2, kSecond);
  CHECK(throughput.highest_bytes_per_s() == 0);
  throughput.observe(3000, 2 * kSecond, kSecond);
  CHECK(throughput.highest_bytes_per_s() == 1500);
  throughput.observe(3000, 9 * kSecond, kSecond);
  CHECK(throughput.highest_bytes_per_s() == 1500);
  throughput.observe(13000, 10 * kSecond, kSecond);
  CHECK(throughput.highest_bytes_per_s() == 10000);
  throughput.observe(13000, 10 * kSecond, 0);
  CHECK(throughput.highest_bytes_per_s() == 10000);
}
