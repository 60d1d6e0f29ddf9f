#include "kernel/catalog.hpp"

#include <algorithm>
#include <set>

#include "kernel/schema.hpp"

namespace visor::kernel {
namespace {

bool name_is_valid(std::string_view name) {
  auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && name.size() <= 64 && lower(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return lower(c) || digit(c) || c == '_'; });
}

std::unexpected<Error> bad(const std::string& origin, const std::string& why) {
  return failure(VISOR_EINVAL, origin + ": " + why);
}

Result<void> check_commands(const visor_plugin& plugin, const std::string& origin) {
  if (plugin.command_count == 0) return {};
  if (!plugin.commands || plugin.command_size < sizeof(visor_command)) {
    return bad(origin, "plugin " + std::string(plugin.name) + " announces " +
                           std::to_string(plugin.command_count) + " commands in rows of " +
                           std::to_string(plugin.command_size) + " bytes; a row has at least " +
                           std::to_string(sizeof(visor_command)));
  }
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < plugin.command_count; ++i) {
    const auto* row = &command_row(plugin, i);
    std::string where = "command " + std::to_string(i) + " of plugin " + plugin.name;
    if (!row->name || !name_is_valid(row->name))
      return bad(origin, where + " has no name of the form [a-z][a-z0-9_]*");
    if (!names.insert(row->name).second) return bad(origin, where + ", " + row->name + ", is there twice");
    if (!row->summary || !row->params || !row->run) {
      return bad(origin,
                 where + ", " + row->name + ", needs a summary, a schema of its arguments and a function");
    }
    if (auto schema = Schema::compile(row->params); !schema)
      return bad(origin, where + ", " + row->name + ": " + schema.error().text);
  }
  return {};
}

Result<void> check(const visor_plugin* plugin, const std::string& origin) {
  if (!plugin) return bad(origin, "the table has an empty place");
  // Nothing beyond these two may be read before they are known to fit.
  if (plugin->abi != VISOR_ABI) {
    return bad(origin, "built for generation " + std::to_string(plugin->abi) +
                           " of the plugin ABI; this program serves " + std::to_string(VISOR_ABI) +
                           ": build the plugin against this program's SDK");
  }
  constexpr size_t kFirstRelease = offsetof(visor_plugin, configure) + sizeof(plugin->configure);
  if (plugin->size < kFirstRelease) {
    return bad(origin, "its description has " + std::to_string(plugin->size) + " bytes; expected at least " +
                           std::to_string(kFirstRelease) + ": begin it with VISOR_PLUGIN_HEAD");
  }
  if (!plugin->name || !name_is_valid(plugin->name)) {
    return bad(origin, "the plugin's name is " +
                           (plugin->name ? '"' + std::string(plugin->name) + '"' : "missing") +
                           "; expected [a-z][a-z0-9_]*, at most 64 characters");
  }
  if (!plugin->version || !plugin->summary || !plugin->license) {
    return bad(origin, "plugin " + std::string(plugin->name) + " lacks its version, summary or license");
  }
  if (!plugin->start || !plugin->stop) {
    return bad(origin, "plugin " + std::string(plugin->name) + " lacks start or stop");
  }
  if (auto schema = Schema::compile(plugin->schema); !schema)
    return bad(origin, "plugin " + std::string(plugin->name) + ", configuration: " + schema.error().text);
  return check_commands(*plugin, origin);
}

}  // namespace

Result<void> Catalog::add(const visor_plugin* plugin, std::string origin, std::string_view symbol) {
  if (auto checked = check(plugin, origin); !checked) return checked;
  std::string_view name = plugin->name;
  if (!symbol.empty() && name != symbol) {
    return bad(origin, "its .name is \"" + std::string(name) + "\"; expected \"" + std::string(symbol) +
                           "\", as in VISOR_PLUGIN(" + std::string(symbol) + ")");
  }
  auto at = std::ranges::lower_bound(entries_, name, {},
                                     [](const Entry& e) { return std::string_view(e.plugin->name); });
  if (at != entries_.end() && at->plugin->name == name) {
    return failure(VISOR_EEXIST,
                   origin + ": plugin " + std::string(name) + " is already there, from " + at->origin);
  }
  entries_.insert(at, Entry{plugin, std::move(origin)});
  return {};
}

void Catalog::add_bundle(const visor_plugin* const* table) {
  for (; *table; ++table) {
    auto added = add(*table, "bundled");
    if (!added) refuse("", std::move(added.error().text));
  }
}

void Catalog::refuse(std::string name, std::string why) {
  refusals_.push_back({std::move(name), std::move(why)});
}

const Catalog::Entry* Catalog::find(std::string_view name) const {
  auto at = std::ranges::lower_bound(entries_, name, {},
                                     [](const Entry& e) { return std::string_view(e.plugin->name); });
  return at != entries_.end() && at->plugin->name == name ? &*at : nullptr;
}

}  // namespace visor::kernel
