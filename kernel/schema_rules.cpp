#include "kernel/schema_rules.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "kernel/json.hpp"
#include "kernel/nearest.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

/* What follows a keyword. */
enum class Form {
  kAnything,
  kText,
  kFlag,
  kNumber,
  kStep,
  kCount,
  kType,
  kValues,
  kNames,
  kPattern,
  kSchema,
  kSchemas,
  kMembers
};

struct Keyword {
  std::string_view name;
  Form form;
};

constexpr Keyword kKeywords[] = {
    {"$comment", Form::kText},
    {"$schema", Form::kText},
    {"additionalProperties", Form::kSchema},
    {"allOf", Form::kSchemas},
    {"anyOf", Form::kSchemas},
    {"const", Form::kAnything},
    {"default", Form::kAnything},
    {"deprecated", Form::kFlag},
    {"description", Form::kText},
    {"enum", Form::kValues},
    {"examples", Form::kAnything},
    {"exclusiveMaximum", Form::kNumber},
    {"exclusiveMinimum", Form::kNumber},
    {"format", Form::kText},
    {"items", Form::kSchema},
    {"maxItems", Form::kCount},
    {"maxLength", Form::kCount},
    {"maxProperties", Form::kCount},
    {"maximum", Form::kNumber},
    {"minItems", Form::kCount},
    {"minLength", Form::kCount},
    {"minProperties", Form::kCount},
    {"minimum", Form::kNumber},
    {"multipleOf", Form::kStep},
    {"oneOf", Form::kSchemas},
    {"pattern", Form::kPattern},
    {"properties", Form::kMembers},
    {"readOnly", Form::kFlag},
    {"required", Form::kNames},
    {"title", Form::kText},
    {"type", Form::kType},
    {"writeOnly", Form::kFlag},
};

bool is_type(const json::value& value) {
  constexpr std::string_view kTypes[] = {"array", "boolean", "integer", "null", "number", "object", "string"};
  const auto* name = value.if_string();
  return name && std::ranges::find(kTypes, std::string_view(*name)) != std::end(kTypes);
}

bool is_count(const json::value& value) {
  const auto* number = value.if_int64();
  return number && *number >= 0;
}

bool is_step(const json::value& value) {
  const auto* whole = value.if_int64();
  const auto* number = value.if_double();
  return whole ? *whole > 0 : number && *number > 0;
}

bool are_names(const json::array& values) {
  std::set<std::string_view> names;
  return std::ranges::all_of(values, [&](const json::value& value) {
    const auto* name = value.if_string();
    return name && names.insert(std::string_view(*name)).second;
  });
}

/* Empty when the value has the form as far as can be seen from outside. */
std::string_view expected_form(Form form, const json::value& value) {
  const auto* array = value.if_array();
  switch (form) {
    case Form::kAnything:
      return "";
    case Form::kPattern:
    case Form::kText:
      return value.is_string() ? "" : "a string";
    case Form::kFlag:
      return value.is_bool() ? "" : "true or false";
    case Form::kNumber:
      return value.is_number() ? "" : "a number";
    case Form::kStep:
      return is_step(value) ? "" : "a number above 0";
    case Form::kCount:
      return is_count(value) ? "" : "a whole number from 0 on";
    case Form::kType:
      return is_type(value) || (array && !array->empty() && std::ranges::all_of(*array, is_type))
                 ? ""
                 : "a type of JSON, or an array of such";
    case Form::kValues:
      return array && !array->empty() ? "" : "an array of values";
    case Form::kNames:
      return array && are_names(*array) ? "" : "an array of names, each once";
    case Form::kSchemas:
      return array && !array->empty() ? "" : "an array of schemas";
    case Form::kMembers:
      return value.is_object() ? "" : "an object of schemas";
    case Form::kSchema:
      return value.is_object() || value.is_bool() ? "" : "a schema";
  }
  return "";
}

std::string unknown(const std::string& path, std::string_view name) {
  std::vector<std::string> known;
  for (const Keyword& keyword : kKeywords) known.emplace_back(keyword.name);
  std::string_view meant = nearest(name, known);
  return path + ": no keyword that this program checks" +
         (meant.empty() ? "; leave it out, or check it in the plugin"
                        : "; did you mean \"" + std::string(meant) + "\"?");
}

}  // namespace

Result<void> read_schema(const json::value& schema, const std::string& path, Patterns& patterns) {
  auto wrong = [&](const std::string& where, std::string_view expected, const json::value& got) {
    return failure(VISOR_EINVAL, (where.empty() ? "" : where + ": ") + "expected " + std::string(expected) +
                                     ", got " + excerpt(got));
  };
  if (schema.is_bool()) return {};
  const auto* object = schema.if_object();
  if (!object) return wrong(path, "a schema", schema);
  for (const auto& member : *object) {
    std::string where = join_path(path, member.key());
    const auto* keyword = std::ranges::find(kKeywords, std::string_view(member.key()), &Keyword::name);
    if (keyword == std::end(kKeywords)) return failure(VISOR_EINVAL, unknown(where, member.key()));
    const json::value& value = member.value();
    if (auto expected = expected_form(keyword->form, value); !expected.empty())
      return wrong(where, expected, value);

    Result<void> read;
    if (keyword->form == Form::kPattern) {
      auto pattern = Pattern::compile(std::string_view(value.get_string()));
      if (!pattern) return failure(VISOR_EINVAL, where + ": " + pattern.error().text);
      patterns.emplace(object, std::move(*pattern));
    } else if (keyword->form == Form::kSchema) {
      read = read_schema(value, where, patterns);
    } else if (keyword->form == Form::kSchemas) {
      const auto& parts = value.get_array();
      for (size_t i = 0; i < parts.size() && read; ++i)
        read = read_schema(parts[i], join_path(where, i), patterns);
    } else if (keyword->form == Form::kMembers) {
      for (const auto& part : value.get_object()) {
        read = read_schema(part.value(), join_path(where, part.key()), patterns);
        if (!read) break;
      }
    }
    if (!read) return read;
  }
  return {};
}

}  // namespace visor::kernel
