/* Objects, their counts and the Roots of feeds on one map of a storage drive.  Each change of what is counted
 * is one batch, so that a crash at any instruction leaves either what was before or what is after.
 *
 *   'm'                                          version u32 | objects, bytes, unreferenced, its bytes: u64
 *   'o' hash                                     kind u8 | the object
 *   'c' hash                                     count u32, if it is 2 or more; an object with neither 'c'
 * nor 'u' has 1 'u' hash                                     u64: Unix time in ns since which its count is 0
 *   'r' port u16 BE, feed, nonce, seq u64 BE     record of a Root, 161 bytes
 *   'b' likewise                                 record of a Root of which only branches are here
 *
 * Other integers are little-endian.  A feed has one current Root; the one before is taken away in the batch
 * that brings the next, and its own objects stay unreferenced for a while, for peers that are still reading
 * it. */
#ifndef VISOR_FEEDS_STORE_HPP
#define VISOR_FEEDS_STORE_HPP
#include <map>
#include <optional>
#include <set>
#include <visor/plugin.hpp>

#include "changes.hpp"
#include "root.hpp"

namespace visor::feeds {

/* Feeds of one owner differ by port.  Of a feed of which only branches are fetched another Root is kept,
 * which is ours: of the tree of these branches (branch_walk.hpp), with the numbers of the owner's Root and
 * the branches as its descriptor. */
struct FeedId {
  uint16_t port = 0;
  visor_key feed{};
  bool branches = false;

  friend bool operator==(const FeedId&, const FeedId&) = default;
  friend auto operator<=>(const FeedId&, const FeedId&) = default;
};

struct StoredRoot {
  uint64_t nonce = 0;
  RootRecord record;
  Hash top;  // blank: no tree
};

struct StoreOptions {
  uint64_t grace_ms = 660000;                    // how long an unreferenced object stays
  uint64_t max_unreferenced_bytes = 256u << 20;  // beyond, the oldest go earlier
  bool durable = true;                           // the drive is; else nothing is gained by writing early
};

class Store : public ObjectReader {
 public:
  struct Counters {
    uint64_t objects = 0, bytes = 0;                    // all that are stored
    uint64_t unreferenced = 0, unreferenced_bytes = 0;  // of them
    uint64_t roots = 0, commits = 0, swept = 0;
  };

  /* VISOR_ECORRUPT when the map was not written by this; Roots whose objects are gone are dropped and named
   * in the log. */
  static Result<std::unique_ptr<Store>> open(Host host, Owned<visor_kv> kv, const StoreOptions& options);
  ~Store() override;

  Result<ByteView> read(const Hash& hash, Kind kind) override;
  /* Of whatever kind; empty: not here. */
  Result<ByteView> read_any(const Hash& hash);
  /* kMissing, kProvisional or kLive. */
  struct Looked {
    Presence presence;
    Kind kind;
  };
  Result<Looked> look(const Hash& hash);

  /* The feed's current Root, or null; valid until it changes. */
  const StoredRoot* current(const FeedId& id) const;
  Result<SignedRoot> load(const FeedId& id);
  const std::map<FeedId, StoredRoot>& roots() {
    settle();
    return current_;
  }

  /* Makes a Root current, with all that `changes` holds, in place of the one before.  VISOR_ENOENT: something
   * below it is missing.  On any error nothing has changed. */
  Result<void> commit(const FeedId& id, const SignedRoot& root, Changes& changes);
  /* The Root is current at once, and `commit`, which makes it so, runs in settle() or when something else is
   * first read or written here: whoever waits for the Root need not wait for that.  For drives in memory, of
   * which a crash leaves nothing anyway. */
  void commit_later(const FeedId& id, const SignedRoot& root, std::function<void()> commit);
  void settle() {
    if (later_) run_later();
  }
  /* Writes what is held to the store, counted by nobody, so that memory is free and a fill that breaks goes
   * on. */
  Result<void> flush(Changes& changes);
  /* Takes the feed's Root away, and all that only it needs. */
  Result<void> drop(const FeedId& id);
  /* Somebody found that the tree of the feed's Root is not whole. */
  void found_damage(const FeedId& id) { damaged_.insert(id); }
  bool is_damaged(const FeedId& id) const { return damaged_.contains(id); }
  /* Takes away a Root whose tree is not whole, so that it can be fetched again; what is there of it stays for
   * that, counted by nobody. */
  Result<void> discard(const FeedId& id);

