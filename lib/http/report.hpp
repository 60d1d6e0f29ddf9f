/* What this room's parts tell in a plugin's status command. */
#ifndef VISOR_HTTP_REPORT_HPP
#define VISOR_HTTP_REPORT_HPP
#include <boost/json.hpp>

#include "lib/http/limiter.hpp"
#include "lib/http/mounted_routes.hpp"
#include "lib/http/network_server.hpp"

namespace visor::http {

/* Paths on the kernel's HTTP server: MountedRoutes, or what wraps one. */
template <class Routes>
boost::json::object routes_report(const Routes& from) {
  boost::json::object out{{"mounted", from.mounted()}};
  if (!from.problem().empty()) out["problem"] = from.problem();
  return out;
}

inline boost::json::object limiter_report(const Limiter& from) {
  return {{"per_s_limit", from.per_s()},
          {"burst_limit", from.burst()},
          {"askers", from.buckets()},
          {"askers_limit", Limiter::kMaxBuckets},
          {"refused", from.refused()}};
}

inline boost::json::object network_report(const NetworkServer& from) {
  const ServerCounters& c = from.counters();
  boost::json::object out{{"name", from.network()},
                          {"port", from.port()},
                          {"listening", from.listening()},
                          {"connections", c.open_connections},
                          {"connections_limit", from.limits().connections},
                          {"connections_refused", c.refused},
                          {"requests", c.requests},
                          {"malformed", c.malformed},
                          {"timeouts", c.timeouts}};
  if (!from.problem().empty()) out["problem"] = from.problem();
  return out;
}

}  // namespace visor::http
#endif  // VISOR_HTTP_REPORT_HPP
