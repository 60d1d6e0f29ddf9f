#include "object.hpp"

#include "limits.hpp"
#include "refs.hpp"
#include "root.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

void add(const Hash& hash, Kind kind, std::vector<Slot>& to) {
  if (!hash.blank()) to.push_back({hash, kind});
}

void add_all(ByteView addresses, Kind kind, std::vector<Slot>& to) {
  for (size_t i = 0; i < addresses.size() / 32; ++i) add(address_at(addresses, i), kind, to);
}

Result<void> root_slots(ByteView object, std::vector<Slot>& to) {
  Result<Root> root = decode_root(object);
  if (!root) return std::unexpected(root.error());
  add(root->registry, Kind::kRegistry, to);
  for (const Dynamic& ref : root->refs) add(ref.object, Kind::kTreeNode, to);
  return {};
}

}  // namespace

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::kRoot:
      return "Root";
    case Kind::kRegistry:
      return "registry";
    case Kind::kTreeNode:
      return "directory";
    case Kind::kTreeEntry:
      return "entry";
    case Kind::kListRoot:
      return "list";
    case Kind::kListNode:
      break;
  }
  return "list node of level " + std::to_string(static_cast<int>(kind) - static_cast<int>(Kind::kListNode));
}

Result<void> append_slots(Kind kind, ByteView object, std::vector<Slot>& to) {
  switch (kind) {
    case Kind::kRoot:
      return root_slots(object, to);
    case Kind::kRegistry:
      return {};
    case Kind::kTreeNode: {
      Result<Hash> children = decode_tree_node(object);
      if (!children) return std::unexpected(children.error());
      add(*children, Kind::kListRoot, to);
      return {};
    }
    case Kind::kTreeEntry: {
      Result<TreeEntry> entry = decode_tree_entry(object);
      if (!entry) return std::unexpected(entry.error());
      add(entry->sub, Kind::kTreeNode, to);
      return {};
    }
    case Kind::kListRoot: {
      Result<ListRoot> list = decode_list_root(object);
      if (!list) return std::unexpected(list.error());
      add_all(list->addresses, list->depth == 0 ? Kind::kTreeEntry : list_node(list->depth), to);
      return {};
    }
    default: {
      const uint32_t level = static_cast<uint32_t>(kind) - static_cast<uint32_t>(Kind::kListNode);
      if (level == 0 || level > kMaxListDepth) {
        return failure(VISOR_EINTERNAL, "no object is of kind " + std::to_string(static_cast<int>(kind)));
      }
      Result<ListNode> node = decode_list_node(object);
      if (!node) return std::unexpected(node.error());
      add_all(node->addresses, level == 1 ? Kind::kTreeEntry : list_node(level - 1), to);
      return {};
    }
  }
}

}  // namespace visor::feeds
