// The owner's tree against the network's vectors and against a map; reading it back and the differences
// between Roots.
#include <algorithm>

#include "plugins/feeds/tree.hpp"
#include "plugins/feeds/tree_diff.hpp"
#include "plugins/feeds/tree_reader.hpp"
#include "tests/unit/feeds/memory_objects.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::feeds {
namespace {

using test::MemoryObjects;
using test::Ops;

/* Leaves by path, in the order of a tree. */
struct ByNames {
  bool operator()(const std::string& a, const std::string& b) const { return compare_paths(a, b) < 0; }
};
using Model = std::map<std::string, std::string, ByNames>;

Model read_all(ObjectReader& objects, const Hash& top, std::string_view prefix = "") {
  Model out;
  TreeCursor cursor(objects, top, prefix);
  std::string last;
  for (auto found = cursor.first();; found = cursor.next()) {
    REQUIRE(found);
    if (!*found) return out;
    REQUIRE((out.empty() || compare_paths(cursor.path(), last) > 0));
    last = cursor.path();
    out[last] = std::string(text(ByteView(cursor.value())));
  }
}

/* The differences, applied to what was before. */
void apply_difference(ObjectReader& objects, const Hash& from, const Hash& to, Model& model) {
  TreeDiff diff(objects, from, to, 1u << 20);
  Result<bool> done = false;
  while (done && !*done) done = diff.run(7);
  INFO((done ? std::string() : done.error().text));
  REQUIRE(done);
  Difference difference = diff.take();
  for (const visor_op& op : difference.ops()) {
    if (op.kind == VISOR_PUT) {
      model[std::string(text(op.key))] = text(op.value);
    } else {
      CHECK(model.erase(std::string(text(op.key))) == 1);
    }
  }
}

Hash build(Tree& tree, MemoryObjects& objects) {
  Hash top = tree.encode(objects.emit());
  tree.settle();
  return top;
}

TEST_CASE("feeds: tree vectors", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_treestore.json");
  for (const auto& vector : test::array(vectors)) {
    const std::string name = test::text(vector, "name");
    INFO(name);
    Ops ops;
    if (const auto* entries = test::at(vector, "entries").if_object()) {
      for (const auto& entry : *entries) {
        // An empty value is no leaf that anybody sees, so it is not written; the vector shows how it would
        // look.
        if (!test::text(entry.value()).empty()) ops.put(std::string(entry.key()), test::text(entry.value()));
      }
    } else {
      for (int i = 0; i < 300; ++i) {
        std::string number = std::to_string(i);
        ops.put("dir/" + std::string(3 - number.size(), '0') + number, "value-" + number);
      }
    }
    MemoryObjects objects;
    Tree tree;
    REQUIRE(tree.apply(ops.view()));
    const Hash top = build(tree, objects);
    if (name == "empty_leaf_value") continue;
    CHECK(to_hex(top) == test::text(vector, "root_treenode_hash"));
    CHECK(objects.objects.size() == static_cast<size_t>(test::integer(vector, "objects_total")));
    if (const auto* expected = vector.as_object().if_contains("objects")) {
      for (const auto& object : test::array(*expected)) {
        auto found = objects.objects.find(Hash{test::fixed_hex<32>(object, "hash")});
        REQUIRE(found != objects.objects.end());
        CHECK(found->second.second == test::hex(object, "hex"));
      }
    }
  }
}

TEST_CASE("feeds: of a tree of the vectors one change encodes what the vectors do not share", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_treestore.json");
  const auto& before = test::array(vectors)[0];
  const auto& after = test::array(vectors)[1];
  REQUIRE(test::text(after, "name") == "basic_after_one_change");
  std::set<std::string> shared, fresh, encoded;
  for (const auto& object : test::array(before, "objects")) shared.insert(test::text(object, "hash"));
  for (const auto& object : test::array(after, "objects")) {
    if (!shared.contains(test::text(object, "hash"))) fresh.insert(test::text(object, "hash"));
  }
  MemoryObjects objects;
  Tree tree;
  Ops ops;
  for (const auto& entry : test::at(before, "entries").as_object()) {
    ops.put(std::string(entry.key()), test::text(entry.value()));
  }
  REQUIRE(tree.apply(ops.view()));
  REQUIRE(to_hex(build(tree, objects)) == test::text(before, "root_treenode_hash"));
  REQUIRE(*tree.apply(Ops().put("tiers/dmsg/2026-04-28", "value-2b").view()));
  const Hash top = tree.encode([&](const Hash& hash, Kind, ByteView, bool) { encoded.insert(to_hex(hash)); });
  CHECK(to_hex(top) == test::text(after, "root_treenode_hash"));
  CHECK(encoded == fresh);
}

TEST_CASE("feeds: a leaf with an empty value is invisible to readers", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_treestore.json");
  const auto& vector = test::array(vectors)[5];
  REQUIRE(test::text(vector, "name") == "empty_leaf_value");
  MemoryObjects objects;
  const Hash top{test::fixed_hex<32>(vector, "root_treenode_hash")};
  for (const auto& object : test::array(vector, "objects")) {
    Bytes content = test::hex(object, "hex");
    Kind kind = content.size() == 32        ? Kind::kTreeNode
                : decode_list_root(content) ? Kind::kListRoot
                                            : Kind::kTreeEntry;
    objects.objects[Hash{test::fixed_hex<32>(object, "hash")}] = {kind, content};
  }
  CHECK(read_all(objects, top) == Model{{"y", "1"}});
  CHECK(find(objects, top, "x")->what == Found::kNothing);
}

TEST_CASE("feeds: walking the objects of a vector meets them in its order", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_treestore.json");
  for (const auto& vector : test::array(vectors)) {
    const auto* walk = vector.as_object().if_contains("walk_order_depth_hash");
    if (!walk) continue;
    INFO(test::text(vector, "name"));
    std::map<std::string, Bytes> contents;
    for (const auto& object : test::array(vector, "objects")) {
      contents[test::text(object, "hash")] = test::hex(object, "hex");
    }
    std::vector<std::string> expected, met;  // blank references are in the vector and nowhere in ours
    for (const auto& row : test::array(*walk)) {
      std::string hash = test::text(row).substr(2);
      if (hash.find_first_not_of('0') != std::string::npos) expected.push_back(hash);
    }
    std::function<void(const Slot&)> visit = [&](const Slot& slot) {
      met.push_back(to_hex(slot.hash));
      std::vector<Slot> slots;
      REQUIRE(append_slots(slot.kind, contents.at(met.back()), slots));
      for (const Slot& below : slots) visit(below);
    };
    visit({Hash{test::fixed_hex<32>(vector, "root_treenode_hash")}, Kind::kTreeNode});
    CHECK(met == expected);
  }
}

TEST_CASE("feeds: lesson 42, one changed leaf re-encodes its path alone", "[feeds][lesson]") {
  MemoryObjects objects;
  Tree tree;
  Ops ops;
  for (int d = 0; d < 10; ++d) {
    for (int i = 0; i < 300; ++i) ops.put("d" + std::to_string(d) + "/" + std::to_string(i), "v");
  }
  REQUIRE(tree.apply(ops.view()));
  build(tree, objects);
  const size_t before = objects.emitted;
  REQUIRE(*tree.apply(Ops().put("d5/150", "changed").view()));
  build(tree, objects);
  // Per directory an entry, a list root and a TreeNode; the lower one has two levels of list nodes.
  CHECK(objects.emitted - before == 3 * 2 + 2);

  CHECK_FALSE(*tree.apply(Ops().put("d5/150", "changed").erase("d5/none").view()));
}

TEST_CASE("feeds: conflicts of leaves and sub-trees change nothing", "[feeds]") {
  MemoryObjects objects;
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a", "1").put("b/c", "2").put("b/d", "3").view()));
  const Hash top = build(tree, objects);
  auto refused = [&](Ops ops, visor_status status, const std::string& because) {
    Result<bool> applied = tree.apply(ops.view());
    REQUIRE_FALSE(applied);
    CHECK(applied.error().status == status);
    CHECK_THAT(applied.error().text, Catch::Contains(because));
    CHECK(build(tree, objects) == top);
    CHECK(tree.leaves() == 3);
  };
  refused(Ops().put("x/y", "1").put("a", "9").erase("b/c").put("a/x", "2"), VISOR_EEXIST, "'a' is a leaf");
  refused(Ops().erase("b/c").put("b/c", "other").put("b", "1"), VISOR_EEXIST, "'b' is a sub-tree");
  refused(Ops().erase("b/c").erase("b/d").put("b", "1").put("b/c", "1"), VISOR_EEXIST, "'b' is a leaf");
  refused(Ops().put("z", ""), VISOR_EINVAL, "empty value");
  refused(Ops().put("", "1"), VISOR_EINVAL, "must not be empty");
  refused(Ops().put("a//b", "1"), VISOR_EINVAL, "empty name");
  refused(Ops().put("z", std::string(16u << 20, 'x')), VISOR_EINVAL, "larger than an object");
  for (const size_t count : {size_t{1}, size_t{60}}) {  // one by one, and merged
    Ops many;
    for (size_t i = 0; i < count; ++i) many.put("n" + std::to_string(i), "1");
    std::vector<visor_op> ops(many.view().begin(), many.view().end());
    ops.back().zero = 7;
    Result<bool> applied = tree.apply(ops);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().status == VISOR_EINVAL);
    CHECK_THAT(applied.error().text, Catch::Contains("zero") && Catch::Contains("got 7"));
    CHECK(build(tree, objects) == top);
  }
  REQUIRE(*tree.apply(Ops().erase("b/c").erase("b/d").put("b", "1").view()));
  CHECK(read_all(objects, build(tree, objects)) == Model{{"a", "1"}, {"b", "1"}});
  REQUIRE(*tree.apply(Ops().erase("a").erase("b").view()));
  CHECK(to_hex(build(tree, objects)).starts_with("66687aad"));
}

