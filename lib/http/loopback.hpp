/* Addresses that only their own machine can reach. */
#ifndef VISOR_HTTP_LOOPBACK_HPP
#define VISOR_HTTP_LOOPBACK_HPP
#include "lib/http/url.hpp"

namespace visor::http {

/* A name or an address without a port. */
inline bool is_loopback_host(std::string_view host) {
  if (host.starts_with("::ffff:")) host.remove_prefix(7);
  bool number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (number && host.starts_with("127."));
}

/* "host:port". */
inline bool is_loopback_address(std::string_view address) {
  auto authority = parse_authority(address);
  return authority && is_loopback_host(authority->host);
}

}  // namespace visor::http
#endif  // VISOR_HTTP_LOOPBACK_HPP
