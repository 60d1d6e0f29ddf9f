// A tree made of another one and the differences to it is the tree that its owner made; what no difference
// can be is refused.
#include <algorithm>

#include "plugins/feeds/extension.hpp"
#include "plugins/feeds/tree_builder.hpp"
#include "plugins/feeds/tree_diff.hpp"
#include "tests/unit/feeds/memory_objects.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::feeds {
namespace {

using test::MemoryObjects;
using test::Ops;

/* Of a publisher: all its trees and their objects. */
struct Owner {
  Tree tree;
  MemoryObjects objects;
  Hash write(Ops ops) {
    auto applied = tree.apply(ops.view());
    INFO((applied ? std::string() : applied.error().text));
    REQUIRE(applied);
    const Hash top = tree.encode(objects.emit());
    tree.settle();
    return top;
  }
};

/* Differences as they go over the wire, in messages of a few bytes. */
struct Wire final : DiffSink {
  void put(std::string_view path, ByteView value) override { writer.put(bytes, path, value); }
  void erase(std::string_view path) override { writer.erase(bytes, path); }
  bool full() const override { return bytes.size() >= 100; }
  Bytes bytes;
  OpWriter writer;
};

/* What a subscriber has. */
struct Reader final : TreeBuilder::Sink {
  MemoryObjects objects;

  Result<void> object(const Hash& hash, Kind kind, ByteView object) override {
    CHECK(crypto::sha256(object) == hash);
    std::vector<Slot> slots;
    REQUIRE(append_slots(kind, object, slots));
    for (const Slot& slot : slots) {
      // Children come first.
      if (!objects.objects.contains(slot.hash)) return failure(VISOR_EINTERNAL, "a child is missing");
    }
    objects.objects.insert_or_assign(hash, std::pair(kind, Bytes(object.begin(), object.end())));
    return {};
  }
  uint8_t* room(size_t bytes) override {
    entry.resize(bytes);
    return entry.data();
  }
  Result<void> leaf(const Hash& hash, std::span<uint8_t> written) override {
    return object(hash, Kind::kTreeEntry, written);
  }
  Bytes entry;

  Hash follow(Owner& owner, const Hash& base, const Hash& top, std::optional<std::string> place = {}) {
    Wire wire;
    TreeDiff diff(owner.objects, base, top, 1u << 20, wire);
    if (place) REQUIRE(diff.start_after(*place));
    TreeBuilder builder(objects, base, *this);
    OpReader reader;
    for (bool done = false; !done;) {
      wire.bytes.clear();
      Result<bool> run = diff.run(3);
      REQUIRE(run);
      done = *run;
      for (ByteView ops = wire.bytes; !ops.empty();) {
        Result<OpReader::Op> op = reader.next(ops);
        INFO((op ? std::string(op->path) : op.error().text));
        REQUIRE(op);
        Result<void> applied = builder.apply(op->path, op->value);
        INFO((applied ? std::string() : applied.error().text));
        REQUIRE(applied);
        ++ops_taken;
      }
    }
    CHECK(diff.usual());
    Result<Hash> built = builder.finish();
    INFO((built ? std::string() : built.error().text));
    REQUIRE(built);
    return *built;
  }
  size_t ops_taken = 0;
};

std::string path_of(uint64_t number) {
  return "d" + std::to_string(number % 3) + "/e" + std::to_string(number / 3 % 5) + "/" +
         std::to_string(number);
}

TEST_CASE("feeds: whatever an owner changes, its subscriber builds the same tree", "[feeds][extension]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Seeded random(seed);
    Owner owner;
    Reader reader;
    Hash base;
    std::map<std::string, std::string> leaves;
    for (int round = 0; round < 25; ++round) {
      CAPTURE(round);
      Ops ops;
      if (round % 8 == 0) ops.erase("d1/e2");
      const uint64_t changes = round == 0 ? 700 : random.below(12);
      for (uint64_t i = 0; i < changes; ++i) {
        const std::string path = path_of(random.below(900));
        if (random.below(3) > 0) {
          ops.put(path, std::to_string(random.below(50)));
          leaves[path] = "";
        } else {
          ops.erase(path);
          leaves.erase(path);
        }
      }
      if (round % 8 == 7) {
        for (const auto& [path, value] : leaves) {
          if (path.starts_with("d1/e2/")) ops.erase(path);
        }
        std::erase_if(leaves, [](const auto& leaf) { return leaf.first.starts_with("d1/e2/"); });
        ops.put("d1/e2", "a leaf where a directory was");
      }
      const Hash top = owner.write(std::move(ops));
      REQUIRE(reader.follow(owner, base, top) == top);
      base = top;
    }
  }
}

