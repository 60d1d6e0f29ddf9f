#include "kernel/address.hpp"

#include <algorithm>
#include <charconv>

namespace visor::kernel {

Result<TcpAddress> parse_tcp_url(std::string_view url) {
  constexpr std::string_view kScheme = "tcp://";
  constexpr size_t kMaxHost = 253;  // of a DNS name
  std::string shown(url.substr(0, 300));
  auto bad = [&](std::string_view why) {
    return failure(VISOR_EINVAL,
                   "\"" + shown + "\" is no address: " + std::string(why) + "; expected tcp://host:port");
  };
  if (!url.starts_with(kScheme)) {
    if (url.find("://") == url.npos) return bad("it has no scheme");
    return failure(VISOR_ENOSYS, "\"" + shown + "\": these sockets speak tcp:// only");
  }
  std::string_view rest = url.substr(kScheme.size());
  size_t colon = rest.rfind(':');
  if (colon == rest.npos || colon + 1 == rest.size()) return bad("it has no port");
  std::string_view host = rest.substr(0, colon), digits = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return bad("IPv6 numbers stand in brackets");
  }
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  };
  if (host.empty() || host.size() > kMaxHost || !std::ranges::all_of(host, allowed))
    return bad("its host is no name and no number");

  TcpAddress out{std::string(host), 0};
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size())
    return bad("its port is no number from 0 to 65535");
  return out;
}

std::string to_text(const TcpAddress& address) {
  bool v6 = address.host.find(':') != address.host.npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace visor::kernel
