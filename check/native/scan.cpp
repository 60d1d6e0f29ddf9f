// The group scan: what can be said of a plugin's file and description before it is started.
#include <dlfcn.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "check/native/asked.hpp"
#include "check/native/trial.hpp"
#include "kernel/json.hpp"
#include "kernel/native/elf_symbols.hpp"
#include "kernel/native/loader.hpp"
#include "kernel/schema.hpp"

namespace visor::check {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

size_t entries(const char* folder) {
  std::error_code failed;
  fs::directory_iterator all(folder, failed);
  return failed ? 0 : static_cast<size_t>(std::distance(begin(all), end(all)));
}

void symbols(Trial& trial) {
  auto exported = kernel::native::exported_symbols(trial.options.file, "");
  if (!trial.found.expect(exported.has_value(), [&] { return exported.error().text; })) return;
  auto sanitizer = [](const std::string& name) {
    return name.starts_with("__asan_") || name.starts_with("__odr_asan") || name.starts_with("__ubsan_");
  };
  std::string others;
  size_t count = 0;
  for (const std::string& name : *exported) {
    if (name.starts_with("visor_plugin_") || sanitizer(name)) continue;
    if (++count <= 5) others += (others.empty() ? "" : ", ") + name;
  }
  trial.found.expect(count == 0, [&] {
    return "exports " + std::to_string(count) + " symbols besides its one: " + others +
           "; hide them (visor_add_plugin in CMake does), so that they meet nobody else's";
  });
}

/* Loading runs constructors; they must not begin anything. */
void quiet(Trial& trial) {
  size_t threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  kernel::Catalog catalog;
  auto loaded = kernel::native::load_plugin(catalog, trial.options.file);
  if (!trial.found.expect(loaded.has_value(), [&] { return loaded.error().text; })) return;
  trial.found.expect(entries("/proc/self/task") == threads,
                     "starts a thread when it is loaded; nothing runs before start");
  trial.found.expect(entries("/proc/self/fd") == files,
                     "opens a file when it is loaded; nothing runs before start");
}

void check_schema(Trial& trial, const char* text, const std::string& what) {
  auto schema = kernel::Schema::compile(text);
  if (!trial.found.expect(schema.has_value(), [&] { return what + ": " + schema.error().text; })) return;
  auto document = kernel::parse_json(text, what);
  if (!document) return;
  const json::value* examples = document->get_object().if_contains("examples");
  if (!examples || !examples->is_array()) return;
  for (const json::value& example : examples->get_array()) {
    auto fits = schema->check(example, "an example");
    trial.found.expect(fits.has_value(), [&] { return what + ": " + fits.error().text; });
  }
}

void schemas(Trial& trial) {
  kernel::Catalog catalog;
  auto loaded = kernel::native::load_plugin(catalog, trial.options.file);
  if (!trial.found.expect(loaded.has_value(), [&] { return loaded.error().text; })) return;
  const visor_plugin& plugin = *catalog.entries().front().plugin;
  if (plugin.schema) check_schema(trial, plugin.schema, "the configuration's schema");
  trial.found.expect(plugin.command_count <= StrictPlugin::kMaxCommands, [&] {
    return "has " + std::to_string(plugin.command_count) + " commands; the check follows at most " +
           std::to_string(StrictPlugin::kMaxCommands);
  });
  StrictPlugin rows(plugin);
  for (size_t i = 0; i < rows.plugin()->command_count; ++i) {
    const visor_command& row = rows.plugin()->commands[i];
    check_schema(trial, row.params, std::string("the schema of the command ") + row.name);
    trial.found.expect(
        *row.summary != '\0' && std::string_view(row.summary).find('\n') == std::string_view::npos,
        [&] { return std::string("the summary of the command ") + row.name + " is not one line"; });
  }
}

}  // namespace

void load_and_describe(Trial& trial) {
  kernel::Catalog catalog;
  auto loaded = kernel::native::load_plugin(catalog, trial.options.file);
  if (!trial.found.expect(loaded.has_value(), [&] { return loaded.error().text; })) return;
  const visor_plugin& plugin = *catalog.entries().front().plugin;
  json::array offers;
  for (const char* const* id = plugin.offers; id && *id; ++id) offers.emplace_back(*id);
  auto fits = check_config(plugin, trial.options);
  trial.sheet.set_note(json::serialize(json::object{{"name", plugin.name},
                                                    {"version", plugin.version},
                                                    {"offers", std::move(offers)},
                                                    {"commands", plugin.command_count},
                                                    {"config_fault", fits ? "" : fits.error().text}}));
}

std::vector<TrialRow> scan_trials() {
  return {
      {"scan", "load", "The file is a shared object with a plugin of its name, of this generation of the ABI",
       load_and_describe},
      {"scan", "symbols", "It exports its one symbol and nothing else", symbols},
      {"scan", "quiet", "Loading it starts no thread and opens no file", quiet},
      {"scan", "schemas", "Its schemas are JSON Schemas, and their examples fit", schemas},
  };
}

}  // namespace visor::check
