/* The discovery's paths on the kernel's HTTP server, whenever there is one. */
#ifndef VISOR_DMSG_DISCOVERY_WEB_HPP
#define VISOR_DMSG_DISCOVERY_WEB_HPP
#include <visor/plugin.hpp>

#include "api.hpp"
#include "lib/http/limiter.hpp"
#include "lib/http/mounted_routes.hpp"

namespace visor::dmsg_discovery {

/* "rate limit exceeded", as peers expect it. */
ApiAnswer too_often();
/* Gives the answer. */
void respond(visor_exchange* exchange, const ApiAnswer& answer);

class Web {
 public:
  Web(Host host, Api& api, http::Limiter& limiter) : host_(host), api_(api), limiter_(limiter) {}
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  /* Mounts now or when a server comes. */
  Result<void> start();
  void stop();

  bool mounted() const { return routes_.mounted(); }
  /* A path that somebody else has; empty: none. */
  const std::string& problem() const { return routes_.problem(); }

 private:
  void answer(visor_exchange* exchange);

  Host host_;
  Api& api_;
  http::Limiter& limiter_;
  http::MountedRoutes routes_;
};

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_WEB_HPP
