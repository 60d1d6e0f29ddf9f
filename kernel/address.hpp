/* Addresses of sockets as they are written: "tcp://127.0.0.1:8080", "tcp://[::1]:0", "tcp://example.net:80".
 */
#ifndef VISOR_KERNEL_ADDRESS_HPP
#define VISOR_KERNEL_ADDRESS_HPP
#include <string>
#include <string_view>
#include <visor/value.hpp>

namespace visor::kernel {

struct TcpAddress {
  std::string host; /* a name or a number, without the brackets of IPv6 */
  uint16_t port = 0;
  friend auto operator<=>(const TcpAddress&, const TcpAddress&) = default;
};

/* VISOR_EINVAL says what is wrong with it; VISOR_ENOSYS: it is of another scheme. */
Result<TcpAddress> parse_tcp_url(std::string_view url);

/* "127.0.0.1:80", "[::1]:80". */
std::string to_text(const TcpAddress& address);
inline std::string to_url(const TcpAddress& address) {
  return "tcp://" + to_text(address);
}

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_ADDRESS_HPP