TEST_CASE("feeds: lists of every shape are built the same, whole nodes shared", "[feeds][extension]") {
  for (uint64_t size :
       {1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 271, 272, 273, 511, 512, 513, 4095, 4096, 4097, 4369}) {
    CAPTURE(size);
    Owner owner;
    Reader reader;
    Ops all;
    auto name = [](uint64_t i) { return std::to_string(10000 + i); };
    for (uint64_t i = 0; i < size; ++i) all.put(name(i), "v");
    const Hash first = owner.write(std::move(all));
    REQUIRE(reader.follow(owner, {}, first) == first);
    const size_t objects = reader.objects.objects.size(), reads = reader.objects.reads;
    const Hash second = owner.write(Ops().put(name(size / 2), "w"));
    REQUIRE(reader.follow(owner, first, second) == second);
    CHECK(reader.objects.objects.size() - objects <= 6);  // the entry, its lists, the top
    CHECK(reader.objects.reads - reads < 120);            // whatever the size
    const Hash shorter = owner.write(Ops().erase(name(size / 3)).put(name(size), "one more"));
    REQUIRE(reader.follow(owner, second, shorter) == shorter);
  }
}

TEST_CASE("feeds: differences go on behind any place", "[feeds][extension]") {
  Owner owner;
  Ops all;
  for (uint64_t i = 0; i < 200; ++i) all.put(path_of(i), "v" + std::to_string(i));
  all.put("d1x", "leaf").put("gone", "x").put("was/directory", "x").put("z", "last");
  const Hash base = owner.write(std::move(all));
  Ops changes;
  for (uint64_t i = 0; i < 200; i += 7) changes.put(path_of(i), "w");
  changes.erase("d1x").put("d1x/now/directory", "y").erase("gone").erase("was/directory").put("was", "leaf");
  const Hash top = owner.write(std::move(changes));
  for (const Hash& from : {base, Hash{}}) {
    TreeDiff whole(owner.objects, from, top, 1u << 20);
    REQUIRE(whole.run(1u << 20));
    const Difference all_ops = whole.take();
    for (size_t at = 0; at < all_ops.size(); ++at) {
      const std::string place(text(all_ops.ops()[at].key));
      CAPTURE(place);
      TreeDiff rest(owner.objects, from, top, 1u << 20);
      REQUIRE(rest.start_after(place));
      REQUIRE(rest.run(1u << 20));
      const Difference ops = rest.take();
      // What was below a directory that became a leaf is gone with it.
      auto expected = all_ops.ops();
      expected.erase(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(at) + 1);
      std::erase_if(expected,
                    [&](const visor_op& op) { return place == "was" && under(text(op.key), "was"); });
      REQUIRE(ops.size() == expected.size());
      for (size_t i = 0; i < expected.size(); ++i) CHECK(text(ops.ops()[i].key) == text(expected[i].key));
    }
  }
}