/* Few names, so that random operations meet each other; some cross the bounds of list nodes. */
std::string random_path(test::Seeded& random) {
  static const char* kNames[] = {"a", "b", "a-b", "a.b", "c", "dir", "\x7f", "z\xff", "0", "00"};
  std::string path = kNames[random.below(10)];
  for (size_t depth = random.below(4); depth > 0; --depth)
    path += std::string("/") + kNames[random.below(10)];
  return random.below(3) == 0 ? "wide/" + std::to_string(random.below(600)) : path;
}

bool conflicts(const Model& model, const std::string& path) {
  for (const auto& [other, value] : model) {
    if (other != path && (under(other, path) || under(path, other))) return true;
  }
  return false;
}

TEST_CASE(
    "feeds: lesson 48, a tree behaves as a map, what is deleted leaves nothing, and it encodes as if built "
    "at once",
    "[feeds][lesson]") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    test::Seeded random(seed);
    MemoryObjects objects;
    Tree tree;
    Model model, subscriber;
    Hash top;
    for (int round = 0; round < 60; ++round) {
      for (size_t n = random.below(12); n > 0; --n) {
        std::string path = random_path(random), value = std::to_string(random.below(5) + 1);
        if (random.below(3) == 0) {
          REQUIRE(*tree.apply(Ops().erase(path).view()) == (model.erase(path) == 1));
        } else {
          Result<bool> put = tree.apply(Ops().put(path, value).view());
          REQUIRE(put.has_value() != conflicts(model, path));
          if (put) {
            REQUIRE(*put == (!model.contains(path) || model[path] != value));
            model[path] = value;
          }
        }
      }
      if (random.below(4) == 0) {  // an attempt to store that failed: its objects are lost
        MemoryObjects lost;
        tree.encode(lost.emit());
        tree.forget();
      }
      if (random.below(8) == 0) {  // a restart
        Tree again;
        build(tree, objects);
        REQUIRE(
            again.load(objects, tree.encode([](auto&&...) {}),
                       [](const std::string& path, const Error& why) { FAIL(path << ": " << why.text); }));
        tree = std::move(again);
      }
      const Hash next = build(tree, objects);
      REQUIRE(tree.leaves() == model.size());
      REQUIRE(tree.pending_bytes() == 0);

      Tree at_once;
      Ops all;
      for (const auto& [path, value] : model) all.put(path, value);
      REQUIRE(at_once.apply(all.view()));
      REQUIRE(at_once.encode([](auto&&...) {}) == next);

      REQUIRE(read_all(objects, next) == model);
      apply_difference(objects, top, next, subscriber);
      REQUIRE(subscriber == model);
      top = next;
    }
  }
}

