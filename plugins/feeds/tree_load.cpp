// An owner's tree and its store: taken up at a start, mended when something of it is gone.
#include <algorithm>

#include "tree.hpp"
#include "tree_reader.hpp"
#include "treestore.hpp"

namespace visor::feeds {

// --- reading ---

Result<void> Tree::load(ObjectReader& objects, const Hash& top, const Dropped& dropped) {
  *this = Tree();
  if (top.blank()) return {};
  std::string path;
  Result<void> loaded = load(objects, top, *top_, path, 0, dropped);
  if (!loaded) *this = Tree();
  return loaded;
}

Result<void> Tree::load(ObjectReader& objects, const Hash& node, Directory& directory, std::string& path,
                        size_t depth, const Dropped& dropped) {
  auto drop = [&](const Error& why) -> Result<void> {
    if (!is_damage(why)) return std::unexpected(why);
    dropped(path, why);
    return {};
  };
  if (depth == kMaxPathSegments) return drop({VISOR_EPROTO, "too many directories below each other"});
  Result<ListView> list = open_directory(objects, node);
  if (!list) return drop(list.error());
  directory.moved_from = List::kNoneMoved;
  directory.node = node;
  const size_t path_size = path.size();
  for (uint64_t i = 0; i < list->size(); ++i) {
    path.resize(path_size);
    Result<TreeEntry> entry = read_entry(objects, *list, i);
    if (!entry) {
      if (Result<void> done = drop(entry.error()); !done) return done;
      directory.moved_from = std::min<uint64_t>(directory.moved_from, directory.children.size());
      continue;
    }
    Child made{std::string(entry->name), *list->item(objects, i), nullptr};
    if (entry->is_directory()) {
      const Hash sub = entry->sub;
      path += (path.empty() ? "" : "/") + made.name;
      made.sub = std::make_unique<Directory>();
      if (Result<void> done = load(objects, sub, *made.sub, path, depth + 1, dropped); !done) return done;
      path.resize(path_size);
      if (made.sub->children.empty()) {
        directory.moved_from = std::min<uint64_t>(directory.moved_from, directory.children.size());
        continue;
      }
      if (made.sub->moved_from != List::kNoneMoved || !made.sub->places.empty()) {
        directory.children.push_back(std::move(made));
        mark(directory, directory.children.size() - 1);
        continue;
      }
    } else {
      ++leaves_;
    }
    directory.children.push_back(std::move(made));
  }
  path.resize(path_size);
  if (directory.children.size() == list->size() && list->degree() == kListDegree)
    adopt(objects, *list, directory);
  return {};
}

/* The addresses of the list's nodes, so that the first change after a start does not encode all of them. */
void Tree::adopt(ObjectReader& objects, ListView& list, Directory& directory) {
  std::vector<std::vector<Hash>> levels(list.depth());
  for (uint32_t level = 1; level <= list.depth(); ++level) {
    const uint64_t nodes = list_nodes(list.degree(), list.size(), level);
    for (uint64_t i = 0; i < nodes; ++i) {
      Result<Hash> node = list.node(objects, level, i);
      if (!node) return;
      levels[level - 1].push_back(*node);
    }
  }
  directory.list.adopt(std::move(levels));
}

// --- mending ---

Result<void> Tree::mend(ObjectReader& objects, const Dropped& dropped) {
  return mend(objects, *top_, "", dropped);
}

Result<void> Tree::mend(ObjectReader& objects, Directory& directory, const std::string& path,
                        const Dropped& dropped) {
  Result<void> mended;
  std::erase_if(directory.children, [&](Child& here) {
    const std::string at = path.empty() ? here.name : path + "/" + here.name;
    if (here.sub) {
      if (Result<void> done = mend(objects, *here.sub, at, dropped); !done) mended = done;
      here.changed = true;
      return here.sub->children.empty();
    }
    if (here.object) return false;
    Result<ByteView> stored = objects.read(here.entry, Kind::kTreeEntry);
    if (stored) return false;
    if (!is_damage(stored.error())) {
      mended = std::unexpected(stored.error());
      return false;
    }
    dropped(at, stored.error());
    --leaves_;
    return true;
  });
  directory.moved_from = 0;
  directory.list = List(kListDegree);
  return mended;
}

}  // namespace visor::feeds
