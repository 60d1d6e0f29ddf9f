// The only file that includes valijson: its headers cost half a minute.
#include "kernel/schema.hpp"

#if defined(__cpp_exceptions)
#define VALIJSON_USE_EXCEPTIONS 1
#include <stdexcept>
#endif
#include <string>

#include <boost/json.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "kernel/json.hpp"
#include "kernel/schema_text.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

/* The standard library's regular expressions recurse once a character: what they see must be short. */
constexpr size_t kMaxMatchedBytes = 1024;

bool has_pattern(const json::value& schema) {
  if (const auto* object = schema.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == "pattern" || member.key() == "patternProperties" || has_pattern(member.value()))
        return true;
    }
  } else if (const auto* array = schema.if_array()) {
    for (const auto& item : *array) {
      if (has_pattern(item)) return true;
    }
  }
  return false;
}

Result<void> check_lengths(const json::value& schema, const json::value& value, const std::string& path) {
  auto too_long = [&](size_t size) {
    return failure(VISOR_EINVAL, path + ": expected at most " + std::to_string(kMaxMatchedBytes) +
                                     " characters, got " + std::to_string(size));
  };
  if (!has_pattern(schema)) return {};
  if (const auto* text = value.if_string()) {
    if (text->size() > kMaxMatchedBytes) return too_long(text->size());
  } else if (const auto* array = value.if_array()) {
    const auto* items = item_schema(schema);
    for (size_t i = 0; i < array->size(); ++i) {
      if (auto r = check_lengths(items ? *items : schema, (*array)[i], join_path(path, i)); !r) return r;
    }
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key().size() > kMaxMatchedBytes) return too_long(member.key().size());
      const auto* known = member_schema(schema, member.key());
      if (auto r = check_lengths(known ? *known : schema, member.value(), join_path(path, member.key())); !r)
        return r;
    }
  }
  return {};
}

void redact(const json::value& schema, json::value& value) {
  const auto* object = schema.if_object();
  const auto* covered = object ? object->if_contains("writeOnly") : nullptr;
  if (covered && covered->is_bool() && covered->get_bool()) {
    value = "***";
    return;
  }
  if (auto* members = value.if_object()) {
    for (auto& member : *members) {
      if (const auto* known = member_schema(schema, member.key())) redact(*known, member.value());
    }
  } else if (auto* items = value.if_array()) {
    if (const auto* known = item_schema(schema)) {
      for (auto& item : *items) redact(*known, item);
    }
  }
}

}  // namespace

struct Schema::Impl {
  json::value document;
  valijson::Schema compiled;
};

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const char* text) {
  auto document = parse_json(text ? text : "{}", "the schema");
  if (!document) return std::unexpected(document.error());
  if (!document->is_object())
    return failure(VISOR_EINVAL, "the schema: expected an object, got " + excerpt(*document));
  auto impl = std::make_unique<Impl>();
  impl->document = std::move(*document);
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  valijson::adapters::BoostJsonAdapter adapter(impl->document);
#if defined(__cpp_exceptions)
  try {
    parser.populateSchema(adapter, impl->compiled);
  } catch (const std::exception& e) {
    return failure(VISOR_EINVAL, std::string("the schema: ") + e.what());
  }
#else
  parser.populateSchema(adapter, impl->compiled);
#endif
  return Schema(std::move(impl));
}

Result<void> Schema::check(const json::value& value, std::string_view path) const {
  if (auto short_enough = check_lengths(impl_->document, value, std::string(path)); !short_enough)
    return short_enough;
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  valijson::adapters::BoostJsonAdapter adapter(value);
  if (validator.validate(impl_->compiled, adapter, &results)) return {};

  // The first is the innermost; but a name that nobody knows explains what else is missing.
  const valijson::ValidationResults::Error* chosen = nullptr;
  for (const auto& error : results) {
    bool unknown = error.description.find("additionalProperties") != std::string::npos;
    if (!chosen || unknown) chosen = &error;
    if (unknown) break;
  }
  if (!chosen) return failure(VISOR_EINVAL, std::string(path) + ": does not fit its schema");
  return failure(VISOR_EINVAL,
                 sentence(impl_->document, value, path, {chosen->context, chosen->description}));
}

json::value Schema::redacted(const json::value& value) const {
  json::value out = value;
  redact(impl_->document, out);
  return out;
}

}  // namespace visor::kernel
