#include "bench/machine.hpp"

#include <visor/bundle.h>

#include <optional>

namespace visor::bench {
namespace {

kernel::Catalog bundled() {
  kernel::Catalog catalog;
  catalog.add_bundle(visor_bundle);
  return catalog;
}

}  // namespace

Machine::Machine(const std::string& config)
    : catalog_(bundled()), kernel_({.loop = loop_, .catalog = catalog_, .config = config}) {
  std::optional<Result<void>> started;
  kernel_.start([&](Result<void> result) { started = std::move(result); });
  loop_.run_until([&] { return started.has_value(); }, 60000);
  if (!started || !*started) give_up(started ? started->error().text : "the kernel does not start");
}

Machine::~Machine() {
  bool stopped = false;
  kernel_.stop([&] { stopped = true; });
  loop_.run_until([&] { return stopped; }, 60000);
}

visor_kv* Machine::open(const std::string& name) {
  auto* drive = kernel_.host().find<visor_drive>(VISOR_DRIVE_1, "disk");
  if (!drive) give_up("no drive is called disk");
  visor_kv* kv = nullptr;
  auto opened = [](void* ctx, visor_status, void* result) {
    *static_cast<visor_kv**>(ctx) = static_cast<visor_kv*>(result);
  };
  if (drive->api->open(drive, to_span(std::string_view(name)), {opened, &kv}) == VISOR_OK) {
    loop_.run_until([&] { return kv != nullptr; }, 60000);
  }
  if (!kv) give_up("the drive opens no map: " + kernel_.host().error(VISOR_EIO).text);
  return kv;
}

}  // namespace visor::bench
