#include "kernel/schema_check.hpp"

#include <algorithm>
#include <cmath>
#include <compare>

#include "kernel/json.hpp"

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

constexpr uint8_t bit(json::kind kind) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(kind));
}

uint8_t kinds_of(std::string_view type) {
  constexpr uint8_t kInteger = bit(json::kind::int64) | bit(json::kind::uint64);
  if (type == "null") return bit(json::kind::null);
  if (type == "boolean") return bit(json::kind::bool_);
  if (type == "integer") return kInteger;
  if (type == "number") return kInteger | bit(json::kind::double_);
  if (type == "string") return bit(json::kind::string);
  if (type == "array") return bit(json::kind::array);
  return bit(json::kind::object);
}

size_t characters(std::string_view utf8) {
  size_t count = 0;
  for (char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

}  // namespace

/* Where a value is, from the inside out. */
struct SchemaCheck::Place {
  const Place* outer;
  std::string_view key;
  size_t index;
  enum { kRoot, kMember, kItem } kind;

  std::string path() const {
    if (kind == kRoot) return std::string(key);
    return kind == kMember ? join_path(outer->path(), key) : join_path(outer->path(), index);
  }
};

SchemaCheck::SchemaCheck(const json::value& schema, const Patterns& patterns) : schema_(&schema) {
  if (const auto* anything = schema.if_bool()) {
    nothing_ = !*anything;
    return;
  }
  const json::object& rules = schema.get_object();
  for (const auto& member : rules) read(member.key(), member.value(), patterns);
  const auto pattern = patterns.find(&rules);
  if (pattern != patterns.end()) pattern_ = &pattern->second;
}

void SchemaCheck::read(std::string_view keyword, const json::value& rule, const Patterns& patterns) {
  const auto count = [&] { return static_cast<uint64_t>(rule.get_int64()); };
  if (keyword == "type") read_types(rule);
  if (keyword == "const") only_ = &rule;
  if (keyword == "enum") values_ = &rule.get_array();
  if (keyword == "minimum") least_ = &rule;
  if (keyword == "maximum") most_ = &rule;
  if (keyword == "exclusiveMinimum") above_ = &rule;
  if (keyword == "exclusiveMaximum") below_ = &rule;
  if (keyword == "multipleOf") step_ = &rule;
  if (keyword == "minLength") length_.least = count();
  if (keyword == "maxLength") length_.most = count();
  if (keyword == "minItems") item_count_.least = count();
  if (keyword == "maxItems") item_count_.most = count();
  if (keyword == "minProperties") member_count_.least = count();
  if (keyword == "maxProperties") member_count_.most = count();
  if (keyword == "items") items_ = std::make_unique<SchemaCheck>(rule, patterns);
  if (keyword == "additionalProperties") others_ = std::make_unique<SchemaCheck>(rule, patterns);
  if (keyword == "allOf") all_of_ = read_parts(rule, patterns);
  if (keyword == "anyOf") any_of_ = read_parts(rule, patterns);
  if (keyword == "oneOf") one_of_ = read_parts(rule, patterns);
  if (keyword == "required") {
    for (const json::value& name : rule.get_array()) required_.emplace_back(name.get_string());
  }
  if (keyword == "properties") {
    for (const auto& part : rule.get_object())
      properties_.push_back({part.key(), SchemaCheck(part.value(), patterns)});
  }
}

void SchemaCheck::read_types(const json::value& rule) {
  if (const auto* type = rule.if_string()) {
    kinds_ = kinds_of(*type);
    return;
  }
  kinds_ = 0;
  for (const json::value& type : rule.get_array()) kinds_ |= kinds_of(type.get_string());
}

std::vector<SchemaCheck> SchemaCheck::read_parts(const json::value& rule, const Patterns& patterns) {
  std::vector<SchemaCheck> parts;
  for (const json::value& part : rule.get_array()) parts.emplace_back(part, patterns);
  return parts;
}

SchemaCheck::Finding SchemaCheck::check(const json::value& value, std::string_view path) const {
  return check(value, Place{nullptr, path, 0, Place::kRoot});
}

SchemaCheck::Finding SchemaCheck::check(const json::value& value, const Place& place) const {
  if (nothing_ || !(kinds_ & bit(value.kind())) || !fits_values(value) || !fits_number(value) ||
      !fits_string(value)) {
    return SchemaFinding{SchemaFinding::kMisfit, schema_, &value, place.path(), {}};
  }
  if (value.is_object()) {
    if (Finding found = check_names(value, place)) return found;
    if (Finding found = check_members(value, place)) return found;
  } else if (value.is_array()) {
    if (Finding found = check_items(value, place)) return found;
  }
  return check_choices(value, place);
}

bool SchemaCheck::fits_values(const json::value& value) const {
  if (only_ && !equal(*only_, value)) return false;
  return !values_ || std::ranges::any_of(*values_, [&](const json::value& one) { return equal(one, value); });
}

bool SchemaCheck::fits_number(const json::value& value) const {
  if (!value.is_number()) return true;
  return (!least_ || compare(value, *least_) >= 0) && (!most_ || compare(value, *most_) <= 0) &&
         (!above_ || compare(value, *above_) > 0) && (!below_ || compare(value, *below_) < 0) &&
         (!step_ || divides(*step_, value));
}

bool SchemaCheck::fits_string(const json::value& value) const {
  const auto* text = value.if_string();
  if (!text) return true;
  return length_.allow(characters(*text)) && (!pattern_ || pattern_->matches(*text));
}

const SchemaCheck* SchemaCheck::property(std::string_view name) const {
  const auto found = std::ranges::find(properties_, name, &Property::name);
  return found == properties_.end() ? nullptr : &found->check;
}

/* A name that nobody knows comes first: it explains what else is missing. */
SchemaCheck::Finding SchemaCheck::check_names(const json::value& value, const Place& place) const {
  const json::object& members = value.get_object();
  const auto finding = [&](SchemaFinding::Kind kind, std::string_view name) {
    return SchemaFinding{kind, schema_, &value, place.path(), std::string(name)};
  };
  if (others_ && others_->nothing_) {
    for (const auto& member : members) {
      if (!property(member.key())) return finding(SchemaFinding::kUnknown, member.key());
    }
  }
  for (std::string_view name : required_) {
    if (!members.contains(name)) return finding(SchemaFinding::kMissing, name);
  }
  return member_count_.allow(members.size()) ? Finding() : finding(SchemaFinding::kMisfit, {});
}

SchemaCheck::Finding SchemaCheck::check_members(const json::value& value, const Place& place) const {
  for (const auto& member : value.get_object()) {
    const SchemaCheck* part = property(member.key());
    if (!part) part = others_.get();
    if (!part) continue;
    Finding found = part->check(member.value(), Place{&place, member.key(), 0, Place::kMember});
    if (found) return found;
  }
  return {};
}

SchemaCheck::Finding SchemaCheck::check_items(const json::value& value, const Place& place) const {
  const json::array& items = value.get_array();
  if (!item_count_.allow(items.size()))
    return SchemaFinding{SchemaFinding::kMisfit, schema_, &value, place.path(), {}};
  for (size_t i = 0; items_ && i < items.size(); ++i) {
    if (Finding found = items_->check(items[i], Place{&place, {}, i, Place::kItem})) return found;
  }
  return {};
}

size_t SchemaCheck::count_fitting(const std::vector<SchemaCheck>& choices, const json::value& value,
                                  const Place& place) const {
  const auto fits = [&](const SchemaCheck& choice) { return !choice.check(value, place); };
  return static_cast<size_t>(std::ranges::count_if(choices, fits));
}

SchemaCheck::Finding SchemaCheck::check_choices(const json::value& value, const Place& place) const {
  for (const SchemaCheck& part : all_of_) {
    if (Finding found = part.check(value, place)) return found;
  }
  const bool fits = (any_of_.empty() || count_fitting(any_of_, value, place) > 0) &&
                    (one_of_.empty() || count_fitting(one_of_, value, place) == 1);
  return fits ? Finding() : SchemaFinding{SchemaFinding::kMisfit, schema_, &value, place.path(), {}};
}

}  // namespace visor::kernel
