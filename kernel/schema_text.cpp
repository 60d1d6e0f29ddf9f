#include "kernel/schema_text.hpp"

#include <charconv>
#include <vector>

#include "kernel/json.hpp"
#include "kernel/nearest.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

const json::value* keyword(const json::value& schema, std::string_view name) {
  const auto* object = schema.if_object();
  return object ? object->if_contains(name) : nullptr;
}

std::string_view as_text(const json::value* value) {
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view{};
}

std::string alternatives(const json::array& values, std::string (*say)(const json::value&)) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += i + 1 == values.size() ? " or " : ", ";
    out += say(values[i]);
  }
  return out;
}

std::string range(const json::value& schema) {
  const auto* low = keyword(schema, "minimum");
  const auto* high = keyword(schema, "maximum");
  if (low && high) return " from " + excerpt(*low) + " to " + excerpt(*high);
  if (low) return " >= " + excerpt(*low);
  if (high) return " <= " + excerpt(*high);
  if (const auto* above = keyword(schema, "exclusiveMinimum")) return " > " + excerpt(*above);
  if (const auto* below = keyword(schema, "exclusiveMaximum")) return " < " + excerpt(*below);
  return "";
}

std::string size_limits(const json::value& schema, std::string_view least, std::string_view most,
                        std::string_view unit) {
  const auto* low = keyword(schema, least);
  const auto* high = keyword(schema, most);
  std::string tail = " " + std::string(unit);
  if (low && high && *low == *high) return " of " + excerpt(*low) + tail;
  if (low && high) return " of " + excerpt(*low) + " to " + excerpt(*high) + tail;
  if (low && *low == 1) return " that is not empty";
  if (low) return " of at least " + excerpt(*low) + tail;
  if (high) return " of at most " + excerpt(*high) + tail;
  return "";
}

std::string typed(const json::value& schema) {
  const auto* type = keyword(schema, "type");
  if (type && type->is_array()) {
    return alternatives(type->get_array(), [](const json::value& v) { return std::string(as_text(&v)); });
  }
  std::string name(as_text(type));
  if (name == "integer" || name == "number") {
    if (const auto* step = keyword(schema, "multipleOf")) name += " divisible by " + excerpt(*step);
    return name + range(schema);
  }
  if (name == "string") {
    name += size_limits(schema, "minLength", "maxLength", "characters");
    if (auto pattern = as_text(keyword(schema, "pattern")); !pattern.empty())
      name += " matching " + std::string(pattern);
    if (auto format = as_text(keyword(schema, "format")); !format.empty())
      name += " (" + std::string(format) + ")";
    return name;
  }
  if (name == "array") return name + size_limits(schema, "minItems", "maxItems", "items");
  if (name == "object") return name + size_limits(schema, "minProperties", "maxProperties", "properties");
  return name;
}

std::vector<std::string> keys_of(const json::value* object) {
  std::vector<std::string> out;
  if (object && object->is_object()) {
    for (const auto& member : object->get_object()) out.emplace_back(member.key());
  }
  return out;
}

/* A property that the schema does not know, though it allows no others. */
std::string unknown_property(const json::value& schema, const json::value& value, std::string_view path) {
  std::vector<std::string> known = keys_of(keyword(schema, "properties"));
  for (const auto& member : value.get_object()) {
    if (member_schema(schema, member.key())) continue;
    return join_path(path, member.key()) + ": unknown property; " + suggestion(member.key(), known);
  }
  return "";
}

std::string missing_property(const json::value& schema, const json::value& value, std::string_view path) {
  const auto* required = keyword(schema, "required");
  if (!required || !required->is_array()) return "";
  for (const auto& name : required->get_array()) {
    std::string_view key = as_text(&name);
    if (value.get_object().contains(key)) continue;
    std::string out = join_path(path, key) + ": missing";
    const auto* member = member_schema(schema, key);
    return member ? out + "; expected " + expected_by(*member) : out;
  }
  return "";
}

}  // namespace

const json::value* member_schema(const json::value& schema, std::string_view key) {
  const auto* properties = keyword(schema, "properties");
  const auto* object = properties ? properties->if_object() : nullptr;
  const auto* member = object ? object->if_contains(key) : nullptr;
  if (member) return member;
  const auto* additional = keyword(schema, "additionalProperties");
  return additional && additional->is_object() ? additional : nullptr;
}

const json::value* item_schema(const json::value& schema) {
  const auto* items = keyword(schema, "items");
  return items && items->is_object() ? items : nullptr;
}

std::string expected_by(const json::value& schema) {
  std::string out;
  if (const auto* values = keyword(schema, "enum"); values && values->is_array()) {
    out = "one of " + alternatives(values->get_array(), excerpt);
  } else if (const auto* only = keyword(schema, "const")) {
    out = excerpt(*only);
  } else if (keyword(schema, "type")) {
    out = typed(schema);
  } else {
    for (std::string_view choice : {"anyOf", "oneOf"}) {
      const auto* choices = keyword(schema, choice);
      if (choices && choices->is_array()) out = alternatives(choices->get_array(), expected_by);
    }
  }
  auto description = as_text(keyword(schema, "description"));
  if (description.empty()) return out.empty() ? "what its schema describes" : out;
  return out.empty() ? std::string(description) : out + " (" + std::string(description) + ")";
}

std::string sentence(const json::value& schema, const json::value& value, std::string_view path,
                     const SchemaFinding& finding) {
  const json::value* part = &schema;  // null once the schema's keywords are beyond this walk
  const json::value* at = &value;
  std::string where(path);
  for (std::string_view step : finding.steps) {
    if (step.size() < 2 || step.front() != '[') continue;
    step = step.substr(1, step.size() - 2);
    if (const auto* object = at->if_object()) {
      const auto* member = object->if_contains(step);
      if (!member) break;
      where = join_path(where, step);
      part = part ? member_schema(*part, step) : nullptr;
      at = member;
    } else if (const auto* array = at->if_array()) {
      size_t index = array->size();
      std::from_chars(step.data(), step.data() + step.size(), index);
      if (index >= array->size()) break;
      where = join_path(where, index);
      part = part ? item_schema(*part) : nullptr;
      at = &(*array)[index];
    }
  }
  if (part && at->is_object()) {
    if (finding.words.find("additionalProperties") != finding.words.npos) {
      if (std::string out = unknown_property(*part, *at, where); !out.empty()) return out;
    }
    if (finding.words.starts_with("Missing required")) {
      if (std::string out = missing_property(*part, *at, where); !out.empty()) return out;
    }
  }
  if (!where.empty()) where += ": ";
  if (!part) return where + "got " + excerpt(*at) + ": " + std::string(finding.words);
  return where + "expected " + expected_by(*part) + ", got " + excerpt(*at);
}

}  // namespace visor::kernel
