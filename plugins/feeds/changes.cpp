#include "changes.hpp"

#include <algorithm>

#include "store.hpp"

namespace visor::feeds {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

std::unexpected<Error> two_kinds(const Hash& hash, Kind one, Kind other) {
  return failure(VISOR_EPROTO, "the object " + to_hex(hash) + " is used as a " + name_of(one) + " and as a " +
                                   name_of(other));
}

std::unexpected<Error> missing(const Hash& hash) {
  return failure(VISOR_ENOENT, "the object " + to_hex(hash) + " is referred to and not stored");
}

}  // namespace

Changes::Changes(Store& store, Others others)
    : store_(store), others_(others), rows_(store.seed_), generation_(store.generation_) {
  store_.collecting_.push_back(this);
}

Changes::~Changes() {
  std::erase(store_.collecting_, this);
}

Result<uint32_t> Changes::touch(const Hash& hash, Kind kind, bool look, bool* made) {
  const uint32_t index = rows_.insert(hash, made);
  Row& row = rows_[index];
  if (!*made) {
    if (row.kind != kind) return two_kinds(hash, row.kind, kind);
    return index;
  }
  row.kind = kind;
  row.presence = Presence::kLive;
  if (look) {
    if (Result<void> looked = this->look(index); !looked) return std::unexpected(looked.error());
  }
  return index;
}

/* Asks the store about an object.  Only what is counted has its kind for good: what a broken fill left behind
 * must not keep others from using it. */
Result<void> Changes::look(uint32_t index) {
  Result<Store::Looked> looked = store_.look(rows_.hash(index));
  if (!looked) return std::unexpected(looked.error());
  Row& row = rows_[index];
  const bool other = looked->presence != Presence::kMissing && looked->kind != row.kind;
  if (other && looked->presence == Presence::kLive)
    return two_kinds(rows_.hash(index), looked->kind, row.kind);
  row.presence = looked->presence;
  row.other_kind = other;
  return {};
}

Result<uint32_t> Changes::note(const Hash& hash, Kind kind, bool* made) {
  return touch(hash, kind, others_ == Others::kLookedUp, made);
}

Result<uint32_t> Changes::refer(const Hash& hash, Kind kind, bool* made) {
  Result<uint32_t> index = note(hash, kind, made);
  if (index) ++rows_[*index].delta;
  return index;
}

void Changes::hold(uint32_t index, ByteView object) {
  uint8_t* at = arena_.add(object.size());
  std::copy(object.begin(), object.end(), at);
  ObjectArena::seal(at, rows_.hash(index), rows_[index].kind);
  hold_kept(index, {at, object.size()});
}

void Changes::hold_kept(uint32_t index, ByteView object) {
  Row& row = rows_[index];
  row.stored = object.data() - 1;
  row.stored_size = static_cast<uint32_t>(object.size() + 1);
  row.presence = Presence::kIncoming;
  held_.push_back(index);
}

void Changes::let_go() {
  if (retained_) retained_->push_back(std::exchange(arena_, ObjectArena()));
  arena_.clear();
  held_.clear();
}

/* Refers to each slot of an object. */
Result<void> Changes::count(uint32_t index, ByteView object, std::vector<uint32_t>& made) {
  slots_.clear();
  if (Result<void> parsed = append_slots(rows_[index].kind, object, slots_); !parsed) return parsed;
  rows_[index].counted = true;
  for (const Slot& slot : slots_) {
    bool is_new = false;
    Result<uint32_t> child = refer(slot.hash, slot.kind, &is_new);
    if (!child) return std::unexpected(child.error());
    if (is_new) made.push_back(*child);
  }
  return {};
}

Result<void> Changes::take(uint32_t index, ByteView object, std::vector<uint32_t>& made) {
  hold(index, object);
  return count(index, object, made);
}

Result<void> Changes::adopt(uint32_t index, std::vector<uint32_t>& made) {
  Result<ByteView> object = read(rows_.hash(index), rows_[index].kind);
  if (!object) return std::unexpected(object.error());
  rows_[index].stored_size = static_cast<uint32_t>(object->size() + 1);
  return count(index, *object, made);
}

Result<void> Changes::add(const Hash& hash, Kind kind, ByteView object) {
  bool is_new = false;
  Result<uint32_t> index = touch(hash, kind, true, &is_new);
  if (!index) return std::unexpected(index.error());
  if (!is_new || rows_[*index].presence == Presence::kLive) return {};
  made_.clear();
  if (rows_[*index].presence == Presence::kProvisional) return adopt(*index, made_);
  return take(*index, object, made_);
}

Result<bool> Changes::add_leaf(const Hash& hash, ByteView entry) {
  bool is_new = false;
  Result<uint32_t> index = touch(hash, Kind::kTreeEntry, true, &is_new);
  if (!index) return std::unexpected(index.error());
  Row& row = rows_[*index];
  if (!is_new || row.presence == Presence::kLive) return false;
  row.counted = true;
  if (row.presence == Presence::kProvisional) {
    row.stored_size = static_cast<uint32_t>(entry.size() + 1);
    return false;
  }
  hold_kept(*index, entry);
  return true;
}

