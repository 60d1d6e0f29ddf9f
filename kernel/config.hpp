/* The configuration of one kernel: read, checked against every plugin's schema, and put in order of need. */
#ifndef VISOR_KERNEL_CONFIG_HPP
#define VISOR_KERNEL_CONFIG_HPP
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/catalog.hpp"

namespace visor::kernel {

struct InstanceConfig {
  const visor_plugin* plugin = nullptr;
  std::string name;              /* "as" */
  std::string json;              /* its "config" */
  std::string path;              /* "plugins[2]", for errors */
  std::set<std::string> strings; /* every string value in it: those that are instances' names are needs */
};

struct Config {
  std::optional<std::string> identity_file, directory;
  std::optional<int32_t> log_level;
  std::map<std::string, int32_t> log_levels; /* by instance */
  std::vector<InstanceConfig> instances;     /* in the order of the text */
};

/* The instance that the kernel itself is. */
inline constexpr std::string_view kKernelInstance = "kernel";

/* VISOR_EINVAL says where, what was expected and what came. */
Result<Config> read_config(const Catalog& catalog, std::string_view text, std::string_view name);

/* Puts instances in order of start: who offers what another needs, and whose name another's configuration
 * uses, goes first; else the order of the text stays.  `offered` are ids that are there without any plugin.
 * VISOR_EINVAL: a need that nobody meets, or instances that need each other. */
Result<void> order_by_need(const Catalog& catalog, const std::set<std::string>& offered,
                           std::vector<InstanceConfig>& instances);

/* Checks a new configuration for a running instance; `path` begins the errors. */
Result<void> check_instance_config(const visor_plugin& plugin, std::string_view json, std::string_view path);

/* The configuration with passwords and tokens covered, for people. */
std::string redacted_config(const visor_plugin& plugin, std::string_view json);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_CONFIG_HPP
