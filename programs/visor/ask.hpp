/* A command of a running kernel, called once for its one value. */
#ifndef VISOR_PROGRAMS_ASK_HPP
#define VISOR_PROGRAMS_ASK_HPP
#include <visor/command.h>
#include <visor/host.hpp>

namespace visor::programs {

/* answered runs once, from the loop, with the first value or the reason why there is none. */
inline void ask(Host host, visor_commands* commands, const char* instance, const char* command,
                std::function<void(Result<std::string>)> answered) {
  struct Call {
    std::function<void(Result<std::string>)> answered;
    std::string value;
  };
  static constexpr visor_caller kCaller = {
      sizeof(visor_caller), 0,
      [](void* ctx, visor_span json) -> visor_status {
        auto* call = static_cast<Call*>(ctx);
        if (call->value.empty()) call->value = text(json);
        return VISOR_OK;
      },
      [](void* ctx, visor_status status, visor_span error) {
        std::unique_ptr<Call> call(static_cast<Call*>(ctx));
        if (status != VISOR_OK) return call->answered(failure(status, std::string(text(error))));
        call->answered(std::move(call->value));
      }};
  auto* call = new Call{std::move(answered), {}};
  visor_ticket* ticket = nullptr;
  visor_status status =
      commands->api->call(commands, instance, command, VISOR_TEXT("{}"), &kCaller, call, &ticket);
  if (status != VISOR_OK) {
    std::unique_ptr<Call> owned(call);
    owned->answered(std::unexpected(host.error(status)));
  }
}

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_ASK_HPP
