/* Clients that come by WebSocket at /dmsg: on the relay's own port, and on the gateway's where there is one
 * (specification dmsg.md, 14). */
#ifndef VISOR_DMSG_SERVER_WEB_HPP
#define VISOR_DMSG_SERVER_WEB_HPP
#include "lib/http/mounted_routes.hpp"
#include "lib/http/server.hpp"
#include "relay.hpp"

namespace visor::dmsg_server {

class Web {
 public:
  static constexpr std::string_view kPath = "/dmsg";

  Web(Host host, Relay& relay, const Config& config);

  /* Mounts on whatever serves HTTP here, now or later. */
  Result<void> start();
  /* A connection whose first bytes are those of a request. */
  void accept(Arrival arrival);
  /* Closes what has not become a session's; `stopped` runs from the loop, once everything is back, the
   * sessions' streams included. */
  void stop(std::function<void()> stopped);

  bool mounted() const { return routes_.mounted(); }
  const http::ServerCounters& counters() const { return server_.counters(); }

 private:
  void answer(visor_exchange* exchange);

  Host host_;
  Relay& relay_;
  http::Server server_;
  http::MountedRoutes routes_;
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_WEB_HPP
