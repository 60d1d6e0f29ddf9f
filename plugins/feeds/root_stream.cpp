#include "root_stream.hpp"

#include "lib/codec/endian.hpp"
#include "treestore.hpp"

namespace visor::feeds {

RootStream::RootStream(std::shared_ptr<Store> store, const FeedId& id, SignedRoot root, uint32_t number,
                       const KnownRoot& base, std::optional<Resumed> resumed)
    : store_(std::move(store)),
      pin_(store_->pin(id)),
      root_(std::move(root)),
      number_(number),
      base_(base),
      resumed_(std::move(resumed)),
      diff_(*store_, base_.top, root_.top(), UINT64_MAX, *this) {
  ops_.reserve(kMessageBytes + 1024);
  if (resumed_ && resumed_->root != root_.hash) {
    moved_ = std::make_unique<TreeDiff>(*store_, resumed_->top, root_.top(), UINT64_MAX,
                                        static_cast<DiffSink&>(*this));
  }
}

void RootStream::put(std::string_view path, ByteView value) {
  // The rest of it is part of the other difference.
  if (moved_) passed_ = passed_ || compare_paths(path, resumed_->place) > 0;
  if (!passed_) writer_.put(ops_, path, value);
}

/* As many ops as a message holds, or all. */
Result<void> RootStream::gather() {
  constexpr uint64_t kSteps = UINT64_MAX;
  if (moved_) {
    Result<bool> done = moved_->run(kSteps);
    if (!done) return std::unexpected(done.error());
    if (!*done && !passed_) return {};
    if (!moved_->usual()) return failure(VISOR_ENOSYS, "the tree is formed otherwise");
    moved_.reset();
    passed_ = false;
  }
  if (resumed_ && !std::exchange(positioned_, true)) {
    if (Result<void> there = diff_.start_after(resumed_->place); !there) return there;
  }
  Result<bool> done = diff_.run(kSteps);
  if (!done) return std::unexpected(done.error());
  if (!diff_.usual()) return failure(VISOR_ENOSYS, "the tree is formed otherwise");
  done_ = *done;
  return {};
}

StreamHead RootStream::head() const {
  const Root& root = root_.root;
  StreamHead head;
  head.number = number_;
  const bool next = !base_.hash.blank() && root.nonce == base_.nonce && root.seq == base_.seq + 1 &&
                    root.previous == base_.hash;
  head.flags = static_cast<uint8_t>((done_ ? 0 : StreamHead::kMore) | (next ? 0 : StreamHead::kApart));
  if (resumed_) {
    head.flags |= StreamHead::kResumed;
    if (resumed_->root != root_.hash) head.flags |= StreamHead::kMoved;
  }
  head.nonce = root.nonce;
  head.seq = root.seq;
  head.previous = root.previous;
  head.time_ns = root.time_ns;
  head.signature = root_.signature;
  head.top = root_.top();
  return head;
}

Bytes RootStream::give_up() {
  done_ = gave_up_ = true;
  Bytes message;
  append_more(message, number_, StreamHead::kGiveUp);
  return message;
}

Bytes RootStream::next() {
  ops_.clear();
  // What a subscriber takes for granted of a Root that is told so.
  if (!root_.root.descriptor.empty() || root_.root.refs.size() != 1 || root_.top().blank()) return give_up();
  if (Result<void> gathered = gather(); !gathered) return give_up();
  Bytes message;
  message.reserve(ops_.size() + 256);
  if (!std::exchange(begun_, true)) {
    append_update(message, head());
  } else {
    append_more(message, number_, done_ ? 0 : StreamHead::kMore);
  }
  codec::append(message, ops_);
  return message;
}

}  // namespace visor::feeds
