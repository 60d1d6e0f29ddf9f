#include "tree_reader.hpp"

#include <algorithm>

#include "limits.hpp"
#include "refs.hpp"

namespace visor::feeds {
namespace {

void copy_addresses(ByteView addresses, std::vector<Hash>& to) {
  to.resize(addresses.size() / 32);
  for (size_t i = 0; i < to.size(); ++i) to[i] = address_at(addresses, i);
}

}  // namespace

Result<ListView> ListView::open(ObjectReader& objects, const Hash& list_root) {
  ListView view;
  if (list_root.blank()) return view;
  Result<ByteView> object = objects.read(list_root, Kind::kListRoot);
  if (!object) return std::unexpected(object.error());
  Result<ListRoot> root = decode_list_root(*object);
  if (!root) return std::unexpected(root.error());
  view.size_ = root->length;
  view.degree_ = root->degree;
  view.depth_ = root->depth;
  copy_addresses(root->addresses, view.root_);
  view.loaded_.resize(view.depth_);
  return view;
}

uint64_t ListView::items_below(uint32_t level, uint64_t index) const {
  uint64_t span = list_span(degree_, level);
  return std::min(span, size_ - index * span);
}

/* The elements of a node, the levels above it read first; the root stands above the highest. */
Result<const std::vector<Hash>*> ListView::elements(ObjectReader& objects, uint32_t level, uint64_t index) {
  if (level == depth_ + 1) return &root_;
  Loaded& loaded = loaded_[level - 1];
  if (loaded.index == index) return &loaded.elements;
  Result<Hash> address = node(objects, level, index);
  if (!address) return std::unexpected(address.error());
  Result<ByteView> object = objects.read(*address, list_node(level));
  if (!object) return std::unexpected(object.error());
  Result<ListNode> read = decode_list_node(*object);
  if (!read) return std::unexpected(read.error());
  const uint64_t items = items_below(level, index), span = list_span(degree_, level - 1);
  if (read->length != items || read->size() != (items + span - 1) / span) {
    return failure(VISOR_EPROTO, "a list is wrong: a node of " + std::to_string(read->length) +
                                     " items where " + std::to_string(items) + " are due");
  }
  loaded.index = index;
  copy_addresses(read->addresses, loaded.elements);
  return &loaded.elements;
}

Result<Hash> ListView::node(ObjectReader& objects, uint32_t level, uint64_t index) {
  Result<const std::vector<Hash>*> above = elements(objects, level + 1, index / degree_);
  if (!above) return std::unexpected(above.error());
  const Hash& address = (**above)[static_cast<size_t>(level == depth_ ? index : index % degree_)];
  if (address.blank()) return failure(VISOR_EPROTO, "a list is wrong: an element of it is blank");
  return address;
}

Result<Hash> ListView::item(ObjectReader& objects, uint64_t index) {
  return node(objects, 0, index);
}

Result<ListView> open_directory(ObjectReader& objects, const Hash& node) {
  if (node.blank()) return ListView();
  Result<ByteView> object = objects.read(node, Kind::kTreeNode);
  if (!object) return std::unexpected(object.error());
  Result<Hash> children = decode_tree_node(*object);
  if (!children) return std::unexpected(children.error());
  return ListView::open(objects, *children);
}

Result<TreeEntry> read_entry(ObjectReader& objects, ListView& directory, uint64_t index) {
  Result<Hash> address = directory.item(objects, index);
  if (!address) return std::unexpected(address.error());
  Result<ByteView> object = objects.read(*address, Kind::kTreeEntry);
  if (!object) return std::unexpected(object.error());
  return decode_tree_entry(*object);
}

Result<Position> find_name(ObjectReader& objects, ListView& directory, std::string_view name) {
  uint64_t low = 0, high = directory.size();
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    Result<TreeEntry> entry = read_entry(objects, directory, middle);
    if (!entry) return std::unexpected(entry.error());
    if (entry->name == name) return Position{middle, true};
    if (entry->name < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return Position{low, false};
}

Result<Found> find(ObjectReader& objects, const Hash& top, std::string_view path) {
  Result<std::vector<std::string_view>> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  Found found{Found::kDirectory, {}, top};
  for (std::string_view name : *names) {
    if (found.what != Found::kDirectory) return Found{};
    Result<ListView> directory = open_directory(objects, found.directory);
    if (!directory) return std::unexpected(directory.error());
    Result<Position> position = find_name(objects, *directory, name);
    if (!position) return std::unexpected(position.error());
    if (!position->exact) return Found{};
    Result<TreeEntry> entry = read_entry(objects, *directory, position->index);
    if (!entry) return std::unexpected(entry.error());
    found = {};
    if (entry->is_leaf()) {
      found = {Found::kLeaf, entry->leaf, {}};
    } else if (entry->is_directory()) {
      found = {Found::kDirectory, {}, entry->sub};
    }
  }
  return found;
}

TreeCursor::TreeCursor(ObjectReader& objects, const Hash& top, std::string_view prefix)
    : objects_(objects), top_(top), prefix_(trim_path(prefix)) {}

Result<void> TreeCursor::push(const Hash& node, bool at_end) {
  if (frames_.size() == kMaxPathSegments) {
    return failure(VISOR_EPROTO,
                   "a tree is deeper than " + std::to_string(kMaxPathSegments) + " directories");
  }
  Result<ListView> directory = open_directory(objects_, node);
  if (!directory) return std::unexpected(directory.error());
  Frame frame;
  frame.position = at_end ? directory->size() + 1 : 0;
  frame.directory = std::move(*directory);
  frame.path_size = path_.size();
  frames_.push_back(std::move(frame));
  return {};
}

Result<bool> TreeCursor::take(bool at_end) {
  Frame& frame = frames_.back();
  Result<TreeEntry> entry = read_entry(objects_, frame.directory, frame.position - 1);
  if (!entry) return std::unexpected(entry.error());
  path_.resize(frame.path_size);
  if (!path_.empty()) path_ += '/';
  path_ += entry->name;
  if (entry->is_leaf()) {
    value_.assign(entry->leaf.begin(), entry->leaf.end());
    return true;
  }
  if (!entry->is_directory()) return false;
  Result<void> pushed = push(entry->sub, at_end);
  if (!pushed) return std::unexpected(pushed.error());
  return false;
}

Result<bool> TreeCursor::step_forward() {
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.position >= frame.directory.size()) {
      frames_.pop_back();
      continue;
    }
    ++frame.position;
    Result<bool> leaf = take(false);
    if (!leaf || *leaf) return leaf;
  }
  return false;
}

