// Many leaves written at once make the tree that they make one by one, whatever was there before.
#include "plugins/feeds/tree.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/unit/feeds/memory_objects.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::feeds {
namespace {

using test::MemoryObjects;
using test::Ops;

Hash build(Tree& tree, MemoryObjects& objects) {
  const Hash top = tree.encode(objects.emit());
  tree.settle();
  return top;
}

std::string random_path(test::Seeded& random) {
  const std::string number = std::to_string(random.below(400));
  switch (random.below(4)) {
    case 0:
      return "wide/" + number;
    case 1:
      return "d" + std::to_string(random.below(20)) + "/" + std::to_string(random.below(6));
    case 2:
      return "a/b/c" + std::to_string(random.below(9)) + "/" + number;
    default:
      return "top" + number;
  }
}

TEST_CASE("feeds: leaves written together are merged into the tree that is there", "[feeds]") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    test::Seeded random(seed);
    MemoryObjects objects;
    Tree together, one_by_one;
    for (int round = 0; round < 12; ++round) {
      Ops batch;
      std::vector<std::pair<std::string, std::string>> leaves;
      // Now few among many, now many; some twice, some as they are.
      for (uint64_t n = 32 + random.below(round % 3 == 0 ? 400 : 20); n > 0; --n) {
        leaves.emplace_back(random_path(random), std::to_string(random.below(3) + 1));
        batch.put(leaves.back().first, leaves.back().second);
      }
      bool changed = false;
      for (const auto& [path, value] : leaves) {
        Result<bool> applied = one_by_one.apply(Ops().put(path, value).view());
        REQUIRE(applied);
        changed = changed || *applied;
      }
      const Hash expected = build(one_by_one, objects);
      Result<bool> merged = together.apply(batch.view());
      REQUIRE(merged);
      CHECK((*merged || !changed));
      CHECK(together.leaves() == one_by_one.leaves());
      if (round % 4 == 3) {  // an attempt to store that failed
        MemoryObjects lost;
        together.encode(lost.emit());
        together.forget();
      }
      REQUIRE(build(together, objects) == expected);
      CHECK(together.pending_bytes() == 0);
    }
  }
}

TEST_CASE("feeds: of leaves written together all are there or none", "[feeds]") {
  MemoryObjects objects;
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a", "1").put("b/c", "2").view()));
  const Hash top = build(tree, objects);
  for (const char* wrong : {"a/x", "b", "new/leaf/below", "x//y", "/x", ""}) {
    INFO(wrong);
    Ops ops;
    for (int i = 0; i < 50; ++i) ops.put("n" + std::to_string(i), "v");
    ops.put("new/leaf", "v").put(wrong, "v");
    CHECK_FALSE(tree.apply(ops.view()));
    CHECK(tree.leaves() == 2);
    CHECK(build(tree, objects) == top);
  }
}

TEST_CASE("feeds: what is written over before it is stored does not pile up", "[feeds]") {
  MemoryObjects objects;
  Tree tree;
  const std::string large(100'000, 'x');
  for (int i = 0; i < 100; ++i) {
    REQUIRE(*tree.apply(
        Ops().put("leaf", large + std::to_string(i)).put("other/" + std::to_string(i), "v").view()));
  }
  CHECK(tree.pending_bytes() < 2 * large.size());
  CHECK(tree.held_bytes() < 3u << 20);
  const Hash top = build(tree, objects);
  Tree fresh;
  Ops ops;
  ops.put("leaf", large + "99");
  for (int i = 0; i < 100; ++i) ops.put("other/" + std::to_string(i), "v");
  REQUIRE(fresh.apply(ops.view()));
  CHECK(build(fresh, objects) == top);
}

}  // namespace
}  // namespace visor::feeds
