#include "kernel/config.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "kernel/json.hpp"
#include "kernel/log.hpp"
#include "kernel/nearest.hpp"
#include "kernel/schema.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

constexpr const char* kSchema = R"({
  "type": "object", "additionalProperties": false, "required": ["plugins"],
  "properties": {
    "identity": {"type": "object", "additionalProperties": false, "required": ["file"],
      "properties": {"file": {"type": "string", "minLength": 1, "description": "a file that visor keygen made"}}},
    "directory": {"type": "string", "minLength": 1, "description": "where plugins keep files"},
    "log": {"type": "object", "additionalProperties": false, "properties": {
      "level": {"enum": ["trace", "debug", "info", "warn", "error"]},
      "instances": {"type": "object",
        "additionalProperties": {"enum": ["trace", "debug", "info", "warn", "error"]}}}},
    "plugins": {"type": "array", "maxItems": 200, "items": {
      "type": "object", "additionalProperties": false, "required": ["plugin"],
      "properties": {
        "plugin": {"type": "string", "minLength": 1},
        "as": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": 64},
        "config": {"type": "object"}}}}}})";

void collect_strings(const json::value& value, std::set<std::string>& out) {
  if (const auto* text = value.if_string()) {
    out.emplace(*text);
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) collect_strings(item, out);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) collect_strings(member.value(), out);
  }
}

std::unexpected<Error> no_such_plugin(const Catalog& catalog, const std::string& path,
                                      std::string_view name) {
  for (const Catalog::Refusal& refusal : catalog.refusals()) {
    if (refusal.name == name)
      return failure(VISOR_EINVAL, path + ".plugin: " + std::string(name) + " is no use: " + refusal.why);
  }
  std::vector<std::string> known;
  for (const Catalog::Entry& entry : catalog.entries()) known.emplace_back(entry.plugin->name);
  std::string out = path + ".plugin: there is no plugin \"" + std::string(name) + "\"; ";
  if (std::string_view meant = nearest(name, known); !meant.empty())
    out += "did you mean \"" + std::string(meant) + "\"? ";
  out += known.empty() ? "none was found; say where they are with --plugin-dir"
                       : "there are " + quoted_list(known);
  return failure(VISOR_EINVAL, out);
}

Result<void> check_by_schema(const visor_plugin& plugin, const json::value& value, const std::string& path) {
  auto schema = Schema::compile(plugin.schema);
  if (!schema)
    return failure(VISOR_EINTERNAL, "plugin " + std::string(plugin.name) + ": " + schema.error().text);
  return schema->check(value, path);
}

Result<InstanceConfig> read_instance(const Catalog& catalog, const json::object& row, std::string path) {
  InstanceConfig out;
  std::string_view plugin = row.at("plugin").get_string();
  const auto* entry = catalog.find(plugin);
  if (!entry) return no_such_plugin(catalog, path, plugin);
  out.plugin = entry->plugin;
  const auto* as = row.if_contains("as");
  out.name = as ? std::string(as->get_string()) : std::string(plugin);
  const auto* config = row.if_contains("config");
  json::value value = config ? *config : json::value(json::object());
  if (auto fits = check_by_schema(*out.plugin, value, path + ".config"); !fits)
    return std::unexpected(fits.error());
  collect_strings(value, out.strings);
  out.json = json::serialize(value);
  out.path = std::move(path);
  return out;
}

Result<void> read_log(const json::object& log, Config& out) {
  if (const auto* level = log.if_contains("level")) out.log_level = *level_from_name(level->get_string());
  const auto* instances = log.if_contains("instances");
  if (!instances) return {};
  std::vector<std::string> known = {std::string(kKernelInstance)};
  for (const InstanceConfig& instance : out.instances) known.push_back(instance.name);
  for (const auto& member : instances->get_object()) {
    if (std::ranges::find(known, std::string_view(member.key())) == known.end()) {
      return failure(VISOR_EINVAL, join_path("log.instances", member.key()) +
                                       ": no instance has this name; " + suggestion(member.key(), known));
    }
    out.log_levels[member.key()] = *level_from_name(member.value().get_string());
  }
  return {};
}

}  // namespace

Result<Config> read_config(const Catalog& catalog, std::string_view text, std::string_view name) {
  std::string prefix = std::string(name) + ": ";
  auto in_file = [&](const Error& error) { return failure(error.status, prefix + error.text); };
  auto value = parse_json(text, name);
  if (!value) return std::unexpected(value.error());
  if (auto once = refuse_repeated_names(text, name); !once) return std::unexpected(once.error());
  static const Schema schema = *Schema::compile(kSchema);
  if (auto fits = schema.check(*value, ""); !fits) return in_file(fits.error());

  Config out;
  const json::object& root = value->get_object();
  if (const auto* identity = root.if_contains("identity")) {
    out.identity_file = std::string(identity->get_object().at("file").get_string());
  }
  if (const auto* directory = root.if_contains("directory"))
    out.directory = std::string(directory->get_string());
  const json::array& rows = root.at("plugins").get_array();
  for (size_t i = 0; i < rows.size(); ++i) {
    auto instance = read_instance(catalog, rows[i].get_object(), join_path("plugins", i));
    if (!instance) return in_file(instance.error());
    auto twin = std::ranges::find(out.instances, instance->name, &InstanceConfig::name);
    if (twin != out.instances.end() || instance->name == kKernelInstance) {
      std::string taken = twin != out.instances.end() ? twin->path : "the kernel itself";
      return failure(VISOR_EINVAL, prefix + instance->path + ": the name \"" + instance->name +
                                       "\" belongs to " + taken +
                                       " already; give this one another with \"as\"");
    }
    out.instances.push_back(std::move(*instance));
  }
  if (const auto* log = root.if_contains("log")) {
    if (auto read = read_log(log->get_object(), out); !read) return in_file(read.error());
  }
  return out;
}

Result<void> check_instance_config(const visor_plugin& plugin, std::string_view text, std::string_view path) {
  auto value = parse_json(text, path);
  if (!value) return std::unexpected(value.error());
  if (!value->is_object())
    return failure(VISOR_EINVAL, std::string(path) + ": expected an object, got " + excerpt(*value));
  return check_by_schema(plugin, *value, std::string(path));
}

std::string redacted_config(const visor_plugin& plugin, std::string_view text) {
  auto value = parse_json(text, "configuration");
  auto schema = Schema::compile(plugin.schema);
  return value && schema ? json::serialize(schema->redacted(*value)) : "{}";
}

}  // namespace visor::kernel