  /* Keeps the feed's current Root readable after it is no longer current, until the pin goes. */
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept { *this = std::move(other); }
    Pin& operator=(Pin&& other) noexcept;
    ~Pin() { release(); }
    void release();
    explicit operator bool() const { return hash_.has_value(); }

   private:
    friend class Store;
    std::weak_ptr<Store*> store_;
    std::optional<Hash> hash_;
  };
  Pin pin(const FeedId& id);

  /* Deletes what nobody needs any more, some of it at a time; true: there may be more. */
  Result<bool> sweep();

  /* Everything before is durable, as far as the drive is. */
  void sync(std::function<void(visor_status)> done);
  bool syncing() const { return !syncs_.empty(); }
  /* Hears when no sync is under way any more. */
  void on_synced(std::function<void()> fn) { synced_ = std::move(fn); }

  const Counters& counters() const { return counters_; }
  const StoreOptions& options() const { return options_; }
  Host host() const { return host_; }
  uint64_t seed() const { return seed_; }

 private:
  friend class Changes;
  struct Pinned {
    FeedId id;
    StoredRoot root;
    size_t pins = 0;
    bool superseded = false;
  };
  struct Batch;
  struct Later {
    FeedId id;
    StoredRoot root;
    std::function<void()> commit;
  };
  struct Unreferenced {
    Hash hash;
    int64_t since_ns;
  };

  Store(Host host, Owned<visor_kv> kv, const StoreOptions& options);
  Result<void> read_meta();
  Result<void> read_roots();
  Error error(visor_status status, const char* what) const;
  Result<std::optional<ByteView>> get(uint8_t range, const Hash& hash);
  /* Of an object that is live, as far as it is not missing. */
  Result<uint32_t> count(const Hash& hash);
  /* The same, without looking whether it is missing. */
  Result<uint32_t> count_if_stored(const Hash& hash);
  Result<void> release_record(const FeedId& id, const StoredRoot& root, Changes& changes, Batch& batch);
  Result<void> rewrite(const Hash& hash, Kind kind, Batch& batch);
  Result<void> write_counts(Changes& changes, Batch& batch);
  Result<void> finish(Batch& batch);
  Result<void> remove(const FeedId& id, const StoredRoot& root);
  /* Makes all counts, marks and sums what the current Roots make of them. */
  Result<void> recount();
  Result<void> write_recount(size_t objects, const Counters& next, std::vector<Bytes> erased,
                             const std::function<std::pair<Hash, uint32_t>(uint32_t)>& object);
  void run_later();
  const StoredRoot* stored(const FeedId& id) const;
  void unpin(const Hash& hash);
  bool wanted(const Hash& hash) const;
  Result<std::vector<Unreferenced>> unreferenced(size_t limit, int64_t until_ns);
  Result<void> erase(std::span<const Unreferenced> objects);

  Host host_;
  Owned<visor_kv> kv_;
  StoreOptions options_;
  Bytes registry_;  // the one that every tree has
  uint64_t seed_ = 0;
  int64_t opened_ns_ = 0;
  uint64_t generation_ = 1;  // how often something was stored, became live or ceased to be
  Counters counters_;
  std::map<FeedId, StoredRoot> current_;
  std::set<FeedId> damaged_;
  std::optional<Later> later_;
  std::map<Hash, Pinned> pinned_;  // by the hash of the Root
  std::vector<const Changes*> collecting_;
  std::map<uint64_t, Request<void>> syncs_;
  uint64_t last_sync_ = 0;
  std::function<void()> synced_;
  std::shared_ptr<Store*> self_ = std::make_shared<Store*>(this);
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_STORE_HPP
