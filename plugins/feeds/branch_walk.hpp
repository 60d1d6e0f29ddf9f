/* The way from the top of a tree to some of its branches, read object by object as in a preview
 * (specification cxo.md, 8.9), and the tree that is left when all else is cut off:
 *
 *   each directory on the way has the next name only, and what a branch begins with is the very TreeEntry of
 *   the whole tree, be it of a directory or of a leaf.
 *
 * So a tree of branches has the paths of the whole one, is stored and compared as any other, and equal
 * branches give equal trees. */
#ifndef VISOR_FEEDS_BRANCH_WALK_HPP
#define VISOR_FEEDS_BRANCH_WALK_HPP
#include <map>
#include <set>

#include "lib/codec/reader.hpp"
#include "store.hpp"

namespace visor::feeds {

inline constexpr size_t kMaxBranches = 64;  // of one feed

using ObjectMap = std::map<Hash, Bytes>;

class BranchWalk {
 public:
  /* `branches`: valid paths, none of them "".  What is not in the store may be among `known`. */
  BranchWalk(Store& store, const Hash& top, const std::vector<std::string>& branches, ObjectMap known = {});

  /* Goes as far as objects are at hand, and gives those that it needs next; none: it is done.  VISOR_EPROTO
   * when the tree is not one. */
  Result<std::set<Hash>> run();
  /* One that was asked for. */
  void take(const Hash& hash, ByteView object) {
    known_.insert_or_assign(hash, Bytes(object.begin(), object.end()));
  }

  // Once it is done:

  const Hash& top() const { return top_; }
  /* What the tree has above its branches, and where these begin. */
  ObjectMap take_objects() { return std::move(made_); }
  /* What was read of the whole tree: most of it will be the same in the next one. */
  ObjectMap take_read() { return std::move(used_); }

 private:
  /* Objects at hand, noting what was read and what is missing. */
  struct Reader final : ObjectReader {
    explicit Reader(BranchWalk& owner) : walk(owner) {}
    Result<ByteView> read(const Hash& hash, Kind kind) override;
    BranchWalk& walk;
    Hash missing;
  };
  /* A directory of the new tree or, with an entry, the beginning of a branch. */
  struct Node {
    std::map<std::string, Node, std::less<>> children;
    std::optional<Hash> entry;
  };

  Result<std::optional<Hash>> find_entry(ObjectReader& objects, std::string_view branch);
  Result<Hash> make(const Node& directory);
  Hash keep(ByteView object);

  Store& store_;
  Hash whole_;
  std::vector<std::string> branches_;
  ObjectMap known_, used_, made_;
  Hash top_;
};

/* Those that are under no other one, in order. */
std::vector<std::string> outermost(std::vector<std::string> prefixes);

/* count u32 | each: u32, bytes */
void append_branches(Bytes& to, const std::vector<std::string>& branches);
/* At most kMaxBranches, each a path, none of them ""; a tail stays. */
Result<std::vector<std::string>> read_branches(codec::Reader& from);

/* Of a feed of which only branches are stored: which. */
std::vector<std::string> stored_branches(Store& store, const FeedId& id);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_BRANCH_WALK_HPP
