// A drive as a test uses it: opened maps, waited-for calls.
#pragma once
#include "tests/conformance/drive_model.hpp"
#include "tests/support/world.hpp"

namespace visor::test {

class DriveUser {
 public:
  DriveUser(World& world, Node& node)
      : world_(world), node_(node), drive_(node.find<visor_drive>(VISOR_DRIVE_1)) {}

  visor_drive* raw() const { return drive_; }
  Result<visor_kv*> try_open(std::string_view name) {
    return world_.await<visor_kv>(
        node_, [&](visor_done done) { return drive_->api->open(drive_, to_span(name), done); });
  }
  Owned<visor_kv> open(std::string_view name = "map") {
    auto kv = try_open(name);
    if (!kv) FAIL("open: " << kv.error().text);
    return Owned<visor_kv>(*kv);
  }
  Result<void> erase(std::string_view name) {
    auto done =
        world_.await<void>(node_, [&](visor_done d) { return drive_->api->erase(drive_, to_span(name), d); });
    if (!done) return std::unexpected(done.error());
    return {};
  }
  Result<void> sync(visor_kv* kv) {
    auto done = world_.await<void>(node_, [&](visor_done d) { return kv->api->sync(kv, d); });
    if (!done) return std::unexpected(done.error());
    return {};
  }

 private:
  World& world_;
  Node& node_;
  visor_drive* drive_;
};

inline visor_status put_one(visor_kv* kv, const std::string& key, const std::string& value) {
  visor_op op{VISOR_PUT, 0, lend(key), lend(value)};
  return kv->api->write(kv, &op, 1);
}

// What every drive must do, whoever wrote it.
void check_drive(DriveUser drive);

}  // namespace visor::test
