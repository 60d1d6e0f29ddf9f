// The drives' checks (check/drive.hpp) as a test runs them: what they find fails the test.
#pragma once
#include <catch2/catch.hpp>

#include "check/drive_model.hpp"
#include "tests/support/world.hpp"

namespace visor::test {

using check::get_one;
using check::Model;
using check::put_one;

// A node's drive; fails the test when it goes, if something was found.
class DriveUser : private check::Findings, public check::DriveUser {
 public:
  DriveUser(World& world, Node& node)
      : check::DriveUser(
            *this, {node.host(), [&world](const auto& condition) { return world.run_until(condition); }},
            node.find<visor_drive>(VISOR_DRIVE_1)) {}
  DriveUser(const DriveUser&) = delete;
  DriveUser& operator=(const DriveUser&) = delete;
  ~DriveUser() { verify(); }

  void verify() const {
    for (const std::string& sentence : sentences()) UNSCOPED_INFO(sentence);
    CHECK(clean());
  }
  // A map that must open.
  Owned<visor_kv> open_map(std::string_view name = "map") {
    auto kv = open(name);
    verify();
    REQUIRE(kv);
    return kv;
  }
};

// Everything that a drive must do, whoever wrote it.
inline void check_drive(World& world, Node& node) {
  for (const check::DriveCheck& each : check::drive_checks()) {
    INFO(each.name << ": " << each.promise);
    DriveUser drive(world, node);
    each.run(drive, 1);
  }
}

}  // namespace visor::test
