// visor.fetch/1 of the plugin fetch, on the simulated network.
#include "tests/conformance/fetch_user.hpp"

namespace visor::test::fetching {
namespace {

constexpr char kConfig[] = R"({"plugins":[{"plugin":"fetch"}]})";
constexpr char kNothing[] = R"({"plugins":[]})";

std::string with_limits(const std::string& limits) {
  return R"({"plugins":[{"plugin":"fetch","config":{"limits":)" + limits + "}}]}";
}

std::string http(const std::string& status, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 " + status + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

struct Two {
  explicit Two(const std::string& config = kConfig)
      : asker(world.add("10.0.0.1", config)), other(world.add("10.0.0.2", kNothing)) {}
  SimWorld world{1};
  Node& asker;
  Node& other;
  RawServer server{other, "tcp://10.0.0.2:80"};
  std::string url = "http://10.0.0.2:80";
};

}  // namespace

TEST_CASE("fetch: a question as it was asked, an answer as it was given", "[fetch]") {
  Two two;
  two.server.answer = http("201 Created", "{\"a\":1}", "X-One: 1\r\nX-Two: two\r\n");
  Answer answer = ask(two.asker, {.method = "POST",
                                  .url = two.url + "/path?query=1",
                                  .body = "hello",
                                  .headers = {{"Content-Type", "text/plain"}, {"X-Name", "value"}}});
  CHECK(answer.http == 201);
  CHECK(answer.body == "{\"a\":1}");
  CHECK(answer.headers[0] == std::pair<std::string, std::string>("x-one", "1"));
  CHECK(answer.headers[1] == std::pair<std::string, std::string>("x-two", "two"));
  REQUIRE(two.server.heard.size() == 1);
  const std::string& heard = two.server.heard[0];
  INFO(heard);
  CHECK(heard.starts_with("POST /path?query=1 HTTP/1.1\r\nHost: 10.0.0.2\r\n"));
  CHECK(heard.find("Content-Type: text/plain\r\n") != std::string::npos);
  CHECK(heard.find("X-Name: value\r\n") != std::string::npos);
  CHECK(heard.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(heard.ends_with("\r\n\r\nhello"));
  CHECK(heard.find("Accept-Encoding") == std::string::npos);
}

TEST_CASE("fetch: any status is an answer, and redirects are not followed", "[fetch]") {
  Two two;
  for (auto status : {"301 Moved", "404 Not Found", "500 Broken", "204 No Content"}) {
    two.server.answer = http(status, "", "Location: http://10.0.0.9/\r\n");
    CHECK(ask(two.asker, {.url = two.url}).http == std::atoi(status));
  }
  CHECK(two.server.connections() == 4);
  CHECK(status_number(two.asker, "answers") == 4);
}

TEST_CASE("fetch: bodies in chunks, and those that end with the connection", "[fetch]") {
  Two two;
  two.server.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  CHECK(ask(two.asker, {.url = two.url}).body == "abcde");
  two.server.answer = "HTTP/1.1 200 OK\r\n\r\nall of it";
  CHECK(ask(two.asker, {.url = two.url}).body == "all of it");
  two.server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all of it";
  CHECK(ask(two.asker, {.url = two.url}).status == VISOR_EPROTO);
  two.server.answer = "SSH-2.0-something\r\n\r\n";
  CHECK(ask(two.asker, {.url = two.url}).status == VISOR_EPROTO);
}

TEST_CASE("fetch: bodies above the limit are refused, whoever says it", "[fetch]") {
  Two two(with_limits(R"({"body_bytes":2048})"));
  two.server.answer = http("200 OK", std::string(1000, 'x'));
  CHECK(ask(two.asker, {.url = two.url}).body.size() == 1000);
  Answer small = ask(two.asker, {.url = two.url, .max_body = 999});
  CHECK(small.status == VISOR_EPROTO);
  CHECK(small.error.find("999") != std::string::npos);
  two.server.answer = http("200 OK", std::string(3000, 'x'));
  CHECK(ask(two.asker, {.url = two.url, .max_body = 1u << 20}).status == VISOR_EPROTO);
  Asking large(two.asker, {.method = "POST", .url = two.url, .body = std::string(3000, 'x')});
  CHECK(large.refused == VISOR_EINVAL);
}

TEST_CASE("fetch: the time of a request is one, however its answer drips", "[fetch]") {
  Two two(with_limits(R"({"timeout_ms":4000})"));
  Answer silent = ask(two.asker, {.url = two.url, .timeout_ms = 1000});
  CHECK(silent.status == VISOR_ETIMEDOUT);
  CHECK(two.world.loop().now_ns() / 1'000'000 >= 1000);

  uint64_t before = two.asker.host().now_ms();
  two.server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nno more";
  two.server.ends = false;
  CHECK(ask(two.asker, {.url = two.url, .timeout_ms = 0}).status == VISOR_ETIMEDOUT);
  CHECK(two.asker.host().now_ms() - before >= 4000);
  CHECK(two.asker.host().now_ms() - before < 4100);
  CHECK(status_number(two.asker, "timeouts") == 2);
  two.world.run_for(1000);
  CHECK(two.server.all_closed());
}

TEST_CASE("fetch: canceled, its connection is closed and nothing is heard of it", "[fetch]") {
  Two two;
  {
    Asking asking(two.asker, {.url = two.url});
    REQUIRE(asking.refused == VISOR_OK);
    REQUIRE(two.world.run_until([&] { return two.server.connections() == 1; }));
    CHECK(status_number(two.asker, "under_way") == 1);
  }
  CHECK(status_number(two.asker, "under_way") == 0);
  CHECK(status_number(two.asker, "canceled") == 1);
  two.world.run_for(1000);
  CHECK(two.server.all_closed());
}

TEST_CASE("fetch: the done of a canceled request runs, later and without an answer", "[fetch]") {
  Two two;
  auto* fetch = two.asker.find<visor_fetch>(VISOR_FETCH_1);
  struct Seen {
    int runs = 0;
    visor_status status = VISOR_OK;
    void* result = nullptr;
  } seen;
  visor_request request{};
  request.url = to_span(std::string_view(two.url));
  auto done = [](void* ctx, visor_status status, void* result) {
    auto* s = static_cast<Seen*>(ctx);
    *s = {s->runs + 1, status, result};
  };
  REQUIRE(fetch->api->send(fetch, &request, {+done, &seen}) == VISOR_OK);
  fetch->api->cancel(fetch, &seen);
  fetch->api->cancel(fetch, &seen);
  CHECK(seen.runs == 0);
  two.world.run_for(100);
  CHECK(seen.runs == 1);
  CHECK(seen.status == VISOR_ECANCELED);
  CHECK(seen.result == nullptr);
}

TEST_CASE("fetch: only so many requests at once", "[fetch]") {
  Two two(with_limits(R"({"requests":3})"));
  std::list<Asking> asking;
  for (int i = 0; i < 4; ++i) asking.emplace_back(two.asker, Question{.url = two.url});
  CHECK(asking.back().refused == VISOR_EAGAIN);
  CHECK(asking.back().why.find("3 requests") != std::string::npos);
  asking.clear();
  two.server.answer = http("200 OK", "again");
  CHECK(ask(two.asker, {.url = two.url}).body == "again");
}

TEST_CASE("fetch: an answer's callback may ask again, or end others", "[fetch]") {
  Two two;
  two.server.answer = http("200 OK", "yes");
  std::optional<Asking> second, third;
  third.emplace(two.asker, Question{.url = "http://10.0.0.3:80"});  // nobody is there
  Asking first(two.asker, {.url = two.url});
  first.on_answer = [&] {
    third.reset();
    second.emplace(two.asker, Question{.url = two.url});
  };
  REQUIRE(two.world.run_until([&] { return second && second->answer; }));
  CHECK(second->answer->body == "yes");
}

TEST_CASE("fetch: what cannot be asked is said at once or as a failure", "[fetch]") {
  Two two;
  Asking tls(two.asker, {.url = "https://10.0.0.2/"});
  CHECK(tls.refused == VISOR_ENOSYS);
  Asking nothing(two.asker, {.url = "nothing"});
  CHECK(nothing.refused == VISOR_EINVAL);
  Asking smuggled(two.asker, {.url = two.url, .headers = {{"X", "a\r\nY: b"}}});
  CHECK(smuggled.refused == VISOR_EINVAL);
  CHECK(ask(two.asker, {.url = "http://10.0.0.2:81"}).status != VISOR_OK);
  CHECK(status_number(two.asker, "requests_refused") == 3);
  CHECK(status_number(two.asker, "failures") == 1);
}

TEST_CASE("fetch: a visor that stops ends its requests", "[fetch]") {
  Two two;
  Asking asking(two.asker, {.url = two.url});
  REQUIRE(two.world.run_until([&] { return two.server.connections() == 1; }));
  two.asker.stop();
  REQUIRE(asking.answer.has_value());
  CHECK(asking.answer->status == VISOR_ECANCELED);
  two.world.run_for(1000);
  CHECK(two.server.all_closed());
}

}  // namespace visor::test::fetching
