/* The plugin under check as the kernel sees it: the same description, with start, stop, configure and every
 * command watched.  The kernel that runs it offers a Ledger (Ledger::service). */
#ifndef VISOR_CHECK_NATIVE_STRICT_PLUGIN_HPP
#define VISOR_CHECK_NATIVE_STRICT_PLUGIN_HPP
#include <visor/command.h>

#include <vector>

#include "check/native/strict_host.hpp"

namespace visor::check {

class StrictPlugin {
 public:
  static constexpr size_t kMaxCommands = 256;

  /* `real` outlives this. */
  explicit StrictPlugin(const visor_plugin& real);
  StrictPlugin(const StrictPlugin&) = delete;
  StrictPlugin& operator=(const StrictPlugin&) = delete;
  const visor_plugin* plugin() const { return &plugin_; }

 private:
  std::vector<visor_command> rows_;
  visor_plugin plugin_;
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_STRICT_PLUGIN_HPP
