// An ordered map with snapshots: what a reader holds open does not change under it.
#pragma once
#include <visor/abi.h>
#include <visor/value.hpp>

#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "pool.hpp"

namespace visor::storage_memory {

// Every batch of writes has a sequence number; a reader sees the newest version at or below the one it began
// with. While no reader is open, values are overwritten in place and nothing is kept twice.
//
// Entries stand in runs of at most kRun, in order, beside the first eight bytes of their keys: most
// comparisons end there, so that finding one of a million hashes reads a handful of cache lines.
class Table {
 public:
  struct Version {
    uint64_t sequence = 0;
    bool deleted = false;
    bool listed = false;  // in superseded_
    std::string_view value;
    std::unique_ptr<char[]> own;  // where it is, unless behind the key
    std::unique_ptr<Version> older;

    void set(std::string_view bytes);
  };
  class Entry {
   public:
    static Entry* make(Pool& pool, std::string_view key, std::string_view value);
    static void destroy(Pool& pool, Entry* entry);
    std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes_}; }
    Version version;

   private:
    Entry(size_t key_bytes, size_t value_bytes) : key_bytes_(key_bytes), value_bytes_(value_bytes) {}
    size_t bytes() const { return sizeof *this + key_bytes_ + value_bytes_; }
    size_t key_bytes_, value_bytes_;  // which follow in memory: the key, the value that it was made with
  };
  // A place between entries or at one; found again by itself when the map has changed.
  struct Position {
    const Entry* entry = nullptr;  // null: before the first or behind the last
    size_t run = 0, index = 0;
    uint64_t change = 0;
  };

  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table();

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  // Many of both: as if one after another, in the order of their keys where that is the same.
  void apply(std::span<const visor_op> ops);
  // Ends a batch: what was put and erased since the last call becomes one step for readers.
  void commit() { ++sequence_; }

  // The value as the reader sees it; null: no such key.
  const Version* get(std::string_view key, uint64_t reader) const;
  const Version* visible(const Entry& entry, uint64_t reader) const;

  Position first() const { return at(0, 0); }
  Position last() const;
  Position at_or_after(std::string_view key) const;
  Position at_or_before(std::string_view key) const;
  // The entry must not have been removed: a reader that sees it keeps it.
  Position next(const Position& position) const;
  Position previous(const Position& position) const;

  // A reader's view begins at the latest batch; each view is closed once.
  uint64_t open_view();
  void close_view(uint64_t view);

  uint64_t latest() const { return sequence_; }
  size_t keys() const { return keys_; }
  size_t value_bytes() const { return bytes_; }
  size_t views() const { return views_.size(); }
  // Versions kept beside the newest, for views that are open or were until lately.
  size_t kept_versions() const { return kept_; }

 private:
  static constexpr size_t kRun = 256, kInOrder = kRun * 3 / 4;
  struct Slot {
    uint64_t head;  // the first eight bytes of the key, big-endian, zeros behind a shorter one
    Entry* entry;
  };
  struct Place {
    size_t run, index;
    bool exact;
  };
  // Of a batch.
  struct Incoming {
    uint64_t head;
    Entry* entry;  // null: to be erased
    uint32_t op;
  };
  // What is looked for: an entry's key is not read before heads are equal.
  struct Wanted {
    uint64_t head;
    std::string_view text;
    const Entry* entry = nullptr;
    std::string_view key() const { return entry ? entry->key() : text; }
  };

  static uint64_t head_of(std::string_view key);
  static void sort(std::vector<Incoming>& all);
  static bool before(const Slot& slot, const Wanted& wanted);
  static size_t first_not_less(const std::vector<Slot>& slots, uint64_t head, uint64_t begin, uint64_t end);
  Place find(std::string_view key) const { return find(Wanted{head_of(key), key}); }
  Place find(const Wanted& wanted) const;
  Position at(size_t run, size_t index) const;
  void insert(Place place, uint64_t head, Entry* entry);
  void put(uint64_t head, Entry* entry);
  Version& overwrite(Entry& entry, size_t value_bytes);
  void remove(const Entry& entry);
  bool seen(const Version& version) const { return !views_.empty() && *views_.rbegin() >= version.sequence; }
  void keep_older(Entry& entry);
  void list(Entry& entry);
  void prune();
  void prune(Entry& entry);

  Pool pool_;                            // of entries
  std::vector<uint64_t> heads_;          // of each run's first entry
  std::vector<std::vector<Slot>> runs_;  // none is empty
  uint64_t change_ = 0;                  // how often an entry came or went
  std::multiset<uint64_t> views_;
  std::vector<Entry*> superseded_;  // entries with an older version or a tombstone
  size_t kept_ = 0;                 // versions beside the newest
  size_t prune_at_ = 64;            // so that pruning stays linear under many short views
  uint64_t sequence_ = 0;           // of the latest committed batch
  size_t keys_ = 0, bytes_ = 0;     // as the latest batch left them
};

}  // namespace visor::storage_memory
