#include "tree.hpp"

#include <algorithm>

#include "tree_reader.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

std::unexpected<Error> conflict(std::string_view path, std::string_view at, const char* what) {
  return failure(VISOR_EEXIST,
                 "cannot write the leaf '" + std::string(path) + "': '" + std::string(at) + "' is a " + what);
}

}  // namespace

Tree::Tree() : top_(std::make_unique<Directory>()) {}
Tree::~Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;

size_t Tree::lower_bound(const Directory& directory, std::string_view name) {
  auto at = std::ranges::lower_bound(directory.children, name, {},
                                     [](const Child& c) { return std::string_view(c.name); });
  return static_cast<size_t>(at - directory.children.begin());
}

Tree::Child* Tree::child(Directory& directory, std::string_view name) {
  size_t at = lower_bound(directory, name);
  return at < directory.children.size() && directory.children[at].name == name ? &directory.children[at]
                                                                               : nullptr;
}

/* The leaf at a path, or null. */
const Tree::Child* Tree::leaf(const Names& names, const Directory** parent) const {
  Directory* directory = top_.get();
  for (size_t i = 0; i < names.size(); ++i) {
    Child* found = child(*directory, names[i]);
    if (!found) return nullptr;
    if (i + 1 == names.size()) {
      *parent = directory;
      return found->sub ? nullptr : found;
    }
    if (!found->sub) return nullptr;
    directory = found->sub.get();
  }
  return nullptr;
}

// --- writing ---

Result<bool> Tree::apply(std::span<const visor_op> ops) {
  std::vector<Undo> undo;
  bool changed = false;
  for (const visor_op& op : ops) {
    Result<bool> applied = apply(op, undo);
    if (!applied) {
      for (auto step = undo.rbegin(); step != undo.rend(); ++step) revert(*step);
      return applied;
    }
    changed = changed || *applied;
  }
  return changed;
}

Result<bool> Tree::apply(const visor_op& op, std::vector<Undo>& undo) {
  const std::string_view path = trim_path(text(op.key));
  Result<Names> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  if (names->empty()) return failure(VISOR_EINVAL, "the path of a leaf must not be empty");
  if (op.kind == VISOR_DELETE) return erase(path, *names, undo);
  if (op.kind != VISOR_PUT) {
    return failure(VISOR_EINVAL, "an operation is VISOR_PUT or VISOR_DELETE; got " + std::to_string(op.kind));
  }
  return put(path, *names, bytes(op.value), undo);
}

Tree::Undo Tree::before(std::string_view path, const Names& names) const {
  Undo undo{std::string(path), false, {}, {}};
  const Directory* parent = nullptr;
  if (const Child* found = leaf(names, &parent)) {
    undo.was_leaf = true;
    undo.entry = found->entry;
    auto pending = parent->pending.find(found->name);
    if (pending != parent->pending.end()) undo.object = pending->second;
  }
  return undo;
}

Result<bool> Tree::put(std::string_view path, const Names& names, ByteView value, std::vector<Undo>& undo) {
  if (value.empty()) {
    return failure(VISOR_EINVAL, "the leaf '" + std::string(path) +
                                     "' has an empty value, which no reader would see; delete it instead");
  }
  if (tree_entry_size(names.back().size(), value.size()) > kMaxObjectBytes) {
    return failure(VISOR_EINVAL,
                   "the leaf '" + std::string(path) + "' of " + std::to_string(value.size()) +
                       " bytes is larger than an object may be (16 MiB with its name); split it");
  }
  Directory* directory = top_.get();
  for (size_t i = 0; i < names.size() && directory; ++i) {
    const std::string_view at = path.substr(0, static_cast<size_t>(names[i].end() - path.begin()));
    Child* found = child(*directory, names[i]);
    if (found && i + 1 < names.size() && !found->sub) return conflict(path, at, "leaf");
    if (found && i + 1 == names.size() && found->sub) return conflict(path, at, "sub-tree");
    directory = found ? found->sub.get() : nullptr;
  }
  Bytes object;
  object.reserve(tree_entry_size(names.back().size(), value.size()));
  append_tree_entry(object, {names.back(), Hash{}, value});
  const Hash entry = crypto::sha256(object);
  const Directory* parent = nullptr;
  const Child* found = leaf(names, &parent);
  if (found && found->entry == entry) return false;
  undo.push_back(before(path, names));
  place(names, entry, std::move(object));
  return true;
}

bool Tree::erase(std::string_view path, const Names& names, std::vector<Undo>& undo) {
  const Directory* parent = nullptr;
  if (!leaf(names, &parent)) return false;
  undo.push_back(before(path, names));
  remove(names);
  return true;
}

void Tree::revert(const Undo& undo) {
  Names names = *split_path(undo.path);
  if (undo.was_leaf) {
    place(names, undo.entry, undo.object);
  } else {
    remove(names);
  }
}

void Tree::set_pending(Directory& directory, const std::string& name, std::optional<Bytes> object) {
  auto at = directory.pending.find(name);
  if (at != directory.pending.end()) {
    pending_bytes_ -= at->second.size();
    directory.pending.erase(at);
  }
  if (!object) return;
  pending_bytes_ += object->size();
  directory.pending.emplace(name, std::move(*object));
}

