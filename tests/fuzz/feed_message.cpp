// A message between nodes of feeds: what is read is written as it was.
#include <algorithm>

#include "plugins/feeds/messages.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  auto message = feeds::decode_message(ByteView(data, size));
  if (!message) return 0;
  test::must(std::ranges::equal(feeds::encode(*message), ByteView(data, size)),
             "read and written, it is the same");
  return 0;
}
