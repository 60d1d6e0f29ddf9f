#include "tree_builder.hpp"

#include <algorithm>

namespace visor::feeds {
namespace {

std::unexpected<Error> bad(std::string_view path, const char* why) {
  return failure(VISOR_EPROTO, "a difference is wrong at '" + std::string(path) + "': " + why);
}

}  // namespace

TreeBuilder::TreeBuilder(ObjectReader& objects, const Hash& base, Sink& sink)
    : objects_(objects), base_(base), sink_(sink) {
  list_emit_ = [this](uint32_t level, const Hash& address, ByteView object) {
    return sink_.object(address, level == 0 ? Kind::kListRoot : list_node(level), object);
  };
}

Result<void> TreeBuilder::apply(std::string_view path, ByteView value, std::span<const size_t> places) {
  places_ = places;
  if (!replaced_.empty() && value.empty() && path.size() > replaced_.size() && under(path, replaced_))
    return {};
  if (Result<void> there = descend(path); !there) return there;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.empty()) return bad(path, "a leaf without a name");
  Frame& frame = frames_.back();
  Result<bool> exact = advance(frame, name, frames_.size() - 1);
  if (!exact) return std::unexpected(exact.error());
  bool directory = false;
  if (*exact) {
    Result<TreeEntry> entry = read_entry(objects_, frame.base, frame.next);
    if (!entry) return std::unexpected(entry.error());
    directory = entry->is_directory();
    ++frame.next;
  }
  if (value.empty())
    return *exact && !directory ? Result<void>{} : bad(path, "there is no such leaf to delete");
  if (Result<void> after = check_after(frame, name); !after) return after;
  if (tree_entry_size(name.size(), value.size()) > kMaxObjectBytes) return bad(path, "the leaf is too large");
  if (directory) replaced_ = path;
  Result<Hash> added = add_leaf(name, value);
  if (!added) return std::unexpected(added.error());
  frame.last_name = name;
  return frame.list.append(0, *added, list_emit_);
}

Result<void> TreeBuilder::check_after(Frame& frame, std::string_view name) {
  return frame.last_name < name ? Result<void>{} : bad(name, "it is there already");
}

/* Opens the directories of a path, having closed those that it is not in. */
Result<void> TreeBuilder::descend(std::string_view path) {
  if (frames_.empty()) {
    Result<ListView> top = open_directory(objects_, base_);
    if (!top) return std::unexpected(top.error());
    frames_.emplace_back().base = std::move(*top);
  }
  size_t depth = 1;
  size_t begin = 0;
  for (size_t slash; (slash = path.find('/', begin)) != std::string_view::npos; begin = slash + 1, ++depth) {
    const std::string_view name = path.substr(begin, slash - begin);
    if (name.empty()) return bad(path, "a directory without a name");
    if (depth == kMaxPathSegments) return bad(path, "too many directories below each other");
    if (depth < frames_.size() && frames_[depth].name == name) continue;
    while (frames_.size() > depth) {
      if (Result<void> left = leave(); !left) return left;
    }
    if (Result<void> entered = enter(name, depth - 1); !entered) return entered;
  }
  while (frames_.size() > depth) {
    if (Result<void> left = leave(); !left) return left;
  }
  return {};
}

Result<void> TreeBuilder::enter(std::string_view name, size_t depth) {
  Frame& above = frames_.back();
  if (Result<void> after = check_after(above, name); !after) return after;
  Result<bool> exact = advance(above, name, depth);
  if (!exact) return std::unexpected(exact.error());
  Frame frame;
  frame.name = name;
  if (*exact) {
    Result<TreeEntry> entry = read_entry(objects_, above.base, above.next);
    if (!entry) return std::unexpected(entry.error());
    if (!entry->is_directory()) return bad(name, "a leaf is where a directory should be");
    const Hash sub = entry->sub;
    Result<ListView> base = open_directory(objects_, sub);
    if (!base) return std::unexpected(base.error());
    frame.base = std::move(*base);
    ++above.next;
  }
  frames_.push_back(std::move(frame));
  return {};
}

/* Closes the innermost directory; one that is empty leaves nothing behind. */
Result<void> TreeBuilder::leave() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  Frame& above = frames_.back();
  Result<Hash> node = close(frame);
  if (!node) return std::unexpected(node.error());
  if (node->blank()) return {};
  Result<Hash> added = add_directory(frame.name, *node);
  if (!added) return std::unexpected(added.error());
  above.last_name = std::move(frame.name);
  return above.list.append(0, *added, list_emit_);
}

/* The TreeNode's address; blank for a directory without children. */
Result<Hash> TreeBuilder::close(Frame& frame) {
  if (Result<void> copied = copy(frame, frame.base.size()); !copied) return std::unexpected(copied.error());
  if (frame.list.size() == 0) return Hash{};
  Result<Hash> list = frame.list.finish(list_emit_);
  if (!list) return list;
  const Hash node = crypto::sha256(*list);
  if (Result<void> emitted = sink_.object(node, Kind::kTreeNode, *list); !emitted)
    return std::unexpected(emitted.error());
  return node;
}