Result<bool> Changes::add_in_room(const Hash& hash, std::span<uint8_t> entry) {
  ObjectArena::seal(entry.data(), hash, Kind::kTreeEntry);
  Result<bool> held = add_leaf(hash, entry);
  if (!held || !*held) arena_.take_back(entry.size());
  return held;
}

Result<ByteView> Changes::read(const Hash& hash, Kind kind) {
  const uint32_t index = rows_.find(hash);
  if (index != kNone && rows_[index].stored) {
    if (rows_[index].kind != kind) return two_kinds(hash, rows_[index].kind, kind);
    return held(hash);
  }
  if (index == kNone || rows_[index].presence != Presence::kProvisional) return store_.read(hash, kind);
  Result<ByteView> object = store_.read_any(hash);
  if (object && object->empty()) return missing(hash);
  return object;
}

ByteView Changes::held(const Hash& hash) const {
  const uint32_t index = rows_.find(hash);
  if (index == kNone || !rows_[index].stored) return {};
  return {rows_[index].stored + 1, rows_[index].stored_size - 1};
}

Result<void> Changes::uncount(uint32_t index) {
  std::vector<uint32_t> work{index};
  while (!work.empty()) {
    const uint32_t at = work.back();
    work.pop_back();
    if (!std::exchange(rows_[at].counted, false)) continue;
    Result<ByteView> object = read(rows_.hash(at), rows_[at].kind);
    if (!object) return std::unexpected(object.error());
    std::vector<Slot> slots;
    if (Result<void> parsed = append_slots(rows_[at].kind, *object, slots); !parsed) return parsed;
    for (const Slot& slot : slots) {
      const uint32_t child = rows_.find(slot.hash);
      if (--rows_[child].delta == 0 && rows_[child].presence != Presence::kLive) work.push_back(child);
    }
  }
  return {};
}

Result<void> Changes::drop_orphans() {
  if (!orphans_) return {};
  for (uint32_t index = 0; index < rows_.size(); ++index) {
    const Row& row = rows_[index];
    if (row.presence == Presence::kLive || !row.counted || row.delta > 0) continue;
    if (Result<void> dropped = uncount(index); !dropped) return dropped;
  }
  return adopt_rest();
}

Result<void> Changes::adopt_rest() {
  for (bool more = true; more;) {
    more = false;
    for (uint32_t index = 0; index < rows_.size(); ++index) {
      const Row& row = rows_[index];
      if (row.presence != Presence::kProvisional || row.counted || row.delta <= 0) continue;
      std::vector<uint32_t> made;
      if (Result<void> adopted = adopt(index, made); !adopted) return adopted;
      more = true;
    }
  }
  return {};
}

Result<void> Changes::reconcile() {
  if (generation_ == store_.generation_) return {};
  for (uint32_t index = 0; index < rows_.size(); ++index) {
    if (Result<void> done = reconcile(index); !done) return done;
  }
  // What was live and is no longer brings all below it along again.
  if (Result<void> adopted = adopt_rest(); !adopted) return adopted;
  for (uint32_t index = 0; index < rows_.size(); ++index) {
    if (rows_[index].presence == Presence::kMissing && rows_[index].delta > 0)
      return missing(rows_.hash(index));
  }
  generation_ = store_.generation_;
  return {};
}

Result<void> Changes::reconcile(uint32_t index) {
  if (Result<void> looked = look(index); !looked) return looked;
  Row& row = rows_[index];
  if (row.presence == Presence::kMissing && row.stored)
    row.presence = Presence::kIncoming;  // held here alone
  return row.presence == Presence::kLive ? uncount(index) : Result<void>{};
}

Result<void> Changes::release(const Hash& hash, Kind kind, std::vector<uint32_t>& freed) {
  bool made = false;
  Result<uint32_t> index = touch(hash, kind, false, &made);
  if (!index) return std::unexpected(index.error());
  Row& row = rows_[*index];
  if (row.presence != Presence::kLive) return {};
  if (--row.delta >= 0) return {};
  if (row.before == 0) {
    Result<uint32_t> count = store_.count_if_stored(hash);
    if (!count) return std::unexpected(count.error());
    row.before = *count;
  }
  if (int64_t{row.before} + row.delta == 0) freed.push_back(*index);
  return {};
}

Result<void> Changes::release_root(const Hash& root) {
  std::vector<uint32_t> freed;
  if (Result<void> done = release(root, Kind::kRoot, freed); !done) return done;
  while (!freed.empty()) {
    const uint32_t index = freed.back();
    freed.pop_back();
    Result<ByteView> object = store_.read(rows_.hash(index), rows_[index].kind);
    if (!object && object.error().status == VISOR_ENOENT) {
      rows_[index].delta = 0;  // it is missing; nothing to take away, and nothing is known of what was below
      continue;
    }
    if (!object) return std::unexpected(object.error());
    rows_[index].stored_size = static_cast<uint32_t>(object->size() + 1);
    slots_.clear();
    if (Result<void> parsed = append_slots(rows_[index].kind, *object, slots_); !parsed) return parsed;
    for (const Slot& slot : slots_) {
      if (Result<void> done = release(slot.hash, slot.kind, freed); !done) return done;
    }
  }
  return {};
}

}  // namespace visor::feeds
