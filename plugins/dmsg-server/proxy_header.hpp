/* The header that a proxy puts before a connection, to say whose it is (the PROXY protocol).
 *
 *   version 1   "PROXY TCP4 192.0.2.1 192.0.2.2 4242 80\r\n", at most 107 bytes; also TCP6, UNKNOWN
 *   version 2   0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | 0x20 LOCAL or 0x21 PROXY | family, protocol
 *               | length u16 big-endian | source, destination, ports, and what else the proxy knows */
#ifndef VISOR_DMSG_SERVER_PROXY_HEADER_HPP
#define VISOR_DMSG_SERVER_PROXY_HEADER_HPP
#include <optional>
#include <visor/value.hpp>

namespace visor::dmsg_server {

struct ProxyHeader {
  size_t bytes = 0;   /* of the header; 0: there is none, the connection begins at once */
  std::string origin; /* "192.0.2.1:4242"; empty: the proxy speaks for itself, or does not know */
};

/* No header is larger; what version 2 may carry besides addresses is bounded so. */
inline constexpr size_t kMaxProxyHeaderBytes = 1024;

/* Looks at the first bytes of a connection.  Nothing: too few to tell.  VISOR_EPROTO: they begin as a header
 * does, and are none. */
Result<std::optional<ProxyHeader>> read_proxy_header(ByteView first);

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_PROXY_HEADER_HPP