TEST_CASE("feeds: what no difference can be is refused", "[feeds][extension]") {
  Owner owner;
  const Hash base = owner.write(Ops().put("a", "1").put("b/c", "2").put("b/d", "3").put("e", "4"));
  Reader into;
  into.objects = owner.objects;
  using Told = std::vector<std::pair<std::string, std::string>>;
  auto build = [&](const Hash& from, const Told& ops) -> Result<Hash> {
    TreeBuilder builder(into.objects, from, into);
    for (const auto& [path, value] : ops) {
      if (Result<void> applied = builder.apply(path, bytes(std::string_view(value))); !applied) {
        return std::unexpected(applied.error());
      }
    }
    return builder.finish();
  };
  CHECK(build(base, {}) == base);
  CHECK(build(base, {{"b", "leaf"}, {"b/c", ""}, {"b/d", ""}}).has_value());
  CHECK(build(base, {{"a", ""}, {"a/x", "1"}}).has_value());
  std::string deep = "x";
  for (int i = 0; i < 100; ++i) deep += "/x";
  for (const Told& wrong : std::vector<Told>{{{"x", ""}},  // deletes what is not there
                                             {{"b", ""}},  // or a directory
                                             {{"b/x", ""}},
                                             {{"a/x", "1"}},  // below a leaf that stays
                                             {{"b", "1"}, {"b/x", "1"}},
                                             {{"a", "1"}, {"a", "2"}},
                                             {{"e", "1"}, {"d", "2"}},  // not in order
                                             {{"/x", "1"}},
                                             {{"b//x", "1"}},
                                             {{"x/", "1"}},
                                             {{deep, "1"}}}) {
    const Result<Hash> built = build(base, wrong);
    INFO(wrong.back().first);
    REQUIRE_FALSE(built);
    CHECK(built.error().status == VISOR_EPROTO);
  }
  // The old tree is not whole.
  MemoryObjects empty;
  TreeBuilder builder(empty, base, into);
  CHECK(builder.apply("a", bytes(std::string_view("2"))).error().status == VISOR_ENOENT);
  // All that is deleted leaves a tree without leaves, as its owner makes it.
  const Hash none = owner.write(Ops().erase("a").erase("b/c").erase("b/d").erase("e"));
  CHECK(build(base, {{"a", ""}, {"b/c", ""}, {"b/d", ""}, {"e", ""}}) == none);
  CHECK(build({}, {}) == none);
}

TEST_CASE("feeds: where a leaf is said to be spares a search and decides nothing", "[feeds][extension]") {
  test::Seeded random(7);
  Owner owner;
  Ops first;
  for (uint64_t i = 0; i < 1200; ++i) first.put(path_of(i * 2), "v");
  const Hash base = owner.write(first);
  Reader into;
  into.objects = owner.objects;
  size_t searched = 0, placed = 0;
  for (int round = 0; round < 50; ++round) {
    const uint64_t number = random.below(2400);
    const std::string path = path_of(number), value = number % 2 == 0 && random.below(3) == 0 ? "" : "w";
    CAPTURE(path, value);
    Owner changed;
    changed.write(first);
    const Hash expected = changed.write(value.empty() ? Ops().erase(path) : Ops().put(path, value));
    auto build = [&](std::vector<size_t> places) {
      const size_t before = into.objects.reads;
      TreeBuilder builder(into.objects, base, into);
      REQUIRE(builder.apply(path, bytes(std::string_view(value)), places));
      Result<Hash> top = builder.finish();
      REQUIRE(top);
      CHECK(*top == expected);
      return into.objects.reads - before;
    };
    searched += build({});
    placed += build(changed.tree.places(path));
    build({random.below(4), random.below(8), random.below(1000)});
    build({random.below(4)});
    build({SIZE_MAX, 0, SIZE_MAX});
  }
  CHECK(placed < searched);  // either reads what lies beside the leaf, too
}

