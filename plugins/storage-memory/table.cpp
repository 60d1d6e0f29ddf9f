#include "table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace visor::storage_memory {

Table::Entry* Table::Entry::make(Pool& pool, std::string_view key, std::string_view value) {
  void* room = pool.take(sizeof(Entry) + key.size() + value.size());
  auto* entry = ::new (room) Entry(key.size(), value.size());
  auto* at = reinterpret_cast<char*>(entry + 1);
  if (!key.empty()) std::memcpy(at, key.data(), key.size());
  if (!value.empty()) std::memcpy(at + key.size(), value.data(), value.size());
  entry->version.value = {at + key.size(), value.size()};
  return entry;
}

// The bytes may be the value that is there.
void Table::Version::set(std::string_view bytes) {
  auto room = bytes.empty() ? nullptr : std::make_unique_for_overwrite<char[]>(bytes.size());
  if (room) std::memcpy(room.get(), bytes.data(), bytes.size());
  value = {room.get(), bytes.size()};
  own = std::move(room);
}

void Table::Entry::destroy(Pool& pool, Entry* entry) {
  const size_t bytes = entry->bytes();
  entry->~Entry();
  pool.give_back(entry, bytes);
}

Table::~Table() {
  for (const std::vector<Slot>& run : runs_) {
    for (const Slot& slot : run) Entry::destroy(pool_, slot.entry);
  }
}

// --- finding ---

uint64_t Table::head_of(std::string_view key) {
  uint64_t head = 0;
  if (!key.empty()) std::memcpy(&head, key.data(), std::min<size_t>(key.size(), 8));
  return std::endian::native == std::endian::big ? head : std::byteswap(head);
}

bool Table::before(const Slot& slot, const Wanted& wanted) {
  return slot.head != wanted.head ? slot.head < wanted.head : slot.entry->key() < wanted.key();
}

// Where the first entry whose key is not less is, or belongs: at the end of the last run, rather than in a
// new one.
Table::Place Table::find(const Wanted& wanted) const {
  if (runs_.empty()) return {0, 0, false};
  if (before(runs_.back().back(), wanted)) return {runs_.size() - 1, runs_.back().size(), false};
  // The last run whose first entry is not greater.
  auto above = std::upper_bound(heads_.begin(), heads_.end(), wanted.head);
  auto run = static_cast<size_t>(above - heads_.begin());
  while (run > 0 && heads_[run - 1] == wanted.head && wanted.key() < runs_[run - 1].front().entry->key())
    --run;
  if (run > 0) --run;
  const std::vector<Slot>& slots = runs_[run];
  auto slot = std::lower_bound(slots.begin(), slots.end(), wanted, &Table::before);
  const bool exact = slot != slots.end() && slot->head == wanted.head && slot->entry->key() == wanted.key();
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

const Table::Version* Table::get(std::string_view key, uint64_t reader) const {
  const Place place = find(key);
  if (!place.exact) return nullptr;
  return visible(*runs_[place.run][place.index].entry, reader);
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
  Entry::destroy(pool_, run[place.index].entry);
  run.erase(run.begin() + static_cast<ptrdiff_t>(place.index));
  if (run.empty()) {
    runs_.erase(runs_.begin() + static_cast<ptrdiff_t>(place.run));
    heads_.erase(heads_.begin() + static_cast<ptrdiff_t>(place.run));
  } else if (place.index == 0) {
    heads_[place.run] = run.front().head;
  }
}

void Table::put(std::string_view key, std::string_view value) {
  const uint64_t head = head_of(key);
  const Place place = find(Wanted{head, key});
  if (place.exact) {
    overwrite(*runs_[place.run][place.index].entry, value.size()).set(value);
    return;
  }
  Entry* entry = Entry::make(pool_, key, value);
  entry->version.sequence = sequence_ + 1;
  insert(place, head, entry);
  ++keys_;
  bytes_ += key.size() + value.size();
}

// The same of an entry that is made already.
void Table::put(uint64_t head, Entry* entry) {
  const Place place = find(Wanted{head, {}, entry});
  const size_t value_bytes = entry->version.value.size();
  if (place.exact) {
    overwrite(*runs_[place.run][place.index].entry, value_bytes).set(entry->version.value);
    return Entry::destroy(pool_, entry);
  }
  insert(place, head, entry);
  ++keys_;
  bytes_ += entry->key().size() + value_bytes;
}

// The version to write to, in place of or above the newest.
Table::Version& Table::overwrite(Entry& entry, size_t value_bytes) {
  Version& version = entry.version;
  if (version.deleted) {
    ++keys_;
    bytes_ += entry.key().size();
  } else {
    bytes_ -= version.value.size();
  }
  bytes_ += value_bytes;
  if (seen(version)) keep_older(entry);
  version.sequence = sequence_ + 1;
  version.deleted = false;
  return version;
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
  version.set({});
}

void Table::apply(std::span<const visor_op> ops) {
  constexpr size_t kMany = 64;
  if (ops.size() < kMany) {
    for (const visor_op& op : ops)
      op.kind == VISOR_PUT ? put(text(op.key), text(op.value)) : erase(text(op.key));
    return;
  }
  // Copied in the order in which they lie in the caller's memory, and put in the order of their keys.
  struct Incoming {
    uint64_t head;
    Entry* entry;  // null: to be erased
    uint32_t op;
  };
  std::vector<Incoming> incoming;
  incoming.reserve(ops.size());
  for (const visor_op& op : ops) {
    const std::string_view key = text(op.key);
    Entry* entry = nullptr;
    if (op.kind == VISOR_PUT) {
      entry = Entry::make(pool_, key, text(op.value));
      entry->version.sequence = sequence_ + 1;
    }
    incoming.push_back({head_of(key), entry, static_cast<uint32_t>(incoming.size())});
  }
  std::ranges::sort(incoming, [](const Incoming& a, const Incoming& b) {
    return a.head != b.head ? a.head < b.head : a.op < b.op;
  });
  for (const Incoming& each : incoming) {
    if (each.entry) {
      put(each.head, each.entry);
    } else {
      erase(text(ops[each.op].key));
    }
  }
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
  older->value = version.value;
  older->own = std::move(version.own);
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
