#include "kernel/address.hpp"

#include <catch2/catch.hpp>

namespace visor::kernel {

TEST_CASE("addresses are read strictly and written back", "[kernel]") {
  CHECK(parse_tcp_url("tcp://127.0.0.1:8080").value() == TcpAddress{"127.0.0.1", 8080});
  CHECK(parse_tcp_url("tcp://[::1]:0").value() == TcpAddress{"::1", 0});
  CHECK(parse_tcp_url("tcp://example.net:65535").value() == TcpAddress{"example.net", 65535});
  CHECK(to_url({"::1", 80}) == "tcp://[::1]:80");
  CHECK(to_url({"a.b", 80}) == "tcp://a.b:80");
  for (const char* bad : {"", "tcp://", "tcp://host", "tcp://host:", "tcp://:80", "tcp://host:65536",
                          "tcp://host:-1", "tcp://host:80x", "tcp://::1:80", "tcp://ho st:80",
                          "tcp://host/path:80", "127.0.0.1:80", "tcp://[]:80", "tcp://a\x01:80"}) {
    INFO(bad);
    REQUIRE_FALSE(parse_tcp_url(bad).has_value());
    CHECK(parse_tcp_url(bad).error().status == VISOR_EINVAL);
  }
  CHECK(parse_tcp_url("ws://host:80").error().status == VISOR_ENOSYS);
  CHECK(parse_tcp_url("tcp://host").error().text ==
        "\"tcp://host\" is no address: it has no port; expected tcp://host:port");
  CHECK(parse_tcp_url("tcp://" + std::string(254, 'a') + ":80").error().status == VISOR_EINVAL);
}

}  // namespace visor::kernel
