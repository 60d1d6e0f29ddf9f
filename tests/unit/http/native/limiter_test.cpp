#include "lib/http/limiter.hpp"

#include <catch2/catch.hpp>

using visor::http::Limiter;

TEST_CASE("limiter: a burst, then a steady rate, for each asker", "[http]") {
  Limiter limiter(100, 200);
  int taken = 0;
  for (int i = 0; i < 300; ++i) taken += limiter.take("a", 1000) ? 1 : 0;
  CHECK(taken == 200);
  CHECK(limiter.take("b", 1000));
  CHECK(limiter.refused() == 100);
  CHECK_FALSE(limiter.take("a", 1009));
  CHECK(limiter.take("a", 1010));
  taken = 0;
  for (int i = 0; i < 300; ++i) taken += limiter.take("a", 2010) ? 1 : 0;
  CHECK(taken == 100);
}

TEST_CASE("limiter: rests are forgotten, and no limit is none", "[http]") {
  Limiter limiter(10, 10);
  for (int i = 0; i < 10; ++i) limiter.take("a", 0);
  limiter.take("b", 0);
  limiter.sweep(100);
  CHECK(limiter.buckets() == 1);
  limiter.sweep(1000);
  CHECK(limiter.buckets() == 0);
  Limiter none(0, 1);
  for (int i = 0; i < 1000; ++i) CHECK(none.take("a", 0));
  CHECK(none.buckets() == 0);
}

TEST_CASE("limiter: many askers cost no more than a bounded number of buckets", "[http]") {
  Limiter limiter(1, 2);
  for (size_t i = 0; i < Limiter::kMaxBuckets; ++i) limiter.take(std::to_string(i), 0);
  CHECK(limiter.take("one more", 0));
  CHECK(limiter.take("another", 0));
  CHECK_FALSE(limiter.take("a third", 0));
  CHECK(limiter.buckets() <= Limiter::kMaxBuckets + 1);
  CHECK(limiter.take("a third", 5000));
}