TEST_CASE("feeds: cursors go both ways from anywhere", "[feeds]") {
  test::Seeded random(9);
  MemoryObjects objects;
  Tree tree;
  Model model;
  while (model.size() < 200) {
    std::string path = random_path(random);
    if (conflicts(model, path)) continue;
    model[path] = path;
    REQUIRE(tree.apply(Ops().put(path, path).view()));
  }
  const Hash top = build(tree, objects);
  for (std::string prefix : {"", "a", "wide", "wide/", "nothing", "a/b", "dir"}) {
    INFO("prefix " << prefix);
    Model part;
    for (const auto& [path, value] : model) {
      if (under(path, prefix)) part[path] = value;
    }
    CHECK(read_all(objects, top, prefix) == part);
    TreeCursor cursor(objects, top, prefix);
    Model backwards;
    for (auto found = cursor.last(); found && *found; found = cursor.previous()) {
      backwards[std::string(cursor.path())] = text(ByteView(cursor.value()));
    }
    CHECK(backwards == part);
    for (int i = 0; i < 200; ++i) {
      std::string path = random_path(random);
      INFO("path " << path);
      auto at = part.lower_bound(path);
      auto after = cursor.at_or_after(path);
      REQUIRE(after);
      REQUIRE(*after == (at != part.end()));
      if (*after) REQUIRE(cursor.path() == at->first);
      if (at == part.end() || at->first != path) at = at == part.begin() ? part.end() : std::prev(at);
      auto before = cursor.at_or_before(path);
      REQUIRE(before);
      REQUIRE(*before == (at != part.end()));
      if (*before) REQUIRE(cursor.path() == at->first);
    }
  }
  for (const auto& [path, value] : model) {
    Result<Found> found = find(objects, top, path);
    REQUIRE(found);
    REQUIRE(found->what == Found::kLeaf);
    CHECK(text(found->leaf) == value);
  }
  CHECK(find(objects, top, "wide")->what == Found::kDirectory);
  CHECK(find(objects, top, "wide/none")->what == Found::kNothing);
}

