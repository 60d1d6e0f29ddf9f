/* An HTTP server on a port of a network, for as long as the network is there: what a plugin offers on the
 * kernel's HTTP server, offered by its key too. */
#ifndef VISOR_HTTP_NETWORK_SERVER_HPP
#define VISOR_HTTP_NETWORK_SERVER_HPP
#include <visor/net.hpp>
#include <visor/offer.hpp>

#include "lib/http/server.hpp"

namespace visor::http {

class NetworkServer {
 public:
  static constexpr uint16_t kPort = 80; /* of services on the relay network (specification dmsg.md, 3.2) */

  /* Who is slow or idle is let go of, as deployed services do it. */
  static ServerLimits usual_limits(size_t body_bytes);

  NetworkServer(Host host, std::string network, uint16_t port, const ServerLimits& limits,
                Server::Handler answer);
  NetworkServer(const NetworkServer&) = delete;
  NetworkServer& operator=(const NetworkServer&) = delete;

  /* Listens now or when the network comes. */
  Result<void> start();
  /* `stopped` runs once, from the loop, when every connection has gone. */
  void stop(std::function<void()> stopped);

  const std::string& network() const { return name_; }
  uint16_t port() const { return port_; }
  bool listening() const { return bool(listener_); }
  /* Why it does not listen although the network is there; empty: it does. */
  const std::string& problem() const { return problem_; }
  const ServerCounters& counters() const { return server_.counters(); }
  const ServerLimits& limits() const { return server_.limits(); }

 private:
  void on_network(std::string_view name, visor_net* net);

  Host host_;
  const std::string name_;
  const uint16_t port_;
  std::string problem_;
  Server server_;
  Listener listener_;
  Watch<visor_net> watch_;
};

/* Whose request it is: the key where the connection proves one, else the address it comes from. */
std::string asker(const Exchange& exchange);

}  // namespace visor::http
#endif  // VISOR_HTTP_NETWORK_SERVER_HPP
