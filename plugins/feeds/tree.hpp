/* The tree that a feed's owner writes: names and addresses in memory, values in the store.  A change costs
 * the nodes on its path, whatever the size of the tree. */
#ifndef VISOR_FEEDS_TREE_HPP
#define VISOR_FEEDS_TREE_HPP
#include <visor/abi.h>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "limits.hpp"
#include "object.hpp"
#include "refs.hpp"

namespace visor::feeds {

class ListView;

class Tree {
 public:
  using Emit = std::function<void(const Hash& address, Kind kind, Bytes object)>;
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

  /* Reads the tree of a Root; what cannot be read is left out, so that the next encoding mends it.  Blank:
   * empty. */
  void load(ObjectReader& objects, const Hash& top, const Dropped& dropped);

  /* Encodes what has changed since settle(), each object once, children first; gives the top TreeNode's
   * address.  Until settle() or forget() the same is encoded again. */
  Hash encode(const Emit& emit);
  /* What was encoded is stored. */
  void settle();
  /* What was encoded was not stored. */
  void forget();

  /* Leaves out what is stored no more, and encodes all the rest again the next time. */
  void mend(ObjectReader& objects, const Dropped& dropped);

  size_t leaves() const { return leaves_; }
  /* Values held until they are stored. */
  size_t pending_bytes() const { return pending_bytes_; }

 private:
  struct Directory;
  struct Child {
    std::string name;
    Hash entry;                      // address of its TreeEntry; of a directory, as last encoded
    std::unique_ptr<Directory> sub;  // null: a leaf
  };
  struct Directory {
    std::vector<Child> children;           // by name
    std::map<std::string, Bytes> pending;  // TreeEntries of leaves that are not stored
    std::set<std::string> changed;         // sub-directories with something to encode
    uint64_t moved_from = 0;               // as for List::encode; a new directory is all new
    List list{kListDegree};
    Hash node;
  };
  /* The leaf that was at a path before an operation. */
  struct Undo {
    std::string path;
    bool was_leaf = false;
    Hash entry;
    std::optional<Bytes> object;
  };
  using Names = std::vector<std::string_view>;

  Result<bool> apply(const visor_op& op, std::vector<Undo>& undo);
  Result<bool> put(std::string_view path, const Names& names, ByteView value, std::vector<Undo>& undo);
  bool erase(std::string_view path, const Names& names, std::vector<Undo>& undo);
  void revert(const Undo& undo);
  void place(const Names& names, const Hash& entry, std::optional<Bytes> object);
  void remove(const Names& names);
  Undo before(std::string_view path, const Names& names) const;

  static size_t lower_bound(const Directory& directory, std::string_view name);
  static Child* child(Directory& directory, std::string_view name);
  const Child* leaf(const Names& names, const Directory** parent) const;
  void set_pending(Directory& directory, const std::string& name, std::optional<Bytes> object);
  bool remove_below(Directory& directory, std::span<const std::string_view> names);
  void load(ObjectReader& objects, const Hash& node, Directory& directory, std::string& path, size_t depth,
            const Dropped& dropped);
  static void adopt(ObjectReader& objects, ListView& list, Directory& directory);
  void encode(Directory& directory, const Emit& emit);
  void mend(ObjectReader& objects, Directory& directory, const std::string& path, const Dropped& dropped);
  void settle(Directory& directory);
  void forget(Directory& directory);

  std::unique_ptr<Directory> top_;
  size_t leaves_ = 0;
  size_t pending_bytes_ = 0;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREE_HPP
