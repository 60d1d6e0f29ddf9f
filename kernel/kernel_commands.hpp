/* The commands of the instance `kernel`: what a visor says of itself. */
#ifndef VISOR_KERNEL_KERNEL_COMMANDS_HPP
#define VISOR_KERNEL_KERNEL_COMMANDS_HPP
#include <visor/command.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <visor/host.hpp>

#include "kernel/log.hpp"

namespace visor::kernel {

class KernelCommands {
 public:
  /* Where the answers come from; each gives JSON. */
  struct Sources {
    std::function<std::string()> status;
    std::function<std::string(bool schemas)> plugins;
    std::function<std::string()> config;
  };

  KernelCommands(Host host, Log& log, Sources sources);
  KernelCommands(const KernelCommands&) = delete;
  KernelCommands& operator=(const KernelCommands&) = delete;
  ~KernelCommands();

  Host host() const { return host_; }
  /* The rows, in the form in which a plugin has them; it is never started as one. */
  static const visor_plugin* plugin();

  Result<std::string> status(std::string_view) { return sources_.status(); }
  Result<std::string> plugins(std::string_view args);
  Result<std::string> config(std::string_view) { return sources_.config(); }
  Result<void> log(visor_call* call, std::string_view args);

 private:
  class Follower;
  Host host_;
  Log& log_;
  Sources sources_;
  std::vector<std::unique_ptr<Follower>> followers_;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_KERNEL_COMMANDS_HPP
