/* The discovery's paths on the kernel's HTTP server, whenever there is one, and on port 80 of a network. */
#ifndef VISOR_DMSG_DISCOVERY_WEB_HPP
#define VISOR_DMSG_DISCOVERY_WEB_HPP
#include <visor/plugin.hpp>

#include "api.hpp"
#include "lib/http/limiter.hpp"
#include "lib/http/mounted_routes.hpp"
#include "lib/http/network_server.hpp"

namespace visor::dmsg_discovery {

/* What it takes from one connection of a network. */
http::ServerLimits network_limits();

class Web {
 public:
  /* addresses, keys: how often one of either may ask. */
  Web(Host host, Api& api, http::Limiter& addresses, http::Limiter& keys)
      : host_(host), api_(api), addresses_(addresses), keys_(keys) {}
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  /* Mounts now or when a server comes. */
  Result<void> start();
  void stop();

  /* A request that came over a network. */
  void answer_peer(http::Exchange& exchange);

  bool mounted() const { return routes_.mounted(); }
  /* A path that somebody else has; empty: none. */
  const std::string& problem() const { return routes_.problem(); }

 private:
  void answer(visor_exchange* exchange);

  Host host_;
  Api& api_;
  http::Limiter &addresses_, &keys_;
  http::MountedRoutes routes_;
};

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_WEB_HPP
