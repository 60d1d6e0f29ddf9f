/* The tree that a feed's owner writes: names and addresses in memory, values in the store.  A change costs
 * the nodes on its path, whatever the size of the tree; many at once are merged directory by directory. */
#ifndef VISOR_FEEDS_TREE_HPP
#define VISOR_FEEDS_TREE_HPP
#include <visor/abi.h>

#include "limits.hpp"
#include "object_arena.hpp"
#include "refs.hpp"

namespace visor::feeds {

class ListView;

class Tree {
 public:
  /* The object is lent; a leaf's entry is sealed in an arena, and stays until settle(). */
  using Emit = std::function<void(const Hash& address, Kind kind, ByteView object, bool leaf)>;
  /* Hears of each sub-tree that could not be read, and why. */
  using Dropped = std::function<void(const std::string& path, const Error& why)>;

  Tree();
  ~Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;

  /* All or none.  Gives whether anything is different; a value that is there already, or the deletion of what
   * is not, is not.  VISOR_EINVAL for what cannot be a leaf (an empty value, a path, a size above the object
   * limit), VISOR_EEXIST when a leaf would be where a sub-tree is, or below a leaf. */
  Result<bool> apply(std::span<const visor_op> ops);

  /* Reads the tree of a Root; what is gone or damaged is left out, so that the next encoding mends it. Blank:
   * empty.  An error: the store could not be read just now, and nothing was taken up. */
  Result<void> load(ObjectReader& objects, const Hash& top, const Dropped& dropped);

  /* Encodes what has changed since settle(), each object once, children first; gives the top TreeNode's
   * address.  Until settle() or forget() the same is encoded again. */
  Hash encode(const Emit& emit);
  /* What was encoded is stored. */
  void settle();
  /* What was encoded was not stored. */
  void forget();

  /* Leaves out what is stored no more, and encodes all the rest again the next time.  An error: of some of it
   * that is not known just now, and it stays. */
  Result<void> mend(ObjectReader& objects, const Dropped& dropped);

  /* Where in its directory each name of a path is, or would be; 0 below what is not there. */
  std::vector<size_t> places(std::string_view path) const;

  size_t leaves() const { return leaves_; }
  /* About so many objects will be encoded. */
  size_t pending() const { return pending_ + pending_ / 8; }
  /* Of values held until they are stored. */
  size_t pending_bytes() const { return pending_bytes_; }
  /* Of memory for them. */
  size_t held_bytes() const { return arena_.bytes(); }

 private:
  struct Directory;
  struct Child {
    std::string name;
    Hash entry;                       // address of its TreeEntry; of a directory, as last encoded
    std::unique_ptr<Directory> sub;   // null: a leaf
    const uint8_t* object = nullptr;  // of a leaf that is not stored: its TreeEntry, in arena_
    uint32_t object_bytes = 0;
    bool changed = false;  // there is something to encode, at it or below
  };
  struct Directory {
    std::vector<Child> children;   // by name
    std::vector<uint32_t> places;  // of children that changed, before moved_from
    uint64_t moved_from = 0;       // as for List::encode; a new directory is all new
    List list{kListDegree};
    Hash node;
  };
  /* The leaf that was there before an operation. */
  struct Undo {
    size_t op = 0;
    bool was_leaf = false;
    Hash entry{};
    const uint8_t* object = nullptr;
    uint32_t object_bytes = 0;
  };
  struct Leaf {
    std::string_view path;
    ByteView value;
  };
  using Names = std::vector<std::string_view>;

  Result<bool> apply_each(std::span<const visor_op> ops);
  Result<bool> apply(const visor_op& op, size_t index, std::vector<Undo>& undo);
  Result<bool> put(std::string_view path, const Names& names, ByteView value, size_t index,
                   std::vector<Undo>& undo);
  bool erase(const Names& names, size_t index, std::vector<Undo>& undo);
  void revert(const Undo& undo, std::string_view path);
  void place(const Names& names, const Undo& leaf);
  bool remove_below(Directory& directory, std::span<const std::string_view> names);
  static Undo before(const Child* leaf, size_t index);

  // tree_merge.cpp
  bool merge_all(std::span<const visor_op> ops, bool* changed);
  static std::span<const Leaf> of_child(std::span<const Leaf> leaves, size_t from, std::string_view name);
  static bool fits(const Directory& directory, std::span<const Leaf> leaves, size_t from);
  bool merge(Directory& directory, std::span<const Leaf> leaves, size_t from);
  bool merge_child(Directory& directory, size_t at, std::span<const Leaf> leaves, size_t from);

  static size_t lower_bound(const Directory& directory, std::string_view name);
  static Child* child(Directory& directory, std::string_view name);
  const Child* leaf(const Names& names) const;
  static void mark(Directory& directory, size_t at);
  static void moved(Directory& directory, size_t from);
  template <class Fn>
  static void each_changed(Directory& directory, const Fn& fn);
  /* Encodes a leaf into the arena, and gives its address. */
  Hash write_entry(std::string_view name, ByteView value, const uint8_t** object);
  void set_object(Child& child, const uint8_t* object, size_t object_bytes);
  void compact();
  void compact(Directory& directory, ObjectArena& to);

  Result<void> load(ObjectReader& objects, const Hash& node, Directory& directory, std::string& path,
                    size_t depth, const Dropped& dropped);
  static void adopt(ObjectReader& objects, ListView& list, Directory& directory);
  void encode(Directory& directory, const Emit& emit);
  Result<void> mend(ObjectReader& objects, Directory& directory, const std::string& path,
                    const Dropped& dropped);
  static void settle(Directory& directory);
  static void forget(Directory& directory);

  std::unique_ptr<Directory> top_;
  ObjectArena arena_;
  Bytes object_;
  size_t leaves_ = 0;
  size_t pending_ = 0, pending_bytes_ = 0;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREE_HPP
