// The store: counts that are right after every step, crashes at every write, sweeping, pins.
#include "plugins/feeds/store.hpp"

#include "plugins/feeds/tree.hpp"
#include "plugins/feeds/tree_reader.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/memory_objects.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::feeds {
namespace {

using test::audit;
using test::MemoryDisk;
using test::MemoryHost;
using test::Ops;

/* An owner that saves trees, as the publisher does. */
struct Owner {
  explicit Owner(uint64_t seed = 1) {
    test::Seeded random(seed);
    keys = *crypto::random_key_pair(random.source());
    id = {50, keys.key};
  }
  SignedRoot sign(const Hash& top, int64_t time_ns, const StoredRoot* last) {
    SignedRoot made;
    if (!top.blank()) made.root.refs.push_back({top, tree_types().node});
    made.root.registry = tree_types().registry;
    made.root.feed = keys.key;
    made.root.nonce = 1;
    made.root.seq = last ? last->record.seq + 1 : 0;
    made.root.time_ns = time_ns;
    if (last) made.root.previous = last->record.hash;
    made.encoded = encode(made.root);
    made.hash = crypto::sha256(made.encoded);
    made.signature = *crypto::sign_recoverable(made.hash, keys.secret);
    return made;
  }
  Result<void> save(Store& store, Tree& tree) {
    Changes changes(store, Changes::Others::kLive);
    Result<void> added;
    const Hash top = tree.encode([&](const Hash& hash, Kind kind, const Bytes& object) {
      if (added) added = changes.add(hash, kind, object);
    });
    if (added) added = store.commit(id, sign(top, store.host().unix_ns(), store.current(id)), changes);
    if (added) {
      tree.settle();
    } else {
      tree.forget();
    }
    return added;
  }

