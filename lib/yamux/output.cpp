/* What we send: everything of one turn of the loop in few writes, streams in turn. */
#include "lib/yamux/multiplexer.hpp"
#include "lib/yamux/stream.hpp"

namespace visor::yamux {
namespace {

/* One write to the sink: large enough to make its cost small, small enough for the streams to take turns. */
constexpr size_t kBatchBytes = 65536;
constexpr size_t kBatchFrames = 1024;
/* Always admitted on an idle stream, so that streams that nobody reads cannot silence the others. */
constexpr size_t kReserveBytes = 4096;

}  // namespace

/* May `more` bytes be queued behind the `waiting` ones of the same stream? */
bool Multiplexer::admit(size_t waiting, size_t more) {
  const Limits& limits = options_->limits;
  if (waiting > 0 && waiting + more > limits.stream_queue_bytes) return false;
  if (counters_.queued_bytes + more <= limits.queued_bytes) return true;
  if (waiting == 0 && (more <= kReserveBytes || counters_.queued_bytes == 0)) return true;
  starving_ = true;
  return false;
}

void Multiplexer::schedule(Stream& stream) {
  if (over_) return;
  if (!stream.scheduled && stream.has_output()) {
    stream.scheduled = true;
    sending_.splice(sending_.end(), quiet_, stream.place);
  }
  if (stream.scheduled) schedule_flush();
}

void Multiplexer::schedule_flush() {
  if (over_ || blocked_ || std::exchange(flush_posted_, true)) return;
  tasks_.post([this] {
    flush_posted_ = false;
    flush();
  });
}

void Multiplexer::append_control(const Header& header) {
  if (over_) return;
  auto frame = encode(header);
  control_.insert(control_.end(), frame.begin(), frame.end());
  schedule_flush();
}

void Multiplexer::writable() {
  blocked_ = false;
  if (!flush_posted_) flush();
}

bool Multiplexer::idle() const {
  return control_.empty() && sending_.empty() && counters_.queued_bytes == 0;
}

void Multiplexer::flush() {
  std::weak_ptr<char> alive = alive_;
  flush_posted_ = true; /* what callbacks add leaves in this loop */
  while (!over_ && !blocked_ && (!control_.empty() || !sending_.empty())) {
    if (!send_batch()) return;
  }
  flush_posted_ = false;
  if (over_) return;
  if (starving_) wake_starving();
  if (alive.expired()) return;
  if (idle() && events_.idle) {
    auto told = events_.idle;
    told();
  }
}

void Multiplexer::append_frame(const Header& header, ByteView body) {
  auto frame = encode(header);
  heads_.insert(heads_.end(), frame.begin(), frame.end());
  const uint8_t* head = heads_.data() + heads_.size() - kHeaderSize;
  /* Headers that follow one another are one span. */
  if (!parts_.empty() && static_cast<const uint8_t*>(parts_.back().data) + parts_.back().size == head) {
    parts_.back().size += kHeaderSize;
  } else {
    parts_.push_back({head, kHeaderSize});
  }
  if (!body.empty()) parts_.push_back(to_span(body));
  batch_bytes_ += kHeaderSize + body.size();
  ++counters_.sent_frames;
}

/* False when a callback destroyed this object. */
bool Multiplexer::send_batch() {
  heads_.reserve(kBatchFrames * kHeaderSize);
  batch_bytes_ = control_.size();
  counters_.sent_frames += control_.size() / kHeaderSize;
  if (!control_.empty()) parts_.push_back(to_span(control_));

  std::vector<Stream*> streams;
  uint64_t now_ms = host_.now_ms();
  size_t last_start = (kBatchFrames - Stream::kFramesPerTurn) * kHeaderSize;
  while (!sending_.empty() && batch_bytes_ < kBatchBytes && heads_.size() <= last_start) {
    Stream& stream = *sending_.front();
    stream.produce(now_ms);
    streams.push_back(&stream);
    stream.scheduled = stream.has_output();
    auto& next = stream.scheduled ? sending_ : quiet_;
    next.splice(next.end(), sending_, stream.place);
  }
  counters_.sent_bytes += batch_bytes_;
  if (!parts_.empty()) blocked_ = !sink_(parts_); /* a grant may have become pointless since it was due */
  control_.clear();
  heads_ = {}; /* an idle session keeps no buffers */
  parts_ = {};

  std::weak_ptr<char> alive = alive_;
  for (Stream* stream : streams) { /* they delete themselves on a later turn, never in here */
    stream->sent();
    if (alive.expired()) return false;
  }
  return true;
}

/* Once a good part of all queues has left, whoever was refused because of others may try again. */
void Multiplexer::wake_starving() {
  size_t limit = options_->limits.queued_bytes;
  if (counters_.queued_bytes > limit - limit / 8) return;
  starving_ = false;
  std::weak_ptr<char> alive = alive_;
  std::vector<uint32_t> ids;
  ids.reserve(streams_.size());
  for (auto [id, stream] : streams_) ids.push_back(id);
  for (uint32_t id : ids) {
    Stream* stream = find(id);
    if (stream && stream->unsent() <= options_->limits.stream_queue_bytes / 2) stream->wake_writer();
    if (alive.expired()) return;
  }
}

}  // namespace visor::yamux
