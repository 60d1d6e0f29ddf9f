// Counts made anew from the Roots that are there: where one is gone, nobody knows any more what it had
// counted (specification cxo.md, section 11, 6).
#include "lib/codec/endian.hpp"
#include "store.hpp"
#include "store_keys.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kOpsAtATime = 1024;

/* An object, as it is stored and as it is referred to. */
struct Seen {
  uint64_t stored_size = 0;
  uint32_t references = 0;
};

Hash hash_of(ByteView key) {
  Hash hash;
  std::ranges::copy(key.subspan(1), hash.bytes.begin());
  return hash;
}

}  // namespace

Result<void> Store::discard(const FeedId& id) {
  if (Result<void> dropped = drop(id); !dropped) return dropped;
  damaged_.erase(id);
  return recount();
}

/* May end at any write: whoever calls it does so again until it is through. */
Result<void> Store::recount() {
  HashTable<Seen> seen(seed_);
  bool made = false;
  visor_status status = scan(kv_.get(), ByteView(&kObject, 1), [&](ByteView key, ByteView value) {
    if (key.size() == 33) seen[seen.insert(hash_of(key), &made)].stored_size = value.size();
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));

  std::vector<Slot> work, slots;
  const auto refer = [&](const Slot& slot) {
    if (++seen[seen.insert(slot.hash, &made)].references == 1) work.push_back(slot);
  };
  for (const auto& [id, root] : current_) refer({root.record.hash, Kind::kRoot});
  while (!work.empty()) {
    const Slot at = work.back();
    work.pop_back();
    Result<ByteView> object = read(at.hash, at.kind);
    slots.clear();
    Result<void> parsed = object ? append_slots(at.kind, *object, slots) : std::unexpected(object.error());
    if (!parsed && !is_damage(parsed.error())) return parsed;
    // What is below it is not known, and must not be taken for something that nobody needs.
    if (!parsed) {
      host_.warn("the store of feeds is not counted anew: " + parsed.error().text);
      return {};
    }
    for (const Slot& slot : slots) refer(slot);
  }

  Counters next = counters_;
  next.objects = next.bytes = next.unreferenced = next.unreferenced_bytes = 0;
  std::vector<Bytes> erased;  // what counts or marks an object that is not there
  for (const uint8_t range : {kCount, kUnreferenced}) {
    status = scan(kv_.get(), ByteView(&range, 1), [&](ByteView key, ByteView) {
      const uint32_t row = key.size() == 33 ? seen.find(hash_of(key)) : seen.kNone;
      if (row == seen.kNone) erased.emplace_back(key.begin(), key.end());
      return true;
    });
    if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  }
  for (uint32_t row = 0; row < seen.size(); ++row) {
    const Seen& object = seen[row];
    ++next.objects;
    next.bytes += object.stored_size;
    if (object.references > 0) continue;
    ++next.unreferenced;
    next.unreferenced_bytes += object.stored_size;
  }
  return write_recount(seen.size(), next, std::move(erased),
                       [&](uint32_t row) { return std::pair(seen.hash(row), seen[row].references); });
}

Result<void> Store::write_recount(size_t objects, const Counters& next, std::vector<Bytes> erased,
                                  const std::function<std::pair<Hash, uint32_t>(uint32_t)>& object) {
  std::vector<std::pair<Bytes, Bytes>> changes;  // an empty value: erased
  const auto write = [&]() -> Result<void> {
    Bytes meta;
    codec::append_le<uint32_t>(meta, kStoreVersion);
    for (uint64_t field : {next.objects, next.bytes, next.unreferenced, next.unreferenced_bytes})
      codec::append_le<uint64_t>(meta, field);
    changes.emplace_back(Bytes{kMeta}, std::move(meta));
    std::vector<visor_op> ops;
    ops.reserve(changes.size());
    for (const auto& [key, value] : changes)
      ops.push_back(value.empty() ? visor::erase(key) : visor::put(ByteView(key), value));
    const visor_status status = kv_->api->write(kv_.get(), ops.data(), ops.size());
    if (status != VISOR_OK) return std::unexpected(error(status, "write"));
    changes.clear();
    return {};
  };
  const auto make = [&](uint8_t range, const Hash& hash, ByteView value) -> Result<void> {
    Result<std::optional<ByteView>> there = get(range, hash);
    if (!there) return std::unexpected(there.error());
    // A mark stays as old as it is.
    const bool right = range == kUnreferenced ? there->has_value() == !value.empty()
                                              : std::ranges::equal(there->value_or(ByteView()), value);
    if (right) return {};
    const auto key = hash_key(range, hash);
    changes.emplace_back(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    return {};
  };
  for (Bytes& key : erased) changes.emplace_back(std::move(key), Bytes());
  Bytes count, now;
  codec::append_le<uint64_t>(now, static_cast<uint64_t>(host_.unix_ns()));
  for (uint32_t row = 0; row < objects; ++row) {
    const auto [hash, references] = object(row);
    count.clear();
    if (references >= 2) codec::append_le<uint32_t>(count, references);
    if (Result<void> done = make(kCount, hash, count); !done) return done;
    if (Result<void> done = make(kUnreferenced, hash, references == 0 ? ByteView(now) : ByteView()); !done)
      return done;
    if (changes.size() < kOpsAtATime) continue;
    if (Result<void> done = write(); !done) return done;
  }
  if (Result<void> done = write(); !done) return done;
  counters_ = next;
  return {};
}

}  // namespace visor::feeds
