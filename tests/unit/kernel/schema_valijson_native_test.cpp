// The kernel's checker of JSON Schema beside valijson: the same verdict on random schemas and values. Schemas
// stay within the part that the kernel checks (kernel/schema.hpp), and away from where valijson is wrong: it
// drops the fraction of a number before it divides it by an integer of multipleOf, and its patterns see bytes
// instead of characters.
#define VALIJSON_USE_EXCEPTIONS 1
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "kernel/schema.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::kernel {
namespace {

namespace json = boost::json;

class Generator {
 public:
  explicit Generator(uint64_t seed) : seeded_(seed) {}

  /* A schema of every keyword that checks something. */
  json::value schema(int depth) {
    json::object out;
    if (chance(3)) out["type"] = chance(4) ? json::value(json::array{type(), "null"}) : json::value(type());
    if (chance(8)) out["enum"] = json::array{plain(), plain(), value(1)};
    if (chance(16)) out["const"] = plain();
    numbers(out);
    strings(out);
    if (chance(4)) out["minItems"] = below(3);
    if (chance(4)) out["maxItems"] = below(4);
    if (chance(4)) out["minProperties"] = below(3);
    if (chance(4)) out["maxProperties"] = below(4);
    if (chance(4)) out["required"] = json::array{name()};
    if (depth == 0) return out;
    if (chance(2)) out["items"] = schema(depth - 1);
    if (chance(2)) out["properties"] = json::object{{"a", schema(depth - 1)}, {"b", schema(depth - 1)}};
    if (chance(3)) out["additionalProperties"] = chance(2) ? json::value(chance(2)) : schema(depth - 1);
    for (const char* choice : {"allOf", "anyOf", "oneOf"}) {
      if (chance(8)) out[choice] = json::array{schema(depth - 1), schema(depth - 1)};
    }
    return out;
  }

  json::value value(int depth) {
    if (depth == 0 || chance(3)) return plain();
    if (chance(2)) {
      json::array out;
      for (size_t i = below(4); i > 0; --i) out.push_back(value(depth - 1));
      return out;
    }
    json::object out;
    for (size_t i = below(4); i > 0; --i) out[name()] = value(depth - 1);
    return out;
  }

 private:
  size_t below(size_t limit) { return seeded_.below(limit); }
  bool chance(size_t in) { return below(in) == 0; }
  const char* pick(std::initializer_list<const char*> from) { return from.begin()[below(from.size())]; }
  const char* type() { return pick({"integer", "number", "string", "boolean", "null", "array", "object"}); }
  const char* name() { return pick({"a", "b", "c"}); }

  int64_t small() { return static_cast<int64_t>(below(9)) - 4; }
  json::value number() {
    return chance(3) ? json::value(static_cast<double>(small()) + 0.5) : json::value(small());
  }
  json::value plain() {
    switch (below(4)) {
      case 0:
        return nullptr;
      case 1:
        return chance(2);
      case 2:
        return number();
      default:
        return json::string(pick({"", "a", "ab", "aab", "bb-1", "\xc3\xa9", "a\xe2\x82\xac", "x.y"}));
    }
  }

  void numbers(json::object& out) {
    for (const char* limit : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
      if (chance(10)) out[limit] = number();
    }
    if (chance(10)) out["multipleOf"] = static_cast<double>(below(3)) + 0.5;
  }

  void strings(json::object& out) {
    if (chance(8)) out["minLength"] = below(3);
    if (chance(8)) out["maxLength"] = below(3);
    if (chance(8)) {
      out["pattern"] = pick({"a", "^a", "b$", "^a*b?$", "^(a|b)+$", "^[^a]", "^[a-b]{2}$", "^[ab.-]{2,}$",
                             "\\d", "^\\w*$", "\\.", "^(?:a|b){1,2}(-1|)$", "^[\\w.-]+$"});
    }
  }

  test::Seeded seeded_;
};

bool valijson_accepts(const json::value& schema, const json::value& value) {
  valijson::Schema compiled;
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  valijson::adapters::BoostJsonAdapter schema_adapter(schema);
  parser.populateSchema(schema_adapter, compiled);
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::adapters::BoostJsonAdapter value_adapter(value);
  return validator.validate(compiled, value_adapter, nullptr);
}

}  // namespace

TEST_CASE("the kernel and valijson agree on random schemas and values", "[kernel]") {
  size_t fitting = 0, total = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Generator generate(seed);
    std::string text = json::serialize(generate.schema(2));
    json::value schema = json::parse(text);  // so that numbers are of the kinds that parsing gives
    auto compiled = Schema::compile(text.c_str());
    INFO("seed " << seed << ", schema " << text << (compiled ? "" : ": " + compiled.error().text));
    REQUIRE(compiled.has_value());
    for (int i = 0; i < 8; ++i) {
      json::value value = generate.value(3);
      auto checked = compiled->check(value, "");
      INFO("value " << json::serialize(value) << (checked ? " fits" : ": " + checked.error().text));
      REQUIRE(checked.has_value() == valijson_accepts(schema, value));
      fitting += checked.has_value();
      ++total;
    }
  }
  // Neither verdict is rare, or the comparison would say little.
  CHECK(fitting > total / 10);
  CHECK(fitting < total * 9 / 10);
}

}  // namespace visor::kernel
