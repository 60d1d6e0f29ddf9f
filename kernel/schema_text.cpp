#include "kernel/schema_text.hpp"

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

}  // namespace

const json::value* member_schema(const json::value& schema, std::string_view key) {
  const auto* properties = keyword(schema, "properties");
  const auto* object = properties ? properties->if_object() : nullptr;
  const auto* member = object ? object->if_contains(key) : nullptr;
  if (member) return member;
  return keyword(schema, "additionalProperties");
}

const json::value* item_schema(const json::value& schema) {
  return keyword(schema, "items");
}

std::string expected_by(const json::value& schema) {
  std::string out;
  if (const auto* anything = schema.if_bool()) return *anything ? "anything" : "nothing";
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

std::string sentence(const SchemaFinding& finding) {
  const json::value& schema = *finding.schema;
  if (finding.kind == SchemaFinding::kUnknown) {
    return join_path(finding.path, finding.name) + ": unknown property; " +
           suggestion(finding.name, keys_of(keyword(schema, "properties")));
  }
  if (finding.kind == SchemaFinding::kMissing) {
    std::string out = join_path(finding.path, finding.name) + ": missing";
    const auto* member = member_schema(schema, finding.name);
    return member ? out + "; expected " + expected_by(*member) : out;
  }
  return (finding.path.empty() ? "" : finding.path + ": ") + "expected " + expected_by(schema) + ", got " +
         excerpt(*finding.value);
}

}  // namespace visor::kernel
