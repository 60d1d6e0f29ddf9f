// A message of the extension between visors: what it tells, however wrong, is a tree in order or an error.
#include <map>

#include "plugins/feeds/extension.hpp"
#include "plugins/feeds/feed_file.hpp"
#include "plugins/feeds/limits.hpp"
#include "plugins/feeds/tree_builder.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using namespace visor::feeds;

/* What is built, and read again. */
struct Objects final : ObjectReader, TreeBuilder::Sink {
  Result<ByteView> read(const Hash& hash, Kind kind) override {
    auto found = all.find(hash);
    if (found == all.end() || found->second.first != kind) return failure(VISOR_ENOENT, "not here");
    return ByteView(found->second.second);
  }
  Result<void> object(const Hash& hash, Kind kind, ByteView bytes) override {
    all.insert_or_assign(hash, std::pair(kind, Bytes(bytes.begin(), bytes.end())));
    return {};
  }
  uint8_t* room(size_t size) override {
    entry.resize(size);
    return entry.data();
  }
  Result<void> leaf(const Hash& hash, std::span<uint8_t> written) override {
    return object(hash, Kind::kTreeEntry, written);
  }
  std::map<Hash, std::pair<Kind, Bytes>> all;
  Bytes entry;
};

void check_follow(ByteView body) {
  auto follow = decode_follow(body);
  if (follow) test::must(follow->place.size() <= kMaxPathBytes, "a place is a path");
}

/* Told of a tree that has a few leaves already. */
void check_ops(ByteView ops, bool placed) {
  Objects objects;
  TreeBuilder first(objects, Hash{}, objects);
  for (const char* path : {"a", "b/c", "b/d", "x/y/z"})
    test::must(first.apply(path, ops).has_value(), "it is built");
  const Result<Hash> base = first.finish();
  test::must(base.has_value(), "a tree is built");
  TreeBuilder builder(objects, *base, objects);
  OpReader reader;
  std::map<std::string, Bytes> told;
  std::string last;
  bool any = false;
  while (!ops.empty()) {
    Result<OpReader::Op> op = reader.next(ops, placed);
    if (!op) return;
    test::must(op->path.size() <= kMaxPathBytes, "paths are bounded");
    test::must(!std::exchange(any, true) || compare_paths(last, op->path) < 0, "paths ascend");
    last = op->path;
    if (!builder.apply(op->path, op->value, op->places)) return;
    told[last] = Bytes(op->value.begin(), op->value.end());
  }
  const Result<Hash> top = builder.finish();
  if (!top) return;
  for (const auto& [path, value] : told) {
    Result<Found> found = find(objects, *top, path);
    test::must(found && (found->what == Found::kLeaf) == !value.empty(), "what was told is there");
    if (!value.empty()) test::must(std::ranges::equal(found->leaf, value), "as it was told");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView message(data, size);
  if (data[0] == kFollowType) check_follow(message.subspan(1));
  ByteView file = message;
  while (auto taken = take_feed_file_message(file)) {
    if (!*taken) break;
    test::must((*taken)->size() <= size, "a message is within its file");
  }
  if (data[0] != kUpdateType && data[0] != kMoreType) return 0;
  auto read = decode_stream_message(message);
  if (read && !read->ops.empty()) check_ops(read->ops, read->head.has(StreamHead::kPlaced));
  return 0;
}
