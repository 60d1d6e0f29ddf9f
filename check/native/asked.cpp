#include "check/native/asked.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "check/native/trial.hpp"
#include "kernel/json.hpp"
#include "kernel/nearest.hpp"
#include "kernel/schema.hpp"

namespace visor::check {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/* Of every group, whatever the plugin. */
std::vector<std::string> checks_of(std::string_view group) {
  std::vector<std::string> out;
  Description every;
  every.offers = {VISOR_DRIVE_1, VISOR_NET_1};
  every.commands = 1;
  for (const TrialRow& row : trials(every)) {
    if (row.group == group) out.push_back(row.check);
  }
  return out;
}

}  // namespace

Result<void> check_only(const Options& options) {
  for (const std::string& only : options.only) {
    std::string group = only.substr(0, only.find('/'));
    std::vector<std::string> known = checks_of(group);
    if (known.empty()) {
      std::vector<std::string> names;
      for (const Group& each : groups()) names.emplace_back(each.name);
      return failure(VISOR_EINVAL,
                     "--only " + only + ": expected one of the groups " + listed(names) + ", or group/check");
    }
    if (group == only) continue;
    std::string check = only.substr(group.size() + 1);
    if (std::ranges::find(known, check) != known.end()) continue;
    std::string_view meant = kernel::nearest(check, known);
    return failure(VISOR_EINVAL,
                   "--only " + only + ": the group " + group + " has no such check; " +
                       (meant.empty() ? "" : "did you mean " + group + "/" + std::string(meant) + "? ") +
                       "There are " + listed(known));
  }
  return {};
}

Result<void> check_config_syntax(const Options& options) {
  if (!options.config) return {};
  auto value = kernel::parse_json(*options.config, options.config_name);
  if (!value) return std::unexpected(value.error());
  if (value->is_object()) return {};
  return failure(VISOR_EINVAL, options.config_name + ": expected an object, got " + kernel::excerpt(*value));
}

Result<void> check_config(const visor_plugin& plugin, const Options& options) {
  if (!options.config) return {};
  auto value = kernel::parse_json(config_on("alpha", *options.config), options.config_name);
  if (!value) return std::unexpected(value.error());
  auto schema = kernel::Schema::compile(plugin.schema);
  if (!schema) return std::unexpected(schema.error());
  auto fits = schema->check(*value, "");
  if (!fits) return failure(fits.error().status, options.config_name + ": " + fits.error().text);
  return {};
}

}  // namespace visor::check
