// The ports of a client of the relay network.
#include "plugins/dmsg/ports.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

namespace visor::dmsg_client {

using Lease = std::shared_ptr<Ports::Lease>;

TEST_CASE("ports for dialled streams count up from 49153, and come back when nobody holds them", "[dmsg]") {
  auto ports = std::make_shared<Ports>();
  Lease first = ports->lease(), second = ports->lease();
  CHECK(first->port == 49153);
  CHECK(second->port == 49154);
  CHECK(ports->leased() == 2);
  first.reset();
  CHECK(ports->leased() == 1);
  CHECK_FALSE(ports->taken(49153));
  CHECK(ports->lease()->port == 49155); /* not the one that was just given back: its peer may still use it */
}

TEST_CASE("ports wrap to 49152, and pass over those in use, a listener's included", "[dmsg]") {
  auto ports = std::make_shared<Ports>();
  ports->take(50000);
  Lease held = ports->lease();
  std::vector<Lease> all;
  std::set<uint16_t> seen{held->port};
  while (Lease lease = ports->lease()) {
    CHECK(seen.insert(lease->port).second);
    all.push_back(std::move(lease));
  }
  CHECK(seen.size() == Ports::kEphemeral - 1); /* all but the listener's */
  CHECK_FALSE(seen.contains(50000));
  CHECK(*seen.begin() == 49152);
  CHECK(all.back()->port == 49152); /* after 65535 */
  CHECK(ports->leased() == seen.size());
  all.erase(all.begin() + 7);
  Lease again = ports->lease();
  REQUIRE(again);
  CHECK(again->port == 49153 + 8);
  CHECK(ports->lease() == nullptr);
}

TEST_CASE("a lease outlives who gave it", "[dmsg]") {
  auto ports = std::make_shared<Ports>();
  Lease lease = ports->lease();
  std::weak_ptr<Ports> weak = ports;
  ports.reset();
  CHECK_FALSE(weak.expired());
  lease.reset();
  CHECK(weak.expired());
}

}  // namespace visor::dmsg_client
