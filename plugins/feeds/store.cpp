#include "store.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "registry.hpp"
#include "store_keys.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kMetaBytes = 4 + 4 * 8;

/* Which of two Roots of a feed is the later one. */
bool later(const StoredRoot& a, const StoredRoot& b) {
  if (a.nonce == b.nonce) return a.record.seq > b.record.seq;
  return a.record.time_ns > b.record.time_ns;
}

std::string name_of(const FeedId& id) {
  return to_hex(id.feed) + " on port " + std::to_string(id.port);
}

}  // namespace

Store::Store(Host host, Owned<visor_kv> kv, const StoreOptions& options)
    : host_(host), kv_(std::move(kv)), options_(options), opened_ns_(host.unix_ns()) {
  std::array<uint8_t, 8> seed;
  host_.random(seed);
  seed_ = codec::load_le<uint64_t>(seed.data());
}

Store::~Store() = default;

Error Store::error(visor_status status, const char* what) const {
  Error why = host_.error(status);
  return {status, std::string("cannot ") + what + " the store of feeds: " + why.text};
}

Result<std::unique_ptr<Store>> Store::open(Host host, Owned<visor_kv> kv, const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(host, std::move(kv), options));
  Result<Registry> registry = make_tree_registry();
  if (!registry) return std::unexpected(registry.error());
  store->registry_ = registry->encoded();
  if (Result<void> read = store->read_meta(); !read) return std::unexpected(read.error());
  if (Result<void> read = store->read_roots(); !read) return std::unexpected(read.error());
  return store;
}

Result<void> Store::read_meta() {
  const uint8_t key = kMeta;
  visor_span value{};
  visor_status status = kv_->api->get(kv_.get(), {&key, 1}, &value);
  if (status == VISOR_ENOENT) {
    bool empty = true;
    status = scan(kv_.get(), {}, [&](ByteView, ByteView) { return empty = false; });
    if (status != VISOR_OK) return std::unexpected(error(status, "read"));
    if (!empty)
      return failure(VISOR_ECORRUPT, "the store of feeds has entries and no description; it is not ours");
    return {};
  }
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  ByteView meta = bytes(value);
  if (meta.size() != kMetaBytes || codec::load_le<uint32_t>(meta.data()) != kStoreVersion) {
    return failure(VISOR_ECORRUPT, "the store of feeds is of another version; expected " +
                                       std::to_string(kStoreVersion) +
                                       ". Give feeds another drive, or empty this one");
  }
  uint64_t* fields[] = {&counters_.objects, &counters_.bytes, &counters_.unreferenced,
                        &counters_.unreferenced_bytes};
  for (size_t i = 0; i < 4; ++i) *fields[i] = codec::load_le<uint64_t>(meta.data() + 4 + 8 * i);
  return {};
}

Result<void> Store::read_roots() {
  std::vector<std::pair<FeedId, StoredRoot>> stored;
  std::vector<Bytes> broken;
  visor_status status = VISOR_OK;
  for (const uint8_t range : {kRootRecord, kBranchesRecord}) {
    status = scan(kv_.get(), ByteView(&range, 1), [&](ByteView key, ByteView value) {
      Result<RootKey> at = parse_root_key(key);
      Result<RootRecord> record = decode_root_record(value);
      if (!at || !record || record->seq != at->seq) {
        broken.emplace_back(key.begin(), key.end());
      } else {
        stored.push_back({at->id, {at->nonce, *record, {}}});
      }
      return true;
    });
    if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  }

  std::vector<std::pair<FeedId, StoredRoot>> old;
  for (auto& [id, root] : stored) {
    Result<ByteView> object = read(root.record.hash, Kind::kRoot);
    if (!object && !is_damage(object.error())) return std::unexpected(object.error());
    Result<Root> decoded = object ? decode_root(*object) : std::unexpected(object.error());
    if (!decoded) {
      host_.warn("the stored Root of the feed " + name_of(id) + " is dropped: " + decoded.error().text);
      Bytes key = root_key({id, root.nonce, root.record.seq});
      broken.push_back(std::move(key));
      continue;
    }
    if (!decoded->refs.empty()) root.top = decoded->refs[0].object;
    auto [at, made] = current_.try_emplace(id, root);
    if (made) continue;
    // A Root that was pinned when the process ended.
    if (later(root, at->second)) std::swap(root, at->second);
    old.emplace_back(id, root);
  }
  for (const auto& [id, root] : old) {
    if (Result<void> removed = remove(id, root); !removed) return removed;
  }
  // What a lost Root had counted is given back before its record goes, so that no crash can come between.
  if (!broken.empty()) {
    if (Result<void> counted = recount(); !counted) return counted;
  }
  for (const Bytes& key : broken) {
    visor_op op = visor::erase(key);
    if (status = kv_->api->write(kv_.get(), &op, 1); status != VISOR_OK)
      return std::unexpected(error(status, "write"));
  }
  counters_.roots = current_.size();
  return {};
}

Result<std::optional<ByteView>> Store::get(uint8_t range, const Hash& hash) {
  settle();
  const auto key = hash_key(range, hash);
  visor_span value{};
  visor_status status = kv_->api->get(kv_.get(), to_span(ByteView(key)), &value);
  if (status == VISOR_ENOENT) return std::nullopt;
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return bytes(value);
}

