#include <algorithm>

#include "kernel/config.hpp"
#include "kernel/nearest.hpp"

namespace visor::kernel {
namespace {

struct Need {
  size_t provider; /* index of the instance that must start first */
  std::string because;
};
using Needs = std::vector<std::vector<Need>>; /* by instance */

bool lists(const char* const* ids, std::string_view id) {
  for (; ids && *ids; ++ids) {
    if (*ids == id) return true;
  }
  return false;
}

std::string who(const InstanceConfig& instance) {
  std::string plugin = instance.plugin->name;
  return plugin == instance.name ? plugin : instance.name + " (" + plugin + ")";
}

std::unexpected<Error> unmet(const Catalog& catalog, const InstanceConfig& instance, const std::string& id) {
  std::vector<std::string> candidates;
  for (const Catalog::Entry& entry : catalog.entries()) {
    if (lists(entry.plugin->offers, id)) candidates.emplace_back(entry.plugin->name);
  }
  std::string out =
      instance.path + ": " + who(instance) + " needs " + id + ", which nothing in the configuration offers; ";
  if (candidates.empty()) return failure(VISOR_EINVAL, out + "no plugin here does either");
  return failure(VISOR_EINVAL, out + (candidates.size() == 1 ? "add the plugin " : "add one of ") +
                                   quoted_list(candidates));
}

Result<Needs> find_needs(const Catalog& catalog, const std::set<std::string>& offered,
                         const std::vector<InstanceConfig>& instances) {
  Needs needs(instances.size());
  for (size_t i = 0; i < instances.size(); ++i) {
    const InstanceConfig& instance = instances[i];
    for (const char* const* id = instance.plugin->needs; id && *id; ++id) {
      bool met = offered.contains(*id);
      for (size_t j = 0; j < instances.size(); ++j) {
        if (j == i || !lists(instances[j].plugin->offers, *id)) continue;
        needs[i].push_back({j, *id});
        met = true;
      }
      if (!met) return unmet(catalog, instance, *id);
    }
    for (size_t j = 0; j < instances.size(); ++j) {
      if (j == i || !instance.strings.contains(instances[j].name)) continue;
      needs[i].push_back({j, "its configuration names it"});
    }
  }
  return needs;
}

/* What is left after everything else was placed contains a circle: walk it from its first member. */
std::unexpected<Error> circle(const std::vector<InstanceConfig>& instances, const Needs& needs,
                              const std::vector<bool>& placed) {
  auto at = static_cast<size_t>(std::ranges::find(placed, false) - placed.begin());
  std::vector<size_t> walk;
  while (std::ranges::find(walk, at) == walk.end()) {
    walk.push_back(at);
    at = std::ranges::find_if(needs[at], [&](const Need& need) { return !placed[need.provider]; })->provider;
  }
  walk.erase(walk.begin(), std::ranges::find(walk, at));
  std::string out = "these instances need each other, so that none can start first: ";
  for (size_t i = 0; i < walk.size(); ++i) {
    size_t next = walk[(i + 1) % walk.size()];
    auto need = std::ranges::find(needs[walk[i]], next, &Need::provider);
    if (i > 0) out += ", ";
    out += who(instances[walk[i]]) + " needs " + who(instances[next]) + " (" + need->because + ")";
  }
  return failure(VISOR_EINVAL, out);
}

}  // namespace

Result<void> order_by_need(const Catalog& catalog, const std::set<std::string>& offered,
                           std::vector<InstanceConfig>& instances) {
  auto needs = find_needs(catalog, offered, instances);
  if (!needs) return std::unexpected(needs.error());
  std::vector<bool> placed(instances.size());
  std::vector<InstanceConfig> ordered;
  while (ordered.size() < instances.size()) {
    size_t next = 0;
    while (next < instances.size() &&
           (placed[next] ||
            std::ranges::any_of((*needs)[next], [&](const Need& n) { return !placed[n.provider]; }))) {
      ++next;
    }
    if (next == instances.size()) {
      return circle(instances, *needs, placed);
    }
    placed[next] = true;
    ordered.push_back(instances[next]);
  }
  instances = std::move(ordered);
  return {};
}

}  // namespace visor::kernel
