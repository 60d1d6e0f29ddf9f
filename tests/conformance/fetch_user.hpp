/* What tests do with visor.fetch/1, and a server that says what it is told to. */
#ifndef VISOR_TESTS_CONFORMANCE_FETCH_USER_HPP
#define VISOR_TESTS_CONFORMANCE_FETCH_USER_HPP
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <list>
#include <optional>
#include <visor/plugin.hpp>

#include "tests/support/stream_user.hpp"
#include "tests/support/world.hpp"

namespace visor::test::fetching {

struct Answer {
  visor_status status = VISOR_OK; /* of the request; below: what came */
  std::string error;
  int32_t http = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Question {
  std::string method = "GET";
  std::string url{};
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers = {};
  uint64_t timeout_ms = 5000, max_body = 0;
};

/* A request under way. */
class Asking {
 public:
  Asking(Node& node, const Question& question) : fetch_(node.find<visor_fetch>(VISOR_FETCH_1)) {
    REQUIRE(fetch_);
    std::vector<visor_span> headers;
    for (const auto& [name, value] : question.headers) {
      headers.push_back(to_span(std::string_view(name)));
      headers.push_back(to_span(std::string_view(value)));
    }
    visor_request request{to_span(std::string_view(question.method)),
                          to_span(std::string_view(question.url)),
                          to_span(std::string_view(question.body)),
                          headers.data(),
                          headers.size(),
                          question.timeout_ms,
                          question.max_body};
    refused = request_.start([&](visor_done done) { return fetch_->api->send(fetch_, &request, done); },
                             [this, host = node.host()](visor_status status, visor_response* response) {
                               CHECK_FALSE(answer.has_value());
                               answer.emplace().status = status;
                               if (status != VISOR_OK) {
                                 answer->error = host.error(status).text;
                                 return;
                               }
                               answer->http = response->status;
                               answer->body = text(response->body);
                               for (size_t i = 0; i + 1 < response->header_count; i += 2) {
                                 answer->headers.emplace_back(text(response->headers[i]),
                                                              text(response->headers[i + 1]));
                               }
                               if (on_answer) on_answer();
                             },
                             [fetch = fetch_](void* ctx) { fetch->api->cancel(fetch, ctx); });
    if (refused != VISOR_OK) why = node.host().error(refused).text;
  }

  visor_status refused = VISOR_OK; /* what `send` returned */
  std::string why;
  std::optional<Answer> answer;
  std::function<void()> on_answer;

 private:
  visor_fetch* fetch_;
  Request<visor_response> request_;
};

inline Answer ask(Node& node, const Question& question, uint64_t limit_ms = 60'000) {
  Asking asking(node, question);
  REQUIRE(asking.refused == VISOR_OK);
  REQUIRE(node.world().run_until([&] { return asking.answer.has_value(); }, limit_ms));
  return *asking.answer;
}

/* Hears requests on a port of a node's and writes what it is told to, as soon as a head is there. */
class RawServer {
 public:
  RawServer(Node& node, const std::string& url) : host_(node.host()) {
    auto* sockets = node.find<visor_sockets>(VISOR_SOCKETS_1);
    REQUIRE(sockets);
    auto listening = listener_.listen(host_, sockets, url, [this](visor_stream* stream) {
      auto& user = users_.emplace_back(host_, stream);
      user.on_data = [this, &user] {
        if (user.text().find("\r\n\r\n") == std::string::npos || answer.empty()) return;
        user.on_data = nullptr;
        heard.push_back(user.text());
        user.write(answer);
        if (ends) user.stream.end();
      };
    });
    REQUIRE(listening);
  }
  /* "http://127.0.0.1:40123" */
  std::string url() const { return "http" + std::string(listener_.address().substr(3)); }
  size_t connections() const { return users_.size(); }
  bool all_closed() const {
    return std::ranges::all_of(users_, [](const StreamUser& user) { return user.ended || user.closed; });
  }

  std::string answer; /* empty: silence */
  bool ends = true;
  std::vector<std::string> heard;

 private:
  Host host_;
  std::list<StreamUser> users_;
  Listener listener_;
};

inline int64_t status_number(Node& node, const std::string& name) {
  auto json = node.call("fetch", "status");
  REQUIRE(json.has_value());
  boost::json::error_code error;
  auto value = boost::json::parse(*json, error);
  REQUIRE_FALSE(error);
  const boost::json::value* number = value.if_object()->if_contains(name);
  REQUIRE(number);
  return number->to_number<int64_t>(error);
}

}  // namespace visor::test::fetching
#endif  // VISOR_TESTS_CONFORMANCE_FETCH_USER_HPP
