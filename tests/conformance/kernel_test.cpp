// A kernel with a real drive, from the configuration to a value read back.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "tests/support/world.hpp"

namespace visor::test {

TEST_CASE("a configured drive is offered under its instance's name and keeps what is written", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("alpha", R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})");

  auto* drive = node.find<visor_drive>(VISOR_DRIVE_1, "disk");
  REQUIRE(drive != nullptr);
  CHECK(node.find<visor_drive>(VISOR_DRIVE_1) == drive);
  CHECK(node.find<visor_drive>(VISOR_DRIVE_1, "storage_memory") == nullptr);

  auto kv = world.await<visor_kv>(
      node, [&](visor_done done) { return drive->api->open(drive, VISOR_TEXT("notes"), done); });
  REQUIRE(kv.has_value());
  visor_op op = put("greeting", bytes(std::string_view("hello")));
  REQUIRE((*kv)->api->write(*kv, &op, 1) == VISOR_OK);
  visor_span value{};
  REQUIRE((*kv)->api->get(*kv, VISOR_TEXT("greeting"), &value) == VISOR_OK);
  CHECK(text(value) == "hello");
  (*kv)->api->close(*kv);

  node.stop();
  CHECK(node.find<visor_drive>(VISOR_DRIVE_1) == nullptr);
}

TEST_CASE("two kernels in one process share nothing but their loop", "[kernel]") {
  SimWorld world(2);
  Node& a = world.add("a", R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})");
  Node& b = world.add("b", R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})");
  CHECK(a.key() != b.key());
  CHECK(a.find<visor_drive>(VISOR_DRIVE_1, "disk") != b.find<visor_drive>(VISOR_DRIVE_1, "disk"));
  world.remove(a);
  CHECK(b.call("kernel", "status").has_value());
}

}  // namespace visor::test
