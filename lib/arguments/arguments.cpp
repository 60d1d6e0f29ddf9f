#include "lib/arguments/arguments.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <optional>

namespace visor::arguments {
namespace {

namespace json = boost::json;

const json::object* object_member(const json::object* object, std::string_view name) {
  const json::value* value =
      object ? object->if_contains(json::string_view(name.data(), name.size())) : nullptr;
  return value ? value->if_object() : nullptr;
}

/* Does a schema allow this type?  "type" is a name or a list of names. */
bool allows(const json::object* schema, std::string_view type) {
  const json::value* value = schema ? schema->if_contains("type") : nullptr;
  if (!value) return false;
  if (const json::string* name = value->if_string()) return std::string_view(*name) == type;
  const json::array* names = value->if_array();
  if (!names) return false;
  for (const json::value& name : *names) {
    if (name.if_string() && std::string_view(*name.if_string()) == type) return true;
  }
  return false;
}

template <class T>
std::optional<json::value> number(const std::string& text) {
  T value{};
  auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return json::value(value);
}

json::value typed(const std::string& text, const json::object* schema) {
  if (allows(schema, "integer") || allows(schema, "number")) {
    if (auto value = number<int64_t>(text)) return *value;
    if (auto value = number<uint64_t>(text)) return *value;
  }
  if (allows(schema, "number")) {
    if (auto value = number<double>(text)) return *value;
  }
  if (allows(schema, "boolean")) {
    if (text == "true" || text.empty()) return true; /* "?live" alone is yes */
    if (text == "false") return false;
  }
  if (allows(schema, "null") && text == "null") return nullptr;
  if (allows(schema, "object") || (allows(schema, "array") && text.starts_with('['))) {
    json::error_code failed;
    json::value value = json::parse(text, failed);
    if (!failed) return value;
  }
  return json::value(text);
}

}  // namespace

Result<std::string> to_json(std::span<const Argument> arguments, std::string_view schema_text) {
  json::error_code failed;
  json::value schema =
      schema_text.empty() ? json::value() : json::parse(json::string_view(schema_text), failed);
  const json::object* properties = object_member(failed ? nullptr : schema.if_object(), "properties");

  json::object out;
  for (const Argument& argument : arguments) {
    const json::object* property = object_member(properties, argument.name);
    bool list = allows(property, "array") && !argument.text.starts_with('[');
    json::value value = typed(argument.text, list ? object_member(property, "items") : property);
    json::value* before = out.if_contains(argument.name);
    if (before && !(list && before->is_array())) {
      return failure(VISOR_EINVAL, "\"" + argument.name + "\" is given twice");
    }
    if (before) {
      before->if_array()->push_back(std::move(value));
    } else {
      out[argument.name] = list ? json::value(json::array{std::move(value)}) : std::move(value);
    }
  }
  return json::serialize(out);
}

}  // namespace visor::arguments
