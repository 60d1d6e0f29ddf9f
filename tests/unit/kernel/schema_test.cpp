// The part of JSON Schema that is checked: what fits, what does not, and which schemas are refused.
#include "kernel/schema.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "kernel/catalog.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::kernel {
namespace {

/* Empty: it fits. */
std::string error_of(const char* schema, const char* value) {
  auto compiled = Schema::compile(schema);
  INFO(schema << (compiled ? "" : ": " + compiled.error().text));
  REQUIRE(compiled.has_value());
  auto checked = compiled->check(boost::json::parse(value), "v");
  return checked ? "" : checked.error().text;
}

std::string refusal_of(const char* schema) {
  auto compiled = Schema::compile(schema);
  return compiled ? "" : compiled.error().text;
}

}  // namespace

TEST_CASE("types, and integers beyond what a double holds", "[kernel]") {
  CHECK(error_of(nullptr, "17") == "");
  CHECK(error_of("true", "17") == "");
  CHECK(error_of("false", "17") == "v: expected nothing, got 17");
  CHECK(error_of(R"({"type":"integer"})", "-9223372036854775808") == "");
  CHECK(error_of(R"({"type":"integer"})", "18446744073709551615") == "");
  CHECK(error_of(R"({"type":"integer"})", "1.5") == "v: expected integer, got 1.5E0");
  CHECK(error_of(R"({"type":"number"})", "1") == "");
  CHECK(error_of(R"({"type":["null","string"]})", "null") == "");
  CHECK(error_of(R"({"type":["null","string"]})", "1") == "v: expected null or string, got 1");
  CHECK(error_of(R"({"maximum":9223372036854775807})", "9223372036854775808") != "");
  CHECK(error_of(R"({"type":"integer","maximum":9007199254740993})", "9007199254740993") == "");
  CHECK(error_of(R"({"type":"integer","maximum":9007199254740992})", "9007199254740993") != "");
  CHECK(error_of(R"({"minimum":18446744073709551615})", "18446744073709551614") != "");
}

TEST_CASE("limits of numbers, strings, arrays and objects", "[kernel]") {
  CHECK(error_of(R"({"type":"number","exclusiveMinimum":0})", "0") == "v: expected number > 0, got 0");
  CHECK(error_of(R"({"type":"number","exclusiveMaximum":1})", "0.5") == "");
  CHECK(error_of(R"({"type":"integer","multipleOf":5})", "10") == "");
  CHECK(error_of(R"({"type":"integer","multipleOf":5})", "11") ==
        "v: expected integer divisible by 5, got 11");
  CHECK(error_of(R"({"multipleOf":0.5})", "1.25") != "");
  CHECK(error_of(R"({"type":"string","minLength":2,"maxLength":2})", "\"\xc3\xa9\xc3\xa9\"") == "");
  CHECK(error_of(R"({"type":"string","maxLength":1})", R"("ab")") ==
        "v: expected string of at most 1 characters, got \"ab\"");
  CHECK(error_of(R"({"type":"array","minItems":1,"maxItems":2})", "[]") != "");
  CHECK(error_of(R"({"type":"array","minItems":1,"maxItems":2})", "[1,2,3]") ==
        "v: expected array of 1 to 2 items, got an array of 3");
  CHECK(error_of(R"({"type":"object","minProperties":1})", "{}") != "");
  CHECK(error_of(R"({"maxProperties":1})", R"({"a":1,"b":2})") != "");
}

TEST_CASE("members, items and the path to what is wrong", "[kernel]") {
  const char* schema = R"({"type":"object","required":["a"],"additionalProperties":{"type":"integer"},
    "properties":{"a":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["b"],
      "properties":{"b":{"const":[1,{"c":null}]},"d":{"pattern":"^x+$"}}}}}})";
  CHECK(error_of(schema, R"({"a":[],"z":1})") == "");
  CHECK(error_of(schema, R"({"a":[{"b":[1.0,{"c":null}]}]})") == "");
  CHECK(error_of(schema, R"({})") == "v.a: missing; expected array");
  CHECK(error_of(schema, R"({"a":[],"z":"y"})") == "v.z: expected integer, got \"y\"");
  CHECK(error_of(schema, R"({"a":[{"b":[1,{"c":null}]},{"b":[1]}]})") ==
        "v.a[1].b: expected an array of 2, got an array of 1");
  CHECK(error_of(schema, R"({"a":[{"colour":1}]})") ==
        "v.a[0].colour: unknown property; known are \"b\", \"d\"");
  CHECK(error_of(schema, R"({"a":[{"b":[1,{"c":null}],"d":"y"}]})").starts_with("v.a[0].d: expected "));
}