/* Makes a leaf, and the directories above it; there is no conflict. */
void Tree::place(const Names& names, const Hash& entry, std::optional<Bytes> object) {
  Directory* directory = top_.get();
  for (size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    const size_t at = lower_bound(*directory, names[i]);
    if (at == directory->children.size() || directory->children[at].name != names[i]) {
      Child made{std::string(names[i]), Hash{}, last ? nullptr : std::make_unique<Directory>()};
      directory->children.insert(directory->children.begin() + static_cast<ptrdiff_t>(at), std::move(made));
      directory->moved_from = std::min<uint64_t>(directory->moved_from, at);
      if (last) ++leaves_;
    }
    Child& here = directory->children[at];
    if (last) {
      here.entry = entry;
      // Without an object the leaf is stored, and only the list above it is to be encoded.
      directory->moved_from = object ? directory->moved_from : std::min<uint64_t>(directory->moved_from, at);
      set_pending(*directory, here.name, std::move(object));
    } else {
      directory->changed.insert(here.name);
      directory = here.sub.get();
    }
  }
}

void Tree::remove(const Names& names) {
  remove_below(*top_, names);
}

/* Gives whether the directory is empty now. */
bool Tree::remove_below(Directory& directory, std::span<const std::string_view> names) {
  const size_t at = lower_bound(directory, names.front());
  Child& here = directory.children[at];
  if (names.size() > 1 && !remove_below(*here.sub, names.subspan(1))) {
    directory.changed.insert(here.name);
    return false;
  }
  if (names.size() == 1) --leaves_;
  set_pending(directory, here.name, {});
  directory.changed.erase(here.name);
  directory.children.erase(directory.children.begin() + static_cast<ptrdiff_t>(at));
  directory.moved_from = std::min<uint64_t>(directory.moved_from, at);
  return directory.children.empty();
}

// --- encoding ---

Hash Tree::encode(const Emit& emit) {
  encode(*top_, emit);
  return top_->node;
}

void Tree::encode(Directory& directory, const Emit& emit) {
  std::vector<uint64_t> changed;
  for (const std::string& name : directory.changed) {
    const size_t at = lower_bound(directory, name);
    Child& here = directory.children[at];
    encode(*here.sub, emit);
    Bytes object;
    append_tree_entry(object, {here.name, here.sub->node, {}});
    here.entry = crypto::sha256(object);
    emit(here.entry, Kind::kTreeEntry, std::move(object));
    changed.push_back(at);
  }
  for (const auto& [name, object] : directory.pending) {
    const size_t at = lower_bound(directory, name);
    emit(directory.children[at].entry, Kind::kTreeEntry, object);
    changed.push_back(at);
  }
  std::ranges::sort(changed);
  const Hash list = directory.list.encode(
      directory.children.size(), [&](uint64_t i) { return directory.children[static_cast<size_t>(i)].entry; },
      changed, directory.moved_from,
      [&](uint32_t level, const Hash& address, Bytes object) {
        emit(address, level == 0 ? Kind::kListRoot : list_node(level), std::move(object));
      });
  Bytes object(list.bytes.begin(), list.bytes.end());
  directory.node = crypto::sha256(object);
  emit(directory.node, Kind::kTreeNode, std::move(object));
}

void Tree::settle() {
  settle(*top_);
}

void Tree::settle(Directory& directory) {
  for (const std::string& name : directory.changed) settle(*child(directory, name)->sub);
  directory.changed.clear();
  for (const auto& [name, object] : directory.pending) pending_bytes_ -= object.size();
  directory.pending.clear();
  directory.moved_from = List::kNoneMoved;
}

void Tree::forget() {
  forget(*top_);
}

void Tree::forget(Directory& directory) {
  for (const std::string& name : directory.changed) forget(*child(directory, name)->sub);
  directory.list = List(kListDegree);
}

void Tree::mend(ObjectReader& objects, const Dropped& dropped) {
  mend(objects, *top_, "", dropped);
}

void Tree::mend(ObjectReader& objects, Directory& directory, const std::string& path,
                const Dropped& dropped) {
  std::erase_if(directory.children, [&](Child& here) {
    const std::string at = path.empty() ? here.name : path + "/" + here.name;
    if (here.sub) {
      mend(objects, *here.sub, at, dropped);
      const bool empty = here.sub->children.empty();
      if (empty) {
        directory.changed.erase(here.name);
      } else {
        directory.changed.insert(here.name);
      }
      return empty;
    }
    if (directory.pending.contains(here.name)) return false;
    Result<ByteView> stored = objects.read(here.entry, Kind::kTreeEntry);
    if (stored) return false;
    dropped(at, stored.error());
    --leaves_;
    return true;
  });
  directory.moved_from = 0;
  directory.list = List(kListDegree);
}

// --- reading ---

void Tree::load(ObjectReader& objects, const Hash& top, const Dropped& dropped) {
  *this = Tree();
  if (top.blank()) return;
  std::string path;
  load(objects, top, *top_, path, 0, dropped);
}

void Tree::load(ObjectReader& objects, const Hash& node, Directory& directory, std::string& path,
                size_t depth, const Dropped& dropped) {
  auto drop = [&](const Error& why) { dropped(path, why); };
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
      drop(entry.error());
      directory.moved_from = std::min<uint64_t>(directory.moved_from, directory.children.size());
      continue;
    }
    Child made{std::string(entry->name), *list->item(objects, i), nullptr};
    if (entry->is_directory()) {
      const Hash sub = entry->sub;
      path += (path.empty() ? "" : "/") + made.name;
      made.sub = std::make_unique<Directory>();
      load(objects, sub, *made.sub, path, depth + 1, dropped);
      path.resize(path_size);
      if (made.sub->children.empty()) {
        directory.moved_from = std::min<uint64_t>(directory.moved_from, directory.children.size());
        continue;
      }
      if (made.sub->moved_from != List::kNoneMoved || !made.sub->changed.empty())
        directory.changed.insert(made.name);
    } else {
      ++leaves_;
    }
    directory.children.push_back(std::move(made));
  }
  path.resize(path_size);
  if (directory.children.size() == list->size() && list->degree() == kListDegree)
    adopt(objects, *list, directory);
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

}  // namespace visor::feeds
