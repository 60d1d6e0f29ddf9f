#include "table.hpp"

#include <algorithm>

namespace visor::storage_memory {

void Table::put(std::string_view key, std::string_view value) {
  auto at = map_.lower_bound(key);
  if (at == map_.end() || at->first != key) {
    at = map_.emplace_hint(at, std::string(key),
                           Version{sequence_ + 1, false, false, std::string(value), nullptr});
    ++keys_;
    bytes_ += key.size() + value.size();
    return;
  }
  Version& version = at->second;
  if (version.deleted) {
    ++keys_;
    bytes_ += key.size();
  } else {
    bytes_ -= version.value.size();
  }
  bytes_ += value.size();
  if (seen(version)) keep_older(at);
  version.sequence = sequence_ + 1;
  version.deleted = false;
  version.value.assign(value);
}

void Table::erase(std::string_view key) {
  auto at = map_.find(key);
  if (at == map_.end() || at->second.deleted) return;
  Version& version = at->second;
  --keys_;
  bytes_ -= key.size() + version.value.size();
  if (seen(version)) keep_older(at);
  if (!version.older) {
    map_.erase(at);
    return;
  }
  version.sequence = sequence_ + 1;
  version.deleted = true;
  version.value.clear();
}

const Table::Version* Table::visible(Position at, uint64_t reader) const {
  const Version* version = &at->second;
  while (version && version->sequence > reader) version = version->older.get();
  return version && !version->deleted ? version : nullptr;
}

const std::string* Table::get(std::string_view key, uint64_t reader) const {
  auto at = map_.find(key);
  if (at == map_.end()) return nullptr;
  const Version* version = visible(at, reader);
  return version ? &version->value : nullptr;
}

uint64_t Table::open_view() {
  views_.insert(sequence_);
  return sequence_;
}

void Table::close_view(uint64_t view) {
  views_.erase(views_.find(view));
  if (views_.empty() || kept_ >= prune_at_) prune();
}

// The current version moves down the chain, and its place is the caller's to fill.
void Table::keep_older(Map::iterator at) {
  Version& version = at->second;
  auto older = std::make_unique<Version>();
  older->sequence = version.sequence;
  older->deleted = version.deleted;
  older->value = std::move(version.value);
  older->older = std::move(version.older);
  version.older = std::move(older);
  ++kept_;
  list(at);
}

void Table::list(Map::iterator at) {
  if (std::exchange(at->second.listed, true)) return;
  superseded_.push_back(at);
}

void Table::prune() {
  for (auto at : std::exchange(superseded_, {})) {
    at->second.listed = false;
    prune(at);
  }
  prune_at_ = std::max<size_t>(64, kept_ * 2);
}

// Drops the versions that no view can see: v is seen by a view in [v.sequence, next newer's sequence).
void Table::prune(Map::iterator at) {
  Version* newer = &at->second;
  while (newer->older) {
    auto view = views_.lower_bound(newer->older->sequence);
    if (view != views_.end() && *view < newer->sequence) {
      newer = newer->older.get();
    } else {
      newer->older = std::move(newer->older->older);
      --kept_;
    }
  }
  if (at->second.older) {
    list(at);
  } else if (at->second.deleted) {
    map_.erase(at);
  }
}

}  // namespace visor::storage_memory
