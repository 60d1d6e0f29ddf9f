#include "table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace visor::storage_memory {

Table::Entry* Table::Entry::make(std::string_view key) {
  void* room = ::operator new(sizeof(Entry) + key.size());
  auto* entry = ::new (room) Entry(key.size());
  if (!key.empty()) std::memcpy(static_cast<void*>(entry + 1), key.data(), key.size());
  return entry;
}

void Table::Entry::destroy(Entry* entry) {
  entry->~Entry();
  ::operator delete(entry);
}

Table::~Table() {
  for (const std::vector<Slot>& run : runs_) {
    for (const Slot& slot : run) Entry::destroy(slot.entry);
  }
}

// --- finding ---

uint64_t Table::head_of(std::string_view key) {
  uint64_t head = 0;
  if (!key.empty()) std::memcpy(&head, key.data(), std::min<size_t>(key.size(), 8));
  return std::endian::native == std::endian::big ? head : std::byteswap(head);
}

bool Table::before(const Slot& slot, uint64_t head, std::string_view key) {
  return slot.head != head ? slot.head < head : slot.entry->key() < key;
}

// Where the first entry whose key is not less is, or belongs: at the end of the last run, rather than in a
// new one.
Table::Place Table::find(std::string_view key) const {
  if (runs_.empty()) return {0, 0, false};
  const uint64_t head = head_of(key);
  // The last run whose first entry is not greater.
  auto above = std::upper_bound(heads_.begin(), heads_.end(), head);
  auto run = static_cast<size_t>(above - heads_.begin());
  while (run > 0 && heads_[run - 1] == head && key < runs_[run - 1].front().entry->key()) --run;
  if (run > 0) --run;
  const std::vector<Slot>& slots = runs_[run];
  auto slot = std::lower_bound(slots.begin(), slots.end(), key,
                               [head](const Slot& s, std::string_view k) { return before(s, head, k); });
  const bool exact = slot != slots.end() && slot->head == head && slot->entry->key() == key;
  return {run, static_cast<size_t>(slot - slots.begin()), exact};
}

Table::Position Table::at(size_t run, size_t index) const {
  if (run < runs_.size() && index == runs_[run].size()) {
    ++run;
    index = 0;
  }
  if (run >= runs_.size()) return {nullptr, run, index, change_};
  return {runs_[run][index].entry, run, index, change_};
}

Table::Position Table::last() const {
  return runs_.empty() ? Position{} : at(runs_.size() - 1, runs_.back().size() - 1);
}

Table::Position Table::at_or_after(std::string_view key) const {
  const Place place = find(key);
  return at(place.run, place.index);
}

Table::Position Table::at_or_before(std::string_view key) const {
  const Place place = find(key);
  if (place.exact) return at(place.run, place.index);
  if (place.index > 0) return at(place.run, place.index - 1);
  return place.run > 0 ? at(place.run - 1, runs_[place.run - 1].size() - 1) : Position{};
}

Table::Position Table::next(const Position& position) const {
  if (position.change == change_) return at(position.run, position.index + 1);
  const Place place = find(position.entry->key());
  return at(place.run, place.index + 1);
}

Table::Position Table::previous(const Position& position) const {
  size_t run = position.run, index = position.index;
  if (position.change != change_) {
    const Place place = find(position.entry->key());
    run = place.run;
    index = place.index;
  }
  if (index > 0) return at(run, index - 1);
  return run > 0 ? at(run - 1, runs_[run - 1].size() - 1) : Position{};
}

const Table::Version* Table::visible(const Entry& entry, uint64_t reader) const {
  const Version* version = &entry.version;
  while (version && version->sequence > reader) version = version->older.get();
  return version && !version->deleted ? version : nullptr;
}

const std::string* Table::get(std::string_view key, uint64_t reader) const {
  const Place place = find(key);
  if (!place.exact) return nullptr;
  const Version* version = visible(*runs_[place.run][place.index].entry, reader);
  return version ? &version->value : nullptr;
}

// --- changing ---

