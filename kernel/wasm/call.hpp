/* Commands that JavaScript has called and that are not finished. */
#ifndef VISOR_KERNEL_WASM_CALL_HPP
#define VISOR_KERNEL_WASM_CALL_HPP
#include <visor/command.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "kernel/kernel.hpp"

namespace visor::kernel::wasm {

/* Calls are known by numbers that JavaScript chooses, each once. */
class Calls {
 public:
  /* Values and the end go to the imports `value` and `finished`; a call that cannot begin is finished before
   * this returns.  kernel null: nothing is running. */
  void begin(const Kernel* kernel, uint32_t number, const std::string& instance, const std::string& command,
             std::string_view args);
  /* A value was refused and can be taken now.  Both are harmless for a call that has finished. */
  void resume(uint32_t number);
  void cancel(uint32_t number);

 private:
  struct Call {
    Calls& calls;
    visor_commands* commands;
    uint32_t number;
    visor_ticket* ticket = nullptr;
  };
  static visor_status value(void* ctx, visor_span json);
  static void finished(void* ctx, visor_status status, visor_span error);
  static const visor_caller kCaller;

  std::unordered_map<uint32_t, std::unique_ptr<Call>> calls_;
};

}  // namespace visor::kernel::wasm
#endif  // VISOR_KERNEL_WASM_CALL_HPP
