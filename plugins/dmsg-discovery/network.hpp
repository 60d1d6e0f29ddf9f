/* The same interface on port 80 of a network, whenever that is there. */
#ifndef VISOR_DMSG_DISCOVERY_NETWORK_HPP
#define VISOR_DMSG_DISCOVERY_NETWORK_HPP
#include <optional>
#include <visor/plugin.hpp>

#include "api.hpp"
#include "lib/http/limiter.hpp"
#include "lib/http/server.hpp"

namespace visor::dmsg_discovery {

class Network {
 public:
  static constexpr uint16_t kPort = 80;

  Network(Host host, std::string name, Api& api, http::Limiter& limiter);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /* Listens now or when the network comes. */
  Result<void> start();
  /* `stopped` runs once, from the loop, when every connection has gone. */
  void stop(std::function<void()> stopped);

  bool listening() const { return bool(listener_); }
  /* Why it does not listen although the network is there; empty: it does. */
  const std::string& problem() const { return problem_; }
  const http::ServerCounters& counters() const { return server_.counters(); }
  const http::ServerLimits& limits() const { return server_.limits(); }

 private:
  void on_network(std::string_view name, visor_net* net);
  void answer(http::Exchange& exchange);

  Host host_;
  const std::string name_;
  Api& api_;
  http::Limiter& limiter_;
  std::string problem_;
  http::Server server_;
  Listener listener_;
  Watch<visor_net> watch_;
};

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_NETWORK_HPP
