#include "lib/http/text.hpp"

#include <catch2/catch.hpp>

#include "lib/http/lines.hpp"

using namespace visor;
using namespace visor::http;

TEST_CASE("headers are found by their lower-case name, the first wins", "[http][text]") {
  HeaderList headers;
  headers.add("Content-Type", "text/plain");
  headers.add("X-One", "1");
  headers.add("x-ONE", "2");
  CHECK(headers.find("content-type") == "text/plain");
  CHECK(headers.find("x-one") == "1");
  CHECK(headers.count("x-one") == 2);
  CHECK(headers.find("absent").empty());
  auto spans = headers.spans();
  REQUIRE(spans.size() == 6);
  CHECK(text(spans[0]) == "content-type");
  CHECK(text(spans[5]) == "2");
}

TEST_CASE("lists of tokens", "[http][text]") {
  CHECK(has_token("keep-alive, Upgrade", "upgrade"));
  CHECK(has_token(" ,, upgrade ", "Upgrade"));
  CHECK_FALSE(has_token("upgraded", "upgrade"));
  CHECK_FALSE(has_token("", "upgrade"));
}

TEST_CASE("what a client accepts", "[http][text]") {
  CHECK(accepts("gzip, deflate, br", "br"));
  CHECK(accepts("gzip;q=1.0, *;q=0.5", "br"));
  CHECK_FALSE(accepts("br;q=0, gzip", "br"));
  CHECK_FALSE(accepts("*, br;q=0", "br"));
  CHECK(accepts("br;q=0.1", "br"));
  CHECK_FALSE(accepts("", "br"));
  CHECK(accepts("text/event-stream", "text/event-stream"));
  CHECK(accepts("text/*", "text/event-stream"));
  CHECK(accepts("application/json, */*;q=0.1", "text/event-stream"));
  CHECK_FALSE(accepts("application/json", "text/event-stream"));
}

TEST_CASE("headers that would cut an answer in two are refused", "[http][text]") {
  CHECK(valid_header("x-name", "a value\twith a tab"));
  CHECK_FALSE(valid_header("x-name", "a\r\nSet-Cookie: b"));
  CHECK_FALSE(valid_header("x-name", std::string_view("\0", 1)));
  CHECK_FALSE(valid_header("x name", "a"));
  CHECK_FALSE(valid_header("", "a"));
  CHECK_FALSE(valid_header("x:", "a"));
}

TEST_CASE("percent escapes and queries", "[http][text]") {
  CHECK(percent_decode("%41b%2F+", false) == "Ab/+");
  CHECK(percent_decode("a+b", true) == "a b");
  CHECK_FALSE(percent_decode("%4", false));
  CHECK_FALSE(percent_decode("%zz", false));
  CHECK_FALSE(percent_decode("%00", false));

  auto query = parse_query("a=1&b=two%20words&&c&d=x=y");
  REQUIRE(query);
  REQUIRE(query->size() == 4);
  CHECK((*query)[1].value == "two words");
  CHECK((*query)[2].name == "c");
  CHECK((*query)[2].value.empty());
  CHECK((*query)[3].value == "x=y");
  CHECK(parse_query("a=%").error().status == VISOR_EINVAL);
}

TEST_CASE("dates as HTTP writes them", "[http][text]") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110, 5.6.7 */
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("errors are JSON whatever their text holds", "[http][text]") {
  CHECK(error_json(VISOR_ENOENT, "no \"x\"\n") ==
        "{\"error\":{\"status\":\"ENOENT\",\"message\":\"no \\\"x\\\"\\u000a\"}}");
  CHECK(json_string("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80") == "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"");
  CHECK(json_string("\xFF\xC0\x80\xED\xA0\x80") ==
        "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(json_string("cut \xE2\x82") == "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE("every failure of the ABI has an HTTP status and a name", "[http][text]") {
  for (visor_status status = VISOR_EINTERNAL; status < VISOR_OK; ++status) {
    CHECK(http_status(status) >= 400);
    CHECK(reason_phrase(http_status(status)) != "Status");
    CHECK(status_name(status).starts_with("E"));
  }
  CHECK(status_name(VISOR_EPERM) == "EPERM");
  CHECK(http_status(VISOR_EPERM) == 403);
}

TEST_CASE("lines cut anywhere", "[http][lines]") {
  std::string input = "{\"a\":1}\n\r\nlast\r\nunfinished";
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    Lines lines(16);
    std::vector<std::string> seen;
    auto keep = [&](std::string_view line) { seen.emplace_back(line); };
    REQUIRE(lines.feed(bytes(std::string_view(input).substr(0, cut)), keep));
    REQUIRE(lines.feed(bytes(std::string_view(input).substr(cut)), keep));
    CHECK(seen == std::vector<std::string>{"{\"a\":1}", "", "last"});
    CHECK(lines.rest() == "unfinished");
  }
  Lines narrow(4);
  CHECK(narrow.feed(bytes(std::string_view("1234\n12345")), [](std::string_view) {}).error().status ==
        VISOR_EPROTO);
}
