#include "kernel/schema.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>
#include <compare>
#include <optional>
#include <string>

#include "kernel/json.hpp"
#include "kernel/schema_rules.hpp"
#include "kernel/schema_text.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

double as_double(const json::value& number) {
  if (const auto* i = number.if_int64()) return static_cast<double>(*i);
  if (const auto* u = number.if_uint64()) return static_cast<double>(*u);
  return number.get_double();
}

/* Integers exactly, also beyond what a double holds. */
std::partial_ordering compare(const json::value& a, const json::value& b) {
  if (a.is_double() || b.is_double()) return as_double(a) <=> as_double(b);
  const auto* left = a.if_int64();
  const auto* right = b.if_int64();
  if (left && right) return *left <=> *right;
  // Unsigned is what does not fit into int64: it is above all that does.
  if (left) return std::partial_ordering::less;
  if (right) return std::partial_ordering::greater;
  return a.get_uint64() <=> b.get_uint64();
}

bool divides(const json::value& step, const json::value& number) {
  const auto* whole_step = step.if_int64();
  if (whole_step && !number.is_double()) {
    const auto* i = number.if_int64();
    return i ? *i % *whole_step == 0 : number.get_uint64() % static_cast<uint64_t>(*whole_step) == 0;
  }
  double quotient = as_double(number) / as_double(step);
  return std::isfinite(quotient) && quotient == std::nearbyint(quotient);
}

bool equal(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return compare(a, b) == 0;
  if (const auto* left = a.if_array()) {
    const auto* right = b.if_array();
    if (!right || left->size() != right->size()) return false;
    for (size_t i = 0; i < left->size(); ++i) {
      if (!equal((*left)[i], (*right)[i])) return false;
    }
    return true;
  }
  if (const auto* left = a.if_object()) {
    const auto* right = b.if_object();
    if (!right || left->size() != right->size()) return false;
    for (const auto& member : *left) {
      const auto* other = right->if_contains(member.key());
      if (!other || !equal(member.value(), *other)) return false;
    }
    return true;
  }
  return a == b;
}

bool has_type(const json::value& value, std::string_view type) {
  switch (value.kind()) {
    case json::kind::null:
      return type == "null";
    case json::kind::bool_:
      return type == "boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return type == "integer" || type == "number";
    case json::kind::double_:
      return type == "number";
    case json::kind::string:
      return type == "string";
    case json::kind::array:
      return type == "array";
    case json::kind::object:
      return type == "object";
  }
  return false;
}

