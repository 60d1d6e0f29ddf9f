// A registry and a schema: what is accepted is written as it was, and every name that is used is there.
#include <algorithm>

#include "plugins/feeds/registry.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  const ByteView input(data, size);
  if (auto registry = feeds::Registry::decode(input)) {
    test::must(std::ranges::equal(registry->encoded(), input), "a registry is written as it was");
    for (const auto& row : registry->rows()) {
      test::must(feeds::each_named(row.schema, [&](const std::string& name) { return registry->find(name); }),
                 "every struct that is named is in the registry");
    }
  }
  if (auto schema = feeds::decode_schema(input)) {
    test::must(std::ranges::equal(feeds::encode(*schema), input), "a schema is written as it was");
  }
  return 0;
}
