// Finding and offering by type, in a real kernel.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "tests/support/world.hpp"

namespace visor::test {
namespace {

struct Directory : HttpProvider {
  explicit Directory(Host host) : HttpProvider(host) {}
  visor_status mount(visor_span, uint32_t, void (*)(void*, visor_exchange*), void*, visor_handle**) override {
    return VISOR_ENOSYS;
  }
};

}  // namespace

TEST_CASE("an offer is found by its type, and is withdrawn when it goes", "[sdk]") {
  SimWorld world(1);
  Node& node = world.add("a", R"({"plugins":[]})");
  auto absent = find<visor_http>(node.host());
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().status == VISOR_ENOENT);
  CHECK(absent.error().text.find("visor.http/1") != std::string::npos);

  Directory server(node.host());
  {
    Offer<visor_http> offer, second;
    REQUIRE(offer.open(node.host(), &server, "front").has_value());
    CHECK(find<visor_http>(node.host()).value() == &server);
    CHECK(find<visor_http>(node.host(), "front").value() == &server);
    CHECK_FALSE(find<visor_http>(node.host(), "back").has_value());
    auto taken = second.open(node.host(), &server, "front");
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().status == VISOR_EEXIST);
  }
  CHECK_FALSE(find<visor_http>(node.host()).has_value());
}

}  // namespace visor::test
