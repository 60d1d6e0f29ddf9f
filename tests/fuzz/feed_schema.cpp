// A schema by itself: what is accepted is written as it was, and its names are walked.
#include <algorithm>

#include "plugins/feeds/schema.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  const ByteView input(data, size);
  auto schema = feeds::decode_schema(input);
  if (!schema) return 0;
  test::must(std::ranges::equal(feeds::encode(*schema), input), "a schema is written as it was");
  size_t names = 0;
  feeds::each_named(*schema, [&](const std::string&) { return ++names > 0; });
  test::must(names <= size, "there are no more names than bytes");
  return 0;
}
