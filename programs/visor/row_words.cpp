/* Rows as words: what a JSON Schema says to a person. */
#include <algorithm>
#include <boost/json.hpp>

#include "rows.hpp"
#include "words.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

bool has_type(const json::object& schema, std::string_view name) {
  const json::value* type = schema.if_contains("type");
  if (!type) return false;
  if (const auto* one = type->if_string()) return std::string_view(*one) == name;
  const auto* several = type->if_array();
  return several && std::ranges::any_of(*several, [&](const json::value& one) {
           return one.is_string() && std::string_view(one.get_string()) == name;
         });
}

std::string value_of(const json::object& schema, const std::vector<std::string>& choices) {
  if (!choices.empty()) {
    std::string out;
    for (const std::string& choice : choices) out += (out.empty() ? "" : "|") + choice;
    return out;
  }
  if (has_type(schema, "boolean")) return "";
  if (has_type(schema, "integer") || has_type(schema, "number")) return "NUMBER";
  if (has_type(schema, "object")) return "JSON";
  return "TEXT";
}

/* "0 to 1000; 100 if not said" */
std::string limits_of(const json::object& schema) {
  const json::value *least = schema.if_contains("minimum"), *most = schema.if_contains("maximum"),
                    *standard = schema.if_contains("default");
  std::string out;
  if (least && most) {
    out = text_of(*least) + " to " + text_of(*most);
  } else if (least) {
    out = "at least " + text_of(*least);
  } else if (most) {
    out = "at most " + text_of(*most);
  }
  if (standard) out += (out.empty() ? "" : "; ") + text_of(*standard) + " if not said";
  return out;
}

OptionWord option_of(std::string_view name, const json::value& property, bool required) {
  OptionWord out{.name = std::string(name), .value = "TEXT", .summary = "", .required = required};
  const auto* schema = property.if_object();
  if (!schema) return out;
  const auto* items = schema->if_contains("items");
  out.repeats = has_type(*schema, "array");
  const json::object& single = out.repeats && items && items->is_object() ? items->get_object() : *schema;
  if (const auto* choices = single.if_contains("enum"); choices && choices->is_array()) {
    for (const json::value& choice : choices->get_array()) out.choices.push_back(text_of(choice));
  }
  out.value = value_of(single, out.choices);
  if (const auto* text = schema->if_contains("description")) out.summary = text_of(*text);
  if (std::string limits = limits_of(*schema); !limits.empty()) {
    out.summary += out.summary.empty() ? limits : " (" + limits + ")";
  }
  return out;
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@,+%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/* {"limit": 5, "live": true} as `--limit 5 --live`. */
std::string written(const json::object& arguments) {
  std::string out;
  for (const auto& [key, value] : arguments) {
    std::string name = " --" + std::string(key);
    if (value == json::value(true)) {
      out += name;
    } else if (const auto* items = value.if_array()) {
      for (const json::value& item : *items) out += name + " " + quoted(text_of(item));
    } else {
      out += name + " " + quoted(text_of(value));
    }
  }
  return out;
}

}  // namespace

CommandWord word_of_row(const Row& row) {
  CommandWord out{.name = row.command, .summary = row.summary, .instance = true, .streams = row.streams};
  json::error_code failed;
  json::value schema = json::parse(row.params, failed);
  std::string start = "visor " + row.instance + " " + row.command;
  const auto* fields = failed ? nullptr : schema.if_object();
  const auto* required = fields ? fields->if_contains("required") : nullptr;
  const auto* names = required ? required->if_array() : nullptr;
  auto needed = [&](std::string_view name) {
    return names && std::ranges::find(*names, json::value(name)) != names->end();
  };
  const auto* properties = fields ? fields->if_contains("properties") : nullptr;
  if (properties && properties->is_object()) {
    for (const auto& [name, property] : properties->get_object()) {
      out.options.push_back(option_of(name, property, needed(name)));
    }
    std::ranges::stable_partition(out.options, [](const OptionWord& option) { return option.required; });
  }
  const auto* examples = fields ? fields->if_contains("examples") : nullptr;
  if (examples && examples->is_array()) {
    for (const json::value& example : examples->get_array()) {
      if (example.is_object()) out.examples.push_back(start + written(example.get_object()));
    }
  }
  if (out.examples.empty() && (!names || names->empty())) out.examples.push_back(start);
  return out;
}

std::vector<CommandWord> words_of_rows(const std::vector<Row>& rows) {
  std::vector<CommandWord> out;
  for (const Row& row : rows) {
    if (row.hidden) continue;
    auto at = std::ranges::find(out, row.instance, &CommandWord::name);
    if (at == out.end()) {
      std::string summary =
          row.plugin_summary.empty() ? "An instance of the plugin " + row.plugin : row.plugin_summary;
      out.push_back({.name = row.instance, .summary = std::move(summary), .instance = true});
      at = out.end() - 1;
    }
    at->commands.push_back(word_of_row(row));
  }
  return out;
}

const std::vector<OptionWord>& call_options() {
  static const std::vector<OptionWord> kOptions = {
      {.name = "gateway",
       .value = "URL",
       .summary = "the visor's gateway (VISOR_GATEWAY, or http://127.0.0.1:8080, if not said)"},
      {.name = "token",
       .value = "TEXT",
       .summary =
           "the gateway's token (VISOR_TOKEN if not said, which other users of the machine cannot see)"},
      {.name = "args", .value = "JSON", .summary = "arguments as one JSON object; options add to it"},
      {.name = "timeout-ms",
       .value = "NUMBER",
       .summary = "how long to wait for an answer; no limit if not said"},
      {.name = "json", .value = "", .summary = "JSON also on a terminal"},
      {.name = "table", .value = "", .summary = "a table for people also where stdout is no terminal"},
      {.name = "help", .value = "", .summary = "what there is to say here"},
  };
  return kOptions;
}

}  // namespace visor::programs
