#include "guard.hpp"

#include <algorithm>

#include "lib/http/url.hpp"

namespace visor::gateway {
namespace {

bool all_of_digits_and_dots(std::string_view host) {
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/* Takes as long for a wrong secret as for a right one. */
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < secret.size(); ++i) {
    char other = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned>(static_cast<unsigned char>(secret[i] ^ other));
  }
  return difference == 0;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("::ffff:")) host.remove_prefix(7); /* IPv4 heard on an IPv6 socket */
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && all_of_digits_and_dots(host));
}

bool is_loopback(std::string_view address) {
  auto authority = http::parse_authority(address);
  return authority && is_loopback_host(authority->host);
}

Guard::Guard(const Settings& settings)
    : token_(settings.token), listen_host_(settings.listen_host()), hosts_(settings.hosts) {}

/* A page of somebody else's can give its name this machine's address after it was loaded, and its requests
 * are then of the same origin: only the name in Host gives it away.  An address cannot be rebound. */
bool Guard::own_host(std::string_view header) const {
  auto authority = http::parse_authority(header);
  if (!authority) return false;
  const std::string& host = authority->host;
  bool anywhere = listen_host_ == "0.0.0.0" || listen_host_ == "::";
  bool number = all_of_digits_and_dots(host) || host.find(':') != std::string::npos;
  return is_loopback_host(host) || host == listen_host_ || (anywhere && number) ||
         std::ranges::find(hosts_, host) != hosts_.end();
}

std::optional<Refusal> Guard::check(const Claims& claims) const {
  if (!claims.origin.empty()) {
    size_t scheme = claims.origin.find("://");
    if (scheme == std::string_view::npos || !http::same_text(claims.origin.substr(scheme + 3), claims.host)) {
      return Refusal{403, "a page of " + std::string(claims.origin) + " may not ask this"};
    }
  }
  if (!claims.fetch_site.empty() && claims.fetch_site != "same-origin" && claims.fetch_site != "none") {
    return Refusal{403, "a page of another origin may not ask this"};
  }
  if (!token_.empty()) {
    constexpr std::string_view kBearer = "Bearer ";
    bool bearer = claims.authorization.size() > kBearer.size() &&
                  http::same_text(claims.authorization.substr(0, kBearer.size()), kBearer);
    if (bearer && same_secret(claims.authorization.substr(kBearer.size()), token_)) return std::nullopt;
    return Refusal{401, "this needs the header \"Authorization: Bearer <token>\" with the gateway's token"};
  }
  if (!is_loopback(claims.client)) {
    return Refusal{403, "without a token in the gateway's configuration only its own machine may ask this"};
  }
  if (!own_host(claims.host)) {
    return Refusal{403, "this gateway is not called \"" + std::string(claims.host) +
                            "\"; if it should be, add the name to \"hosts\" in its configuration"};
  }
  return std::nullopt;
}

}  // namespace visor::gateway
