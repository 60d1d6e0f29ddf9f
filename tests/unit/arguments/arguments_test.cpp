#include "lib/arguments/arguments.hpp"

#include <catch2/catch.hpp>

namespace visor::arguments {
namespace {

constexpr std::string_view kSchema = R"({"type":"object","properties":{
  "count":{"type":"integer"},"ratio":{"type":"number"},"live":{"type":"boolean"},"name":{"type":"string"},
  "either":{"type":["integer","null"]},"level":{"enum":["info","5"]},"filter":{"type":"object"},
  "ports":{"type":"array","items":{"type":"integer"}},"names":{"type":"array","items":{"type":"string"}},
  "anything":{}}})";

std::string given(std::vector<Argument> arguments, std::string_view schema = kSchema) {
  auto json = to_json(arguments, schema);
  return json ? *json : json.error().text;
}

}  // namespace

TEST_CASE("texts become what the schema wants", "[arguments]") {
  CHECK(given({}) == "{}");
  CHECK(given({{"count", "5"}, {"name", "5"}}) == R"({"count":5,"name":"5"})");
  CHECK(given({{"count", "-9223372036854775808"}}) == R"({"count":-9223372036854775808})");
  CHECK(given({{"count", "18446744073709551615"}}) == R"({"count":18446744073709551615})");
  CHECK(given({{"ratio", "0.5"}}) == R"({"ratio":5E-1})");
  CHECK(given({{"live", ""}}) == R"({"live":true})");
  CHECK(given({{"live", "false"}}) == R"({"live":false})");
  CHECK(given({{"either", "null"}}) == R"({"either":null})");
  CHECK(given({{"level", "5"}}) == R"({"level":"5"})");
  CHECK(given({{"filter", R"({"a":[1]})"}}) == R"({"filter":{"a":[1]}})");
  CHECK(given({{"anything", "5"}, {"unknown", "x"}}) == R"({"anything":"5","unknown":"x"})");
}

TEST_CASE("arrays grow by giving a name again, or come whole", "[arguments]") {
  CHECK(given({{"ports", "1"}}) == R"({"ports":[1]})");
  CHECK(given({{"ports", "1"}, {"ports", "2"}}) == R"({"ports":[1,2]})");
  CHECK(given({{"ports", "[1,2]"}}) == R"({"ports":[1,2]})");
  CHECK(given({{"ports", "[1,2]"}, {"ports", "3"}}) == R"({"ports":[1,2,3]})");
  CHECK(given({{"names", "1"}, {"names", ""}}) == R"({"names":["1",""]})");
  CHECK(given({{"count", "1"}, {"count", "2"}}) == R"("count" is given twice)");
  CHECK(given({{"ports", "1"}, {"ports", "[2]"}}) == R"("ports" is given twice)");
}

TEST_CASE("what does not fit its type stays text, for the schema's check to explain", "[arguments]") {
  CHECK(given({{"count", "five"}}) == R"({"count":"five"})");
  CHECK(given({{"count", "5 "}}) == R"({"count":"5 "})");
  CHECK(given({{"count", "1e3"}}) == R"({"count":"1e3"})");
  CHECK(given({{"count", "99999999999999999999"}}) == R"({"count":"99999999999999999999"})");
  CHECK(given({{"live", "yes"}}) == R"({"live":"yes"})");
  CHECK(given({{"filter", "{"}}) == R"({"filter":"{"})");
  CHECK(given({{"ports", "[1"}}) == R"({"ports":"[1"})");
}

TEST_CASE("without a schema all is text", "[arguments]") {
  CHECK(given({{"count", "5"}}, "") == R"({"count":"5"})");
  CHECK(given({{"count", "5"}}, "no JSON") == R"({"count":"5"})");
  CHECK(given({{"count", "5"}}, R"({"properties":{"count":true}})") == R"({"count":"5"})");
}

}  // namespace visor::arguments
