#include "kernel/wasm/call.hpp"

#include "kernel/wasm/imports.hpp"

namespace visor::kernel::wasm {

constexpr visor_caller Calls::kCaller = {sizeof(visor_caller), 0, &Calls::value, &Calls::finished};

void Calls::begin(const Kernel* kernel, uint32_t number, const std::string& instance,
                  const std::string& command, std::string_view args) {
  auto refuse = [&](visor_status status, std::string_view why) {
    visor_import_finished(number, status, why.data(), why.size());
  };
  if (!kernel) return refuse(VISOR_ENOENT, "the visor is not running; boot it first");
  visor_commands* commands = kernel->commands();
  auto [at, fresh] = calls_.try_emplace(number);
  if (!fresh) return refuse(VISOR_EEXIST, "a call of this number is under way");
  at->second = std::make_unique<Call>(*this, commands, number);
  Call* call = at->second.get();
  visor_status status = commands->api->call(commands, instance.c_str(), command.c_str(), to_span(args),
                                            &kCaller, call, &call->ticket);
  if (status != VISOR_OK) {
    calls_.erase(number);
    refuse(status, kernel->host().error(status).text);
  }
}

void Calls::resume(uint32_t number) {
  auto at = calls_.find(number);
  if (at != calls_.end()) at->second->commands->api->resume(at->second->commands, at->second->ticket);
}

void Calls::cancel(uint32_t number) {
  auto at = calls_.find(number);
  if (at != calls_.end()) at->second->commands->api->cancel(at->second->commands, at->second->ticket);
}

visor_status Calls::value(void* ctx, visor_span json) {
  return visor_import_value(static_cast<Call*>(ctx)->number, static_cast<const char*>(json.data), json.size);
}

void Calls::finished(void* ctx, visor_status status, visor_span error) {
  Call& call = *static_cast<Call*>(ctx);
  uint32_t number = call.number;
  call.calls.calls_.erase(number);
  visor_import_finished(number, status, static_cast<const char*>(error.data), error.size);
}

}  // namespace visor::kernel::wasm
