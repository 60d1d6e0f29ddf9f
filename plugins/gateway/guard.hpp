/* Who may ask what.  Public routes: anybody, from any page.  All others: the operator, which is whoever knows
 * the token or, when there is none, a program or a page of this gateway on this machine. */
#ifndef VISOR_GATEWAY_GUARD_HPP
#define VISOR_GATEWAY_GUARD_HPP
#include "settings.hpp"

namespace visor::gateway {

/* What a request says about who sent it. */
struct Claims {
  std::string_view client;        /* its address and port */
  std::string_view host;          /* Host */
  std::string_view origin;        /* Origin; empty: none */
  std::string_view fetch_site;    /* Sec-Fetch-Site; empty: none */
  std::string_view authorization; /* Authorization */
};

struct Refusal {
  int32_t http = 403;
  std::string text;
};

class Guard {
 public:
  explicit Guard(const Settings& settings);

  /* Nothing: let it pass. */
  std::optional<Refusal> check(const Claims& claims) const;

 private:
  bool own_host(std::string_view host) const;

  std::string token_, listen_host_;
  std::vector<std::string> hosts_;
};

/* Is "127.0.0.1", "::1", "localhost" this machine?  Without brackets and port. */
bool is_loopback_host(std::string_view host);
/* Is "127.0.0.1:4242", "[::1]:80" or the like of this machine? */
bool is_loopback(std::string_view address);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_GUARD_HPP
