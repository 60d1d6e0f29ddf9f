/* Addresses on the relay network as people write them. */
#ifndef VISOR_DMSG_ADDRESS_HPP
#define VISOR_DMSG_ADDRESS_HPP
#include <visor/net.hpp>

namespace visor::dmsg {

inline constexpr std::string_view kScheme = "dmsg://";

/* "dmsg://<public key>:80", or the same without the scheme; a missing port is `port`.  VISOR_EINVAL with what
 * was expected. */
Result<visor_addr> parse_address(std::string_view text, uint16_t port);

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_ADDRESS_HPP