void Table::insert(Place place, uint64_t head, Entry* entry) {
  ++change_;
  if (runs_.empty()) {
    runs_.emplace_back().reserve(kRun);
    heads_.push_back(head);
  }
  std::vector<Slot>* run = &runs_[place.run];
  if (run->size() == kRun) {
    // What comes in order fills its runs; otherwise half of one moves.
    const bool in_order = place.run + 1 == runs_.size() && place.index == kRun;
    const size_t keep = in_order ? kRun : kRun / 2;
    std::vector<Slot> rest;
    rest.reserve(kRun);
    rest.assign(run->begin() + static_cast<ptrdiff_t>(keep), run->end());
    run->resize(keep);
    const auto after = static_cast<ptrdiff_t>(place.run + 1);
    heads_.insert(heads_.begin() + after, rest.empty() ? head : rest.front().head);
    runs_.insert(runs_.begin() + after, std::move(rest));
    if (place.index > keep || in_order) {
      ++place.run;
      place.index -= keep;
    }
    run = &runs_[place.run];
  }
  run->insert(run->begin() + static_cast<ptrdiff_t>(place.index), Slot{head, entry});
  if (place.index == 0) heads_[place.run] = head;
}

void Table::remove(const Entry& entry) {
  ++change_;
  const Place place = find(entry.key());
  std::vector<Slot>& run = runs_[place.run];
  Entry::destroy(run[place.index].entry);
  run.erase(run.begin() + static_cast<ptrdiff_t>(place.index));
  if (run.empty()) {
    runs_.erase(runs_.begin() + static_cast<ptrdiff_t>(place.run));
    heads_.erase(heads_.begin() + static_cast<ptrdiff_t>(place.run));
  } else if (place.index == 0) {
    heads_[place.run] = run.front().head;
  }
}

void Table::put(std::string_view key, std::string_view value) {
  const Place place = find(key);
  if (!place.exact) {
    Entry* entry = Entry::make(key);
    entry->version.sequence = sequence_ + 1;
    entry->version.value.assign(value);
    insert(place, head_of(key), entry);
    ++keys_;
    bytes_ += key.size() + value.size();
    return;
  }
  Entry& entry = *runs_[place.run][place.index].entry;
  Version& version = entry.version;
  if (version.deleted) {
    ++keys_;
    bytes_ += key.size();
  } else {
    bytes_ -= version.value.size();
  }
  bytes_ += value.size();
  if (seen(version)) keep_older(entry);
  version.sequence = sequence_ + 1;
  version.deleted = false;
  version.value.assign(value);
}

void Table::erase(std::string_view key) {
  const Place place = find(key);
  if (!place.exact) return;
  Entry& entry = *runs_[place.run][place.index].entry;
  Version& version = entry.version;
  if (version.deleted) return;
  --keys_;
  bytes_ -= key.size() + version.value.size();
  if (seen(version)) keep_older(entry);
  if (!version.older) return remove(entry);
  version.sequence = sequence_ + 1;
  version.deleted = true;
  version.value.clear();
}

// --- versions ---

uint64_t Table::open_view() {
  views_.insert(sequence_);
  return sequence_;
}

void Table::close_view(uint64_t view) {
  views_.erase(views_.find(view));
  if (views_.empty() || kept_ >= prune_at_) prune();
}

// The current version moves down the chain, and its place is the caller's to fill.
void Table::keep_older(Entry& entry) {
  Version& version = entry.version;
  auto older = std::make_unique<Version>();
  older->sequence = version.sequence;
  older->deleted = version.deleted;
  older->value = std::move(version.value);
  older->older = std::move(version.older);
  version.older = std::move(older);
  ++kept_;
  list(entry);
}

void Table::list(Entry& entry) {
  if (std::exchange(entry.version.listed, true)) return;
  superseded_.push_back(&entry);
}

void Table::prune() {
  for (Entry* entry : std::exchange(superseded_, {})) {
    entry->version.listed = false;
    prune(*entry);
  }
  prune_at_ = std::max<size_t>(64, kept_ * 2);
}

// Drops the versions that no view can see: v is seen by a view in [v.sequence, next newer's sequence).
void Table::prune(Entry& entry) {
  Version* newer = &entry.version;
  while (newer->older) {
    auto view = views_.lower_bound(newer->older->sequence);
    if (view != views_.end() && *view < newer->sequence) {
      newer = newer->older.get();
    } else {
      newer->older = std::move(newer->older->older);
      --kept_;
    }
  }
  if (entry.version.older) {
    list(entry);
  } else if (entry.version.deleted) {
    remove(entry);
  }
}

}  // namespace visor::storage_memory
