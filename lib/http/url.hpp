/* Addresses as people write them: "http://127.0.0.1:8080/api", "ws://[::1]:80/skywire". */
#ifndef VISOR_HTTP_URL_HPP
#define VISOR_HTTP_URL_HPP
#include <visor/value.hpp>

namespace visor::http {

struct Url {
  std::string scheme; /* lower case: http, https, ws, wss, tcp */
  std::string host;   /* without brackets */
  uint16_t port = 0;
  std::string path; /* with the query; begins with / */

  /* As in a Host header: "127.0.0.1:8080", "[::1]:8080"; the scheme's own port is left out. */
  std::string authority() const;
  /* For visor.sockets/1: "tcp://127.0.0.1:8080". */
  std::string socket() const;
};

/* VISOR_EINVAL with what was expected; a fragment is dropped, credentials are refused. */
Result<Url> parse_url(std::string_view text);

/* Host and port of a Host header or an origin ("[::1]:80" gives "::1"); a missing port is 0.  VISOR_EINVAL
 * when it is neither a name nor an address. */
struct Authority {
  std::string host;
  uint16_t port = 0;
};
Result<Authority> parse_authority(std::string_view text);

}  // namespace visor::http
#endif  // VISOR_HTTP_URL_HPP
