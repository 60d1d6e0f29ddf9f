// What a proxy may put before a connection.
#include "plugins/dmsg-server/proxy_header.hpp"
#include "plugins/dmsg-server/origin.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  using namespace visor::dmsg_server;
  ByteView all(data, size);
  auto whole = read_proxy_header(all);
  if (whole && *whole) {
    const ProxyHeader& header = **whole;
    test::must(header.bytes <= size && header.bytes <= kMaxProxyHeaderBytes, "a header is within what came");
    test::must(header.bytes > 0 || header.origin.empty(), "without a header nothing is said");
    if (!header.origin.empty()) {
      Origin origin = parse_origin(header.origin);
      test::must(origin.ip.size() == 4 || origin.ip.size() == 16, "an origin is an address");
    }
    for (size_t cut = 0; cut < header.bytes; ++cut) {
      auto early = read_proxy_header(all.first(cut));
      test::must(early && !*early, "a part of a header is neither a header nor wrong");
    }
  }
  test::must(whole || !whole.error().text.empty(), "a refusal has a sentence");
  test::must(!whole || *whole || size < kMaxProxyHeaderBytes, "what waits is bounded");
  (void)parse_origin(test::as_text(data, size));
  return 0;
}
