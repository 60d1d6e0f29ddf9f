// The writing half of the store: each of these is one batch.
#include <algorithm>
#include <deque>

#include "lib/codec/endian.hpp"
#include "store.hpp"
#include "store_keys.hpp"
#include "treestore.hpp"

namespace visor::feeds {

struct Store::Batch {
  Counters next;
  std::vector<visor_op> ops;
  std::deque<Bytes> bytes;                   // what ops point to, besides the objects
  std::deque<std::array<uint8_t, 33>> keys;  // likewise

  void put(uint8_t range, const Hash& hash, ByteView value) {
    keys.push_back(hash_key(range, hash));
    ops.push_back(visor::put(ByteView(keys.back()), value));
  }
  void erase(uint8_t range, const Hash& hash) {
    keys.push_back(hash_key(range, hash));
    ops.push_back(visor::erase(keys.back()));
  }
  template <class T>
  ByteView number(T value) {
    bytes.emplace_back();
    codec::append_le<T>(bytes.back(), value);
    return bytes.back();
  }
  void put_object(const Changes::Row& row) {
    constexpr size_t kKey = ObjectArena::kKeyBytes;
    ops.push_back(visor::put(ByteView(row.stored - kKey, kKey), ByteView(row.stored, row.stored_size)));
    ++next.objects;
    next.bytes += row.stored_size;
  }
  void unreferenced(const Hash& hash, uint32_t stored_size, int64_t now_ns) {
    put(kUnreferenced, hash, number<uint64_t>(static_cast<uint64_t>(now_ns)));
    ++next.unreferenced;
    next.unreferenced_bytes += stored_size;
  }
  void referenced(const Hash& hash, uint32_t stored_size) {
    erase(kUnreferenced, hash);
    --next.unreferenced;
    next.unreferenced_bytes -= stored_size;
  }
};

/* Ends a batch with the description of the store, and writes it. */
Result<void> Store::finish(Batch& batch) {
  Bytes meta;
  codec::append_le<uint32_t>(meta, kStoreVersion);
  for (uint64_t field :
       {batch.next.objects, batch.next.bytes, batch.next.unreferenced, batch.next.unreferenced_bytes}) {
    codec::append_le<uint64_t>(meta, field);
  }
  static constexpr uint8_t kKey = kMeta;
  batch.ops.push_back(visor::put(ByteView(&kKey, 1), meta));
  visor_status status = kv_->api->write(kv_.get(), batch.ops.data(), batch.ops.size());
  if (status != VISOR_OK) return std::unexpected(error(status, "write"));
  counters_ = batch.next;
  return {};
}

/* What the deltas make of the counts that are stored. */
Result<void> Store::write_counts(Changes& changes, Batch& batch) {
  const int64_t now_ns = host_.unix_ns();
  batch.ops.reserve(batch.ops.size() + changes.size() + 8);
  for (uint32_t index = 0; index < changes.size(); ++index) {
    const Changes::Row& row = changes.row(index);
    const Hash& hash = changes.hash(index);
    if (row.delta == 0) continue;
    uint32_t before = row.presence == Presence::kLive ? row.before : 0;
    if (row.presence == Presence::kLive && before == 0) {
      Result<uint32_t> counted = count(hash);
      if (!counted) return std::unexpected(counted.error());
      before = *counted;
      if (before == 0)
        return failure(VISOR_ENOENT, "the object " + to_hex(hash) + " is referred to and not stored");
    } else if (row.presence == Presence::kMissing) {
      return failure(VISOR_ENOENT, "the object " + to_hex(hash) + " is referred to and did not come");
    }
    const int64_t after = std::max<int64_t>(0, int64_t{before} + row.delta);
    if (row.presence == Presence::kIncoming && after > 0) batch.put_object(row);
    if (row.presence == Presence::kProvisional && after > 0) {
      batch.referenced(hash, row.stored_size);
      if (row.other_kind) {
        if (Result<void> stored = rewrite(hash, row.kind, batch); !stored) return stored;
      }
    }
    if (after >= 2) {
      batch.put(kCount, hash, batch.number<uint32_t>(static_cast<uint32_t>(after)));
    } else if (before >= 2) {
      batch.erase(kCount, hash);
    }
    if (after == 0 && before > 0) batch.unreferenced(hash, row.stored_size, now_ns);
  }
  return {};
}

/* The same object, of the kind that it is counted as. */
Result<void> Store::rewrite(const Hash& hash, Kind kind, Batch& batch) {
  Result<ByteView> object = read_any(hash);
  if (!object) return std::unexpected(object.error());
  batch.bytes.push_back(Bytes{static_cast<uint8_t>(kind)});
  codec::append(batch.bytes.back(), *object);
  batch.put(kObject, hash, batch.bytes.back());
  return {};
}

Result<void> Store::release_record(const FeedId& id, const StoredRoot& root, Changes& changes, Batch& batch) {
  if (Result<void> released = changes.release_root(root.record.hash); !released) return released;
  batch.bytes.push_back(root_key({id, root.nonce, root.record.seq}));
  batch.ops.push_back(visor::erase(batch.bytes.back()));
  return {};
}

void Store::commit_later(const FeedId& id, const SignedRoot& root, std::function<void()> commit) {
  settle();
  later_.emplace(id, StoredRoot{root.root.nonce, record_of(root, host_.unix_ns()), root.top()},
                 std::move(commit));
}

void Store::run_later() {
  const Later later = std::move(*std::exchange(later_, std::nullopt));
  later.commit();
}

Result<void> Store::commit(const FeedId& id, const SignedRoot& root, Changes& changes) {
  settle();
  if (auto done = changes.add(tree_types().registry, Kind::kRegistry, registry_); !done) return done;
  if (auto done = changes.add(root.hash, Kind::kRoot, root.encoded); !done) return done;
  bool made = false;  // the slot of the record
  if (auto done = changes.refer(root.hash, Kind::kRoot, &made); !done) return std::unexpected(done.error());
  if (auto done = changes.drop_orphans(); !done) return done;
  if (auto done = changes.reconcile(); !done) return done;

  Batch batch{counters_, {}, {}, {}};
  ++batch.next.commits;
  const StoredRoot* old = stored(id);
  auto pinned = old ? pinned_.find(old->record.hash) : pinned_.end();
  if (old && pinned == pinned_.end()) {
    if (auto done = release_record(id, *old, changes, batch); !done) return done;
  }
  if (auto done = write_counts(changes, batch); !done) return done;
  const RootRecord record = record_of(root, host_.unix_ns());
  batch.bytes.push_back(root_key({id, root.root.nonce, root.root.seq}));
  Bytes& key = batch.bytes.back();
  batch.bytes.push_back(encode(record));
  batch.ops.push_back(visor::put(ByteView(key), batch.bytes.back()));
  batch.next.roots = current_.size() + (old ? 0 : 1);
  if (auto done = finish(batch); !done) return done;

  ++generation_;
  if (pinned != pinned_.end()) pinned->second.superseded = true;
  current_[id] = {root.root.nonce, record, root.top()};
  return {};
}

Result<void> Store::remove(const FeedId& id, const StoredRoot& root) {
  Changes changes(*this, Changes::Others::kLive);
  Batch batch{counters_, {}, {}, {}};
  if (auto done = release_record(id, root, changes, batch); !done) return done;
  if (auto done = write_counts(changes, batch); !done) return done;
  if (auto done = finish(batch); !done) return done;
  ++generation_;
  return {};
}

Result<void> Store::drop(const FeedId& id) {
  settle();
  auto at = current_.find(id);
  if (at == current_.end()) return {};
  if (Result<void> removed = remove(id, at->second); !removed) return removed;
  pinned_.erase(at->second.record.hash);
  current_.erase(at);
  counters_.roots = current_.size();
  return {};
}

Result<void> Store::flush(Changes& changes) {
  settle();
  Batch batch{counters_, {}, {}, {}};
  const int64_t now_ns = host_.unix_ns();
  std::vector<uint32_t> written;
  for (uint32_t index : changes.held_) {
    if (changes.generation_ != generation_) {
      if (auto done = changes.reconcile(index); !done) return done;
    }
    if (changes.row(index).presence != Presence::kIncoming) continue;
    batch.put_object(changes.row(index));
    batch.unreferenced(changes.hash(index), changes.row(index).stored_size, now_ns);
    written.push_back(index);
  }
  if (!written.empty()) {
    if (auto done = finish(batch); !done) return done;
    // Others may hold the same, which bears a mark now that whoever counts it has to take off.
    const bool right = changes.generation_ == generation_;
    ++generation_;
    if (right) changes.generation_ = generation_;
  }
  for (uint32_t index : written) changes.row(index).presence = Presence::kProvisional;
  for (uint32_t index : changes.held_) changes.row(index).stored = nullptr;
  changes.let_go();
  return {};
}

// --- sweeping ---

Result<std::vector<Store::Unreferenced>> Store::unreferenced(size_t limit, int64_t until_ns) {
  std::vector<Unreferenced> found;
  visor_status status = scan(kv_.get(), ByteView(&kUnreferenced, 1), [&](ByteView key, ByteView value) {
    if (key.size() != 33 || value.size() != 8) return true;
    Unreferenced row;
    std::ranges::copy(key.subspan(1), row.hash.bytes.begin());
    row.since_ns = static_cast<int64_t>(codec::load_le<uint64_t>(value.data()));
    // Whoever was reading when this process ended gets the whole time again.
    if (std::max(row.since_ns, opened_ns_) <= until_ns && !wanted(row.hash)) found.push_back(row);
    return found.size() < limit;
  });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return found;
}

Result<void> Store::erase(std::span<const Unreferenced> objects) {
  Batch batch{counters_, {}, {}, {}};
  for (const Unreferenced& object : objects) {
    Result<std::optional<ByteView>> stored = get(kObject, object.hash);
    if (!stored) return std::unexpected(stored.error());
    const uint64_t size = *stored ? (*stored)->size() : 0;
    batch.erase(kObject, object.hash);
    batch.erase(kUnreferenced, object.hash);
    --batch.next.objects;
    batch.next.bytes -= size;
    --batch.next.unreferenced;
    batch.next.unreferenced_bytes -= size;
  }
  batch.next.swept += objects.size();
  return finish(batch);
}

Result<bool> Store::sweep() {
  settle();
  constexpr size_t kAtATime = 1024;
  const int64_t now_ns = host_.unix_ns();
  const int64_t until_ns = now_ns - static_cast<int64_t>(options_.grace_ms) * 1000000;
  Result<std::vector<Unreferenced>> expired = unreferenced(kAtATime, until_ns);
  if (!expired) return std::unexpected(expired.error());
  if (!expired->empty()) {
    if (Result<void> erased = erase(*expired); !erased) return std::unexpected(erased.error());
    return true;
  }
  if (counters_.unreferenced_bytes <= options_.max_unreferenced_bytes) return false;
  Result<std::vector<Unreferenced>> all = unreferenced(SIZE_MAX, now_ns);
  if (!all) return std::unexpected(all.error());
  std::ranges::sort(*all, {}, &Unreferenced::since_ns);
  if (all->size() > kAtATime) all->resize(kAtATime);
  if (all->empty()) return false;
  if (Result<void> erased = erase(*all); !erased) return std::unexpected(erased.error());
  return true;
}

}  // namespace visor::feeds
