#include "web.hpp"

#include "lib/http/url.hpp"

namespace visor::dmsg_discovery {
namespace {

// A proxy on this machine asks for many others.
bool is_this_machine(std::string_view origin) {
  return is_loopback_address(origin);
}

// Without the port, which is another for each connection.
std::string_view address_of(std::string_view origin) {
  return origin.substr(0, std::min(origin.rfind(':'), origin.size()));
}

}  // namespace

ApiAnswer too_often() {
  return {429, "rate limit exceeded\n", "text/plain; charset=utf-8", {{"retry-after", "1"}}};
}

void respond(visor_exchange* exchange, const ApiAnswer& answer) {
  std::vector<visor_span> headers = {VISOR_TEXT("content-type"),
                                     to_span(std::string_view(answer.content_type))};
  for (const auto& [name, value] : answer.headers) {
    headers.push_back(to_span(std::string_view(name)));
    headers.push_back(to_span(std::string_view(value)));
  }
  exchange->api->respond(exchange, answer.status, headers.data(), headers.size(),
                         to_span(std::string_view(answer.body)));
}

Result<void> Web::start() {
  return watch_.open(host_, VISOR_HTTP_1,
                     [this](std::string_view name, visor_http* http) { on_server(name, http); });
}

void Web::stop() {
  watch_.close();
  routes_.clear();
  server_.clear();
}

void Web::on_server(std::string_view name, visor_http* http) {
  if (!http) {
    if (server_ != name) return;
    routes_.clear();
    server_.clear();
    return;
  }
  if (!server_.empty()) return;
  server_ = name;
  // /health may be somebody else's: then it is theirs, and the rest still works.
  for (std::string_view path : {kPrefix, kHealth}) {
    auto route = std::make_unique<Route>();
    auto mounted = route->mount(host_, http, path, VISOR_HTTP_PUBLIC,
                                [this](visor_exchange* exchange) { answer(exchange); });
    if (mounted) {
      routes_.push_back(std::move(route));
    } else {
      problem_ = mounted.error().text;
      host_.log(path == kHealth ? VISOR_INFO : VISOR_WARN, problem_);
    }
  }
}

void Web::answer(visor_exchange* exchange) {
  const visor_http_request* request = exchange->api->request(exchange);
  std::string_view origin = text(request->origin);
  if (!is_this_machine(origin) && !limiter_.take(address_of(origin), host_.now_ms())) {
    return respond(exchange, too_often());
  }
  ApiRequest asked{text(request->method), text(request->path), text(request->query), text(request->body)};
  respond(exchange, api_.answer(asked, host_.unix_ns()));
}

}  // namespace visor::dmsg_discovery
