#include "origin.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace visor::dmsg_server {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* "[::1]:4242" and "10.0.0.1:80" without port and brackets. */
std::string host_of(std::string_view text) {
  if (text.starts_with('[')) return std::string(text.substr(1, text.find(']') - 1));
  return std::string(text.substr(0, text.rfind(':')));
}

Bytes ip_of(const std::string& host) {
  Bytes ip(16);
  if (inet_pton(AF_INET6, host.c_str(), ip.data()) == 1) {
    if (!std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), ip.begin())) return ip;
    ip.erase(ip.begin(), ip.begin() + sizeof kMappedPrefix); /* a caller by IPv4 on a socket of both */
    return ip;
  }
  ip.resize(4);
  if (inet_pton(AF_INET, host.c_str(), ip.data()) != 1) ip.clear();
  return ip;
}

}  // namespace

Origin parse_origin(std::string_view text) {
  Origin origin{std::string(text), host_of(text), {}};
  origin.ip = ip_of(origin.address);
  /* Whoever has one address of IPv6 has all of its /64. */
  if (origin.ip.size() == 16) origin.address = to_hex(ByteView(origin.ip).first(8)) + "/64";
  return origin;
}

}  // namespace visor::dmsg_server
