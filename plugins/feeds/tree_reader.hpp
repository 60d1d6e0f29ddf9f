/* Reading a tree from its objects, nothing of which is kept in memory: lists by position, directories by
 * name, leaves in order.  Objects are a stranger's: whatever does not fit is VISOR_EPROTO. */
#ifndef VISOR_FEEDS_TREE_READER_HPP
#define VISOR_FEEDS_TREE_READER_HPP
#include "object.hpp"
#include "treestore.hpp"

namespace visor::feeds {

/* A list, read by position.  Keeps the nodes above the item that was read last, so that a walk reads each
 * node once. */
class ListView {
 public:
  /* An empty list. */
  ListView() = default;
  /* Blank: an empty list. */
  static Result<ListView> open(ObjectReader& objects, const Hash& list_root);

  uint64_t size() const { return size_; }
  uint32_t degree() const { return degree_; }
  uint32_t depth() const { return depth_; }
  /* index < size(). */
  Result<Hash> item(ObjectReader& objects, uint64_t index);
  /* The address of a node, 1 <= level <= depth(). */
  Result<Hash> node(ObjectReader& objects, uint32_t level, uint64_t index);
  /* Items below a node of that level (0: an item). */
  uint64_t items_below(uint32_t level, uint64_t index) const;

 private:
  struct Loaded {
    uint64_t index = UINT64_MAX;
    std::vector<Hash> elements;
  };
  Result<const std::vector<Hash>*> elements(ObjectReader& objects, uint32_t level, uint64_t index);

  uint64_t size_ = 0;
  uint32_t degree_ = 2;
  uint32_t depth_ = 0;
  std::vector<Hash> root_;
  std::vector<Loaded> loaded_;  // [0]: the node of level 1 that was read last
};

/* The children of a TreeNode; blank: none. */
Result<ListView> open_directory(ObjectReader& objects, const Hash& node);
/* Lent until the next read. */
Result<TreeEntry> read_entry(ObjectReader& objects, ListView& directory, uint64_t index);

struct Position {
  uint64_t index = 0;  // of the first child whose name is not less
  bool exact = false;
};
Result<Position> find_name(ObjectReader& objects, ListView& directory, std::string_view name);

struct Found {
  enum What { kNothing, kLeaf, kDirectory };
  What what = kNothing;
  ByteView leaf;   // lent until the next read
  Hash directory;  // its TreeNode; the top for ""
};
Result<Found> find(ObjectReader& objects, const Hash& top, std::string_view path);

/* Goes over the leaves of a tree, in the order of compare_paths.  The reader must outlive it. */
class TreeCursor {
 public:
  /* Only what is under `prefix`, a valid path. */
  TreeCursor(ObjectReader& objects, const Hash& top, std::string_view prefix);

  /* Each gives whether there is a leaf; after false the cursor stands outside. */
  Result<bool> first();
  Result<bool> last();
  Result<bool> at_or_after(std::string_view path);
  Result<bool> at_or_before(std::string_view path);
  Result<bool> next();
  Result<bool> previous();

  std::string_view path() const { return path_; }
  const Bytes& value() const { return value_; }

 private:
  struct Frame {
    ListView directory;
    uint64_t position = 0;  // 1 + the index of the child that was looked at; 0: before all
    size_t path_size = 0;   // of path_, without this frame's name
  };
  Result<void> push(const Hash& node, bool at_end);
  Result<bool> step_forward();
  Result<bool> step_back();
  /* Takes the child at the frame's position: a leaf ends the step, a directory is entered. */
  Result<bool> take(bool at_end);
  Result<bool> seek(std::string_view path);
  Result<bool> seek_end(std::string_view path);
  Result<bool> bounded(Result<bool> found) const;

  ObjectReader& objects_;
  Hash top_;
  std::string prefix_;
  std::vector<Frame> frames_;
  std::string path_;
  Bytes value_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREE_READER_HPP