TEST_CASE("feeds: messages of the extension, whole, cut and wrong", "[feeds][extension]") {
  CHECK(is_announcement(announcement()));
  CHECK_FALSE(is_announcement(bytes(std::string_view("VSRF"))));
  CHECK_FALSE(is_announcement(bytes(std::string_view("XSRF\1\0\0\0\0"))));

  Follow follow{{},
                7,
                crypto::sha256(bytes(std::string_view("b"))),
                true,
                crypto::sha256(bytes(std::string_view("r"))),
                "a/b",
                {"c", "d/e"}};
  follow.feed.bytes[0] = 2;
  const Bytes told = encode(follow);
  const ByteView body = ByteView(told).subspan(1);
  Result<Follow> read = decode_follow(body);
  REQUIRE(read);
  CHECK(
      (read->number == 7 && read->base == follow.base && read->root == follow.root && read->place == "a/b"));
  CHECK(read->branches == follow.branches);
  for (size_t size = 0; size < body.size(); ++size) CHECK_FALSE(decode_follow(body.first(size)));
  for (const std::vector<std::string>& wrong : {std::vector<std::string>(65, "a"), {""}, {"a//b"}}) {
    follow.branches = wrong;
    CHECK_FALSE(decode_follow(ByteView(encode(follow)).subspan(1)));
  }

  StreamHead head;
  head.number = 9;
  head.flags = StreamHead::kApart | StreamHead::kMore;
  head.nonce = 3;
  head.seq = 4;
  head.time_ns = -5;
  head.top = follow.base;
  Bytes update;
  append_update(update, head);
  const size_t head_bytes = update.size();
  OpWriter writer;
  writer.put(update, "a/b", bytes(std::string_view("value")));
  writer.put(update, "a/c", bytes(std::string_view("other")));
  writer.erase(update, "b");
  Result<StreamMessage> message = decode_stream_message(update);
  REQUIRE(message);
  CHECK((message->update && message->head.number == 9 && message->head.nonce == 3 && message->head.seq == 4 &&
         message->head.time_ns == -5 && message->head.top == head.top));
  for (size_t size = 1; size < head_bytes; ++size)
    CHECK_FALSE(decode_stream_message(ByteView(update).first(size)));
  OpReader reader;
  ByteView ops = message->ops;
  Result<OpReader::Op> op = reader.next(ops);
  REQUIRE(op);
  CHECK((op->path == "a/b" && text(op->value) == "value"));
  op = reader.next(ops);
  REQUIRE(op);
  CHECK((op->path == "a/c" && text(op->value) == "other"));
  op = reader.next(ops);
  REQUIRE(op);
  CHECK((op->path == "b" && op->value.empty()));
  CHECK(ops.empty());

  auto refused = [](std::initializer_list<uint8_t> wire) {
    const Bytes data(wire);
    ByteView left = data;
    return !OpReader("a/b").next(left);
  };
  CHECK(refused({}));
  CHECK(refused({0}));
  CHECK(refused({4, 1, 'x', 0}));       // shares more than there was
  CHECK(refused({0, 1, 'a', 1, 'x'}));  // goes back
  CHECK(refused({3, 0, 1, 'x'}));       // the same again
  CHECK(refused({2, 1, 'b', 1, 'x'}));  // likewise
  CHECK(refused({0, 5, 'z', 0}));       // cut
  CHECK(refused({0, 1, 'z', 5, 'x'}));
  CHECK(refused({0x80, 0x80, 0x80, 0x80, 0x80, 0}));
  CHECK(refused({0xff, 0xff, 0xff, 0xff, 0x1f, 1, 'x', 0}));
  CHECK_FALSE(refused({3, 2, '/', 'c', 1, 'x'}));
  CHECK_FALSE(refused({2, 1, 'c', 0}));
  OpReader paths;
  const std::string long_path(5000, 'x');
  Bytes too_long;
  OpWriter().put(too_long, long_path, {});
  ByteView left = too_long;
  CHECK_FALSE(paths.next(left));
}

}  // namespace
}  // namespace visor::feeds