Result<ByteView> Store::read(const Hash& hash, Kind kind) {
  Result<std::optional<ByteView>> stored = get(kObject, hash);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored || (*stored)->empty())
    return failure(VISOR_ENOENT, "the object " + to_hex(hash) + " is not stored");
  const Kind is = static_cast<Kind>((**stored)[0]);
  if (is != kind) {
    return failure(VISOR_EPROTO,
                   "the object " + to_hex(hash) + " is a " + name_of(is) + ", expected a " + name_of(kind));
  }
  return (*stored)->subspan(1);
}

Result<ByteView> Store::read_any(const Hash& hash) {
  Result<std::optional<ByteView>> stored = get(kObject, hash);
  if (!stored) return std::unexpected(stored.error());
  return *stored && !(*stored)->empty() ? (*stored)->subspan(1) : ByteView();
}

Result<Store::Looked> Store::look(const Hash& hash) {
  Result<std::optional<ByteView>> stored = get(kObject, hash);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored || (*stored)->empty()) return Looked{Presence::kMissing, {}};
  Looked looked{Presence::kLive, static_cast<Kind>((**stored)[0])};
  stored = get(kUnreferenced, hash);
  if (!stored) return std::unexpected(stored.error());
  if (*stored) looked.presence = Presence::kProvisional;
  return looked;
}

Result<uint32_t> Store::count_if_stored(const Hash& hash) {
  Result<std::optional<ByteView>> stored = get(kCount, hash);
  if (!stored) return std::unexpected(stored.error());
  return *stored && (*stored)->size() == 4 ? codec::load_le<uint32_t>((*stored)->data()) : 1u;
}

Result<uint32_t> Store::count(const Hash& hash) {
  Result<uint32_t> counted = count_if_stored(hash);
  if (!counted || *counted > 1) return counted;
  Result<std::optional<ByteView>> stored = get(kObject, hash);
  if (!stored) return std::unexpected(stored.error());
  return *stored && !(*stored)->empty() ? 1u : 0u;
}

const StoredRoot* Store::current(const FeedId& id) const {
  return later_ && later_->id == id ? &later_->root : stored(id);
}

const StoredRoot* Store::stored(const FeedId& id) const {
  auto found = current_.find(id);
  return found == current_.end() ? nullptr : &found->second;
}

Result<SignedRoot> Store::load(const FeedId& id) {
  settle();
  const StoredRoot* root = current(id);
  if (!root) return failure(VISOR_ENOENT, "the feed " + name_of(id) + " has no Root");
  Result<ByteView> object = read(root->record.hash, Kind::kRoot);
  if (!object) return std::unexpected(object.error());
  SignedRoot loaded;
  loaded.encoded.assign(object->begin(), object->end());
  Result<Root> decoded = decode_root(loaded.encoded);
  if (!decoded) return std::unexpected(decoded.error());
  loaded.root = std::move(*decoded);
  loaded.hash = root->record.hash;
  loaded.signature = root->record.signature;
  return loaded;
}

void Store::sync(std::function<void(visor_status)> done) {
  settle();
  const uint64_t number = ++last_sync_;
  visor_status status = syncs_[number].start([&](visor_done d) { return kv_->api->sync(kv_.get(), d); },
                                             [this, number, done](visor_status result, void*) {
                                               syncs_.erase(number);
                                               if (syncs_.empty() && synced_) synced_();
                                               done(result);
                                             });
  if (status == VISOR_OK) return;
  syncs_.erase(number);
  post(host_, [done, status] { done(status); });
}

// --- pins ---

Store::Pin& Store::Pin::operator=(Pin&& other) noexcept {
  release();
  store_ = std::move(other.store_);
  hash_ = std::exchange(other.hash_, std::nullopt);
  return *this;
}

void Store::Pin::release() {
  if (!hash_) return;
  const Hash hash = *std::exchange(hash_, std::nullopt);
  if (auto store = store_.lock()) (*store)->unpin(hash);
}

Store::Pin Store::pin(const FeedId& id) {
  settle();
  Pin pin;
  const StoredRoot* root = current(id);
  if (!root) return pin;
  Pinned& pinned = pinned_[root->record.hash];
  if (pinned.pins++ == 0) {
    pinned.id = id;
    pinned.root = *root;
  }
  pin.store_ = self_;
  pin.hash_ = root->record.hash;
  return pin;
}

void Store::unpin(const Hash& hash) {
  settle();
  auto at = pinned_.find(hash);
  if (at == pinned_.end() || --at->second.pins > 0) return;
  Pinned pinned = std::move(at->second);
  pinned_.erase(at);
  if (!pinned.superseded) return;
  Result<void> removed = remove(pinned.id, pinned.root);
  // It goes at the next start then, as any Root that is not current.
  if (!removed) host_.warn("a Root that is no longer read stays for now: " + removed.error().text);
}

bool Store::wanted(const Hash& hash) const {
  return std::ranges::any_of(collecting_, [&](const Changes* changes) { return changes->contains(hash); });
}

}  // namespace visor::feeds
