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
  return watch_.open(host_, VISOR_HTTP_1,
                     [this](std::string_view name, visor_http* http) { mount(name, http); });
}

void Web::mount(std::string_view name, visor_http* http) {
  if (!http) {
    if (name != mounted_) return;
    route_ = Route();
    mounted_.clear();
    return;
  }
  if (!mounted_.empty()) return;
  auto mounted = route_.mount(host_, http, kPath, VISOR_HTTP_PUBLIC,
                              [this](visor_exchange* exchange) { answer(exchange); });
  if (!mounted) return host_.warn("the gateway takes no relay sessions: " + mounted.error().text);
  mounted_ = name;
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
  watch_.close();
  route_ = Route();
  mounted_.clear();
  server_.stop(std::move(stopped));
}

}  // namespace visor::dmsg_server
