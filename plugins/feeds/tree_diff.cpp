#include "tree_diff.hpp"

#include <algorithm>

#include "limits.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kFirstChunkBytes = 1u << 10, kChunkBytes = 64u << 10;

bool before(const visor_op& op, std::string_view path) {
  return compare_paths(text(op.key), path) < 0;
}

}  // namespace

visor_span Difference::keep(ByteView bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > room_ - used_) {
    room_ = std::max(std::clamp(room_ * 4, kFirstChunkBytes, kChunkBytes), bytes.size());
    used_ = 0;
    chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(room_));
  }
  uint8_t* at = chunks_.back().get() + used_;
  std::copy(bytes.begin(), bytes.end(), at);
  used_ += bytes.size();
  return {at, bytes.size()};
}

void Difference::put(std::string_view path, ByteView value) {
  visor_span key = keep(bytes(path));
  ops_.push_back({VISOR_PUT, 0, key, keep(value)});
}

void Difference::put_lent(std::string_view path, ByteView value) {
  ops_.push_back({VISOR_PUT, 0, keep(bytes(path)), to_span(value)});
}

void Difference::erase(std::string_view path) {
  ops_.push_back({VISOR_DELETE, 0, keep(bytes(path)), {}});
}

void Difference::sort() {
  std::ranges::sort(ops_, [](const visor_op& a, const visor_op& b) { return before(a, text(b.key)); });
}

std::span<const visor_op> Difference::under(std::string_view prefix) const {
  prefix = trim_path(prefix);
  if (prefix.empty()) return ops_;
  auto begin = std::lower_bound(ops_.begin(), ops_.end(), prefix, before);
  auto end = begin;
  while (end != ops_.end() && feeds::under(text(end->key), prefix)) ++end;
  return {begin, end};
}

TreeDiff::TreeDiff(ObjectReader& objects, const Hash& old_top, const Hash& new_top, uint64_t max_steps,
                   bool collect, std::string prefix)
    : objects_(objects),
      old_top_(old_top),
      new_top_(new_top),
      steps_left_(max_steps),
      collect_(collect),
      path_(std::move(prefix)) {}

TreeDiff::TreeDiff(ObjectReader& objects, const Hash& old_top, const Hash& new_top, uint64_t max_steps,
                   DiffSink& sink)
    : TreeDiff(objects, old_top, new_top, max_steps) {
  sink_ = &sink;
}

Result<void> TreeDiff::start() {
  if (std::exchange(started_, true) || old_top_ == new_top_) return {};
  return push(old_top_, new_top_);
}

Result<void> TreeDiff::start_after(std::string_view path) {
  if (Result<void> started = start(); !started) return started;
  Result<std::vector<std::string_view>> names = split_path(path);
  if (!names) return std::unexpected(names.error());
  for (size_t depth = 0; depth < names->size() && !frames_.empty(); ++depth) {
    Frame& frame = frames_.back();
    const std::string_view name = (*names)[depth];
    Result<Position> before = find_name(objects_, frame.before, name);
    if (!before) return std::unexpected(before.error());
    Result<Position> after = find_name(objects_, frame.after, name);
    if (!after) return std::unexpected(after.error());
    frame.i = before->index;
    frame.j = after->index;
    Entry old, now;
    if (before->exact) {
      Result<Entry> entry = old_entry(frame);
      if (!entry) return std::unexpected(entry.error());
      old = std::move(*entry);
    }
    if (after->exact) {
      Result<Entry> entry = new_entry(frame);
      if (!entry) return std::unexpected(entry.error());
      now = std::move(*entry);
    }
    if (before->exact) ++frame.i;
    if (depth + 1 == names->size()) {
      // What was told of this name was told of a leaf; a directory that took its place is still to come.
      if (after->exact && !(now.directory && !old.directory)) ++frame.j;
      return {};
    }
    if (after->exact) ++frame.j;
    enter(frame, std::string(name));
    const Hash from = old.directory ? old.sub : Hash{}, to = now.directory ? now.sub : Hash{};
    if (from == to) return {};
    if (Result<void> pushed = push(from, to); !pushed) return pushed;
  }
  return {};
}

Result<bool> TreeDiff::run(uint64_t steps) {
  if (Result<void> started = start(); !started) return std::unexpected(started.error());
  for (; steps > 0 && !frames_.empty() && !(sink_ && sink_->full()); --steps) {
    if (steps_left_-- == 0) return failure(VISOR_EPROTO, "a tree names more leaves than are read");
    if (Result<void> done = step(); !done) return std::unexpected(done.error());
  }
  return frames_.empty();
}

Result<void> TreeDiff::push(const Hash& before, const Hash& after) {
  if (frames_.size() == kMaxPathSegments) {
    return failure(VISOR_EPROTO,
                   "a tree is deeper than " + std::to_string(kMaxPathSegments) + " directories");
  }
  Frame frame;
  Result<ListView> list = open_directory(objects_, before);
  if (!list) return std::unexpected(list.error());
  frame.before = std::move(*list);
  list = open_directory(objects_, after);
  if (!list) return std::unexpected(list.error());
  frame.after = std::move(*list);
  const bool empty = frame.after.size() == 0;
  if (empty ? !after.blank() && !frames_.empty() : frame.after.degree() != kListDegree) usual_ = false;
  frame.path_size = path_.size();
  frames_.push_back(std::move(frame));
  return {};
}

