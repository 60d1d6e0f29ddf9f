#include "table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <numeric>

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
  // The last run whose first entry is not greater.  Keys that begin alike may fill many runs.
  const auto [from, to] = std::equal_range(heads_.begin(), heads_.end(), wanted.head);
  auto above = runs_.begin() + (to - heads_.begin());
  if (from != to) {
    above = std::upper_bound(runs_.begin() + (from - heads_.begin()), above, wanted.key(),
                             [](std::string_view key, const std::vector<Slot>& slots) {
                               return key < slots.front().entry->key();
                             });
  }
  auto run = static_cast<size_t>(above - runs_.begin());
  if (run > 0) --run;
  const std::vector<Slot>& slots = runs_[run];
  const uint64_t end = run + 1 < heads_.size() ? heads_[run + 1] : slots.back().head;
  size_t index = first_not_less(slots, wanted.head, heads_[run], end);
  auto same = [&](size_t at) { return at < slots.size() && slots[at].head == wanted.head; };
  if (same(index) && same(index + 1)) {
    auto slot = std::lower_bound(slots.begin() + static_cast<ptrdiff_t>(index), slots.end(), wanted, before);
    index = static_cast<size_t>(slot - slots.begin());
  } else if (same(index) && slots[index].entry->key() < wanted.key()) {
    return {run, index + 1, false};
  }
  return {run, index, same(index) && slots[index].entry->key() == wanted.key()};
}

// By heads alone, which are from `begin` to `end`. Heads of hashes are spread evenly, so the place is near
// where it would be were they quite so: in a large map that is two lines of memory instead of six.
size_t Table::first_not_less(const std::vector<Slot>& slots, uint64_t head, uint64_t begin, uint64_t end) {
  constexpr size_t kNear = 32;
  if (begin < head && head < end) {
    const double part = static_cast<double>(head - begin) / static_cast<double>(end - begin);
    size_t at = std::min(static_cast<size_t>(part * static_cast<double>(slots.size())), slots.size() - 1);
    const size_t least = at - std::min(at, kNear), most = std::min(slots.size(), at + kNear);
    while (at < most && slots[at].head < head) ++at;
    while (at > least && slots[at - 1].head >= head) --at;
    if (at > least && at < most) return at;
  }
  // Without a jump that depends on what is compared: the processor cannot guess where a hash belongs.
  const Slot* from = slots.data();
  for (size_t left = slots.size(); left > 1;) {
    const size_t half = left / 2;
    from += from[half - 1].head < head ? half : 0;
    left -= half;
  }
  return static_cast<size_t>(from - slots.data()) + (from->head < head ? 1 : 0);
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
  // What comes in order fills its runs but for some room: were they full, each of the next entries between
  // them would divide one, and a large map has many to move aside for that.  Otherwise half of one moves.
  const bool in_order =
      place.run + 1 == runs_.size() && place.index == run->size() && run->size() >= kInOrder;
  if (run->size() == kRun || in_order) {
    const size_t keep = in_order ? run->size() : kRun / 2;
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

// The same of an entry that is made and counted already; it is not read, as long as no key has its head.
void Table::put(uint64_t head, Entry* entry) {
  const Place place = find(Wanted{head, {}, entry});
  if (!place.exact) return insert(place, head, entry);
  const size_t value_bytes = entry->version.value.size();
  --keys_;
  bytes_ -= entry->key().size() + value_bytes;
  overwrite(*runs_[place.run][place.index].entry, value_bytes).set(entry->version.value);
  Entry::destroy(pool_, entry);
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

// By their heads, those of one head as they came.  Keys are hashes most of the time: their first bytes tell
// almost all of them apart.
void Table::sort(std::vector<Incoming>& all) {
  constexpr unsigned kFirstBits = 32;
  std::vector<Incoming> sorted(all.size());
  for (unsigned shift = 64 - kFirstBits; shift < 64; shift += 8) {
    const auto digit = [shift](const Incoming& each) { return static_cast<uint8_t>(each.head >> shift); };
    std::array<size_t, 256> begin{};
    for (const Incoming& each : all) ++begin[digit(each)];
    std::exclusive_scan(begin.begin(), begin.end(), begin.begin(), size_t{0});
    for (const Incoming& each : all) sorted[begin[digit(each)]++] = each;
    all.swap(sorted);
  }
  for (auto from = all.begin(); from != all.end();) {
    auto to = std::find_if(from + 1, all.end(), [&](const Incoming& each) {
      return each.head >> (64 - kFirstBits) != from->head >> (64 - kFirstBits);
    });
    if (to - from > 1) std::ranges::stable_sort(from, to, {}, &Incoming::head);
    from = to;
  }
}

void Table::apply(std::span<const visor_op> ops) {
  constexpr size_t kMany = 64;
  if (ops.size() < kMany) {
    for (const visor_op& op : ops)
      op.kind == VISOR_PUT ? put(text(op.key), text(op.value)) : erase(text(op.key));
    return;
  }
  // Copied in the order in which they lie in the caller's memory, and put in the order of their keys.
  std::vector<Incoming> incoming;
  incoming.reserve(ops.size());
  for (const visor_op& op : ops) {
    const std::string_view key = text(op.key);
    Entry* entry = nullptr;
    if (op.kind == VISOR_PUT) {
      entry = Entry::make(pool_, key, text(op.value));
      entry->version.sequence = sequence_ + 1;
      ++keys_;
      bytes_ += op.key.size + op.value.size;
    }
    incoming.push_back({head_of(key), entry, static_cast<uint32_t>(incoming.size())});
  }
  sort(incoming);
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
