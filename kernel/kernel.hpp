/* One visor: a loader's list, a loop and a registry.  It starts the plugins that a configuration names, hands
 * them to each other, and stops them.  No globals: a process runs as many as it wants. */
#ifndef VISOR_KERNEL_KERNEL_HPP
#define VISOR_KERNEL_KERNEL_HPP
#include <visor/command.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <visor/host.hpp>

#include "kernel/catalog.hpp"
#include "kernel/log.hpp"
#include "kernel/loop.hpp"
#include "kernel/service.hpp"
#include "lib/crypto/secret.hpp"

namespace visor::kernel {

struct KernelOptions {
  Loop& loop;
  const Catalog& catalog;

  /* The text of the configuration, JSON:
   *   {"identity": {"file": "visor.key"},
   *    "directory": "data",
   *    "log": {"level": "info", "instances": {"feeds": "debug"}},
   *    "plugins": [{"plugin": "storage_memory", "as": "disk", "config": {}}]}
   * Only "plugins" is required; "as" defaults to the plugin's name. */
  std::string config;
  /* What errors in the text call it: the file's name. */
  std::string config_name = "configuration";

  /* This visor's key.  Without it the configuration's "identity.file" is given to read_key; without either a
   * key is drawn that lasts as long as the kernel. */
  std::optional<crypto::SecretKey> secret_key = std::nullopt;
  std::function<Result<crypto::SecretKey>(const std::string& file)> read_key = nullptr;

  /* Instances may keep files in <directory>/<instance>, which they create when they need it; empty: nowhere.
   * The configuration's "directory" goes before. */
  std::string directory = "";

  /* Tells kernels of one process apart in the log; may be empty. */
  std::string name = "";
  LogSink log = nullptr;
  /* Least level shown, where the configuration says nothing. */
  int32_t log_level = VISOR_INFO;

  std::vector<Service> services = {};
};

/* Lives on its loop's thread.  Must be stopped, or never have been started, when it is destroyed. */
class Kernel {
 public:
  using Started = std::function<void(Result<void>)>;
  using Stopped = std::function<void()>;
  enum class State { kIdle, kStarting, kRunning, kStopping, kStopped };

  explicit Kernel(KernelOptions options);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  ~Kernel();

  /* Reads the configuration and starts its instances in order of need, one after another.  `started` runs
   * once, from the loop; on an error everything is as before, what had started having been stopped in
   * reverse.  Once only. */
  void start(Started started);

  /* Stops the instances in reverse; `stopped` runs once, from the loop, and may destroy the kernel.  While
   * starting: as soon as the instance under way has started; `started` then hears VISOR_ECANCELED.  Called
   * again: joins in. */
  void stop(Stopped stopped);

  State state() const;

  /* Gives an instance a new configuration, after a check by its plugin's schema.  VISOR_ENOENT: no such
   * instance; VISOR_ENOSYS: it takes one only by a restart. */
  Result<void> configure(std::string_view instance, std::string_view json);

  /* A JSON object: state, key, instances, counters; what the command `kernel status` gives. */
  std::string status() const;

  /* What the registry has, as for visor_host_api.find. */
  void* find(const char* id, const char* name = nullptr) const;
  template <class T>
  T* find(const char* id, const char* name = nullptr) const {
    return static_cast<T*>(find(id, name));
  }
  visor_commands* commands() const;

  /* The host of the kernel's own instance, "kernel": for programs and tests that use objects of the ABI. */
  Host host() const;
  /* This visor's public key, from a successful reading of the configuration on. */
  const visor_key& key() const;
  Log& log();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/* Checks a configuration as start() would, starting nothing: syntax, schemas, plugins, needs.  On success the
 * instances' names in order of start. */
Result<std::vector<std::string>> check_config(const Catalog& catalog, const std::vector<Service>& services,
                                              std::string_view config,
                                              std::string_view config_name = "configuration");

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_KERNEL_HPP
