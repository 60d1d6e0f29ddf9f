#include "kernel/schema.hpp"

#include <boost/json/value.hpp>
#include <optional>

#include "kernel/json.hpp"
#include "kernel/schema_check.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

void redact(const json::value& schema, json::value& value) {
  const auto* rules = schema.if_object();
  const auto* covered = rules ? rules->if_contains("writeOnly") : nullptr;
  if (covered && covered->get_bool()) {
    value = "***";
    return;
  }
  for (std::string_view keyword : {"allOf", "anyOf", "oneOf"}) {
    const auto* parts = rules ? rules->if_contains(keyword) : nullptr;
    if (!parts) continue;
    for (const auto& part : parts->get_array()) redact(part, value);
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
  Patterns patterns; /* of the document's parts, by their address */
  std::optional<SchemaCheck> checked;
};

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const char* text) {
  auto document = parse_json(text ? text : "{}", "the schema");
  if (!document) return std::unexpected(document.error());
  auto impl = std::make_unique<Impl>(Impl{std::move(*document), {}, {}});
  if (auto read = read_schema(impl->document, "", impl->patterns); !read)
    return failure(VISOR_EINVAL, "the schema: " + read.error().text);
  impl->checked.emplace(impl->document, impl->patterns);
  return Schema(std::move(impl));
}

Result<void> Schema::check(const json::value& value, std::string_view path) const {
  auto found = impl_->checked->check(value, path);
  if (!found) return {};
  return failure(VISOR_EINVAL, sentence(*found));
}

json::value Schema::redacted(const json::value& value) const {
  json::value out = value;
  redact(impl_->document, out);
  return out;
}

}  // namespace visor::kernel
