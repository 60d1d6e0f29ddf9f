/* What a new Root will change in a store: the objects that come with it, and how many more slots point at
 * each object (specification cxo.md, 7.3).  A save and a fill both collect one, and nothing of it counts
 * before it is committed.
 *
 * The invariant that everything relies on: the count of an object is the number of slots, of objects that are
 * themselves counted and of records of Roots, that point at it.  So an object that is counted has all below
 * it in the store. */
#ifndef VISOR_FEEDS_CHANGES_HPP
#define VISOR_FEEDS_CHANGES_HPP
#include <optional>

#include "hash_table.hpp"
#include "object_arena.hpp"

namespace visor::feeds {

class Store;

enum class Presence : uint8_t {
  kMissing,
  kIncoming,     // held here, in memory
  kProvisional,  // stored, and counted by nobody
  kLive,         // stored and counted
};

class Changes : public ObjectReader {
 public:
  struct Row {
    int32_t delta = 0;                // slots that point here: added minus taken away
    uint32_t place = 0;               // for whoever collects
    const uint8_t* stored = nullptr;  // kIncoming: as it will be stored, in an ObjectArena
    uint32_t stored_size = 0;
    Kind kind{};
    Presence presence = Presence::kMissing;
    bool counted = false;     // the slots of this object are in the deltas of others
    bool other_kind = false;  // kProvisional: it is stored as of another kind, which binds nobody
    uint32_t before = 0;      // the stored count of what was released; 0: not looked up
  };

  /* What is known of an object that is referred to, and was not brought. */
  enum class Others {
    kLookedUp,
    kLive,  // it is of the Root that was stored last, so that looking it up can be spared
  };

  /* The store must outlive it.  While it exists, no object that it has a row for is swept. */
  explicit Changes(Store& store, Others others = Others::kLookedUp);
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;
  ~Changes() override;

  /* The row of an object; `made` tells whether it is new, which then has been looked up.  VISOR_EPROTO when
   * the object is stored, or came, as one of another kind. */
  Result<uint32_t> note(const Hash& hash, Kind kind, bool* made);
  /* The same, and one more slot points at it. */
  Result<uint32_t> refer(const Hash& hash, Kind kind, bool* made);
  /* The object of a row that is missing has come: it is held, and its slots are referred to; `made` gets the
   * rows that are new, in the order of the slots. */
  Result<void> take(uint32_t row, ByteView object, std::vector<uint32_t>& made);
  /* The same for a row that is provisional: its object is read from the store. */
  Result<void> adopt(uint32_t row, std::vector<uint32_t>& made);
  /* An object that was made here, those below it first: looked up, and taken unless it is live. */
  Result<void> add(const Hash& hash, Kind kind, ByteView object);
  /* The same of a leaf's entry, which refers to nothing, sealed in an arena that outlives this; false: it was
   * there, and is not held. */
  Result<bool> add_leaf(const Hash& hash, ByteView entry);
  /* Room here for such an entry, which is to be written there and added. */
  uint8_t* room(size_t bytes) { return arena_.add(bytes); }
  Result<bool> add_in_room(const Hash& hash, std::span<uint8_t> entry);
  /* From now on what was held stays readable where it is until this goes, written to the store or not. */
  void retain() { retained_.emplace(); }
  /* So many objects are about to come. */
  void expect(size_t objects) { rows_.reserve(objects); }

  /* Others::kLive from now on. */
  void spare_lookups() { others_ = Others::kLive; }
  /* From now on objects are looked up, and what was added may come to be referred to by nothing: that is left
   * out of the commit. */
  void expect_orphans() {
    others_ = Others::kLookedUp;
    orphans_ = true;
  }
  Result<void> drop_orphans();

  /* Takes over all that is referred to and only provisional. */
  Result<void> adopt_rest();

  Result<ByteView> read(const Hash& hash, Kind kind) override;
  /* A held object, or empty. */
  ByteView held(const Hash& hash) const;

  bool contains(const Hash& hash) const { return rows_.find(hash) != HashTable<Row>::kNone; }
  std::optional<uint32_t> find(const Hash& hash) const {
    const uint32_t row = rows_.find(hash);
    return row == HashTable<Row>::kNone ? std::nullopt : std::optional(row);
  }
  size_t size() const { return rows_.size(); }
  Row& row(uint32_t index) { return rows_[index]; }
  const Hash& hash(uint32_t index) const { return rows_.hash(index); }
  /* Of objects held in memory. */
  size_t held_bytes() const { return arena_.bytes(); }

 private:
  friend class Store;

  Result<uint32_t> touch(const Hash& hash, Kind kind, bool look, bool* made);
  Result<void> count(uint32_t row, ByteView object, std::vector<uint32_t>& made);
  /* The opposite, for an object that others made live meanwhile, and for all that only it had brought. */
  Result<void> uncount(uint32_t row);
  /* Brings the rows up to date after others have committed. */
  Result<void> reconcile();
  Result<void> reconcile(uint32_t row);
  Result<void> look(uint32_t row);
  /* Takes a slot away that pointed at a live object; `freed` gets the row when it was the last. */
  Result<void> release(const Hash& hash, Kind kind, std::vector<uint32_t>& freed);
  /* Takes away a Root that is live, and all that nothing else points at. */
  Result<void> release_root(const Hash& root);

  void hold(uint32_t row, ByteView object);
  void hold_kept(uint32_t row, ByteView object);
  void let_go();

  Store& store_;
  Others others_;
  bool orphans_ = false;
  HashTable<Row> rows_;
  uint64_t generation_;  // of the store, when its rows were right
  ObjectArena arena_;
  std::optional<std::vector<ObjectArena>> retained_;
  std::vector<uint32_t> held_;  // rows
  std::vector<Slot> slots_;     // of the object at hand
  std::vector<uint32_t> made_;  // likewise
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_CHANGES_HPP
