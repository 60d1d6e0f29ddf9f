#include "lib/yamux/stream.hpp"

#include <algorithm>

#include "lib/yamux/multiplexer.hpp"

namespace visor::yamux {

Stream::Stream(Host host, Multiplexer& mux, std::shared_ptr<const Options> options, uint32_t id,
               uint16_t port)
    : StreamProvider(host),
      mux_(&mux),
      options_(std::move(options)),
      peer_{options_->peer, port},
      id_(id),
      head_left_(ours() ? 0 : options_->head_bytes),
      owed_(ours() ? kSyn : kAck) {}

/* --- what the user does --- */

visor_status Stream::on_write(std::span<const visor_span> parts) {
  if (!mux_) return host().fail(VISOR_ECLOSED, "the session of this stream is over");
  size_t size = 0;
  for (const visor_span& part : parts) size += part.size;
  if (!mux_->admit(unsent_.size(), size)) {
    wants_ready_ = true;
    return host().fail(VISOR_EAGAIN, "the stream's queue is full; wait for ready");
  }
  for (const visor_span& part : parts) unsent_.append(bytes(part));
  mux_->counters_.queued_bytes += size;
  mux_->schedule(*this);
  return VISOR_OK;
}

void Stream::on_flow(bool flowing) {
  if (!flowing || giving_ || (unread_.empty() && !(peer_ended_ && !end_given_))) return;
  giving_ = true;
  tasks().post([this] {
    giving_ = false;
    give();
  });
}

void Stream::on_end() {
  ending_ = true;
  if (mux_) mux_->schedule(*this);
}

void Stream::on_close() {
  if (mux_) mux_->release(*this);
  unread_.clear();
  unsent_.clear();
}

const visor_addr* Stream::on_peer() {
  return peer_.key == visor_key{} ? nullptr : &peer_;
}

/* --- what the peer does --- */

bool Stream::spend_window(uint32_t length) {
  if (length > receive_window_) return false;
  receive_window_ -= length;
  return true;
}

void Stream::grow_window(uint32_t delta) {
  send_window_ = std::min<uint64_t>(send_window_ + delta, UINT32_MAX);
  if (mux_ && has_output()) mux_->schedule(*this);
}

void Stream::acknowledge() {
  if (unacknowledged() && mux_) --mux_->counters_.unacknowledged_out;
  acknowledged_ = true;
}

void Stream::receive(ByteView data) {
  while (!data.empty() && unread_.empty() && flowing()) {
    size_t size = deliverable(data.size());
    deliver(data.first(size));
    consumed(size);
    data = data.subspan(size);
  }
  /* Closed by its user meanwhile: nobody will read the rest. */
  if (mux_ && !data.empty()) keep(data);
}

void Stream::peer_ends() {
  peer_ended_ = true;
  if (!giving_) give();
}

/* How much of what is there goes into the next event: the head goes alone. */
size_t Stream::deliverable(size_t size) {
  if (head_left_ == 0) return size;
  size = std::min(size, head_left_);
  head_left_ -= size;
  return size;
}

void Stream::consumed(size_t size) {
  if (!mux_ || peer_ended_) return;
  ungranted_ += static_cast<uint32_t>(size);
  if (grant() > 0) mux_->schedule(*this);
}

void Stream::keep(ByteView data) {
  unread_.append(data);
  if (mux_) mux_->counters_.unread_bytes += data.size();
}

/* Hands out what was kept while nobody wanted it, then the end. */
void Stream::give() {
  while (flowing() && !unread_.empty()) {
    /* Out of our hands for the call: its user may close the stream in it. */
    ByteQueue taken = std::exchange(unread_, {});
    if (mux_) mux_->counters_.unread_bytes -= taken.size();
    size_t size = deliverable(taken.size());
    deliver(taken.view().first(size));
    consumed(size);
    taken.consume(size);
    if (!taken.empty() && !finished()) {
      if (mux_) mux_->counters_.unread_bytes += taken.size();
      unread_ = std::move(taken);
    }
  }
  if (peer_ended_ && !end_given_ && unread_.empty() && flowing()) {
    end_given_ = true;
    deliver_end();
  }
  complete();
}

/* --- what leaves --- */

/* Small grants would cost a frame each: only half a window is worth one. */
uint32_t Stream::grant() const {
  return ungranted_ >= kWindow / 2 && !peer_ended_ ? ungranted_ : 0;
}

bool Stream::has_output() const {
  return owed_ != 0 || grant() > 0 || (!unsent_.empty() && send_window_ > 0) ||
         (ending_ && !fin_sent_ && unsent_.empty());
}

void Stream::produce(uint64_t now_ms) {
  uint32_t delta = grant();
  if (owed_ != 0 || delta > 0) {
    mux_->append_frame({Type::WindowUpdate, owed_, id_, delta});
    if (owes(kSyn)) syn_sent_ms_ = now_ms;
    if (owes(kAck)) --mux_->counters_.unacknowledged_in;
    owed_ = 0;
    receive_window_ += delta;
    ungranted_ -= delta;
  }
  size_t size = static_cast<size_t>(std::min<uint64_t>({unsent_.size(), send_window_, kQuantum}));
  if (size > 0) {
    mux_->append_frame({Type::Data, 0, id_, static_cast<uint32_t>(size)}, unsent_.view().first(size));
    mux_->counters_.queued_bytes -= size;
    mux_->counters_.sent_payload += size;
    unsent_.consume(size);
    send_window_ -= size;
  }
  if (ending_ && !fin_sent_ && unsent_.empty()) {
    mux_->append_frame({Type::WindowUpdate, kFin, id_, 0});
    fin_sent_ = true;
    heard_ms_ = now_ms;
  }
}

void Stream::sent() {
  unsent_.trim();
  complete();
  if (unsent_.size() <= options_->limits.stream_queue_bytes / 2) wake_writer();
}

void Stream::wake_writer() {
  if (!wants_ready_ || finished()) return;
  wants_ready_ = false;
  deliver_ready();
}

std::optional<Header> Stream::farewell() const {
  if (owes(kSyn) || (fin_sent_ && peer_ended_)) return std::nullopt; /* not known yet, or no longer */
  if (peer_ended_ && unread_.empty() && unsent_.empty()) {
    return Header{Type::WindowUpdate, static_cast<uint16_t>(owed_ | kFin), id_, 0};
  }
  return Header{Type::WindowUpdate, static_cast<uint16_t>(owed_ | kRst), id_, 0};
}

/* --- how it ends --- */

/* Over when both sides have ended, or the session has, and all that came was given out. */
void Stream::complete() {
  if (finished() || !unread_.empty() || (peer_ended_ && !end_given_)) return;
  bool orderly = fin_sent_ && peer_ended_;
  if (mux_ && orderly) mux_->forget(*this);
  if (mux_) return;
  if (orderly || !over_) {
    finish(VISOR_OK);
  } else {
    finish(over_->status, over_->text);
  }
}

void Stream::abort(visor_status status, std::string why) {
  unread_.clear();
  unsent_.clear();
  finish(status, std::move(why));
}

void Stream::end_of_session(const Error& error) {
  if (error.status == VISOR_ECANCELED) return abort(error.status, error.text);
  over_ = error;
  unsent_.clear();
  complete();
  /* Who waits for room before it reads on would wait for ever. */
  if (!finished() && wants_ready_) tasks().post([this] { wake_writer(); });
}

bool Stream::syn_overdue(uint64_t now_ms) const {
  uint64_t limit = options_->timeouts.syn_ms;
  return limit > 0 && unacknowledged() && !owes(kSyn) && now_ms - syn_sent_ms_ >= limit;
}

/* Silence counts only while the peer could be heard. */
bool Stream::fin_overdue(uint64_t now_ms) const {
  uint64_t limit = options_->timeouts.fin_ms;
  return limit > 0 && fin_sent_ && !peer_ended_ && unread_.empty() && flowing() &&
         now_ms - heard_ms_ >= limit;
}

}  // namespace visor::yamux
