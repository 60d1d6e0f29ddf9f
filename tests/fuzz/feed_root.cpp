// A Root, and the record of a stored one: what is read is written as it was.
#include <algorithm>

#include "plugins/feeds/root.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  const ByteView input(data, size);
  if (auto root = feeds::decode_root(input)) {
    test::must(std::ranges::equal(feeds::encode(*root), input), "a Root is written as it was");
    if (auto sound = feeds::check_root(*root)) {
      test::must(root->nonce != 0 && (root->seq == 0) == root->previous.blank(),
                 "a sound Root has its numbers");
    }
  }
  if (auto record = feeds::decode_root_record(input)) {
    test::must(std::ranges::equal(feeds::encode(*record), input), "a record is written as it was");
  }
  return 0;
}
