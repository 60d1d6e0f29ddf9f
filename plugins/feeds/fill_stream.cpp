// A fill by differences that somebody tells: what is built of them, and how it goes on after a break.
#include "fill.hpp"
#include "treestore.hpp"

namespace visor::feeds {

std::unique_ptr<Fill::Incoming> Fill::incoming(Connection& from, const Hash& base) {
  return std::make_unique<Incoming>(from, changes_, base, static_cast<TreeBuilder::Sink&>(*this));
}

void Fill::open_stream(Connection& from, bool small) {
  if (small && !store_.options().durable) made_.emplace();
  const StoredRoot* before = store_.current(id_);
  against_ = before ? before->top : Hash{};
  collected_ = owner_.wants_difference();
  if (collected_) changes_.retain();  // what is told of are the values as they are held there
  if (!root_.hash.blank()) tell_early(from);
  // Whatever is shared with the Root before is stored.
  changes_.spare_lookups();
  stream_ = incoming(from, against_);
  if (!root_.hash.blank()) watch_stall();
}

/* That a streamed leaf is in the Root is known when all of it is there: until then its owner alone, who
 * signed the Root, is believed. */
void Fill::tell_early(const Connection& from) {
  prefixes_ = from.peer() == id_.feed ? owner_.wants_partial() : std::vector<std::string>();
}

Result<void> Fill::object(const Hash& hash, Kind kind, ByteView object) {
  if (made_) {
    made_->add(hash, kind, object, false);
    return count_in(object.size());
  }
  if (Result<void> done = changes_.add(hash, kind, object); !done) return done;
  return added(hash, object.size());
}

Result<void> Fill::leaf(const Hash& hash, std::span<uint8_t> entry) {
  if (made_) {
    ObjectArena::seal(entry.data(), hash, Kind::kTreeEntry);
    made_->add(hash, Kind::kTreeEntry, entry, true);
    held_entry_ = entry;
    return count_in(entry.size());
  }
  Result<bool> held = changes_.add_in_room(hash, entry);
  if (!held) return std::unexpected(held.error());
  held_entry_ = *held ? ByteView(entry) : ByteView();
  return added(hash, entry.size());
}

Result<void> Fill::added(const Hash& hash, size_t bytes) {
  if (Result<void> counted = count_in(bytes); !counted) return counted;
  answer_waiting(hash);
  return holds_much() ? store_.flush(changes_) : Result<void>{};
}

Result<void> Fill::take_ops(ByteView ops, bool placed) {
  progress_ms_ = host_.now_ms();
  while (!ops.empty()) {
    Result<OpReader::Op> op = stream_->ops.next(ops, placed);
    if (!op) return std::unexpected(op.error());
    held_entry_ = {};
    if (Result<void> applied = stream_->builder.apply(op->path, op->value, op->places); !applied)
      return applied;
    if (collected_) collect(*op);
    if (!prefixes_.empty() && !op->value.empty()) note_leaf(op->path, op->value);
  }
  return {};
}

void Fill::collect(const OpReader::Op& op) {
  if (op.value.empty()) {
    difference_.erase(op.path);
  } else if (held_entry_.empty()) {
    difference_.put(op.path, op.value);
  } else {
    difference_.put_lent(op.path, held_entry_.last(op.value.size()));
  }
}

Result<void> Fill::seal() {
  Result<Hash> top = stream_->builder.finish();
  if (!top) return std::unexpected(top.error());
  if (root_.hash.blank()) {
    root_.root.refs = {{*top, tree_types().node}};
    Result<SignedRoot> root =
        open_root(id_.feed, root_.root.nonce, root_.root.seq, encode(root_.root), root_.signature);
    if (!root) return std::unexpected(root.error());
    root_ = std::move(*root);
  } else if (root_.top() != *top) {
    return failure(VISOR_EPROTO, "a difference leads to the tree " + to_hex(*top) + ", and its Root names " +
                                     to_hex(root_.top()));
  }
  stream_.reset();
  sealed_ = true;
  return {};
}

void Fill::complete() {
  stall_.cancel();
  finish();
}

void Fill::abandon_stream() {
  stream_.reset();
  difference_ = {};
  changes_.expect_orphans();
  prefixes_ = owner_.wants_partial();
  tasks_.post([this] {
    if (!over_) request_tree();
  });
}

void Fill::resume_stream(Connection& from) {
  stream_->from = &from;
  tell_early(from);
  progress_ms_ = host_.now_ms();
}

Result<void> Fill::move_stream(Connection& from, SignedRoot root) {
  // What has come and, behind it, what there was before: a tree of its own, to which the rest is told.
  Result<Hash> top = stream_->builder.finish();
  if (!top) return std::unexpected(top.error());
  changes_.expect_orphans();
  difference_ = {};
  collected_ = false;
  root_ = std::move(root);
  stream_ = incoming(from, *top);
  tell_early(from);
  progress_ms_ = host_.now_ms();
  return {};
}

void Fill::supersede() {
  over_ = true;
  stall_.cancel();
  [[maybe_unused]] Result<void> kept = store_.flush(changes_);
  refuse_waiting();
}

}  // namespace visor::feeds
