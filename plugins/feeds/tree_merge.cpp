// Many leaves at once, into a tree that is walked once.
#include <algorithm>

#include "tree.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

/* The name in a path that begins there. */
std::string_view name_at(std::string_view path, size_t from) {
  const size_t slash = path.find('/', from);
  return path.substr(from, slash == std::string_view::npos ? slash : slash - from);
}

bool below(std::string_view path, size_t from, std::string_view name) {
  return path.size() > from + name.size() && path[from + name.size()] == '/' &&
         path.compare(from, name.size(), name) == 0;
}

/* Whether it can be a leaf, as far as one sees without the tree. */
bool possible(std::string_view path, ByteView value) {
  if (path.empty() || path.size() > kMaxPathBytes || value.empty()) return false;
  if (tree_entry_size(path.size(), value.size()) > kMaxObjectBytes) return false;
  size_t names = 0;
  for (size_t from = 0; from <= path.size(); ++names) {
    const std::string_view name = name_at(path, from);
    if (name.empty()) return false;
    from += name.size() + 1;
  }
  return names <= kMaxPathSegments;
}

}  // namespace

/* False: it is not as simple as that, and nothing has changed. */
bool Tree::merge_all(std::span<const visor_op> ops, bool* changed) {
  std::vector<Leaf> leaves;
  leaves.reserve(ops.size());
  bool sorted = true;
  for (const visor_op& op : ops) {
    const Leaf leaf{trim_path(text(op.key)), bytes(op.value)};
    if (op.kind != VISOR_PUT || op.zero != 0 || !possible(leaf.path, leaf.value)) return false;
    sorted = sorted && (leaves.empty() || compare_paths(leaves.back().path, leaf.path) < 0);
    leaves.push_back(leaf);
  }
  if (!sorted) {
    std::ranges::stable_sort(leaves,
                             [](const Leaf& a, const Leaf& b) { return compare_paths(a.path, b.path) < 0; });
    // Of several values for one path the last one counts.
    const auto rest = std::ranges::unique(leaves.rbegin(), leaves.rend(), {}, &Leaf::path);
    leaves.erase(leaves.begin(), rest.begin().base());
  }
  for (size_t i = 1; i < leaves.size(); ++i) {
    if (below(leaves[i].path, 0, leaves[i - 1].path)) return false;
  }
  if (!fits(*top_, leaves, 0)) return false;
  *changed = merge(*top_, leaves, 0);
  return true;
}

/* Those at the front that go into one child, whose name is given. */
std::span<const Tree::Leaf> Tree::of_child(std::span<const Leaf> leaves, size_t from, std::string_view name) {
  size_t count = 1;
  if (leaves[0].path.size() == from + name.size()) return leaves.first(1);
  while (count < leaves.size() && below(leaves[count].path, from, name)) ++count;
  return leaves.first(count);
}

/* Whether no leaf is where a sub-tree is, or the other way round. */
bool Tree::fits(const Directory& directory, std::span<const Leaf> leaves, size_t from) {
  while (!leaves.empty()) {
    const std::string_view name = name_at(leaves[0].path, from);
    if (directory.children.empty() || directory.children.back().name < name) return true;
    const std::span<const Leaf> group = of_child(leaves, from, name);
    leaves = leaves.subspan(group.size());
    const size_t at = lower_bound(directory, name);
    if (directory.children[at].name != name) continue;
    const Directory* sub = directory.children[at].sub.get();
    const size_t behind = from + name.size();
    if ((sub == nullptr) != (group[0].path.size() == behind)) return false;
    if (sub && !fits(*sub, group, behind + 1)) return false;
  }
  return true;
}

/* Gives whether anything is different. */
bool Tree::merge(Directory& directory, std::span<const Leaf> leaves, size_t from) {
  std::vector<Child>& children = directory.children;
  const bool behind = children.empty() || children.back().name < name_at(leaves[0].path, from);
  const bool leaves_alone = leaves.front().path.find('/', from) == std::string_view::npos &&
                            leaves.back().path.find('/', from) == std::string_view::npos;
  std::vector<Child> old;
  size_t next = 0;
  // To insert few among many, one by one is cheaper.
  if (!behind && leaves.size() > children.size() / 16) children.swap(old);
  if (children.empty() && leaves_alone) children.reserve(old.size() + leaves.size());
  bool changed = false;
  while (!leaves.empty()) {
    const std::string_view name = name_at(leaves[0].path, from);
    const std::span<const Leaf> group = of_child(leaves, from, name);
    leaves = leaves.subspan(group.size());
    while (next < old.size() && old[next].name < name) children.push_back(std::move(old[next++]));
    if (next < old.size() && old[next].name == name) children.push_back(std::move(old[next++]));
    size_t at = children.size();
    if (old.empty() && !behind) {
      at = lower_bound(directory, name);
    } else if (at > 0 && children[at - 1].name == name) {
      --at;
    }
    changed = merge_child(directory, at, group, from) || changed;
  }
  for (; next < old.size(); ++next) children.push_back(std::move(old[next]));
  return changed;
}

/* The child belongs at that place, and is made if it is not there. */
bool Tree::merge_child(Directory& directory, size_t at, std::span<const Leaf> group, size_t from) {
  std::vector<Child>& children = directory.children;
  const std::string_view name = name_at(group[0].path, from);
  const bool is_leaf = group[0].path.size() == from + name.size();
  if (at == children.size() || children[at].name != name) {
    Child made{std::string(name), Hash{}, is_leaf ? nullptr : std::make_unique<Directory>()};
    children.insert(children.begin() + static_cast<ptrdiff_t>(at), std::move(made));
    moved(directory, at);
    if (is_leaf) ++leaves_;
  }
  Child& here = children[at];
  if (!is_leaf) {
    if (!merge(*here.sub, group, from + name.size() + 1)) return false;
    mark(directory, at);
    return true;
  }
  const size_t size = tree_entry_size(name.size(), group[0].value.size());
  const uint8_t* object = nullptr;
  const Hash entry = write_entry(name, group[0].value, &object);
  if (entry == here.entry) {
    arena_.take_back(size);
    return false;
  }
  here.entry = entry;
  set_object(here, object, size);
  mark(directory, at);
  return true;
}

}  // namespace visor::feeds
