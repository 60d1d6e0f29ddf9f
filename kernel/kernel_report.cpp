// What a kernel says of itself: the answers of `kernel status`, `kernel plugins` and `kernel config`.
#include <boost/json.hpp>

#include "kernel/kernel_impl.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

json::value parsed(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value(nullptr) : value;
}

const char* state_name(Kernel::State state) {
  static constexpr const char* kNames[] = {"idle", "starting", "running", "stopping", "stopped"};
  return kNames[static_cast<size_t>(state)];
}

json::array rows_json(const visor_plugin& plugin) {
  json::array out;
  for (uint32_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = command_row(plugin, i);
    out.push_back({{"name", row.name},
                   {"summary", row.summary},
                   {"arguments", parsed(row.params)},
                   {"reads", (row.flags & VISOR_COMMAND_READS) != 0},
                   {"streams", (row.flags & VISOR_COMMAND_STREAMS) != 0},
                   {"hidden", (row.flags & VISOR_COMMAND_HIDDEN) != 0}});
  }
  return out;
}

}  // namespace

std::string Kernel::Impl::status() const {
  json::object out;
  out["state"] = state_name(state);
  out["key"] = identity_ ? to_hex(key) : "";
  out["uptime_ms"] = state == State::kIdle ? 0 : (core.loop.now_ns() - started_ns_) / 1000000u;
  json::array instances;
  for (const auto& instance : instances_) {
    instances.push_back({{"name", instance->config.name},
                         {"plugin", instance->config.plugin->name},
                         {"version", instance->config.plugin->version},
                         {"state", instance->state},
                         {"timers", instance->host.timers()},
                         {"working", instance->host.working()}});
  }
  out["instances"] = std::move(instances);
  json::array offers;
  for (const Registry::Entry& entry : core.registry.entries()) {
    offers.push_back({{"id", entry.id}, {"name", entry.name}, {"instance", entry.owner}});
  }
  out["offers"] = std::move(offers);
  json::object services;
  for (size_t i = 0; i < services_.size(); ++i) {
    services[options_.services[i].id + " " + options_.services[i].name] = parsed(services_[i]->status());
  }
  out["services"] = std::move(services);
  Loop::Counters loop = core.loop.counters();
  out["loop"] = {{"timers", loop.timers},
                 {"posted", loop.posted},
                 {"working", loop.working},
                 {"work_limit", loop.work_limit}};
  out["calls"] = {{"open", commands.open_calls()}, {"limit", Commands::kMaxOpenCalls}};
  out["log"] = {{"records", core.log.records_written()},
                {"kept", core.log.ring().size()},
                {"limit", Log::kRingRecords}};
  return json::serialize(out);
}

std::string Kernel::Impl::plugins_json(bool schemas) const {
  auto ids = [](const char* const* list) {
    json::array out;
    for (; list && *list; ++list) out.emplace_back(*list);
    return out;
  };
  json::array plugins, refused;
  for (const Catalog::Entry& entry : options_.catalog.entries()) {
    const visor_plugin& p = *entry.plugin;
    json::object row{{"name", p.name},        {"version", p.version},  {"summary", p.summary},
                     {"license", p.license},  {"needs", ids(p.needs)}, {"offers", ids(p.offers)},
                     {"origin", entry.origin}};
    if (schemas) {
      row["config"] = p.schema ? parsed(p.schema) : json::object();
      row["commands"] = rows_json(p);
    }
    plugins.push_back(std::move(row));
  }
  for (const auto& refusal : options_.catalog.refusals())
    refused.push_back({{"name", refusal.name}, {"why", refusal.why}});
  json::object out{{"plugins", plugins}, {"refused", refused}};
  if (schemas) out["kernel"] = {{"commands", rows_json(*KernelCommands::plugin())}};
  return json::serialize(out);
}

std::string Kernel::Impl::config_json() const {
  json::array rows;
  for (const auto& instance : instances_) {
    rows.push_back({{"plugin", instance->config.plugin->name},
                    {"as", instance->config.name},
                    {"config", parsed(redacted_config(*instance->config.plugin, instance->host.config()))}});
  }
  return json::serialize(json::object{{"plugins", rows}});
}

}  // namespace visor::kernel
