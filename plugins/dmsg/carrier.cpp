#include "carrier.hpp"

#include "lib/http/dial.hpp"

namespace visor::dmsg_client {
namespace {

/* A TCP connection on its way, given up when it takes too long. */
struct TcpDial {
  Request<visor_stream> request;
  Timer timeout;
};

}  // namespace

std::vector<std::string> Carrier::urls(const KnownServer& server) const {
  std::vector<std::string> urls;
  bool tcp = sockets_->api->caps & VISOR_SOCKETS_TCP;
  if (tcp && !server.tcp.empty()) urls.push_back("tcp://" + server.tcp);
  if (!server.ws.empty()) urls.push_back(server.ws);
  if (!tcp && server.ws.empty() && !server.tcp.empty()) urls.push_back("ws://" + server.tcp + "/dmsg");
  return urls;
}

Result<Carrier::Dial> Carrier::dial(const std::string& url, uint64_t timeout_ms, Connected connected) {
  if (!url.starts_with("tcp://")) {
    return http::dial_websocket(host_, sockets_, url, timeout_ms, std::move(connected));
  }
  auto dial = std::make_shared<TcpDial>();
  visor_status status = dial->request.start(
      [&](visor_done done) { return sockets_->api->connect(sockets_, to_span(std::string_view(url)), done); },
      [host = host_, connected, weak = std::weak_ptr(dial)](visor_status done, visor_stream* stream) {
        if (auto self = weak.lock()) self->timeout.cancel();
        if (done != VISOR_OK) return connected(std::unexpected(host.error(done)));
        connected(stream);
      },
      [sockets = sockets_](void* ctx) { sockets->api->cancel(sockets, ctx); });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  dial->timeout = Timer::once(host_, timeout_ms, [connected, url, timeout_ms, weak = std::weak_ptr(dial)] {
    if (auto self = weak.lock()) self->request = {};
    connected(failure(VISOR_ETIMEDOUT, url + " did not answer within " + std::to_string(timeout_ms) + " ms"));
  });
  return dial;
}

}  // namespace visor::dmsg_client
