#include "network.hpp"

#include "web.hpp"

namespace visor::dmsg_discovery {
namespace {

http::ServerLimits server_limits() {
  http::ServerLimits limits;
  limits.message.body_bytes = dmsg::kMaxEntryJson + 1; /* one above, so that what answers is the interface */
  limits.connections = 4096;
  // As deployed discoveries do it: who is slow or idle is let go of.
  limits.request_timeout_ms = 3'000;
  limits.write_timeout_ms = 3'000;
  limits.idle_timeout_ms = 30'000;
  return limits;
}

}  // namespace

Network::Network(Host host, std::string name, Api& api, http::Limiter& limiter)
    : host_(host),
      name_(std::move(name)),
      api_(api),
      limiter_(limiter),
      server_(host, server_limits(), [this](http::Exchange& exchange) { answer(exchange); }) {}

Result<void> Network::start() {
  return watch_.open(host_, VISOR_NET_1,
                     [this](std::string_view name, visor_net* net) { on_network(name, net); });
}

void Network::on_network(std::string_view name, visor_net* net) {
  if (name != name_) return;
  listener_.close();
  if (!net) return;
  auto listening =
      listener_.listen(host_, net, kPort, [this](visor_stream* stream) { server_.accept(stream); });
  problem_ = listening ? std::string() : listening.error().text;
  if (!listening) host_.warn("port 80 of " + name_ + ": " + problem_);
}

void Network::answer(http::Exchange& exchange) {
  const visor_addr* peer = exchange.peer();
  std::string asker = peer ? to_hex(peer->key) : std::string(exchange.origin());
  if (!limiter_.take(asker, host_.now_ms())) return respond(&exchange, too_often());
  ApiRequest asked{exchange.method(), exchange.path(), exchange.query(), exchange.body()};
  respond(&exchange, api_.answer(asked, host_.unix_ns()));
}

void Network::stop(std::function<void()> stopped) {
  watch_.close();
  listener_.close();
  server_.stop(std::move(stopped));
}

}  // namespace visor::dmsg_discovery
