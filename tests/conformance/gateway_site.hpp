/* What tests ask a gateway over HTTP with. */
#ifndef VISOR_TESTS_CONFORMANCE_GATEWAY_SITE_HPP
#define VISOR_TESTS_CONFORMANCE_GATEWAY_SITE_HPP
#include "lib/http/client.hpp"
#include "tests/conformance/gateway_ticker.hpp"
#include "tests/support/native_world.hpp"
#include "tests/support/stream_user.hpp"

namespace visor::test {

inline json::object with_port(json::object config) {
  config.emplace("listen", "tcp://127.0.0.1:0");
  return config;
}

/* A gateway on a port of its own, a ticker beside it, and a machine that asks. */
struct Site {
  explicit Site(json::object config = {}) : node(world.add("alpha", text_of(with_port(config)), options())) {
    auto status = node.call("gateway", "status");
    REQUIRE(status.has_value());
    address = std::string(json::parse(*status).as_object().at("address").as_string());
  }
  static NodeOptions options() {
    NodeOptions out;
    out.catalog = &ticker_catalog();
    return out;
  }
  static std::string text_of(const json::object& gateway) {
    return json::serialize(
        json::object{{"plugins", json::array{json::object{{"plugin", "ticker"}},
                                             json::object{{"plugin", "gateway"}, {"config", gateway}}}}});
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;
  http::ClientResponse ask(std::string method, const std::string& path, Headers headers = {},
                           std::string body = {}) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = address + path;
    request.headers = std::move(headers);
    request.body = std::move(body);
    std::optional<Result<http::ClientResponse>> result;
    auto call = http::fetch(clients.host(), sockets(), request,
                            [&](Result<http::ClientResponse> got) { result = std::move(got); });
    REQUIRE(call.has_value());
    REQUIRE(world.run_until([&] { return result.has_value(); }, 10'000));
    INFO(path << ": " << (result->has_value() ? "" : result->error().text));
    REQUIRE(result->has_value());
    return std::move(**result);
  }
  http::ClientResponse get(const std::string& path, Headers headers = {}) {
    return ask("GET", path, std::move(headers));
  }
  visor_sockets* sockets() { return clients.find<visor_sockets>(VISOR_SOCKETS_1); }
  std::unique_ptr<StreamUser> connect() {
    std::string url = "tcp" + address.substr(4);
    auto stream = world.await<visor_stream>(clients, [&](visor_done done) {
      return sockets()->api->connect(sockets(), to_span(std::string_view(url)), done);
    });
    REQUIRE(stream.has_value());
    return std::make_unique<StreamUser>(clients.host(), *stream);
  }
  int64_t status_number(const char* name) {
    auto status = node.call("gateway", "status");
    REQUIRE(status.has_value());
    return json::parse(*status).as_object().at(name).to_number<int64_t>();
  }
  int64_t seen(const char* name) {
    return json::parse(*node.call("ticker", "seen")).as_object().at(name).to_number<int64_t>();
  }

  NativeWorld world;
  Node& node;
  Node& clients = world.add("beta", R"({"plugins":[]})");
  std::string address;
};

/* The word in the body of an error. */
inline std::string error_status(const http::ClientResponse& response) {
  json::error_code failed;
  auto value = json::parse(response.body, failed);
  REQUIRE_FALSE(failed);
  return std::string(value.as_object().at("error").as_object().at("status").as_string());
}

}  // namespace visor::test
#endif  // VISOR_TESTS_CONFORMANCE_GATEWAY_SITE_HPP
