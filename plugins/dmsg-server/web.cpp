#include "web.hpp"

namespace visor::dmsg_server {
namespace {

http::ServerLimits server_limits(const Config& config) {
  const Limits& limits = config.limits;
  http::ServerLimits out;
  out.connections = limits.sessions;
  out.connections_per_address = limits.address.sessions;
  out.message.body_bytes = 0;
  out.request_timeout_ms = limits.handshake_ms;
  out.idle_timeout_ms = limits.handshake_ms;
  return out;
}

}  // namespace

Web::Web(Host host, Relay& relay, const Config& config)
    : host_(host),
      relay_(relay),
      server_(host, server_limits(config), [this](http::Exchange& exchange) { answer(&exchange); }) {}

Result<void> Web::start() {
  return routes_.open(host_, {std::string(kPath)},
                      {.asked = [this](visor_exchange* exchange) { answer(exchange); },
                       .refused =
                           [this](std::string_view, const Error& error) {
                             host_.warn("the gateway takes no relay sessions: " + error.text);
                           }});
}

void Web::accept(Arrival arrival) {
  server_.accept(arrival.stream, std::string(text(ByteView(arrival.early))), std::move(arrival.origin.text));
}

void Web::answer(visor_exchange* exchange) {
  const visor_http_request& request = *exchange->api->request(exchange);
  if (text(request.path) != kPath) {
    return respond(exchange, 404, "application/json",
                   R"({"error":"this is a relay: expected a WebSocket at /dmsg"})");
  }
  if (!relay_.has_room()) {
    return respond(exchange, 503, "application/json",
                   R"({"error":"no room for another session; try later"})");
  }
  Arrival arrival{nullptr, parse_origin(text(request.origin)), {}, 0};
  arrival.stream = exchange->api->upgrade(exchange);
  if (arrival.stream) relay_.accept(std::move(arrival), "ws");
}

void Web::stop(std::function<void()> stopped) {
  routes_.close();
  server_.stop(std::move(stopped));
}

}  // namespace visor::dmsg_server