/* Steps over the largest equal blocks that begin at both positions; false: the two items are different. */
Result<bool> TreeDiff::skip_equal(Frame& frame) {
  ListView &a = frame.before, &b = frame.after;
  if (a.degree() != b.degree()) return false;
  for (uint32_t level = std::min(a.depth(), b.depth()) + 1; level-- > 0;) {
    const uint64_t span = [&] {
      uint64_t s = 1;
      for (uint32_t l = 0; l < level; ++l) s *= a.degree();
      return s;
    }();
    if (frame.i % span != 0 || frame.j % span != 0) continue;
    const uint64_t at_a = frame.i / span, at_b = frame.j / span;
    if (a.items_below(level, at_a) != b.items_below(level, at_b)) continue;
    Result<Hash> x = level == 0 ? a.item(objects_, at_a) : a.node(objects_, level, at_a);
    if (!x) return std::unexpected(x.error());
    Result<Hash> y = level == 0 ? b.item(objects_, at_b) : b.node(objects_, level, at_b);
    if (!y) return std::unexpected(y.error());
    if (*x != *y) continue;
    if (frame.last_index != UINT64_MAX && frame.last_index + 1 == frame.j) {
      // What follows a change must still come after it by name.
      Result<TreeEntry> next = read_entry(objects_, b, frame.j);
      if (!next) return std::unexpected(next.error());
      if (Result<void> order = check_order(frame, std::string(next->name)); !order) {
        return std::unexpected(order.error());
      }
    }
    const uint64_t items = b.items_below(level, at_b);
    frame.i += items;
    frame.j += items;
    return true;
  }
  return false;
}

/* `name` is at frame.j; the one before it must be less. */
Result<void> TreeDiff::check_order(Frame& frame, const std::string& name) {
  if (frame.j > 0) {
    if (frame.last_index != frame.j - 1) {
      Result<TreeEntry> previous = read_entry(objects_, frame.after, frame.j - 1);
      if (!previous) return std::unexpected(previous.error());
      frame.last_name = previous->name;
    }
    if (frame.last_name >= name) return failure(VISOR_EPROTO, "the names of a directory are not in order");
  }
  frame.last_name = name;
  frame.last_index = frame.j;
  return {};
}

Result<TreeDiff::Entry> TreeDiff::old_entry(Frame& frame) {
  Result<TreeEntry> entry = read_entry(objects_, frame.before, frame.i);
  if (!entry) return std::unexpected(entry.error());
  return Entry{std::string(entry->name), entry->sub, entry->is_leaf(), entry->is_directory()};
}

Result<TreeDiff::Entry> TreeDiff::new_entry(Frame& frame) {
  Result<TreeEntry> entry = read_entry(objects_, frame.after, frame.j);
  if (!entry) return std::unexpected(entry.error());
  Entry read{std::string(entry->name), entry->sub, entry->is_leaf(), entry->is_directory()};
  if (read.leaf ? !entry->sub.blank() : !read.directory) usual_ = false;
  if (collect_) value_.assign(entry->leaf.begin(), entry->leaf.end());
  if (Result<void> order = check_order(frame, read.name); !order) return std::unexpected(order.error());
  return read;
}

Result<void> TreeDiff::step() {
  Frame& frame = frames_.back();
  const bool old_left = frame.i < frame.before.size(), new_left = frame.j < frame.after.size();
  if (!old_left && !new_left) {
    frames_.pop_back();
    return {};
  }
  if (old_left && new_left) {
    Result<bool> skipped = skip_equal(frame);
    if (!skipped) return std::unexpected(skipped.error());
    if (*skipped) return {};
  }
  Result<Entry> before, after;
  if (old_left) {
    before = old_entry(frame);
    if (!before) return std::unexpected(before.error());
  }
  if (new_left) {
    if (old_left) {
      Result<TreeEntry> entry = read_entry(objects_, frame.after, frame.j);
      if (!entry) return std::unexpected(entry.error());
      if (before->name < entry->name) {
        ++frame.i;
        enter(frame, before->name);
        return apply(&*before, nullptr);
      }
    }
    after = new_entry(frame);
    if (!after) return std::unexpected(after.error());
  }
  const bool both = old_left && new_left && before->name == after->name;
  if (both || !new_left) ++frame.i;
  if (new_left) ++frame.j;
  enter(frame, new_left ? after->name : before->name);
  if (path_.size() > kMaxPathBytes) {
    return failure(VISOR_EPROTO, "a tree has a path longer than " + std::to_string(kMaxPathBytes) + " bytes");
  }
  return apply(both || !new_left ? &*before : nullptr, new_left ? &*after : nullptr);
}

void TreeDiff::enter(Frame& frame, const std::string& name) {
  path_.resize(frame.path_size);
  if (!path_.empty()) path_ += '/';
  path_ += name;
}

Result<void> TreeDiff::apply(const Entry* before, const Entry* after) {
  if (collect_) {
    if (after && after->leaf) {
      sink_ ? sink_->put(path_, value_) : difference_.put(path_, value_);
    } else if (before && before->leaf) {
      sink_ ? sink_->erase(path_) : difference_.erase(path_);
    }
  }
  const Hash from = before && before->directory ? before->sub : Hash{};
  const Hash to = after && after->directory ? after->sub : Hash{};
  return from == to ? Result<void>{} : push(from, to);
}

}  // namespace visor::feeds