Result<bool> TreeCursor::step_back() {
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.position <= 1) {
      frames_.pop_back();
      continue;
    }
    --frame.position;
    Result<bool> leaf = take(true);
    if (!leaf || *leaf) return leaf;
  }
  return false;
}

/* Stands before the first leaf that is not less than `path`, and goes to it. */
Result<bool> TreeCursor::seek(std::string_view path) {
  Result<std::vector<std::string_view>> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  frames_.clear();
  path_.clear();
  if (Result<void> pushed = push(top_, false); !pushed) return std::unexpected(pushed.error());
  for (size_t i = 0; i < names->size(); ++i) {
    Frame& frame = frames_.back();
    Result<Position> position = find_name(objects_, frame.directory, (*names)[i]);
    if (!position) return std::unexpected(position.error());
    frame.position = position->index;
    if (!position->exact || i + 1 == names->size()) break;
    ++frame.position;
    const size_t depth = frames_.size();
    Result<bool> leaf = take(false);
    if (!leaf) return leaf;
    if (frames_.size() == depth) break;  // not a directory: what follows it is greater than `path`
  }
  return step_forward();
}

/* Stands behind all that is under `path`, and goes to the last of it or, when there is nothing, before it. */
Result<bool> TreeCursor::seek_end(std::string_view path) {
  Result<std::vector<std::string_view>> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  frames_.clear();
  path_.clear();
  if (Result<void> pushed = push(top_, true); !pushed) return std::unexpected(pushed.error());
  for (std::string_view name : *names) {
    Frame& frame = frames_.back();
    Result<Position> position = find_name(objects_, frame.directory, name);
    if (!position) return std::unexpected(position.error());
    frame.position = position->index + 1;
    if (!position->exact) break;
    const size_t depth = frames_.size();
    Result<bool> leaf = take(true);
    if (!leaf) return leaf;
    if (frames_.size() == depth) {
      ++frames_.back().position;
      break;
    }
  }
  return step_back();
}

Result<bool> TreeCursor::bounded(Result<bool> found) const {
  if (found && *found && !under(path_, prefix_)) return false;
  return found;
}

Result<bool> TreeCursor::first() {
  return bounded(seek(prefix_));
}
Result<bool> TreeCursor::last() {
  return bounded(seek_end(prefix_));
}
Result<bool> TreeCursor::next() {
  return bounded(step_forward());
}
Result<bool> TreeCursor::previous() {
  return bounded(step_back());
}

Result<bool> TreeCursor::at_or_after(std::string_view path) {
  path = trim_path(path);
  return bounded(seek(compare_paths(path, prefix_) < 0 ? std::string_view(prefix_) : path));
}

Result<bool> TreeCursor::at_or_before(std::string_view path) {
  path = trim_path(path);
  if (compare_paths(path, prefix_) > 0 && !under(path, prefix_)) return last();
  Result<bool> found = seek(path);
  if (!found) return found;
  if (*found && path_ == path) return bounded(found);
  // Not there: the one before where it would be.
  if (*found) return previous();
  return bounded(seek_end(""));
}

}  // namespace visor::feeds
