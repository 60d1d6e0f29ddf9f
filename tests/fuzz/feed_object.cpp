// An object below a Root: byte 0 says which kind, the rest is the object.  What is read is within it, and an
// entry is written as it was.
#include <algorithm>

#include "plugins/feeds/object.hpp"
#include "plugins/feeds/refs.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using namespace visor::feeds;

Kind kind_of(uint8_t byte) {
  constexpr Kind kKinds[] = {Kind::kTreeNode, Kind::kTreeEntry, Kind::kListRoot};
  return byte % 8 < std::size(kKinds) ? kKinds[byte % 8] : list_node(byte % 8 - 2);
}

void check_entry(ByteView object) {
  auto entry = decode_tree_entry(object);
  if (!entry) return;
  Bytes again;
  append_tree_entry(again, *entry);
  test::must(std::ranges::equal(again, object), "an entry is written as it was");
  test::must(!(entry->is_leaf() && entry->is_directory()), "an entry is not both");
}

void check_list(ByteView object) {
  if (auto list = decode_list_root(object)) {
    test::must(list->length > 0 && list->size() > 0 && list->size() <= list->degree,
               "a list holds something");
    test::must(list->depth == list_depth(list->degree, list->length),
               "a list's depth follows from its length");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView object(data + 1, size - 1);
  const Kind kind = kind_of(data[0]);
  std::vector<Slot> slots;
  auto read = append_slots(kind, object, slots);
  test::must(read || slots.empty(), "what is refused refers to nothing");
  test::must(slots.size() <= object.size() / 32 + 1, "slots are within the object");
  for (const Slot& slot : slots) test::must(!slot.hash.blank(), "blank slots are left out");
  if (kind == Kind::kTreeEntry) check_entry(object);
  if (kind == Kind::kListRoot) check_list(object);
  return 0;
}