  crypto::KeyPair keys;
  FeedId id;
};

std::unique_ptr<Store> open(MemoryHost& host, MemoryDisk& disk, StoreOptions options = {}) {
  auto store = Store::open(host.host(), test::open_disk(host.host(), disk), options);
  INFO((store ? std::string() : store.error().text));
  REQUIRE(store);
  return std::move(*store);
}

std::map<std::string, std::string> leaves(ObjectReader& objects, const Hash& top) {
  std::map<std::string, std::string> out;
  TreeCursor cursor(objects, top, "");
  for (auto found = cursor.first();; found = cursor.next()) {
    REQUIRE(found);
    if (!*found) return out;
    out[std::string(cursor.path())] = text(ByteView(cursor.value()));
  }
}

/* Takes a Root from one store into another as a fill does: top down, object by object. */
Result<void> fill(Store& from, Store& to, const FeedId& id, bool flush_often, size_t stop_after = SIZE_MAX) {
  Result<SignedRoot> root = from.load(id);
  if (!root) return std::unexpected(root.error());
  Changes changes(to);
  bool made = false;
  std::vector<uint32_t> work;
  Result<uint32_t> top = changes.note(root->top(), Kind::kTreeNode, &made);
  if (!top) return std::unexpected(top.error());
  work.push_back(*top);
  while (!work.empty()) {
    const uint32_t at = work.back();
    work.pop_back();
    Result<void> done;
    std::vector<uint32_t> below;
    if (changes.row(at).presence == Presence::kProvisional) {
      done = changes.adopt(at, below);
    } else if (changes.row(at).presence == Presence::kMissing) {
      if (stop_after-- == 0) {
        if (auto flushed = to.flush(changes); !flushed) return flushed;
        return failure(VISOR_ECLOSED, "the connection is lost");
      }
      Result<ByteView> object = from.read_any(changes.hash(at));
      if (!object) return std::unexpected(object.error());
      Bytes copy(object->begin(), object->end());
      done = changes.take(at, copy, below);
    }
    if (!done) return done;
    work.insert(work.end(), below.begin(), below.end());
    if (flush_often && changes.held_bytes() > 400) {
      if (auto flushed = to.flush(changes); !flushed) return flushed;
    }
  }
  return to.commit(id, *root, changes);
}

TEST_CASE("feeds: a store keeps what is committed", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  Owner owner;
  {
    auto store = open(host, disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a/b", "1").put("c", "2").view()));
    REQUIRE(owner.save(*store, tree));
    CHECK(audit(disk).roots == 1);
  }
  auto store = open(host, disk);
  const StoredRoot* root = store->current(owner.id);
  REQUIRE(root);
  CHECK(leaves(*store, root->top) == std::map<std::string, std::string>{{"a/b", "1"}, {"c", "2"}});
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
  Owner owner;
  auto store = open(host, disk, {.grace_ms = 1000});
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
  auto read = leaves(*store, store->current(owner.id)->top);
  CHECK(read.size() == 80);
  CHECK(read["one/7"] == "7");
  CHECK(read["two/7"] == "changed");
}

TEST_CASE("feeds: lesson 2, the same content twice in one save is created once", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  Owner owner;
  auto store = open(host, disk);
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
  Owner owner;
  auto store = open(host, disk);
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

TEST_CASE("feeds: random saves and fills of two owners keep every count right", "[feeds]") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    test::Seeded random(seed);
    MemoryHost host(seed);
    MemoryDisk disk, other_disk;
    Owner owners[] = {Owner(seed), Owner(seed + 100)};
    Tree trees[2];
    std::unique_ptr<Store> store = open(host, disk, {.grace_ms = 5000}),
                           other = open(host, other_disk, {.grace_ms = 5000});
    for (int round = 0; round < 80; ++round) {
      const size_t who = random.below(2);
      Owner& owner = owners[who];
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
        if (fill(*store, *other, owner.id, random.below(2) == 0, stop)) {
          CHECK(leaves(*other, other->current(owner.id)->top) ==
                leaves(*store, store->current(owner.id)->top));
        }
        audit(other_disk);
      }
      switch (random.below(12)) {
        case 0:
          REQUIRE(other->drop(owner.id));
          break;
        case 1:
          store.reset();
          store = open(host, disk, {.grace_ms = 5000});
          break;
        case 2:
          other.reset();
          other = open(host, other_disk, {.grace_ms = 5000});
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
    Owner owner;
    auto from = open(host, from_disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a", "1").put("b/c", "2").view()));
    REQUIRE(owner.save(*from, tree));
    {
      auto store = open(host, disk);
      REQUIRE(fill(*from, *store, owner.id, false));
      Ops ops;
      for (int i = 0; i < 60; ++i) ops.put("b/" + std::to_string(i), std::to_string(i));
      REQUIRE(tree.apply(ops.view()));
      REQUIRE(owner.save(*from, tree));
      disk.fail_write = disk.writes + crash;
      Result<void> filled = fill(*from, *store, owner.id, true);
      disk.fail_write = 0;
      const auto read = leaves(*store, store->current(owner.id)->top);
      CHECK(read.size() == (filled ? 62u : 2u));
      audit(disk);
    }
    auto store = open(host, disk);
    audit(disk);
    REQUIRE(fill(*from, *store, owner.id, true));
    CHECK(leaves(*store, store->current(owner.id)->top).size() == 62);
    audit(disk);
  }
}

TEST_CASE("feeds: provisional references do not make an object look complete to another fill", "[feeds]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  Owner owner;
  auto from = open(host, from_disk), store = open(host, disk);
  Tree tree;
  Ops ops;
  for (int i = 0; i < 100; ++i) ops.put("d/" + std::to_string(i), std::to_string(i));
  REQUIRE(tree.apply(ops.view()));
  REQUIRE(owner.save(*from, tree));
  REQUIRE_FALSE(fill(*from, *store, owner.id, false, 7));  // broken after the upper objects
  CHECK(audit(disk).unreferenced == 7);
  REQUIRE_FALSE(fill(*from, *store, owner.id, false, 9));  // what is stored is not fetched again
  CHECK(audit(disk).unreferenced == 16);
  REQUIRE(fill(*from, *store, owner.id, false));
  CHECK(audit(disk).unreferenced == 0);
}

TEST_CASE("feeds: two fills that share objects, committed in either order", "[feeds]") {
  MemoryHost host;
  MemoryDisk from_disk, disk;
  Owner one(1), two(2);
  auto from = open(host, from_disk), store = open(host, disk);
  Tree tree;
  REQUIRE(tree.apply(Ops().put("same/x", "1").put("same/y", "2").view()));
  REQUIRE(one.save(*from, tree));
  tree.forget();
  Tree tree_two;
  REQUIRE(tree_two.apply(Ops().put("same/x", "1").put("same/y", "2").put("more", "3").view()));
  REQUIRE(two.save(*from, tree_two));

  // The first collects everything and waits; the second overtakes it.
  Changes changes(*store);
  std::vector<uint32_t> work;
  bool made = false;
  work.push_back(*changes.note(from->current(one.id)->top, Kind::kTreeNode, &made));
  while (!work.empty()) {
    uint32_t at = work.back();
    work.pop_back();
    std::vector<uint32_t> below;
    Bytes object;
    auto view = *from->read_any(changes.hash(at));
    object.assign(view.begin(), view.end());
    REQUIRE(changes.take(at, object, below));
    work.insert(work.end(), below.begin(), below.end());
  }
  REQUIRE(fill(*from, *store, two.id, false));
  audit(disk);
  SECTION("both stay") {
    REQUIRE(store->commit(one.id, *from->load(one.id), changes));
    audit(disk);
    REQUIRE(store->drop(two.id));
  }
  SECTION("the second goes before the first is there") {
    REQUIRE(store->drop(two.id));
    REQUIRE(store->commit(one.id, *from->load(one.id), changes));
  }
  audit(disk);
  CHECK(leaves(*store, store->current(one.id)->top).size() == 2);
  REQUIRE(store->drop(one.id));
  CHECK(audit(disk).live == 0);
}

TEST_CASE("feeds: an object of two kinds is refused", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  auto store = open(host, disk);
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
  Owner owner;
  auto from = open(host, from_disk), store = open(host, disk);
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
  REQUIRE(fill(*from, *store, owner.id, true));
  CHECK(leaves(*store, store->current(owner.id)->top).size() == 300);
  CHECK(audit(disk).unreferenced == 0);
}

TEST_CASE("feeds: lesson 13, a Root whose objects are not all stored is not written", "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  Owner owner;
  auto store = open(host, disk);
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

TEST_CASE("feeds: lesson 28, what is superseded stays readable for a while, and as long as it is pinned",
          "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  Owner owner;
  auto store = open(host, disk, {.grace_ms = 1000});
  Tree tree;
  REQUIRE(tree.apply(Ops().put("a", "old").view()));
  REQUIRE(owner.save(*store, tree));
  const Hash old_top = store->current(owner.id)->top;

  REQUIRE(tree.apply(Ops().put("a", "new").view()));
  SECTION("for a while") {
    REQUIRE(owner.save(*store, tree));
    REQUIRE_FALSE(*store->sweep());
    CHECK(leaves(*store, old_top).at("a") == "old");
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
    CHECK(leaves(*store, old_top).at("a") == "old");
    SECTION("until it is released") {
      pin.release();
    }
    SECTION("or the process ends") {
      store.reset();
      store = open(host, disk, {.grace_ms = 1000});
      pin.release();
    }
    CHECK(audit(disk).roots == 1);
    host.advance_ms(5000);
    while (*store->sweep()) {
    }
    CHECK_FALSE(store->read(old_top, Kind::kTreeNode));
  }
  CHECK(leaves(*store, store->current(owner.id)->top).at("a").starts_with("new"));
  audit(disk);
}

TEST_CASE("feeds: lesson 5, what is deleted frees its bytes, and unreferenced objects have a bound",
          "[feeds][lesson]") {
  MemoryHost host;
  MemoryDisk disk;
  Owner owner;
  auto store = open(host, disk, {.grace_ms = 1000000, .max_unreferenced_bytes = 20000});
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
  Owner owner;
  {
    auto store = open(host, disk);
    Tree tree;
    REQUIRE(tree.apply(Ops().put("a", "1").view()));
    REQUIRE(owner.save(*store, tree));
    disk.map.erase(test::stored_key('o', store->current(owner.id)->record.hash));
  }
  auto store = open(host, disk);
  CHECK(store->current(owner.id) == nullptr);
  REQUIRE_FALSE(host.log().empty());
  CHECK_THAT(host.log().back(), Catch::Contains(to_hex(owner.keys.key)));
}

TEST_CASE("feeds: a map that is not ours is refused", "[feeds]") {
  MemoryHost host;
  MemoryDisk disk;
  disk.map["something"] = "else";
  auto store = Store::open(host.host(), test::open_disk(host.host(), disk), {});
  REQUIRE_FALSE(store);
  CHECK(store.error().status == VISOR_ECORRUPT);
  disk.map.clear();
  disk.map["m"] = "short";
  CHECK_FALSE(Store::open(host.host(), test::open_disk(host.host(), disk), {}));
}

}  // namespace
}  // namespace visor::feeds
