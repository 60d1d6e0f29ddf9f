// An ordered map with snapshots: what a reader holds open does not change under it.
#pragma once
#include <visor/value.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace visor::storage_memory {

// Every batch of writes has a sequence number; a reader sees the newest version at or below the one it began
// with. While no reader is open, values are overwritten in place and nothing is kept twice.
class Table {
 public:
  struct Version {
    uint64_t sequence = 0;
    bool deleted = false;
    bool listed = false;  // in superseded_
    std::string value;
    std::unique_ptr<Version> older;
  };
  using Map = std::map<std::string, Version, std::less<>>;
  using Position = Map::const_iterator;

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  // Ends a batch: what was put and erased since the last call becomes one step for readers.
  void commit() { ++sequence_; }

  // The value as the reader sees it; null: no such key.
  const std::string* get(std::string_view key, uint64_t reader) const;
  const Map& map() const { return map_; }
  const Version* visible(Position at, uint64_t reader) const;

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
  bool seen(const Version& version) const { return !views_.empty() && *views_.rbegin() >= version.sequence; }
  void keep_older(Map::iterator at);
  void list(Map::iterator at);
  void prune();
  void prune(Map::iterator at);

  Map map_;
  std::multiset<uint64_t> views_;
  std::vector<Map::iterator> superseded_;  // entries with an older version or a tombstone
  size_t kept_ = 0;                        // versions beside the newest
  size_t prune_at_ = 64;                   // so that pruning stays linear under many short views
  uint64_t sequence_ = 0;                  // of the latest committed batch
  size_t keys_ = 0, bytes_ = 0;            // as the latest batch left them
};

}  // namespace visor::storage_memory
