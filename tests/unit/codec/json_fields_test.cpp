#include "lib/codec/json_fields.hpp"

#include <catch2/catch.hpp>

using namespace visor;
using namespace visor::codec;

namespace {

boost::json::object fields(std::string_view text) {
  auto object = parse_fields(text, "the configuration");
  REQUIRE(object.has_value());
  return *object;
}

}  // namespace

TEST_CASE("fields are those of an object, and an empty text is an empty one", "[codec][json]") {
  CHECK(fields("").empty());
  CHECK(fields(R"({"a": 1})").size() == 1);
  for (const char* text : {"[]", "{", "null", "{} {}"}) {
    auto object = parse_fields(text, "the configuration");
    REQUIRE_FALSE(object.has_value());
    CHECK(object.error().status == VISOR_EINVAL);
    CHECK(object.error().text == "the configuration must be a JSON object");
  }
}

TEST_CASE("a field of another type, or an absent one, is none", "[codec][json]") {
  const auto object =
      fields(R"({"text": "words", "number": 7, "flag": true, "list": [1], "part": {"n": 2}})");
  CHECK(string_at(object, "text") == "words");
  CHECK(string_at(object, "number").empty());
  CHECK(string_at(object, "absent").empty());
  CHECK(number_at<int>(object, "number") == 7);
  CHECK_FALSE(number_at<int>(object, "text"));
  CHECK(number_at<int>(object_at(object, "part"), "n") == 2);
  CHECK(object_at(object, "list").empty());
  REQUIRE(array_at(object, "list"));
  CHECK(array_at(object, "list")->size() == 1);
  CHECK_FALSE(array_at(object, "part"));
}

TEST_CASE("a number that its variable cannot hold is none", "[codec][json]") {
  const auto object =
      fields(R"({"below": -1, "large": 70000, "largest": 18446744073709551615, "real": 1.5})");
  CHECK_FALSE(number_at<uint16_t>(object, "below"));
  CHECK_FALSE(number_at<uint16_t>(object, "large"));
  CHECK(number_at<int32_t>(object, "below") == -1);
  CHECK_FALSE(number_at<int64_t>(object, "largest"));
  CHECK(number_at<uint64_t>(object, "largest") == UINT64_MAX);
  CHECK_FALSE(number_at<int>(object, "real"));
}

TEST_CASE("a default stays where the field is not there", "[codec][json]") {
  const auto object = fields(R"({"text": "", "number": 0, "flag": false})");
  std::string text = "default", other = "default";
  size_t number = 5, another = 5;
  bool flag = true, unset = true;
  read_field(object, "text", text);
  read_field(object, "number", number);
  read_field(object, "flag", flag);
  read_field(object, "flag", other);
  read_field(object, "text", another);
  read_field(object, "number", unset);
  CHECK(text.empty());
  CHECK(number == 0);
  CHECK_FALSE(flag);
  CHECK(other == "default");
  CHECK(another == 5);
  CHECK(unset);
}
