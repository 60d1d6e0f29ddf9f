/* Where a connection comes from: the text that streams say in origin(), taken apart. */
#ifndef VISOR_DMSG_SERVER_ORIGIN_HPP
#define VISOR_DMSG_SERVER_ORIGIN_HPP
#include <visor/value.hpp>

namespace visor::dmsg_server {

struct Origin {
  std::string text;    /* "10.0.0.1:4242", "[::1]:4242" */
  std::string address; /* whose limits it counts in: the host without its port, of IPv6 the /64 */
  Bytes ip;            /* 4 or 16 bytes; none where the host is no number */
};

Origin parse_origin(std::string_view text);

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_ORIGIN_HPP
