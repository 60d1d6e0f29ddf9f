// The sending half of a connection.
#include <algorithm>

#include "connection.hpp"
#include "lib/codec/endian.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kEnoughQueuedBytes = 64u << 10;  // more is fetched when less than this waits to be sent
constexpr size_t kWriteBytes = 64u << 10;
constexpr size_t kLargeObjectBytes = 64u << 10;
constexpr size_t kSentBytes = 256u << 10;  // kept in front of what waits, at most
constexpr uint8_t kObjectType = 13;

}  // namespace

uint32_t Connection::next_seq() {
  if (++last_seq_ == 0) ++last_seq_;
  ++counters_.sent_messages;
  return last_seq_;
}

void Connection::begin_frame(uint32_t rseq, size_t message_bytes) {
  const auto head = frame_head(next_seq(), rseq, message_bytes);
  codec::append(out_, head);
}

/* Queues a message and gives its number. */
uint32_t Connection::append(const Message& said, uint32_t rseq) {
  const size_t begin = out_.size();
  out_.resize(begin + kFrameHeadBytes);
  feeds::append(out_, said);
  const uint32_t seq = next_seq();
  const auto head = frame_head(seq, rseq, out_.size() - begin - kFrameHeadBytes);
  std::ranges::copy(head, out_.begin() + static_cast<ptrdiff_t>(begin));
  schedule();
  return seq;
}

void Connection::send(const Message& said, uint32_t rseq) {
  if (state_ != State::kReady) return;
  append(said, rseq);
  if (out_.size() - out_at_ > options_.max_control_bytes) {
    close({VISOR_ENOSPC, "the peer asks and does not read the answers"});
  }
}

void Connection::send_extension(ByteView message) {
  if (state_ != State::kReady) return;
  begin_frame(0, message.size());
  codec::append(out_, message);
  schedule();
  // Some of these answer the peer.  On a later turn, since whoever sends is going over its connections.
  if (out_.size() - out_at_ <= options_.max_control_bytes) return;
  tasks_.post([this] { close({VISOR_ENOSPC, "the peer asks and does not read the answers"}); });
}

void Connection::push(RootSource& source) {
  if (state_ != State::kReady || std::ranges::find(roots_, &source) != roots_.end()) return;
  roots_.push_back(&source);
  schedule();
}

void Connection::forget(RootSource& source) {
  std::erase(roots_, &source);
}

/* What one turn of the loop has to say goes out in one write. */
void Connection::schedule() {
  if (blocked_ || std::exchange(scheduled_, true)) return;
  tasks_.post([this] {
    scheduled_ = false;
    flush();
  });
}

void Connection::flush() {
  while (state_ != State::kClosed && !blocked_) {
    const size_t end = large_ ? large_mark_ : out_.size();
    bool more = false;
    if (out_at_ < end) {
      more = write_out(end);
    } else if (large_) {
      more = write_large();
    } else {
      more = refill();
    }
    if (!more) return;
  }
}

bool Connection::write(ByteView data) {
  const visor_status status = stream_.write(data);
  if (status == VISOR_OK) {
    counters_.sent_bytes += data.size();
  } else if (status == VISOR_EAGAIN) {
    blocked_ = true;
    blocked_since_ms_ = host_.now_ms();
  } else {
    close(host_.error(status));
  }
  return status == VISOR_OK;
}

bool Connection::write_out(size_t end) {
  const size_t size = std::min(kWriteBytes, end - out_at_);
  if (!write(ByteView(out_).subspan(out_at_, size))) return false;
  out_at_ += size;
  if (out_at_ == out_.size() || out_at_ > kSentBytes) {
    out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(out_at_));
    large_mark_ -= std::min(large_mark_, out_at_);
    out_at_ = 0;
  }
  return true;
}

bool Connection::write_large() {
  const size_t size = std::min(kWriteBytes, large_->size() - large_at_);
  if (!write(ByteView(*large_).subspan(large_at_, size))) return false;
  large_at_ += size;
  if (large_at_ == large_->size()) large_.reset();
  return true;
}

/* Fetches what is next to be sent: Roots and objects by turns, so that neither waits for all of the other.
 * False: there is nothing. */
bool Connection::refill() {
  if (state_ != State::kReady) return false;
  while (out_.size() < kEnoughQueuedBytes && state_ == State::kReady && !large_) {
    if (!roots_.empty() && !(objects_first_ && !asked_.empty())) {
      objects_first_ = true;
      RootSource* source = roots_.front();
      roots_.pop_front();
      bool more = false;
      if (auto message = source->root_message(*this, &more)) {
        begin_frame(0, message->size());
        codec::append(out_, *message);
      }
      if (more && state_ == State::kReady) roots_.push_back(source);
    } else if (!asked_.empty()) {
      objects_first_ = false;
      const Asked asked = asked_.front();
      asked_.pop_front();
      serve(asked);
    } else {
      break;
    }
  }
  return state_ == State::kReady && !out_.empty();
}

void Connection::serve_again(uint32_t seq, const Hash& object) {
  if (state_ != State::kReady) return;
  asked_.push_back({seq, object});
  schedule();
}

void Connection::serve(const Asked& asked) {
  Result<std::optional<ByteView>> object = user_.connection_object(*this, asked.seq, asked.object);
  if (state_ != State::kReady) return;
  if (!object) {
    append(Err{""}, asked.seq);
    return;
  }
  if (!*object) return;  // the answer comes later
  ++counters_.objects_sent;
  const ByteView value = **object;
  if (value.size() < kLargeObjectBytes) {
    begin_frame(asked.seq, 1 + 4 + value.size());
    out_.push_back(kObjectType);
    codec::append_le<uint32_t>(out_, static_cast<uint32_t>(value.size()));
    codec::append(out_, value);
    return;
  }
  // The head goes at the end of what is queued, the body right after it, and what is queued later after that.
  large_ = user_.connection_large_object(asked.object, value);
  large_at_ = 0;
  begin_frame(asked.seq, large_->size());
  large_mark_ = out_.size();
}

}  // namespace visor::feeds
