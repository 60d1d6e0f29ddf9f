#include "tree.hpp"

#include <algorithm>

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
const Tree::Child* Tree::leaf(const Names& names) const {
  Directory* directory = top_.get();
  for (size_t i = 0; i < names.size(); ++i) {
    const Child* found = child(*directory, names[i]);
    if (!found) return nullptr;
    if (i + 1 == names.size()) return found->sub ? nullptr : found;
    if (!found->sub) return nullptr;
    directory = found->sub.get();
  }
  return nullptr;
}

std::vector<size_t> Tree::places(std::string_view path) const {
  std::vector<size_t> places;
  const Directory* directory = top_.get();
  for (size_t begin = 0; begin <= path.size();) {
    const std::string_view name = path.substr(begin, path.find('/', begin) - begin);
    const size_t at = directory ? lower_bound(*directory, name) : 0;
    const bool here = directory && at < directory->children.size() && directory->children[at].name == name;
    directory = here ? directory->children[at].sub.get() : nullptr;
    places.push_back(at);
    begin += name.size() + 1;
  }
  return places;
}

// --- what has changed ---

void Tree::mark(Directory& directory, size_t at) {
  if (std::exchange(directory.children[at].changed, true)) return;
  if (at < directory.moved_from) directory.places.push_back(static_cast<uint32_t>(at));
}

void Tree::moved(Directory& directory, size_t from) {
  directory.moved_from = std::min<uint64_t>(directory.moved_from, from);
}

/* Places are right before moved_from; from there on children say it themselves. */
template <class Fn>
void Tree::each_changed(Directory& directory, const Fn& fn) {
  std::ranges::sort(directory.places);
  for (uint32_t at : directory.places) {
    if (at < directory.moved_from && directory.children[at].changed) fn(at);
  }
  for (auto at = directory.moved_from; at < directory.children.size(); ++at) {
    if (directory.children[static_cast<size_t>(at)].changed) fn(static_cast<size_t>(at));
  }
}

// --- writing ---

Result<bool> Tree::apply(std::span<const visor_op> ops) {
  constexpr size_t kMany = 32, kLittleBytes = 1u << 20;
  bool changed = false;
  Result<bool> applied = true;
  if (ops.size() >= kMany && merge_all(ops, &changed)) {
    applied = changed;
  } else {
    applied = apply_each(ops);
  }
  // Values that were written over before they were stored are in the way.
  if (arena_.bytes() > kLittleBytes && arena_.bytes() / 2 > pending_bytes_) compact();
  return applied;
}

Result<bool> Tree::apply_each(std::span<const visor_op> ops) {
  std::vector<Undo> undo;
  bool changed = false;
  for (size_t i = 0; i < ops.size(); ++i) {
    Result<bool> applied = apply(ops[i], i, undo);
    if (!applied) {
      for (auto step = undo.rbegin(); step != undo.rend(); ++step) revert(*step, text(ops[step->op].key));
      return applied;
    }
    changed = changed || *applied;
  }
  return changed;
}

Result<bool> Tree::apply(const visor_op& op, size_t index, std::vector<Undo>& undo) {
  const std::string_view path = trim_path(text(op.key));
  Result<Names> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  if (names->empty()) return failure(VISOR_EINVAL, "the path of a leaf must not be empty");
  if (op.zero != 0) {
    return failure(VISOR_EINVAL, "the field zero of an operation is to be 0; got " + std::to_string(op.zero));
  }
  if (op.kind == VISOR_DELETE) return erase(*names, index, undo);
  if (op.kind != VISOR_PUT) {
    return failure(VISOR_EINVAL, "an operation is VISOR_PUT or VISOR_DELETE; got " + std::to_string(op.kind));
  }
  return put(path, *names, bytes(op.value), index, undo);
}

Tree::Undo Tree::before(const Child* leaf, size_t index) {
  Undo undo{.op = index};
  if (leaf) {
    undo.was_leaf = true;
    undo.entry = leaf->entry;
    undo.object = leaf->object;
    undo.object_bytes = leaf->object_bytes;
  }
  return undo;
}

Hash Tree::write_entry(std::string_view name, ByteView value, const uint8_t** object) {
  const size_t size = tree_entry_size(name.size(), value.size());
  uint8_t* at = arena_.add(size);
  write_tree_entry(at, {name, Hash{}, value});
  const Hash entry = crypto::sha256({at, size});
  ObjectArena::seal(at, entry, Kind::kTreeEntry);
  *object = at;
  return entry;
}

Result<bool> Tree::put(std::string_view path, const Names& names, ByteView value, size_t index,
                       std::vector<Undo>& undo) {
  if (value.empty()) {
    return failure(VISOR_EINVAL, "the leaf '" + std::string(path) +
                                     "' has an empty value, which no reader would see; delete it instead");
  }
  const size_t size = tree_entry_size(names.back().size(), value.size());
  if (size > kMaxObjectBytes) {
    return failure(VISOR_EINVAL,
                   "the leaf '" + std::string(path) + "' of " + std::to_string(value.size()) +
                       " bytes is larger than an object may be (16 MiB with its name); split it");
  }
  Directory* directory = top_.get();
  const Child* found = nullptr;
  for (size_t i = 0; i < names.size() && directory; ++i) {
    const std::string_view at = path.substr(0, static_cast<size_t>(names[i].end() - path.begin()));
    found = child(*directory, names[i]);
    if (found && i + 1 < names.size() && !found->sub) return conflict(path, at, "leaf");
    if (found && i + 1 == names.size() && found->sub) return conflict(path, at, "sub-tree");
    directory = found ? found->sub.get() : nullptr;
  }
  Undo made{.op = index, .was_leaf = true, .object_bytes = static_cast<uint32_t>(size)};
  made.entry = write_entry(names.back(), value, &made.object);
  if (found && found->entry == made.entry) {
    arena_.take_back(size);
    return false;
  }
  undo.push_back(before(found, index));
  place(names, made);
  return true;
}

