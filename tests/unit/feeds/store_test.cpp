// The store: counts that are right after every step, crashes at every write.
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/store_owner.hpp"

namespace visor::test {
namespace {

TEST_CASE("feeds: a store keeps what is committed", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  {
    auto store = open_store(host, disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a/b", "1").put("c", "2").view()));
    REQUIRE(owner.save(*store, tree));
    CHECK(audit(disk).roots == 1);
  }
  auto store = open_store(host, disk);
  const StoredRoot* root = store->current(owner.id);
  REQUIRE(root);
  CHECK(leaves_below(*store, root->top) == std::map<std::string, std::string>{{"a/b", "1"}, {"c", "2"}});
  Result<SignedRoot> loaded = store->load(owner.id);
  REQUIRE(loaded);
  CHECK(open_root(owner.keys.key, 1, 0, loaded->encoded, loaded->signature));
  REQUIRE(store->drop(owner.id));
  auto after = audit(disk);
  CHECK(after.roots == 0);
  CHECK(after.live == 0);
  CHECK(after.unreferenced == after.objects);
}

TEST_CASE("feeds: lesson 54, two equal directories, one changed, pruned, read again", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk, {.grace_ms = 1000});
  Tree tree;
  Ops equal;
  for (int i = 0; i < 40; ++i) {
    equal.put("one/" + std::to_string(i), std::to_string(i))
        .put("two/" + std::to_string(i), std::to_string(i));
  }
  REQUIRE(tree.apply(equal.view()));
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  REQUIRE(tree.apply(Ops().put("one/7", "changed").view()));
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  REQUIRE(tree.apply(Ops().put("one/7", "7").view()));  // equal again
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  REQUIRE(tree.apply(Ops().put("two/7", "changed").view()));
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  host.advance_ms(2000);
  while (*store->sweep()) audit(disk);
  CHECK(audit(disk).unreferenced == 0);
  auto read = leaves_below(*store, store->current(owner.id)->top);
  CHECK(read.size() == 80);
  CHECK(read["one/7"] == "7");
  CHECK(read["two/7"] == "changed");
}

TEST_CASE("feeds: lesson 2, the same content twice in one save is created once", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk);
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a/x", "1").put("b/x", "1").put("c/d/x", "1").put("c/e/x", "1").view()));
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  REQUIRE(tree.apply(Ops().erase("a/x").erase("b/x").put("f/x", "1").view()));
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  REQUIRE(store->drop(owner.id));
  CHECK(audit(disk).live == 0);
}

TEST_CASE("feeds: a heartbeat writes the Root alone", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk);
  Tree tree;
  Ops ops;
  for (int i = 0; i < 2000; ++i) ops.put("d/" + std::to_string(i), "v");
  REQUIRE(tree.apply(ops.view()));
  REQUIRE(owner.save(*store, tree));
  size_t before = disk.ops;
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  CHECK(disk.ops - before <= 10);
  // One changed leaf: its path, and no count of what stays.
  REQUIRE(tree.apply(Ops().put("d/1000", "w").view()));
  before = disk.ops;
  REQUIRE(owner.save(*store, tree));
  audit(disk);
  CHECK(disk.ops - before <= 30);
}

TEST_CASE("feeds: lesson 16, random saves and fills of two owners keep every count right",
          "[feeds][lesson]") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    Seeded random(seed);
    MemoryHost host(seed);
    MemoryDisk disk, other_disk;
    StoreOwner owners[] = {StoreOwner(seed), StoreOwner(seed + 100)};
    Tree trees[2];
    std::unique_ptr<Store> store = open_store(host, disk, {.grace_ms = 5000}),
                           other = open_store(host, other_disk, {.grace_ms = 5000});
    for (int round = 0; round < 80; ++round) {
      const size_t who = random.below(2);
      StoreOwner& owner = owners[who];
      for (size_t n = random.below(6); n > 0; --n) {
        // Few names and values, so that the owners share objects.
        std::string path = std::string(1, static_cast<char>('a' + random.below(3))) + "/" +
                           std::to_string(random.below(20)) + (random.below(2) ? "/x" : "/y");
        Ops ops;
        if (random.below(3) == 0) {
          ops.erase(path);
        } else {
          ops.put(path, std::to_string(random.below(3) + 1));
        }
        REQUIRE(trees[who].apply(ops.view()));
      }
      disk.fail_write = random.below(5) == 0 ? disk.writes + 1 : 0;
      const bool saved = owner.save(*store, trees[who]).has_value();
      CHECK(saved == (disk.fail_write == 0));
      disk.fail_write = 0;
      audit(disk);
      if (random.below(3) > 0 && store->current(owner.id)) {
        const size_t stop = random.below(2) ? random.below(10) : SIZE_MAX;
        if (fill_from(*store, *other, owner.id, random.below(2) == 0, stop)) {
          CHECK(leaves_below(*other, other->current(owner.id)->top) ==
                leaves_below(*store, store->current(owner.id)->top));
        }
        audit(other_disk);
      }
      switch (random.below(12)) {
        case 0:
          REQUIRE(other->drop(owner.id));
          break;
        case 1:
          store.reset();
          store = open_store(host, disk, {.grace_ms = 5000});
          break;
        case 2:
          other.reset();
          other = open_store(host, other_disk, {.grace_ms = 5000});
          break;
        default:
          break;
      }
      host.advance_ms(random.below(3000));
      REQUIRE(store->sweep());
      REQUIRE(other->sweep());
      audit(disk);
      audit(other_disk);
    }
    host.advance_ms(10000);
    while (*store->sweep()) {
    }
    CHECK(audit(disk).unreferenced == 0);
  }
}

TEST_CASE("feeds: lesson 3, a crash at any write leaves what was before or what is after",
          "[feeds][lesson]") {
  for (size_t crash = 1; crash <= 12; ++crash) {
    INFO("write " << crash);
    MemoryHost host;
    MemoryDisk from_disk, disk;
    StoreOwner owner;
    auto from = open_store(host, from_disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a", "1").put("b/c", "2").view()));
    REQUIRE(owner.save(*from, tree));
    {
      auto store = open_store(host, disk);
      REQUIRE(fill_from(*from, *store, owner.id, false));
      Ops ops;
      for (int i = 0; i < 60; ++i) ops.put("b/" + std::to_string(i), std::to_string(i));
      REQUIRE(tree.apply(ops.view()));
      REQUIRE(owner.save(*from, tree));
      disk.fail_write = disk.writes + crash;
      Result<void> filled = fill_from(*from, *store, owner.id, true);
      disk.fail_write = 0;
      const auto read = leaves_below(*store, store->current(owner.id)->top);
      CHECK(read.size() == (filled ? 62u : 2u));
      audit(disk);
    }
    auto store = open_store(host, disk);
    audit(disk);
    REQUIRE(fill_from(*from, *store, owner.id, true));
    CHECK(leaves_below(*store, store->current(owner.id)->top).size() == 62);
    audit(disk);
  }
}

}  // namespace
}  // namespace visor::test
