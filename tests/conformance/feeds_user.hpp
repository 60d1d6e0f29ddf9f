/* What tests do with the feeds of a running visor. */
#ifndef VISOR_TESTS_CONFORMANCE_FEEDS_USER_HPP
#define VISOR_TESTS_CONFORMANCE_FEEDS_USER_HPP
#include <visor/plugin.hpp>

#include "tests/support/world.hpp"

#include <catch2/catch.hpp>

namespace visor::test {

/* Opens the feed of `owner` on port 50, its own where there is none, over `network` ("": what is configured).
 */
inline Owned<visor_feed> open_feed(World& world, Node& node, const visor_key* owner,
                                   std::string_view network = "") {
  auto* feeds = node.find<visor_feeds>(VISOR_FEEDS_1);
  REQUIRE(feeds != nullptr);
  visor_feed_options options{};
  options.size = sizeof options;
  options.owner = owner;
  options.network = to_span(network);
  options.port = 50;
  auto opened =
      world.await<visor_feed>(node, [&](visor_done done) { return feeds->api->open(feeds, &options, done); });
  INFO((opened ? "" : opened.error().text));
  REQUIRE(opened.has_value());
  return Owned<visor_feed>(*opened);
}

}  // namespace visor::test
#endif  // VISOR_TESTS_CONFORMANCE_FEEDS_USER_HPP
