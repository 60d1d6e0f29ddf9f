#include "lib/yamux/multiplexer.hpp"

#include <algorithm>

#include "lib/yamux/stream.hpp"

namespace visor::yamux {

Multiplexer::Multiplexer(Host host, Options options, Sink sink, Events events)
    : host_(host),
      options_(std::make_shared<const Options>(std::move(options))),
      sink_(std::move(sink)),
      events_(std::move(events)),
      next_id_(options_->client ? 1 : 2),
      empty_frames_left_(options_->limits.empty_frames),
      empty_frames_from_ms_(host.now_ms()),
      tasks_(host) {
  if (uint64_t interval = options_->timeouts.ping_interval_ms; interval > 0) {
    ping_timer_ = Timer::every(host_, interval, [this] { send_ping(); });
  }
}

Multiplexer::~Multiplexer() {
  close(Error{VISOR_ECANCELED, "the session was closed"});
}

void Multiplexer::close(const Error& error) {
  if (std::exchange(over_, true)) return;
  end_streams(error);
}

Counters Multiplexer::counters() const {
  Counters now = counters_;
  now.streams = streams_.size();
  now.control_bytes = control_.size();
  return now;
}

/* --- streams --- */

Result<visor_stream*> Multiplexer::open(uint16_t port) {
  const Limits& limits = options_->limits;
  if (over_) return failure(VISOR_ECLOSED, "the session is over");
  if (going_away_ || peer_going_away_) {
    return failure(VISOR_ECLOSED, "the session takes no new streams: one side is leaving");
  }
  if (streams_.size() >= limits.streams) {
    return failure(VISOR_ENOSPC, "the session has " + std::to_string(limits.streams) +
                                     " streams, its limit: close one first");
  }
  if (counters_.unacknowledged_out >= limits.unacknowledged_out) {
    return failure(VISOR_EAGAIN, std::to_string(limits.unacknowledged_out) +
                                     " streams wait for the peer's acknowledgement: try again later");
  }
  if (next_id_ == 0) {
    return failure(VISOR_ENOSPC, "the session's stream numbers are used up: open a new session");
  }
  Stream& stream = add(next_id_, port);
  next_id_ = next_id_ > UINT32_MAX - 2 ? 0 : next_id_ + 2;
  ++counters_.opened;
  ++counters_.unacknowledged_out;
  schedule(stream);
  return &stream;
}

Stream* Multiplexer::find(uint32_t id) const {
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

Stream& Multiplexer::add(uint32_t id, uint16_t port) {
  auto* stream = new Stream(host_, *this, options_, id, port);
  streams_.emplace(id, stream);
  stream->place = quiet_.insert(quiet_.end(), stream);
  start_sweep();
  return *stream;
}

/* Forgets a stream, which lives on in its user's hands. */
void Multiplexer::forget(Stream& stream) {
  counters_.unread_bytes -= stream.unread();
  counters_.queued_bytes -= stream.unsent();
  if (stream.unacknowledged()) --counters_.unacknowledged_out;
  if (stream.owes(kAck)) --counters_.unacknowledged_in;
  if (body_stream_ == &stream) body_stream_ = nullptr;
  (stream.scheduled ? sending_ : quiet_).erase(stream.place);
  streams_.erase(stream.id());
  stream.detach();
  if (starving_) schedule_flush();
}

/* Its user closes it. */
void Multiplexer::release(Stream& stream) {
  if (auto last = stream.farewell()) {
    if (last->has(kRst)) ++counters_.reset;
    append_control(*last);
  }
  forget(stream);
}

/* We give it up: the peer learns it now, the user in `closed`. */
void Multiplexer::reset(Stream& stream, visor_status status, std::string why) {
  release(stream);
  stream.abort(status, std::move(why));
}

/* --- ends --- */

void Multiplexer::go_away() {
  if (over_ || std::exchange(going_away_, true)) return;
  append_control({Type::GoAway, 0, 0, kNormal});
}

void Multiplexer::end_streams(const Error& error) {
  ping_timer_.cancel();
  answer_timer_.cancel();
  sweep_timer_.cancel();
  while (!streams_.empty()) {
    Stream& stream = *streams_.begin()->second;
    forget(stream);
    stream.end_of_session(error);
  }
}

bool Multiplexer::fail(visor_status status, std::string why, Reason reason) {
  if (std::exchange(over_, true)) return false;
  auto last = encode({Type::GoAway, 0, 0, reason});
  visor_span part{last.data(), last.size()};
  sink_({&part, 1});
  Error error{status, "yamux: " + std::move(why)};
  end_streams(error);
  if (auto failed = events_.failed) failed(error);
  return false;
}

/* --- liveness --- */

void Multiplexer::send_ping() {
  if (ping_open_) return;
  ping_open_ = true;
  ping_sent_ns_ = host_.now_ns();
  append_control({Type::Ping, kSyn, 0, next_ping_});
  uint64_t limit = options_->timeouts.ping_answer_ms;
  if (limit == 0) return;
  answer_timer_ = Timer::once(host_, limit, [this, limit] {
    fail(VISOR_ETIMEDOUT, "the peer did not answer a ping within " + std::to_string(limit) + " ms", kNormal);
  });
}

/* One timer for the timeouts of all streams: at most a quarter late, at most five seconds. */
void Multiplexer::start_sweep() {
  if (streams_.size() != 1) return;
  uint64_t shortest = UINT64_MAX;
  for (uint64_t limit : {options_->timeouts.syn_ms, options_->timeouts.fin_ms}) {
    if (limit > 0) shortest = std::min(shortest, limit);
  }
  if (shortest == UINT64_MAX) return;
  sweep_timer_ = Timer::every(host_, std::clamp<uint64_t>(shortest / 4, 1, 5000), [this] { sweep(); });
}

void Multiplexer::sweep() {
  if (streams_.empty()) return sweep_timer_.cancel();
  uint64_t now_ms = host_.now_ms();
  std::vector<Stream*> unanswered;
  for (auto [id, stream] : streams_) {
    if (stream->syn_overdue(now_ms)) {
      fail(VISOR_ETIMEDOUT,
           "stream " + std::to_string(id) + " was not acknowledged within " +
               std::to_string(options_->timeouts.syn_ms) + " ms",
           kNormal);
      return;
    }
    if (stream->fin_overdue(now_ms)) unanswered.push_back(stream);
  }
  for (Stream* stream : unanswered) {
    reset(*stream, VISOR_ETIMEDOUT,
          "the peer neither sent nor ended within " + std::to_string(options_->timeouts.fin_ms) +
              " ms after our end");
  }
}

}  // namespace visor::yamux
