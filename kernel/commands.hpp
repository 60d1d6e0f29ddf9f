/* visor.commands/1: every running instance's commands, listed and called. */
#ifndef VISOR_KERNEL_COMMANDS_HPP
#define VISOR_KERNEL_COMMANDS_HPP

#include <memory>
#include <string>
#include <vector>
#include <visor/command.hpp>

namespace visor::kernel {

/* A call's values wait in a bounded queue between the plugin that emits and the caller; a caller that holds
 * on makes the plugin see VISOR_EAGAIN. */
class Commands final : public CommandsProvider {
 public:
  static constexpr size_t kMaxOpenCalls = 1024, kMaxQueuedValues = 256, kMaxQueuedBytes = 1u << 20,
                          kMaxValueBytes = 16u << 20;

  explicit Commands(Host host);
  ~Commands() override;

  /* The instance takes calls from now on; `self` goes to its commands. */
  void add(const std::string& instance, const visor_plugin* plugin, void* self);
  /* Takes no more calls, and those that are open hear that they are cancelled. */
  void close(const std::string& instance);
  /* Forgets the instance, which has stopped, and what it has not finished: how many calls. */
  size_t remove(const std::string& instance);

  size_t open_calls() const { return calls_.size(); }

 private:
  class Call;
  struct Provider;

  void each(void (*fn)(void* ctx, const char* instance, const char* plugin, const visor_command*),
            void* ctx) override;
  visor_status call(const char* instance, const char* command, visor_span args, const visor_caller* caller,
                    void* ctx, visor_ticket** ticket) override;
  void resume(visor_ticket* ticket) override;
  void cancel(visor_ticket* ticket) override;

  Result<void> check_args(Provider& provider, size_t row, std::string_view args);
  Result<std::shared_ptr<Provider>> provider(std::string_view instance);
  Call* find(visor_ticket* ticket);
  void forget(Call* call);

  std::vector<std::shared_ptr<Provider>> providers_; /* in order of start */
  std::vector<std::shared_ptr<Call>> calls_;         /* in order of their beginning */
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_COMMANDS_HPP
