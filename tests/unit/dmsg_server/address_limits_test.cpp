#include "plugins/dmsg-server/address_limits.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace visor::dmsg_server;

TEST_CASE("a bucket gives its burst at once, then its rate", "[dmsg_server]") {
  Rate rate{5, 10};
  Bucket bucket;
  for (int i = 0; i < 5; ++i) CHECK(bucket.take(rate, 1000));
  CHECK_FALSE(bucket.take(rate, 1000));
  CHECK_FALSE(bucket.take(rate, 1099));
  CHECK(bucket.take(rate, 1100));
  CHECK_FALSE(bucket.take(rate, 1100));
  CHECK_FALSE(bucket.full(rate, 1500));
  CHECK(bucket.full(rate, 1600));
  int taken = 0;
  for (uint64_t now = 2000; now < 12000; ++now) taken += bucket.take(rate, now);
  CHECK(taken == 5 + 99);
}

TEST_CASE("an address has its places, and no other's", "[dmsg_server]") {
  AddressLimits limits({.sessions = 3, .handshakes = 2, .rate = {100, 100}});
  auto first = limits.enter("a", 1), second = limits.enter("a", 1);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(limits.enter("a", 1));
  CHECK(limits.enter("b", 1));
  first.settle();
  first.settle();
  auto third = limits.enter("a", 1);
  CHECK(third);
  second.settle();
  CHECK_FALSE(limits.enter("a", 1)); /* three sessions */
  first = {};
  auto fourth = limits.enter("a", 1);
  CHECK(fourth);
  CHECK(limits.size() == 2);
  limits.tidy(100000);
  CHECK(limits.size() == 1);
  AddressLimits::Place moved = std::move(fourth);
  CHECK_FALSE(fourth);
  CHECK(moved);
}

TEST_CASE("who comes too often waits, with places free", "[dmsg_server]") {
  AddressLimits limits({.sessions = 100, .handshakes = 100, .rate = {3, 1}});
  for (int i = 0; i < 3; ++i) CHECK(limits.enter("a", 1));
  CHECK_FALSE(limits.enter("a", 1));
  limits.tidy(2);
  CHECK_FALSE(limits.enter("a", 900)); /* forgetting it would have filled the bucket */
  CHECK(limits.enter("a", 1100));
}

TEST_CASE("there are only so many addresses to remember", "[dmsg_server]") {
  AddressLimits limits({.sessions = 1, .handshakes = 1, .rate = {1, 1}});
  for (size_t i = 0; i < AddressLimits::kMaxAddresses; ++i) CHECK(limits.enter(std::to_string(i), 1));
  CHECK_FALSE(limits.enter("one more", 1));
  limits.tidy(2000);
  CHECK(limits.size() == 0);
  CHECK(limits.enter("one more", 2000));
}

TEST_CASE("places outlive the limits", "[dmsg_server]") {
  auto limits =
      std::make_unique<AddressLimits>(AddressBounds{.sessions = 1, .handshakes = 1, .rate = {1, 1}});
  AddressLimits::Place place = limits->enter("a", 1);
  limits.reset();
  place.settle();
  CHECK(place);
}
