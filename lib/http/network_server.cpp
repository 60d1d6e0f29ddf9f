#include "lib/http/network_server.hpp"

namespace visor::http {

ServerLimits NetworkServer::usual_limits(size_t body_bytes) {
  ServerLimits limits;
  limits.message.body_bytes = body_bytes;
  limits.connections = 4096;
  limits.request_timeout_ms = 3'000;
  limits.write_timeout_ms = 3'000;
  limits.idle_timeout_ms = 30'000;
  return limits;
}

NetworkServer::NetworkServer(Host host, std::string network, uint16_t port, const ServerLimits& limits,
                             Server::Handler answer)
    : host_(host), name_(std::move(network)), port_(port), server_(host, limits, std::move(answer)) {}

Result<void> NetworkServer::start() {
  return watch_.open(host_, VISOR_NET_1,
                     [this](std::string_view name, visor_net* net) { on_network(name, net); });
}

void NetworkServer::on_network(std::string_view name, visor_net* net) {
  if (name != name_) return;
  listener_.close();
  if (!net) return;
  auto listening =
      listener_.listen(host_, net, port_, [this](visor_stream* stream) { server_.accept(stream); });
  problem_ = listening ? std::string() : listening.error().text;
  if (!listening) host_.warn("port " + std::to_string(port_) + " of " + name_ + ": " + problem_);
}

void NetworkServer::stop(std::function<void()> stopped) {
  watch_.close();
  listener_.close();
  server_.stop(std::move(stopped));
}

std::string asker(const Exchange& exchange) {
  const visor_addr* peer = exchange.peer();
  return peer ? to_hex(peer->key) : std::string(exchange.origin());
}

}  // namespace visor::http