Result<Hash> TreeBuilder::finish() {
  if (frames_.empty() && !base_.blank()) return base_;
  if (frames_.empty()) frames_.emplace_back();
  while (frames_.size() > 1) {
    if (Result<void> left = leave(); !left) return std::unexpected(left.error());
  }
  Result<Hash> top = close(frames_[0]);
  if (!top || !top->blank()) return top;
  // A tree without leaves still has its top.
  const Hash none{}, node = crypto::sha256(none);
  if (Result<void> emitted = sink_.object(node, Kind::kTreeNode, none); !emitted)
    return std::unexpected(emitted.error());
  return node;
}

// --- the old tree ---

/* Takes over all that comes before a name; gives whether the name itself is next. */
Result<bool> TreeBuilder::advance(Frame& frame, std::string_view name, size_t depth) {
  if (frame.next == frame.base.size()) return false;
  Result<uint64_t> at = search(frame, name, depth);
  if (!at) return std::unexpected(at.error());
  if (Result<void> copied = copy(frame, *at); !copied) return std::unexpected(copied.error());
  if (*at == frame.base.size()) return false;
  Result<TreeEntry> entry = read_entry(objects_, frame.base, *at);
  if (!entry) return std::unexpected(entry.error());
  return entry->name == name;
}

/* The first child from `next` on whose name is not less: where it is said to be, or near by, since changes
 * lie together, but for the first one, which may be anywhere. */
Result<uint64_t> TreeBuilder::search(Frame& frame, std::string_view name, size_t depth) {
  uint64_t low = frame.next, high = frame.base.size(), step = low == 0 ? high / 2 + 1 : 1;
  auto less = [&](uint64_t at) -> Result<bool> {
    Result<TreeEntry> entry = read_entry(objects_, frame.base, at);
    if (!entry) return std::unexpected(entry.error());
    return entry->name < name;
  };
  if (depth < places_.size() && low <= places_[depth]) {
    const uint64_t at = std::min<uint64_t>(places_[depth], high - 1);
    Result<TreeEntry> entry = read_entry(objects_, frame.base, at);
    if (!entry) return std::unexpected(entry.error());
    if (entry->name == name) return at;
    step = 1;
    if (entry->name < name) {
      low = at + 1;
    } else {
      // It is new, or others were written before it.
      high = at;
      for (uint64_t back = 1; low < high; back *= 2) {
        const uint64_t behind = high - std::min(back, high - low);
        Result<bool> before = less(behind);
        if (!before) return std::unexpected(before.error());
        if (*before) {
          low = behind + 1;
          break;
        }
        high = behind;
      }
    }
  }
  while (low < high) {
    const uint64_t at = std::min(low + step - 1, high - 1);
    Result<bool> before = less(at);
    if (!before) return std::unexpected(before.error());
    if (!*before) {
      high = at;
      break;
    }
    low = at + 1;
    step *= 2;
  }
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    Result<bool> before = less(middle);
    if (!before) return std::unexpected(before.error());
    if (*before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Takes over children as they are: whole nodes where both lists have them at one place. */
Result<void> TreeBuilder::copy(Frame& frame, uint64_t end) {
  const bool shares = frame.base.degree() == kListDegree;
  while (frame.next < end) {
    uint32_t level = 0;
    while (shares && level < frame.base.depth() && frame.list.aligned(level + 1)) {
      const uint64_t span = list_span(kListDegree, level + 1);
      if (frame.next % span != 0 || frame.next + span > end) break;
      ++level;
    }
    const uint64_t span = list_span(kListDegree, level);
    Result<Hash> element = level == 0 ? frame.base.item(objects_, frame.next)
                                      : frame.base.node(objects_, level, frame.next / span);
    if (!element) return std::unexpected(element.error());
    if (Result<void> appended = frame.list.append(level, *element, list_emit_); !appended) return appended;
    frame.next += span;
  }
  return {};
}

Result<Hash> TreeBuilder::add_leaf(std::string_view name, ByteView value) {
  const size_t size = tree_entry_size(name.size(), value.size());
  const std::span<uint8_t> entry(sink_.room(size), size);
  write_tree_entry(entry.data(), {name, Hash{}, value});
  const Hash address = crypto::sha256(entry);
  if (Result<void> added = sink_.leaf(address, entry); !added) return std::unexpected(added.error());
  return address;
}

Result<Hash> TreeBuilder::add_directory(std::string_view name, const Hash& node) {
  object_.clear();
  append_tree_entry(object_, {name, node, {}});
  const Hash address = crypto::sha256(object_);
  if (Result<void> added = sink_.object(address, Kind::kTreeEntry, object_); !added) {
    return std::unexpected(added.error());
  }
  return address;
}

}  // namespace visor::feeds