size_t characters(std::string_view utf8) {
  size_t count = 0;
  for (char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

/* Where a value is, from the inside out. */
struct Place {
  const Place* outer;
  std::string_view key;
  size_t index;
  enum { kRoot, kMember, kItem } kind;

  std::string path() const {
    if (kind == kRoot) return std::string(key);
    return kind == kMember ? join_path(outer->path(), key) : join_path(outer->path(), index);
  }
};

/* Walks a value along its schema. */
class Checker {
 public:
  using Finding = std::optional<SchemaFinding>; /* nothing: it fits */
  explicit Checker(const Patterns& patterns) : patterns_(patterns) {}

  Finding check(const json::value& schema, const json::value& value, const Place& place) const {
    if (const auto* anything = schema.if_bool()) {
      return *anything ? Finding() : SchemaFinding{SchemaFinding::kMisfit, &schema, &value, place.path(), {}};
    }
    return At{*this, schema, schema.get_object(), value, place}.check();
  }

 private:
  /* One value and the schema for it. */
  struct At {
    const Checker& checker;
    const json::value& schema;
    const json::object& rules;
    const json::value& value;
    const Place& place;

    Finding check() const {
      if (!fits_type() || !fits_values() || !fits_number() || !fits_string()) return misfit();
      if (const auto* members = value.if_object()) {
        if (Finding found = check_names(*members)) return found;
        if (Finding found = check_members(*members)) return found;
      } else if (const auto* items = value.if_array()) {
        if (Finding found = check_items(*items)) return found;
      }
      return check_choices();
    }

    Finding misfit() const { return finding(SchemaFinding::kMisfit, {}); }
    Finding finding(SchemaFinding::Kind kind, std::string_view name) const {
      return SchemaFinding{kind, &schema, &value, place.path(), std::string(name)};
    }
    const json::value* rule(std::string_view keyword) const { return rules.if_contains(keyword); }

    bool fits_type() const {
      const auto* type = rule("type");
      if (!type) return true;
      if (const auto* name = type->if_string()) return has_type(value, *name);
      return std::ranges::any_of(type->get_array(),
                                 [&](const json::value& name) { return has_type(value, name.get_string()); });
    }

    bool fits_values() const {
      const auto* only = rule("const");
      if (only && !equal(*only, value)) return false;
      const auto* values = rule("enum");
      return !values || std::ranges::any_of(values->get_array(),
                                            [&](const json::value& one) { return equal(one, value); });
    }

    bool fits_number() const {
      if (!value.is_number()) return true;
      auto holds = [&](std::string_view keyword, auto&& does) {
        const auto* limit = rule(keyword);
        return !limit || does(compare(value, *limit));
      };
      const auto* step = rule("multipleOf");
      return holds("minimum", [](auto order) { return order >= 0; }) &&
             holds("maximum", [](auto order) { return order <= 0; }) &&
             holds("exclusiveMinimum", [](auto order) { return order > 0; }) &&
             holds("exclusiveMaximum", [](auto order) { return order < 0; }) &&
             (!step || divides(*step, value));
    }

    bool within(std::string_view least, std::string_view most, size_t size) const {
      auto count = [](const json::value& limit) { return static_cast<uint64_t>(limit.get_int64()); };
      const auto* low = rule(least);
      const auto* high = rule(most);
      return (!low || size >= count(*low)) && (!high || size <= count(*high));
    }

    bool fits_string() const {
      const auto* text = value.if_string();
      if (!text) return true;
      if (!within("minLength", "maxLength", characters(*text))) return false;
      auto pattern = checker.patterns_.find(&rules);
      return pattern == checker.patterns_.end() || pattern->second.matches(*text);
    }

    const json::value* property(std::string_view key) const {
      const auto* properties = rule("properties");
      return properties ? properties->get_object().if_contains(key) : nullptr;
    }

    /* A name that nobody knows comes first: it explains what else is missing. */
    Finding check_names(const json::object& members) const {
      const auto* additional = rule("additionalProperties");
      const auto* open = additional ? additional->if_bool() : nullptr;
      if (open && !*open) {
        for (const auto& member : members) {
          if (!property(member.key())) return finding(SchemaFinding::kUnknown, member.key());
        }
      }
      if (const auto* required = rule("required")) {
        for (const auto& name : required->get_array()) {
          std::string_view key = name.get_string();
          if (!members.contains(key)) return finding(SchemaFinding::kMissing, key);
        }
      }
      return within("minProperties", "maxProperties", members.size()) ? Finding() : misfit();
    }

    Finding check_members(const json::object& members) const {
      const auto* additional = rule("additionalProperties");
      for (const auto& member : members) {
        const auto* part = property(member.key());
        if (!part) part = additional;
        if (!part) continue;
        Finding found = checker.check(*part, member.value(), {&place, member.key(), 0, Place::kMember});
        if (found) return found;
      }
      return {};
    }

    Finding check_items(const json::array& items) const {
      if (!within("minItems", "maxItems", items.size())) return misfit();
      const auto* each = rule("items");
      for (size_t i = 0; each && i < items.size(); ++i) {
        if (Finding found = checker.check(*each, items[i], {&place, {}, i, Place::kItem})) return found;
      }
      return {};
    }

    Finding check_choices() const {
      auto fitting = [&](const json::value& choices) {
        return std::ranges::count_if(choices.get_array(), [&](const json::value& choice) {
          return !checker.check(choice, value, place);
        });
      };
      if (const auto* all = rule("allOf")) {
        for (const auto& part : all->get_array()) {
          if (Finding found = checker.check(part, value, place)) return found;
        }
      }
      const auto* any = rule("anyOf");
      const auto* one = rule("oneOf");
      return (any && fitting(*any) == 0) || (one && fitting(*one) != 1) ? misfit() : Finding();
    }
  };

  const Patterns& patterns_;
};

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
};

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const char* text) {
  auto document = parse_json(text ? text : "{}", "the schema");
  if (!document) return std::unexpected(document.error());
  auto impl = std::make_unique<Impl>(Impl{std::move(*document), {}});
  if (auto read = read_schema(impl->document, "", impl->patterns); !read)
    return failure(VISOR_EINVAL, "the schema: " + read.error().text);
  return Schema(std::move(impl));
}

Result<void> Schema::check(const json::value& value, std::string_view path) const {
  Place root{nullptr, path, 0, Place::kRoot};
  auto found = Checker(impl_->patterns).check(impl_->document, value, root);
  if (!found) return {};
  return failure(VISOR_EINVAL, sentence(*found));
}

json::value Schema::redacted(const json::value& value) const {
  json::value out = value;
  redact(impl_->document, out);
  return out;
}

}  // namespace visor::kernel
