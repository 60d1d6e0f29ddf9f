/* The configurations of `visor run demo|network|visor`: which plugins a network's visors have, and how they
 * find one another. */
#ifndef VISOR_PROGRAMS_PROFILES_HPP
#define VISOR_PROGRAMS_PROFILES_HPP
#include <boost/json.hpp>
#include <string>
#include <visor/value.hpp>

namespace visor::programs {

/* What a profile's visors have in common. */
struct Place {
  std::string address = "127.0.0.1"; /* an IP address: all that listens does there, and is told to others */
  std::string token;                 /* of the gateways; needed where other machines reach the address */
  std::string directory;             /* keys and data, a folder a visor */
  std::string page;                  /* folder of the page; empty: none */
};

/* What a gateway says of its network to who joins (GET /bootstrap.json), the same for tabs and natively:
 * {"interval_ms", "tpd": {"pk", "network", "port", "metrics"}, "peers": [{"name", "pk", "type", "address"}],
 *  "dmsg": {"discovery"}, "services": {"discovery"}}.  Absent parts: the network has none. */
using Bootstrap = boost::json::object;

/* The folder and the key of one of them. */
std::string with_identity(const Place& place, std::string_view name, boost::json::array plugins);

boost::json::object gateway_config(const Place& place, uint16_t port);
/* The TPD, with the directories and the gateway that serves them. */
std::string tpd_config(const Place& place, const boost::json::object& gateway, uint64_t interval_ms);
/* A relay; discovery is the address of the relay network's. */
std::string relay_config(const Place& place, const std::string& discovery, uint64_t interval_ms);
/* A visor that joins.  `port` is its gateway's. */
std::string visor_config(const Place& place, uint16_t port, const Bootstrap& network);

inline constexpr uint16_t kTelemetryPort = 50; /* on which the TPD reads */

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_PROFILES_HPP
