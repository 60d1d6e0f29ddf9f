/* What this plugin's commands say, as JSON. */
#ifndef VISOR_DMSG_CLIENT_REPORT_HPP
#define VISOR_DMSG_CLIENT_REPORT_HPP
#include "discovery.hpp"

namespace visor::dmsg_client {

/* discovery: null where there is none. */
std::string report_status(const Network& network, const Discovery* discovery, size_t pipes,
                          const visor_key& own);
std::string report_sessions(const Network& network, uint64_t now_ms);

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_REPORT_HPP
