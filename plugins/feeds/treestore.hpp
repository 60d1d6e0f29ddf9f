/* TreeStore: a tree of named leaves as objects (specification cxo.md, 4.3).
 *
 *   TreeNode    32 bytes: address of the list of its children, blank when it has none
 *   TreeEntry   name (u32, bytes) | sub: address of a TreeNode, or blank | leaf (u32, bytes)
 *
 * Children are sorted by name bytewise.  An entry with a leaf is a leaf, whatever its sub; with neither it is
 * not seen. A path joins names by '/'; both "" and "/" are the whole tree. */
#ifndef VISOR_FEEDS_TREESTORE_HPP
#define VISOR_FEEDS_TREESTORE_HPP
#include <compare>

#include "lib/crypto/sha256.hpp"

namespace visor::feeds {

using crypto::Hash;
class Registry;

/* What the registry must come out as; compared at start. */
struct TreeTypes {
  Hash registry, entry, node;
};
const TreeTypes& tree_types();
/* The registry of every tree, made from its description.  VISOR_EINTERNAL if it is not the one the network
 * uses. */
Result<Registry> make_tree_registry();

struct TreeEntry {
  std::string_view name;
  Hash sub;
  ByteView leaf;

  bool is_leaf() const { return !leaf.empty(); }
  bool is_directory() const { return leaf.empty() && !sub.blank(); }
};

/* Views into `object`; a tail is refused. */
Result<TreeEntry> decode_tree_entry(ByteView object);
Result<Hash> decode_tree_node(ByteView object);
void append_tree_entry(Bytes& to, const TreeEntry& entry);
/* The same to where there is room for tree_entry_size(). */
void write_tree_entry(uint8_t* to, const TreeEntry& entry);
size_t tree_entry_size(size_t name_bytes, size_t leaf_bytes);

/* The names of a path; one '/' at its end is allowed.  VISOR_EINVAL for an empty name between others, and for
 * paths longer or deeper than we write or read. */
Result<std::vector<std::string_view>> split_path(std::string_view path);
/* Without the '/' at its end. */
std::string_view trim_path(std::string_view path);
/* Whether `path` is `prefix` or below it; by whole names, so "a/b" is not a prefix of "a/bc". */
bool under(std::string_view path, std::string_view prefix);
/* The order of leaves in a tree: by names from the top, so that all below a directory stays together. */
std::strong_ordering compare_paths(std::string_view a, std::string_view b);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TREESTORE_HPP
