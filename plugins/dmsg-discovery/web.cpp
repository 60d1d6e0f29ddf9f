#include "web.hpp"

#include "lib/http/loopback.hpp"

namespace visor::dmsg_discovery {
namespace {

// Without the port, which is another for each connection.
std::string_view address_of(std::string_view origin) {
  return origin.substr(0, std::min(origin.rfind(':'), origin.size()));
}

/* "rate limit exceeded", as peers expect it. */
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

}  // namespace

http::ServerLimits network_limits() {
  /* One above, so that what answers is the interface. */
  return http::NetworkServer::usual_limits(dmsg::kMaxEntryJson + 1);
}

Result<void> Web::start() {
  // /health may be somebody else's: then it is theirs, and the rest still works.
  return routes_.open(host_, {std::string(kPrefix), std::string(kHealth)},
                      {.asked = [this](visor_exchange* exchange) { answer(exchange); },
                       .refused =
                           [this](std::string_view path, const Error& error) {
                             host_.log(path == kHealth ? VISOR_DEBUG : VISOR_WARN, error.text);
                           }});
}

void Web::stop() {
  routes_.close();
}

void Web::answer(visor_exchange* exchange) {
  const visor_http_request* request = exchange->api->request(exchange);
  std::string_view origin = text(request->origin);
  // A proxy on this machine asks for many others.
  if (!http::is_loopback_address(origin) && !addresses_.take(address_of(origin), host_.now_ms())) {
    return respond(exchange, too_often());
  }
  ApiRequest asked{text(request->method), text(request->path), text(request->query), text(request->body)};
  respond(exchange, api_.answer(asked, host_.unix_ns()));
}

void Web::answer_peer(http::Exchange& exchange) {
  if (!keys_.take(http::asker(exchange), host_.now_ms())) return respond(&exchange, too_often());
  ApiRequest asked{exchange.method(), exchange.path(), exchange.query(), exchange.body()};
  respond(&exchange, api_.answer(asked, host_.unix_ns()));
}

}  // namespace visor::dmsg_discovery