bool Tree::erase(const Names& names, size_t index, std::vector<Undo>& undo) {
  const Child* found = leaf(names);
  if (!found) return false;
  undo.push_back(before(found, index));
  remove_below(*top_, names);
  return true;
}

void Tree::revert(const Undo& undo, std::string_view path) {
  Names names = *split_path(path);
  if (undo.was_leaf) {
    place(names, undo);
  } else {
    remove_below(*top_, names);
  }
}

void Tree::set_object(Child& child, const uint8_t* object, size_t object_bytes) {
  if (child.object) {
    pending_bytes_ -= child.object_bytes;
    --pending_;
  }
  child.object = object;
  child.object_bytes = object ? static_cast<uint32_t>(object_bytes) : 0;
  if (!object) return;
  pending_bytes_ += object_bytes;
  ++pending_;
}

/* Makes a leaf, and the directories above it; there is no conflict. */
void Tree::place(const Names& names, const Undo& leaf) {
  Directory* directory = top_.get();
  for (size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    const size_t at = lower_bound(*directory, names[i]);
    if (at == directory->children.size() || directory->children[at].name != names[i]) {
      Child made{std::string(names[i]), Hash{}, last ? nullptr : std::make_unique<Directory>()};
      directory->children.insert(directory->children.begin() + static_cast<ptrdiff_t>(at), std::move(made));
      moved(*directory, at);
      if (last) ++leaves_;
    }
    Child& here = directory->children[at];
    if (last) {
      here.entry = leaf.entry;
      set_object(here, leaf.object, leaf.object_bytes);
    }
    mark(*directory, at);
    directory = here.sub.get();
  }
}

/* Gives whether the directory is empty now. */
bool Tree::remove_below(Directory& directory, std::span<const std::string_view> names) {
  const size_t at = lower_bound(directory, names.front());
  Child& here = directory.children[at];
  if (names.size() > 1 && !remove_below(*here.sub, names.subspan(1))) {
    mark(directory, at);
    return false;
  }
  if (names.size() == 1) --leaves_;
  set_object(here, nullptr, 0);
  directory.children.erase(directory.children.begin() + static_cast<ptrdiff_t>(at));
  moved(directory, at);
  return directory.children.empty();
}

void Tree::compact() {
  ObjectArena to;
  compact(*top_, to);
  arena_ = std::move(to);
}

void Tree::compact(Directory& directory, ObjectArena& to) {
  each_changed(directory, [&](size_t at) {
    Child& here = directory.children[at];
    if (here.sub) return compact(*here.sub, to);
    if (!here.object) return;
    uint8_t* object = to.add(here.object_bytes);
    std::copy_n(here.object, here.object_bytes, object);
    ObjectArena::seal(object, here.entry, Kind::kTreeEntry);
    here.object = object;
  });
}

// --- encoding ---

Hash Tree::encode(const Emit& emit) {
  encode(*top_, emit);
  return top_->node;
}

void Tree::encode(Directory& directory, const Emit& emit) {
  std::vector<uint64_t> changed;  // before moved_from, behind which all is encoded anyway
  each_changed(directory, [&](size_t at) {
    Child& here = directory.children[at];
    if (here.sub) {
      encode(*here.sub, emit);
      object_.clear();
      append_tree_entry(object_, {here.name, here.sub->node, {}});
      here.entry = crypto::sha256(object_);
      emit(here.entry, Kind::kTreeEntry, object_, false);
    } else if (here.object) {
      emit(here.entry, Kind::kTreeEntry, {here.object, here.object_bytes}, true);
    }
    if (at < directory.moved_from) changed.push_back(at);
  });
  const Hash list = directory.list.encode(
      directory.children.size(), [&](uint64_t i) { return directory.children[static_cast<size_t>(i)].entry; },
      changed, directory.moved_from,
      [&](uint32_t level, const Hash& address, ByteView object) {
        emit(address, level == 0 ? Kind::kListRoot : list_node(level), object, false);
      });
  directory.node = crypto::sha256(list);
  emit(directory.node, Kind::kTreeNode, list, false);
}

void Tree::settle() {
  settle(*top_);
  arena_.clear();
  pending_ = pending_bytes_ = 0;
}

void Tree::settle(Directory& directory) {
  each_changed(directory, [&](size_t at) {
    Child& here = directory.children[at];
    if (here.sub) settle(*here.sub);
    here.changed = false;
    here.object = nullptr;
    here.object_bytes = 0;
  });
  directory.places.clear();
  directory.moved_from = List::kNoneMoved;
}

void Tree::forget() {
  forget(*top_);
}

void Tree::forget(Directory& directory) {
  each_changed(directory, [&](size_t at) {
    if (directory.children[at].sub) forget(*directory.children[at].sub);
  });
  directory.list = List(kListDegree);
}

}  // namespace visor::feeds
