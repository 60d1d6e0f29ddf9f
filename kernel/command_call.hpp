/* One call of a command, between the plugin that answers and the caller who listens. */
#ifndef VISOR_KERNEL_COMMAND_CALL_HPP
#define VISOR_KERNEL_COMMAND_CALL_HPP
#include <list>
#include <optional>

#include "kernel/commands.hpp"

/* A caller's name for a call. */
struct visor_ticket {};

namespace visor::kernel {

/* Two sides that end on their own: the plugin's with finish(), the caller's with `finished`.  The call goes
 * when both have.  Nothing is called back inside a call on it. */
class Commands::Call final : public Object<visor_call>,
                             public visor_ticket,
                             public std::enable_shared_from_this<Commands::Call> {
 public:
  /* A plugin's row for a command, and what it is called with. */
  struct Work {
    visor_status (*run)(void* self, visor_call* call, visor_span args);
    void* self;
    std::string args;
  };

  Call(Commands& commands, std::string instance, const visor_caller* caller, void* ctx);

  const std::string& instance() const { return instance_; }
  /* Runs the command on a later turn, unless it was cancelled by then. */
  void begin(Work work);
  void resume();
  /* The caller hears VISOR_ECANCELED, the plugin that it should finish. */
  void cancel(std::string why);
  /* The plugin is gone and will not finish any more. */
  void abandon();
  bool plugin_done() const { return plugin_done_; }

 private:
  static const visor_call_api kApi;
  visor_status emit(visor_span json);
  void finish(visor_status status);
  void attach(const visor_call_events* events, void* ctx);

  void later();
  void turn();
  void deliver();
  void tell_plugin();
  void end_plugin(visor_status status, std::string why);

  Commands& commands_;
  const std::string instance_;
  const visor_caller* caller_;
  void* const caller_ctx_;
  std::optional<Work> work_; /* until it has begun */
  const visor_call_events* events_ = nullptr;
  void* events_ctx_ = nullptr;

  std::list<std::string> queue_;
  size_t queued_bytes_ = 0;
  visor_status status_ = VISOR_OK; /* what the caller will hear */
  std::string why_;
  bool turning_ = false;
  bool held_ = false;    /* by the caller, until resume */
  bool refused_ = false; /* an emit, so that `ready` is owed */
  bool canceled_ = false, cancel_told_ = false;
  bool plugin_done_ = false, caller_done_ = false;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_COMMAND_CALL_HPP
