#include "lib/http/message_parser.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::http;

namespace {

/* Feeds `input` in pieces that end at each of `cuts`; gives what was not taken, or the error. */
template <class Parser>
std::expected<std::string, ParseError> feed(Parser& parser, std::string_view input,
                                            std::vector<size_t> cuts) {
  std::string held;
  size_t at = 0;
  cuts.push_back(input.size());
  for (size_t cut : cuts) {
    held += input.substr(at, cut - at);
    at = cut;
    if (parser.done() || held.empty()) continue;
    auto used = parser.put(held);
    if (!used) return std::unexpected(used.error());
    held.erase(0, *used);
  }
  return held;
}

std::vector<size_t> every_byte(size_t size) {
  std::vector<size_t> cuts;
  for (size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

ParseError refused(std::string_view input, const ParserLimits& limits = {}) {
  RequestParser whole(limits);
  auto result = feed(whole, input, {});
  REQUIRE_FALSE(result);
  RequestParser trickled(limits);
  auto again = feed(trickled, input, every_byte(input.size()));
  REQUIRE_FALSE(again);
  CHECK(again.error().http == result.error().http);
  return result.error();
}

constexpr std::string_view kChunked =
    "POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
    "5;ext=\"v\"\r\nhello\r\n7\r\n, world\r\n0\r\nAuthorization: Bearer x\r\n\r\n";
constexpr std::string_view kSized =
    "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nX-A: 1\r\n\r\nhello, world";

}  // namespace

TEST_CASE("a request means the same wherever it is cut", "[http][parser]") {
  for (std::string_view input : {kChunked, kSized}) {
    std::string with_next = std::string(input) + "GET / ";
    auto check = [&](const std::vector<size_t>& cuts) {
      RequestParser parser{ParserLimits{}};
      auto rest = feed(parser, with_next, cuts);
      REQUIRE(rest);
      REQUIRE(parser.done());
      CHECK(*rest == "GET / ");
      RequestMessage& message = parser.message();
      CHECK(message.body == "hello, world");
      CHECK(message.headers.find("x-a") == "1");
      CHECK(message.headers.find("authorization").empty()); /* a trailer is no header */
      CHECK(message.keep_alive);
    };
    for (size_t cut = 0; cut <= with_next.size(); ++cut) check({cut});
    check(every_byte(with_next.size()));
  }
}

TEST_CASE("start line and headers are kept", "[http][parser]") {
  RequestParser parser{ParserLimits{}};
  REQUIRE(feed(parser, "FETCH /a?b HTTP/1.0\r\nHoSt: x\r\nConnection: keep-alive\r\n\r\n", {}));
  CHECK(parser.message().method == "FETCH");
  CHECK(parser.message().target == "/a?b");
  CHECK(parser.message().version == 10);
  CHECK(parser.message().keep_alive);
  CHECK(parser.message().headers.find("host") == "x");
}

TEST_CASE("what is not HTTP is refused with the status that says why", "[http][parser]") {
  CHECK(refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").http == 400); /* TLS */
  CHECK(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").http == 505);
  CHECK(refused("GET /\r\n\r\n").http == 400);
  CHECK(refused("GET / HTTP/1.1\r\nbad header\r\n\r\n").http == 400);
  CHECK(refused("GET / HTTP/1.1\r\n\r\n").text.find("Host") != std::string::npos);
  CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").http == 400);
  CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n").http == 400);
}

TEST_CASE("framing on which two servers could disagree is refused", "[http][parser]") {
  auto post = [](std::string_view headers, std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(body);
  };
  CHECK(refused(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")).http == 400);
  CHECK(refused(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")).http == 400);
  CHECK(refused(post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")).http == 400);
  CHECK(refused(post("Content-Length: -1\r\n", "")).http == 400);
  CHECK(refused(post("Content-Length: 99999999999999999999\r\n", "")).http == 400);
  CHECK(refused(post("Transfer-Encoding: gzip\r\n", "abc")).http == 501);
  CHECK(refused(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")).http == 501);
  CHECK(refused(post("Transfer-Encoding: chunked, gzip\r\n", "abc")).http == 501);
  CHECK(refused(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")).http ==
        400);
  CHECK(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").http == 400);
  CHECK(refused(post("Transfer-Encoding: chunked\r\n", "zz\r\n")).http == 400);
  CHECK(refused(post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n")).http == 400);
}

TEST_CASE("what is too long is refused before it is held", "[http][parser]") {
  ParserLimits limits{256, 100};
  std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  CHECK(refused("GET /" + std::string(400, 'a') + " HTTP/1.1\r\n\r\n", limits).http == 431);
  CHECK(refused(get + "X: " + std::string(400, 'a') + "\r\n\r\n", limits).http == 431);
  std::string many = get;
  for (int i = 0; i < 100; ++i) many += "X: y\r\n"; /* each is short, and arrives alone */
  CHECK(refused(many + "\r\n", limits).http == 431);

  std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", limits).http == 413);
  CHECK(refused(chunked + "65\r\n", limits).http == 413);
  CHECK(refused(chunked + "3c\r\n" + std::string(60, 'a') + "\r\n29\r\n", limits).http == 413);
  CHECK(refused(chunked + "1;" + std::string(400, 'e'), limits).http == 431);
  std::string trailers = chunked + "0\r\n";
  for (int i = 0; i < 100; ++i) trailers += "X: y\r\n";
  CHECK(refused(trailers + "\r\n", limits).http == 431);
}

TEST_CASE("a response means the same wherever it is cut", "[http][parser]") {
  struct Case {
    std::string_view input;
    bool ends_with_carrier;
  };
  for (Case c : {Case{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-A: 1\r\n\r\nhello, world", false},
                 Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n7\r\n, "
                      "world\r\n0\r\n\r\n",
                      false},
                 Case{"HTTP/1.0 200\r\nX-A: 1\r\n\r\nhello, world", true},
                 Case{"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nhello, world", true}}) {
    INFO(c.input);
    for (size_t cut = 0; cut <= c.input.size(); ++cut) {
      ResponseParser parser({}, false);
      auto rest = feed(parser, c.input, {cut});
      /* Beast wants a blank behind the status. */
      if (c.input.starts_with("HTTP/1.0 200\r")) {
        CHECK_FALSE(rest);
        continue;
      }
      REQUIRE(rest);
      CHECK(parser.done() != c.ends_with_carrier);
      REQUIRE(parser.end());
      CHECK(parser.head().status == 200);
      CHECK(parser.head().headers.find("x-a") == "1");
      CHECK(parser.take_body() == "hello, world");
      CHECK(parser.take_body().empty());
    }
  }
  ResponseParser cut({}, false);
  REQUIRE(feed(cut, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello", {}));
  CHECK_FALSE(cut.end());
  ResponseParser nothing({}, false);
  CHECK_FALSE(nothing.end());
  ResponseParser long_body({16u << 10, 4}, false);
  CHECK_FALSE(feed(long_body, "HTTP/1.1 200 OK\r\n\r\nhello", {}));
}

TEST_CASE("whatever comes, the parser ends in a message or an error", "[http][parser][fuzz]") {
  test::Seeded random(7);
  auto damage = [&](std::string input) {
    for (size_t changes = random.below(6); changes > 0 && !input.empty(); --changes) {
      size_t at = random.below(input.size());
      switch (random.below(4)) {
        case 0:
          input[at] = static_cast<char>(random.number());
          break;
        case 1:
          input.erase(at, random.below(8));
          break;
        case 2:
          input.insert(at, input.substr(random.below(input.size()), random.below(30)));
          break;
        default:
          input.insert(at, random.below(2) ? "\r\n" : "0");
          break;
      }
    }
    return input;
  };
  auto cuts = [&](std::string_view input) {
    std::vector<size_t> out;
    for (size_t at = random.below(9); at < input.size(); at += 1 + random.below(40)) out.push_back(at);
    return out;
  };
  for (int round = 0; round < 20000; ++round) {
    std::string input = damage(std::string(random.below(2) ? kChunked : kSized));
    RequestParser request(ParserLimits{512, 64});
    auto rest = feed(request, input, cuts(input));
    if (rest && request.done()) CHECK(request.message().body.size() <= 64);
    if (rest && !request.done()) CHECK(rest->size() < 512);

    std::string answer = damage("HTTP/1.1 200 OK" + std::string(kChunked.substr(kChunked.find("\r\n"))));
    ResponseParser response(ParserLimits{512, 64}, false);
    auto more = feed(response, answer, cuts(answer));
    if (more) (void)response.end();
    CHECK(response.take_body().size() <= 64);
  }
}
