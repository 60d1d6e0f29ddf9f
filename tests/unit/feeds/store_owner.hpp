/* Who saves trees into a store, and what takes them from there into another. */
#ifndef VISOR_TESTS_UNIT_FEEDS_STORE_OWNER_HPP
#define VISOR_TESTS_UNIT_FEEDS_STORE_OWNER_HPP
#include "plugins/feeds/store.hpp"
#include "plugins/feeds/tree.hpp"
#include "plugins/feeds/tree_reader.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/unit/feeds/memory_objects.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::test {

using namespace visor::feeds;

/* An owner that saves trees, as the publisher does. */
struct StoreOwner {
  explicit StoreOwner(uint64_t seed = 1) {
    Seeded random(seed);
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
    const Hash top = tree.encode([&](const Hash& hash, Kind kind, ByteView object, bool leaf) {
      if (!added) return;
      if (!leaf) {
        added = changes.add(hash, kind, object);
      } else if (Result<bool> held = changes.add_leaf(hash, object); !held) {
        added = std::unexpected(held.error());
      }
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

inline std::unique_ptr<Store> open_store(MemoryHost& host, MemoryDisk& disk, StoreOptions options = {}) {
  auto store = Store::open(host.host(), open_disk(host.host(), disk), options);
  INFO((store ? std::string() : store.error().text));
  REQUIRE(store);
  return std::move(*store);
}

/* Paths and values of the tree with this top. */
inline std::map<std::string, std::string> leaves_below(ObjectReader& objects, const Hash& top) {
  std::map<std::string, std::string> out;
  TreeCursor cursor(objects, top, "");
  for (auto found = cursor.first();; found = cursor.next()) {
    REQUIRE(found);
    if (!*found) return out;
    out[std::string(cursor.path())] = text(ByteView(cursor.value()));
  }
}

/* Takes a Root from one store into another as a fill does: top down, object by object. */
inline Result<void> fill_from(Store& from, Store& to, const FeedId& id, bool flush_often,
                              size_t stop_after = SIZE_MAX) {
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

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_STORE_OWNER_HPP
