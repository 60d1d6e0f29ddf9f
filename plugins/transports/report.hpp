/* What the commands show, as JSON. */
#ifndef VISOR_TRANSPORTS_REPORT_HPP
#define VISOR_TRANSPORTS_REPORT_HPP
#include "automatic.hpp"
#include "lib/services/registration.hpp"
#include "skynet.hpp"

namespace visor::transports {

/* An object: identifier, edges, type, remote, address, state, label, latency, counters. */
std::string report(const Transport& transport);

/* An array of them, those that have just closed left out. */
std::string report_list(const Manager& manager);

struct StatusSources {
  const Manager& manager;
  const Skynet& skynet;
  const visor_key& own;
  size_t watchers, max_watchers;
  const Automatic* automatic;                 /* null: not configured */
  const services::Registration* registration; /* null: not configured */
};

/* Our key, where we accept, counters, and every queue with its bound. */
std::string report_status(const StatusSources& from);

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_REPORT_HPP
