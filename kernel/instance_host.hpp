/* The host as one instance sees it: everything asked is attributed to that instance. */
#ifndef VISOR_KERNEL_INSTANCE_HOST_HPP
#define VISOR_KERNEL_INSTANCE_HOST_HPP
#include <atomic>
#include <set>
#include <string>
#include <visor/host.hpp>

#include "kernel/log.hpp"
#include "kernel/loop.hpp"
#include "kernel/registry.hpp"

namespace visor::kernel {

/* What all instances of one kernel share. */
struct Core {
  explicit Core(Loop& l) : loop(l), registry(l) {}

  Loop& loop;
  Registry registry;
  Log log;
  std::string error;                /* text of the latest failure */
  std::atomic<uint64_t> posted = 0; /* by instances, ever; tells whether a turn brought something new */
};

/* Lives as long as its kernel, so that a late call does no harm. */
class InstanceHost final : public visor_host {
 public:
  InstanceHost(Core& core, std::string name, std::string config, std::string directory);
  InstanceHost(const InstanceHost&) = delete;
  InstanceHost& operator=(const InstanceHost&) = delete;
  ~InstanceHost();

  const std::string& name() const { return name_; }
  const std::string& config() const { return config_; }
  void set_config(std::string json) { config_ = std::move(json); }

  size_t timers() const { return timers_.size(); }
  size_t working() const { return working_; }
  /* Runs fn once nothing of this instance is in `work`; at once if there is nothing. */
  void when_idle(Loop::Task fn);

  /* Ends what a stopped instance has left behind: timers, watches, offers.  Says so in the log, since the
   * plugin should have. */
  void clean_up();

 private:
  static const visor_host_api kApi;
  static InstanceHost& self(visor_host* host) { return *static_cast<InstanceHost*>(host); }

  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*), void* ctx);
  visor_status work(void (*fn)(void*), void* ctx, visor_done done);
  void write_log(int32_t level, std::string_view line);
  visor_status refuse(std::string_view what);
  visor_status offer(const char* id, const char* name, void* object);

  Core& core_;
  const std::string name_, directory_;
  std::string config_;
  std::set<uint64_t> timers_;
  size_t working_ = 0;
  bool ended_ = false;
  Loop::Task idle_;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_INSTANCE_HOST_HPP
