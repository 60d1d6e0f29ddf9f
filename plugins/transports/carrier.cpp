#include "carrier.hpp"

#include "lib/http/dial.hpp"

namespace visor::transports {
namespace {

bool starts_with_any(std::string_view address, std::initializer_list<std::string_view> schemes) {
  for (std::string_view scheme : schemes) {
    if (address.starts_with(scheme)) return true;
  }
  return false;
}

// A page's own path is not ours: an address without one means the usual.
std::string with_path(std::string_view url) {
  std::string out(url);
  if (out.find('/', out.find("://") + 3) == out.npos) out += WebSocketCarrier::kPath;
  return out;
}

}  // namespace

/* --- TCP ------------------------------------------------------------------------------------ */

Result<void> TcpCarrier::listen(std::string_view url, Accepted accepted) {
  if (!(sockets_->api->caps & VISOR_SOCKETS_LISTEN)) {
    return failure(VISOR_ENOSYS,
                   "\"listen\" is " + std::string(url) +
                       ", but this host can be called by nobody (a browser's tab); leave it out");
  }
  return listener_.listen(host_, sockets_, url, std::move(accepted));
}

Result<Carrier::Dial> TcpCarrier::dial(std::string_view address, uint64_t, Connected connected) {
  if (!starts_with_any(address, {"tcp://"})) {
    return failure(VISOR_EINVAL,
                   "a stcpr transport's address is tcp://host:port; got \"" + std::string(address) + "\"");
  }
  if (!(sockets_->api->caps & VISOR_SOCKETS_TCP)) {
    return failure(VISOR_ENOSYS, "this host has no TCP (a browser's tab); use a swsr transport");
  }
  auto request = std::make_shared<Request<visor_stream>>();
  visor_status status = request->start(
      [&](visor_done done) { return sockets_->api->connect(sockets_, to_span(address), done); },
      [host = host_, connected = std::move(connected)](visor_status done, visor_stream* stream) {
        if (done != VISOR_OK) return connected(std::unexpected(host.error(done)));
        connected(stream);
      },
      [sockets = sockets_](void* ctx) { sockets->api->cancel(sockets, ctx); });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  return request;
}

/* --- WebSocket ------------------------------------------------------------------------------ */

Result<void> WebSocketCarrier::serve(std::function<bool()> has_room, Accepted accepted) {
  has_room_ = std::move(has_room);
  accepted_ = std::move(accepted);
  return routes_.open(host_, {std::string(kPath)},
                      {.asked = [this](visor_exchange* exchange) { answer(exchange); },
                       .refused =
                           [this](std::string_view, const Error& error) {
                             host_.warn("no WebSocket transports are accepted: " + error.text);
                           }});
}

void WebSocketCarrier::answer(visor_exchange* exchange) {
  if (!has_room_()) {
    return respond(exchange, 503, "application/json",
                   R"({"error":"no room for another transport; try later"})");
  }
  if (visor_stream* stream = exchange->api->upgrade(exchange)) accepted_(stream);
}

Result<Carrier::Dial> WebSocketCarrier::dial(std::string_view address, uint64_t timeout_ms,
                                             Connected connected) {
  if (!starts_with_any(address, {"ws://", "wss://"})) {
    return failure(VISOR_EINVAL, "a swsr transport's address is ws://host:port/skywire; got \"" +
                                     std::string(address) + "\"");
  }
  return http::dial_websocket(host_, sockets_, with_path(address), timeout_ms, std::move(connected));
}

}  // namespace visor::transports
