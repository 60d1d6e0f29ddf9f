// The store: Roots that are filled, by several at once, broken off, or wrong.
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/store_owner.hpp"

namespace visor::test {
namespace {

/* A fill that has collected all of a Root, and is not committed. */
struct Collected {
  Collected(Store& source, Store& store, const FeedId& feed)
      : from(source), to(store), id(feed), changes(store) {
    bool made = false;
    std::vector<uint32_t> work{*changes.note(from.current(id)->top, Kind::kTreeNode, &made)};
    while (!work.empty()) {
      const uint32_t at = work.back();
      work.pop_back();
      const ByteView object = *from.read_any(changes.hash(at));
      std::vector<uint32_t> below;
      REQUIRE(changes.take(at, Bytes(object.begin(), object.end()), below));
      work.insert(work.end(), below.begin(), below.end());
    }
  }
  Result<void> commit() { return to.commit(id, *from.load(id), changes); }

  Store &from, &to;
  FeedId id;
  Changes changes;
};

TEST_CASE("feeds: lesson 12, provisional references do not make an object look complete to another fill",
          "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  StoreOwner owner;
  auto from = open_store(host, from_disk), store = open_store(host, disk);
  Tree tree;
  Ops ops;
  for (int i = 0; i < 100; ++i) ops.put("d/" + std::to_string(i), std::to_string(i));
  REQUIRE(tree.apply(ops.view()));
  REQUIRE(owner.save(*from, tree));
  REQUIRE_FALSE(fill_from(*from, *store, owner.id, false, 7));  // broken after the upper objects
  CHECK(audit(disk).unreferenced == 7);
  REQUIRE_FALSE(fill_from(*from, *store, owner.id, false, 9));  // what is stored is not fetched again
  CHECK(audit(disk).unreferenced == 16);
  REQUIRE(fill_from(*from, *store, owner.id, false));
  CHECK(audit(disk).unreferenced == 0);
}

TEST_CASE("feeds: two fills that share objects, committed in either order", "[feeds]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  StoreOwner one(1), two(2);
  auto from = open_store(host, from_disk), store = open_store(host, disk);
  Tree tree;
  REQUIRE(tree.apply(Ops().put("same/x", "1").put("same/y", "2").view()));
  REQUIRE(one.save(*from, tree));
  tree.forget();
  Tree tree_two;
  REQUIRE(tree_two.apply(Ops().put("same/x", "1").put("same/y", "2").put("more", "3").view()));
  REQUIRE(two.save(*from, tree_two));

  Collected first(*from, *store, one.id);  // and waits; the second overtakes it
  REQUIRE(fill_from(*from, *store, two.id, false));
  audit(disk);
  SECTION("both stay") {
    REQUIRE(first.commit());
    audit(disk);
    REQUIRE(store->drop(two.id));
  }
  SECTION("the second goes before the first is there") {
    REQUIRE(store->drop(two.id));
    REQUIRE(first.commit());
  }
  audit(disk);
  CHECK(leaves_below(*store, store->current(one.id)->top).size() == 2);
  REQUIRE(store->drop(one.id));
  CHECK(audit(disk).live == 0);
}

TEST_CASE("feeds: what a broken fill leaves while another collects the same", "[feeds]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  StoreOwner one(1), two(2);
  auto from = open_store(host, from_disk), store = open_store(host, disk);
  Tree tree, same;
  REQUIRE(tree.apply(Ops().put("same/x", "1").put("same/y", "2").view()));
  REQUIRE(one.save(*from, tree));
  REQUIRE(same.apply(Ops().put("same/x", "1").put("same/y", "2").view()));
  REQUIRE(two.save(*from, same));

  Collected first(*from, *store, one.id);
  REQUIRE_FALSE(fill_from(*from, *store, two.id, false, 4));  // leaves what it has, counted by nobody
  SECTION("the other is committed") {
    REQUIRE(first.commit());
  }
  SECTION("the other is written, too, and committed") {
    REQUIRE(store->flush(first.changes));
    audit(disk);
    REQUIRE(first.commit());
  }
  SECTION("the other collects on, to be committed after one more has broken") {
    REQUIRE_FALSE(fill_from(*from, *store, two.id, false, 1));
    REQUIRE(first.commit());
  }
  CHECK(audit(disk).unreferenced == 0);
  // Whoever counts on them next must not take what is counted for what a broken fill left.
  REQUIRE(fill_from(*from, *store, two.id, false));
  audit(disk);
  REQUIRE(store->drop(two.id));
  audit(disk);
  CHECK(leaves_below(*store, store->current(one.id)->top).size() == 2);
}

TEST_CASE("feeds: an object of two kinds is refused", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  auto store = open_store(host, disk);
  Changes changes(*store);
  const Hash hash = crypto::sha256(bytes("x"));
  bool made = false;
  REQUIRE(changes.refer(hash, Kind::kTreeEntry, &made));
  Result<uint32_t> other = changes.refer(hash, Kind::kListRoot, &made);
  REQUIRE_FALSE(other);
  CHECK(other.error().status == VISOR_EPROTO);
}

TEST_CASE("feeds: what a broken fill left binds nobody to its kind", "[feeds]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  StoreOwner owner;
  auto from = open_store(host, from_disk), store = open_store(host, disk);
  Tree tree;
  Ops ops;
  for (int i = 0; i < 300; ++i) ops.put(std::to_string(i), "v");  // lists of two levels
  REQUIRE(tree.apply(ops.view()));
  REQUIRE(owner.save(*from, tree));
  // Somebody's fill used each of the owner's list nodes as one of another level, and broke.
  size_t misused = 0;
  {
    Changes changes(*store);
    for (const auto& [key, value] : from_disk.map) {
      if (key[0] != 'o' || static_cast<uint8_t>(value[0]) <= 16) continue;
      Hash hash;
      std::copy(key.begin() + 1, key.end(), hash.bytes.begin());
      bool made = false;
      auto row = changes.note(hash, list_node(static_cast<uint32_t>(value[0]) - 16 + 5), &made);
      REQUIRE(row);
      std::vector<uint32_t> below;
      REQUIRE(changes.take(*row, bytes(std::string_view(value)).subspan(1), below));
      ++misused;
    }
    REQUIRE(store->flush(changes));
  }
  REQUIRE(misused > 0);
  REQUIRE(fill_from(*from, *store, owner.id, true));
  CHECK(leaves_below(*store, store->current(owner.id)->top).size() == 300);
  CHECK(audit(disk).unreferenced == 0);
}

TEST_CASE("feeds: lesson 13, a Root whose objects are not all stored is not written", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  StoreOwner owner;
  auto store = open_store(host, disk);
  Changes changes(*store, Changes::Others::kLive);
  Bytes list(48, 0);
  list[4] = 16, list[8] = 1, list[12] = 1, list[16] = 9;  // one entry, which is not there
  REQUIRE(changes.add(crypto::sha256(list), Kind::kListRoot, list));
  const Hash top{crypto::sha256(list)};
  const Hash node_hash = crypto::sha256(ByteView(top));
  REQUIRE(changes.add(node_hash, Kind::kTreeNode, top));
  Result<void> saved = store->commit(owner.id, owner.sign(node_hash, 1, nullptr), changes);
  REQUIRE_FALSE(saved);
  CHECK(saved.error().status == VISOR_ENOENT);
  CHECK(disk.map.empty());
}

}  // namespace
}  // namespace visor::test
