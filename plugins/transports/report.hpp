/* What the commands show, as JSON. */
#ifndef VISOR_TRANSPORTS_REPORT_HPP
#define VISOR_TRANSPORTS_REPORT_HPP
#include "manager.hpp"
#include "skynet.hpp"

namespace visor::transports {

/* An object: identifier, edges, type, remote, address, state, label, latency, counters. */
std::string report(const Transport& transport);

/* An array of them, those that have just closed left out. */
std::string report_list(const Manager& manager);

/* Our key, where we accept, counters, and every queue with its bound. */
std::string report_status(const Manager& manager, const Skynet& skynet, const visor_key& own, size_t watchers,
                          size_t max_watchers);

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_REPORT_HPP
