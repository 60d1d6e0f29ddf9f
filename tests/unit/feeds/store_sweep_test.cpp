// The store: sweeping, pins, and maps that are damaged or of somebody else.
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/store_owner.hpp"

namespace visor::test {
namespace {

TEST_CASE("feeds: lesson 28, what is superseded stays readable for a while, and as long as it is pinned",
          "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk, {.grace_ms = 1000});
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a", "old").view()));
  REQUIRE(owner.save(*store, tree));
  const Hash old_top = store->current(owner.id)->top;

  REQUIRE(tree.apply(Ops().put("a", "new").view()));
  SECTION("for a while") {
    REQUIRE(owner.save(*store, tree));
    REQUIRE_FALSE(*store->sweep());
    CHECK(leaves_below(*store, old_top).at("a") == "old");
    host.advance_ms(1001);
    while (*store->sweep()) {
    }
    CHECK_FALSE(store->read(old_top, Kind::kTreeNode));
  }
  SECTION("pinned") {
    Store::Pin pin = store->pin(owner.id);
    REQUIRE(owner.save(*store, tree));
    REQUIRE(tree.apply(Ops().put("a", "newer").view()));
    REQUIRE(owner.save(*store, tree));
    CHECK(audit(disk).roots == 2);
    host.advance_ms(5000);
    while (*store->sweep()) {
    }
    CHECK(leaves_below(*store, old_top).at("a") == "old");
    SECTION("until it is released") {
      pin.release();
    }
    SECTION("or the process ends") {
      store.reset();
      store = open_store(host, disk, {.grace_ms = 1000});
      pin.release();
    }
    CHECK(audit(disk).roots == 1);
    host.advance_ms(5000);
    while (*store->sweep()) {
    }
    CHECK_FALSE(store->read(old_top, Kind::kTreeNode));
  }
  CHECK(leaves_below(*store, store->current(owner.id)->top).at("a").starts_with("new"));
  audit(disk);
}

TEST_CASE("feeds: lesson 5, what is deleted frees its bytes, and unreferenced objects have a bound",
          "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk, {.grace_ms = 1000000, .max_unreferenced_bytes = 20000});
  Tree tree;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(tree.apply(
        Ops().put("a", std::string(1000, static_cast<char>('a' + i % 20)) + std::to_string(i)).view()));
    REQUIRE(owner.save(*store, tree));
    host.advance_ms(10);
    while (*store->sweep()) {
    }
    CHECK(store->counters().unreferenced_bytes <= 20000);
    audit(disk);
  }
}

TEST_CASE("feeds: lesson 19, a record whose Root is gone is dropped and said", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  {
    auto store = open_store(host, disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a", "1").view()));
    REQUIRE(owner.save(*store, tree));
    disk.map.erase(stored_key('o', store->current(owner.id)->record.hash));
  }
  auto store = open_store(host, disk);
  CHECK(store->current(owner.id) == nullptr);
  REQUIRE_FALSE(host.log().empty());
  CHECK_THAT(host.log().back(), Catch::Contains(to_hex(owner.keys.key)));
}

TEST_CASE("feeds: lesson 6, what a lost Root had counted is given back", "[feeds][lesson]") {
  // Two feeds that share a directory; the Root of one is lost, and the process ends at any write afterwards.
  for (size_t crash = 0; crash <= 6; ++crash) {
    CAPTURE(crash);
    MemoryHost host;
    MemoryDisk disk;
    StoreOwner lost(1), kept(2);
    {
      auto store = open_store(host, disk);
      Tree one, two;
      Ops ops;
      for (int i = 0; i < 600; ++i) ops.put("own/" + std::to_string(i), std::to_string(i));
      REQUIRE(one.apply(ops.put("shared/a", "1").put("shared/b", "2").view()));
      REQUIRE(two.apply(Ops().put("shared/a", "1").put("shared/b", "2").put("c", "3").view()));
      REQUIRE(lost.save(*store, one));
      REQUIRE(kept.save(*store, two));
      audit(disk);
      disk.map.erase(stored_key('o', store->current(lost.id)->record.hash));
    }
    if (crash > 0) {
      disk.fail_write = disk.writes + crash;
      const bool opened = Store::open(host.host(), open_disk(host.host(), disk), {}).has_value();
      CHECK((opened || crash < 4));
      disk.fail_write = 0;
    }
    auto store = open_store(host, disk, {.grace_ms = 1000});
    CHECK(store->current(lost.id) == nullptr);
    CHECK(leaves_below(*store, store->current(kept.id)->top).size() == 3);
    CHECK(audit(disk).roots == 1);
    host.advance_ms(2000);
    while (*store->sweep()) {
    }
    CHECK(audit(disk).unreferenced == 0);
    CHECK(audit(disk).objects < 12);
    CHECK(leaves_below(*store, store->current(kept.id)->top).size() == 3);
  }
}

TEST_CASE("feeds: a map that is not ours is refused", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  disk.map["something"] = "else";
  auto store = Store::open(host.host(), open_disk(host.host(), disk), {});
  REQUIRE_FALSE(store);
  CHECK(store.error().status == VISOR_ECORRUPT);
  disk.map.clear();
  disk.map["m"] = "short";
  CHECK_FALSE(Store::open(host.host(), open_disk(host.host(), disk), {}));
}

}  // namespace
}  // namespace visor::test
