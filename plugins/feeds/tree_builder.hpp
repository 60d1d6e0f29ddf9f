/* Makes a tree of another one and the differences to it, told in the order of compare_paths: reads of the old
 * tree what lies beside the changes, shares with it whatever is equal, and emits new objects, children first.
 */
#ifndef VISOR_FEEDS_TREE_BUILDER_HPP
#define VISOR_FEEDS_TREE_BUILDER_HPP
#include "list_writer.hpp"
#include "tree_reader.hpp"

namespace visor::feeds {

class TreeBuilder {
 public:
  /* Who takes the objects. */
  class Sink {
   public:
    virtual ~Sink() = default;
    /* The object is lent. */
    virtual Result<void> object(const Hash& address, Kind kind, ByteView object) = 0;
    /* Room for the entry of a leaf, and that entry, written there. */
    virtual uint8_t* room(size_t bytes) = 0;
    virtual Result<void> leaf(const Hash& address, std::span<uint8_t> entry) = 0;
  };

  /* base: the old tree's top, blank for none; `objects` and `sink` must outlive this. */
  TreeBuilder(ObjectReader& objects, const Hash& base, Sink& sink);
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  /* A leaf; an empty value deletes it.  VISOR_EPROTO for what cannot be, after which this is of no use:
   * deleting what is not there, a leaf where a directory was begun, paths and values that no tree has.
   * VISOR_ENOENT: the old tree is not whole.  `places`: where each name of the path may be in its directory,
   * as far as somebody says so. */
  Result<void> apply(std::string_view path, ByteView value, std::span<const size_t> places = {});
  /* The top's address, once all differences are told. */
  Result<Hash> finish();

 private:
  struct Frame {
    ListView base;
    uint64_t next = 0;  // of its children, the first that has no successor in the new one yet
    ListWriter list;
    std::string name;       // in the directory above
    std::string last_name;  // of what was put last
  };

  Result<void> descend(std::string_view path);
  Result<void> enter(std::string_view name, size_t depth);
  Result<void> leave();
  Result<bool> advance(Frame& frame, std::string_view name, size_t depth);
  Result<uint64_t> search(Frame& frame, std::string_view name, size_t depth);
  Result<void> copy(Frame& frame, uint64_t end);
  Result<Hash> close(Frame& frame);
  Result<void> check_after(Frame& frame, std::string_view name);
  Result<Hash> add_leaf(std::string_view name, ByteView value);
  Result<Hash> add_directory(std::string_view name, const Hash& node);

  ObjectReader& objects_;
  Hash base_;
  Sink& sink_;
  ListWriter::Emit list_emit_;
  std::vector<Frame> frames_;  // the directories that lead to where we are; [0]: the top
  std::span<const size_t> places_;
  std::string replaced_;  // a directory of the old tree that became a leaf: what was below it goes
  Bytes object_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREE_BUILDER_HPP
