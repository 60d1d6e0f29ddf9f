#include "kernel/commands.hpp"

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <optional>

#include "kernel/catalog.hpp"
#include "kernel/command_call.hpp"
#include "kernel/json.hpp"
#include "kernel/nearest.hpp"
#include "kernel/schema.hpp"

namespace visor::kernel {

struct Commands::Provider {
  std::string instance;
  const visor_plugin* plugin;
  void* self;
  bool open = true;
  std::vector<std::optional<Schema>> schemas; /* by row; compiled when first called */

  const visor_command* row(size_t i) const { return &command_row(*plugin, i); }
};

Commands::Commands(Host host) : CommandsProvider(host) {}
Commands::~Commands() = default;

void Commands::add(const std::string& instance, const visor_plugin* plugin, void* self) {
  auto provider = std::make_shared<Provider>(Provider{instance, plugin, self, true, {}});
  provider->schemas.resize(plugin->command_count);
  providers_.push_back(std::move(provider));
}

void Commands::close(const std::string& instance) {
  for (const auto& provider : providers_) {
    if (provider->instance == instance) provider->open = false;
  }
  auto calls = calls_;
  for (const auto& call : calls) {
    if (call->instance() == instance) call->cancel(instance + " is stopping");
  }
}

size_t Commands::remove(const std::string& instance) {
  std::erase_if(providers_, [&](const auto& provider) { return provider->instance == instance; });
  size_t unfinished = 0;
  for (const auto& call : calls_) {
    if (call->instance() != instance || call->plugin_done()) continue;
    ++unfinished;
    call->abandon();
  }
  return unfinished;
}

void Commands::each(void (*fn)(void* ctx, const char* instance, const char* plugin, const visor_command*),
                    void* ctx) {
  auto providers = providers_;
  for (const auto& provider : providers) {
    if (!provider->open) continue;
    for (size_t i = 0; i < provider->plugin->command_count; ++i) {
      fn(ctx, provider->instance.c_str(), provider->plugin->name, provider->row(i));
    }
  }
}

Result<std::shared_ptr<Commands::Provider>> Commands::provider(std::string_view instance) {
  for (const auto& provider : providers_) {
    if (provider->instance != instance) continue;
    if (provider->open) return provider;
    return failure(VISOR_ECLOSED, std::string(instance) + " is stopping");
  }
  std::vector<std::string> known;
  known.reserve(providers_.size());
  for (const auto& provider : providers_) known.push_back(provider->instance);
  return failure(VISOR_ENOENT,
                 "no instance \"" + std::string(instance) + "\" is running; " + suggestion(instance, known));
}

Result<void> Commands::check_args(Provider& provider, size_t row, std::string_view args) {
  auto& schema = provider.schemas[row];
  if (!schema) {
    auto compiled = Schema::compile(provider.row(row)->params);
    if (!compiled) return failure(VISOR_EINTERNAL, compiled.error().text);
    schema.emplace(std::move(*compiled));
  }
  // Most arguments are short: they need no memory but this.
  std::array<unsigned char, 4096> room;
  boost::json::monotonic_resource memory(room.data(), room.size());
  auto value = parse_json(args, "arguments", &memory);
  if (!value) return std::unexpected(value.error());
  if (!value->is_object())
    return failure(VISOR_EINVAL, "arguments: expected an object, got " + excerpt(*value));
  return schema->check(*value, "");
}

visor_status Commands::call(const char* instance, const char* command, visor_span args,
                            const visor_caller* caller, void* ctx, visor_ticket** ticket) {
  if (!instance || !command || !caller || !ticket)
    return host().fail(VISOR_EINVAL,
                       "call: expected an instance, a command, a caller and a place for the ticket");
  auto found = provider(instance);
  if (!found) return host().fail(found.error());
  const std::shared_ptr<Provider>& provider = *found;

  const size_t rows = provider->plugin->command_count;
  size_t row = 0;
  while (row < rows && std::string_view(command) != provider->row(row)->name) ++row;
  if (row == rows) {
    std::vector<std::string> known;
    known.reserve(rows);
    for (size_t i = 0; i < rows; ++i) known.emplace_back(provider->row(i)->name);
    return host().fail(VISOR_ENOENT, std::string(instance) + " has no command \"" + command + "\"; " +
                                         suggestion(command, known));
  }
  std::string_view given = text(args);
  if (given.find_first_not_of(" \t\r\n") == given.npos) given = "{}";
  if (auto fits = check_args(*provider, row, given); !fits) {
    return host().fail(fits.error().status, std::string(instance) + " " + command + ": " + fits.error().text);
  }
  if (calls_.size() >= kMaxOpenCalls) {
    return host().fail(VISOR_EAGAIN, "at most " + std::to_string(kMaxOpenCalls) +
                                         " calls are open at once; try again when one has finished");
  }

  auto added = std::make_shared<Call>(*this, instance, caller, ctx);
  calls_.push_back(added);
  *ticket = added.get();
  added->begin({provider->row(row)->run, provider->self, std::string(given)});
  return VISOR_OK;
}

void Commands::resume(visor_ticket* ticket) {
  if (Call* call = find(ticket)) call->resume();
}

void Commands::cancel(visor_ticket* ticket) {
  if (Call* call = find(ticket)) call->cancel("cancelled by the caller");
}

Commands::Call* Commands::find(visor_ticket* ticket) {
  for (const auto& call : calls_) {
    if (call.get() == ticket) return call.get();
  }
  return nullptr;
}

void Commands::forget(Call* call) {
  std::erase_if(calls_, [call](const auto& known) { return known.get() == call; });
}

}  // namespace visor::kernel