TEST_CASE("feeds: differences are read from what changed alone", "[feeds]") {
  MemoryObjects objects;
  Tree tree;
  Ops ops;
  for (int i = 0; i < 5000; ++i) ops.put("many/" + std::to_string(100000 + i), "v");
  REQUIRE(tree.apply(ops.view()));
  const Hash before = build(tree, objects);
  REQUIRE(tree.apply(Ops().put("many/102500", "changed").view()));
  const Hash after = build(tree, objects);
  objects.reads = 0;
  TreeDiff diff(objects, before, after, 1000);
  REQUIRE(*diff.run(1000));
  CHECK(diff.take().size() == 1);
  CHECK(objects.reads < 40);

  TreeDiff bounded(objects, Hash{}, after, 1000);
  Result<bool> done = bounded.run(100000);
  REQUIRE_FALSE(done);
  CHECK(done.error().status == VISOR_EPROTO);
}

TEST_CASE("feeds: differences under a prefix", "[feeds]") {
  Difference difference;
  for (const char* path : {"a", "b/c", "b/d/e", "b-", "c"}) difference.put(path, bytes("1"));
  CHECK(difference.under("").size() == 5);
  CHECK(difference.under("b").size() == 2);
  CHECK(difference.under("b/").size() == 2);
  CHECK(difference.under("b/d").size() == 1);
  CHECK(difference.under("b-").size() == 1);
  CHECK(difference.under("d").empty());
}

TEST_CASE("feeds: lesson 19, a dangling sub-tree is dropped alone and named", "[feeds][lesson]") {
  MemoryObjects objects;
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a/x", "1").put("b/y/z", "2").put("c", "3").view()));
  const Hash top = build(tree, objects);
  const Hash lost = find(objects, top, "b/y")->directory;
  objects.objects.erase(lost);

  Tree read;
  std::vector<std::string> dropped;
  REQUIRE(read.load(objects, top, [&](const std::string& path, const Error& why) {
    dropped.push_back(path);
    CHECK_THAT(why.text, Catch::Contains(to_hex(lost)));
  }));
  CHECK(dropped == std::vector<std::string>{"b/y"});
  CHECK(read.leaves() == 2);
  CHECK(read_all(objects, build(read, objects)) == Model{{"a/x", "1"}, {"c", "3"}});
}

}  // namespace
}  // namespace visor::feeds