TEST_CASE("choices", "[kernel]") {
  CHECK(error_of(R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", "1") == "");
  CHECK(error_of(R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", "null") ==
        "v: expected integer or string, got null");
  CHECK(error_of(R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "7") == "");
  CHECK(error_of(R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "3") != "");
  CHECK(error_of(R"({"allOf":[{"minimum":1},{"type":"number","maximum":5}]})", "9") ==
        "v: expected number <= 5, got 9");
}

TEST_CASE("a schema that cannot be checked whole is refused, with the place", "[kernel]") {
  CHECK(refusal_of("{") == "the schema, line 1, column 2: the text ends before the value does");
  CHECK(refusal_of("[]") == "the schema: expected a schema, got []");
  CHECK(
      refusal_of(R"({"properties":{"a":{"minLenght":1}}})") ==
      "the schema: properties.a.minLenght: no keyword that this program checks; did you mean \"minLength\"?");
  CHECK(refusal_of(R"({"patternProperties":{}})") ==
        "the schema: patternProperties: no keyword that this program checks; leave it out, or check it in "
        "the plugin");
  CHECK(refusal_of(R"({"items":[{}]})") == "the schema: items: expected a schema, got an array of 1");
  CHECK(refusal_of(R"({"type":"int"})") ==
        "the schema: type: expected a type of JSON, or an array of such, got \"int\"");
  CHECK(refusal_of(R"({"enum":[]})") == "the schema: enum: expected an array of values, got []");
  CHECK(refusal_of(R"({"required":["a","a"]})") != "");
  CHECK(refusal_of(R"({"maxLength":-1})") != "");
  CHECK(refusal_of(R"({"multipleOf":0})") != "");
  CHECK(refusal_of(R"({"minimum":"1"})") != "");
  CHECK(refusal_of(R"({"anyOf":[{"type":"integer"},3]})") ==
        "the schema: anyOf[1]: expected a schema, got 3");
  CHECK(refusal_of(R"({"pattern":"(a"})") ==
        "the schema: pattern: the pattern (a, character 3: a ( without its )");
}

TEST_CASE("secrets are covered wherever the schema has them", "[kernel]") {
  auto schema =
      Schema::compile(R"({"properties":{"a":{"type":"array","items":{"properties":{"k":{"writeOnly":true}}}}},
    "anyOf":[{"properties":{"b":{"writeOnly":true}}},{"additionalProperties":{"type":"integer"}}]})");
  REQUIRE(schema.has_value());
  auto shown = schema->redacted(boost::json::parse(R"({"a":[{"k":"x","l":"y"}],"b":{"c":1},"d":2})"));
  CHECK(boost::json::serialize(shown) == R"({"a":[{"k":"***","l":"y"}],"b":"***","d":2})");
}

TEST_CASE("a plugin whose schemas cannot be checked is refused", "[kernel]") {
  Catalog catalog;
  visor_plugin plugin = *test::test_plugins().find("echo")->plugin;
  plugin.schema = R"({"not":{}})";
  auto added = catalog.add(&plugin, "visor-echo.so");
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().text ==
        "visor-echo.so: plugin echo, configuration: the schema: not: no keyword that this program checks; "
        "leave it "
        "out, or check it in the plugin");

  plugin = *test::test_plugins().find("echo")->plugin;
  visor_command row = *plugin.commands;
  row.params = R"({"type":"objekt"})";
  plugin.commands = &row;
  plugin.command_count = 1;
  added = catalog.add(&plugin, "visor-echo.so");
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().text.starts_with(
      "visor-echo.so: command 0 of plugin echo, say: the schema: type: expected "));
}

}  // namespace visor::kernel
