/* What the commands say, as JSON. */
#ifndef VISOR_DMSG_SERVER_REPORT_HPP
#define VISOR_DMSG_SERVER_REPORT_HPP
#include <optional>

#include "lib/dmsg/registration.hpp"
#include "web.hpp"

namespace visor::dmsg_server {

struct Sources {
  const Config& config;
  visor_key own;
  std::string listening; /* empty: nowhere of its own */
  const Relay& relay;
  const Entrance& entrance;
  const Web& web;
  const dmsg::RegistrationCounters* registration; /* null: not registered */
};

std::string report_status(const Sources& sources);
/* At most `limit` sessions, in the order of their keys. */
std::string report_sessions(const Relay& relay, size_t limit);

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_REPORT_HPP
