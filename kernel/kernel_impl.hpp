/* What a kernel is made of; for kernel*.cpp alone. */
#ifndef VISOR_KERNEL_KERNEL_IMPL_HPP
#define VISOR_KERNEL_KERNEL_IMPL_HPP
#include "kernel/commands.hpp"
#include "kernel/config.hpp"
#include "kernel/identity.hpp"
#include "kernel/instance_host.hpp"
#include "kernel/kernel.hpp"
#include "kernel/kernel_commands.hpp"

namespace visor::kernel {

class Kernel::Impl {
 public:
  explicit Impl(KernelOptions options);
  ~Impl();

  void start(Started started);
  void stop(Stopped stopped);
  Result<void> configure(std::string_view name, std::string_view json);
  std::string status() const;

  Core core;
  InstanceHost own_host; /* of the instance "kernel" */
  Commands commands;
  State state = State::kIdle;
  visor_key key{};

 private:
  struct Running {
    Running(Core& core, InstanceConfig c, std::string directory)
        : config(std::move(c)), host(core, config.name, config.json, std::move(directory)) {}
    InstanceConfig config;
    InstanceHost host;
    void* self = nullptr;
    const char* state = "waiting";
  };

  /* A visor_done of start or stop, answered once and after the call that took it. */
  struct Answer {
    Impl& impl;
    Running& instance;
    const char* what;
    std::function<void(visor_status, std::string why)> then;
    uint64_t slow_timer = 0;
    bool in_call = true;
    static void run(void* ctx, visor_status status, void* result);
  };
  Answer* await(Running& instance, const char* what, std::function<void(visor_status, std::string)> then);
  void answered(Answer* answer, visor_status status, std::string why);

  Result<void> prepare();
  Result<void> set_identity(const Config& config);
  void start_next();
  void started_one(Running& instance, visor_status status, const std::string& why);
  void fail_start(Error error);
  void stop_next();
  void stop_one(Running& instance);
  void stop_kernel();
  void settle(std::function<void()> then, int round = 0);

  std::string plugins_json(bool schemas) const;
  std::string config_json() const;

  KernelOptions options_;
  KernelCommands own_commands_;
  std::unique_ptr<Identity> identity_;
  std::vector<std::unique_ptr<ServiceObject>> services_;
  std::vector<std::unique_ptr<Running>> instances_; /* in order of start */
  size_t running_ = 0;                              /* the first so many of them */
  Started started_;
  std::vector<Stopped> stopped_;
  std::optional<Error> start_error_;
  uint64_t started_ns_ = 0;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_KERNEL_IMPL_HPP
