/* What the peer sends. */
#include <algorithm>

#include "lib/yamux/multiplexer.hpp"
#include "lib/yamux/stream.hpp"

namespace visor::yamux {

void Multiplexer::receive(ByteView data) {
  std::weak_ptr<char> alive = alive_; /* callbacks may destroy us */
  counters_.received_bytes += data.size();
  while (!data.empty() && !over_) {
    if (body_left_ > 0) {
      ByteView chunk = data.first(std::min(data.size(), body_left_));
      data = data.subspan(chunk.size());
      receive_body(chunk);
      if (alive.expired()) return;
      continue;
    }
    size_t size = std::min(data.size(), kHeaderSize - header_fill_);
    std::copy_n(data.begin(), size, header_.begin() + static_cast<ptrdiff_t>(header_fill_));
    header_fill_ += size;
    data = data.subspan(size);
    if (header_fill_ < kHeaderSize) return;
    header_fill_ = 0;
    auto header = decode(header_);
    if (!header) {
      fail(VISOR_EPROTO, header.error().text, kProtocolError);
      return;
    }
    ++counters_.received_frames;
    if (!begin_frame(*header)) return;
  }
}

bool Multiplexer::begin_frame(const Header& header) {
  /* Everything that the peer can make us answer passes here. */
  if (control_.size() > options_->limits.control_bytes) {
    return fail(VISOR_EPROTO,
                "the peer asks and does not read: more than " +
                    std::to_string(options_->limits.control_bytes) + " bytes of answers wait",
                kProtocolError);
  }
  bool has_payload = header.type == Type::Data && header.length > 0;
  if (!has_payload && !admit_empty_frame()) {
    return fail(VISOR_EPROTO,
                "the peer sends more than " + std::to_string(options_->limits.empty_frames_s) +
                    " frames without payload a second",
                kProtocolError);
  }
  switch (header.type) {
    case Type::Data:
    case Type::WindowUpdate:
      return begin_stream_frame(header);
    case Type::Ping:
      return header.has(kSyn) ? answer_ping(header) : end_ping(header);
    case Type::GoAway:
      return peer_goes_away(header);
  }
  return true;
}

bool Multiplexer::admit_empty_frame() {
  if (empty_frames_left_ == 0) {
    uint64_t now_ms = host_.now_ms();
    const Limits& limits = options_->limits;
    uint64_t earned = (now_ms - empty_frames_from_ms_) * limits.empty_frames_s / 1000;
    if (earned == 0) return false;
    empty_frames_left_ = static_cast<uint32_t>(std::min<uint64_t>(earned, limits.empty_frames));
    empty_frames_from_ms_ = now_ms;
  }
  --empty_frames_left_;
  return true;
}

bool Multiplexer::begin_stream_frame(const Header& header) {
  if (header.has(kSyn)) {
    std::weak_ptr<char> alive = alive_;
    if (!accept(header) || alive.expired()) return false;
  }
  Stream* stream = find(header.stream);
  if (stream) {
    stream->heard(host_.now_ms());
    if (header.has(kAck)) stream->acknowledge();
    if (header.has(kFin) && stream->peer_ended()) {
      return fail(VISOR_EPROTO, "expected no second end of stream " + std::to_string(header.stream),
                  kProtocolError);
    }
    if (header.has(kRst)) {
      ++counters_.reset;
      forget(*stream);
      stream->abort(VISOR_ECLOSED, "the peer reset the stream");
      stream = nullptr;
    }
  }
  if (header.type == Type::WindowUpdate) {
    if (!stream) return true;
    stream->grow_window(header.length);
    if (!header.has(kFin)) return true;
    std::weak_ptr<char> alive = alive_;
    stream->peer_ends();
    return !alive.expired();
  }
  return begin_data(header, stream && !stream->peer_ended() ? stream : nullptr);
}

/* stream: null when the body is to be dropped, because the stream is not there (any more). */
bool Multiplexer::begin_data(const Header& header, Stream* stream) {
  /* No window is ever larger than the first one, so a larger frame is wrong even where it would be dropped.
   */
  bool fits = stream ? stream->spend_window(header.length) : header.length <= kWindow;
  if (!fits) {
    return fail(VISOR_EPROTO,
                "expected no more than the granted window, at most " + std::to_string(kWindow) +
                    " bytes; got a frame of " + std::to_string(header.length) +
                    " bytes beyond it on stream " + std::to_string(header.stream),
                kProtocolError);
  }
  body_left_ = header.length;
  body_stream_ = stream;
  body_ends_stream_ = stream && header.has(kFin);
  if (header.length > 0) return true;
  std::weak_ptr<char> alive = alive_;
  receive_body({});
  return !alive.expired();
}

bool Multiplexer::accept(const Header& header) {
  bool numbered_by_peer = header.stream != 0 && (header.stream % 2 == 1) != options_->client;
  if (!numbered_by_peer || find(header.stream)) {
    return fail(VISOR_EPROTO,
                std::string("expected a new ") + (options_->client ? "even" : "odd") +
                    " number for a stream that the peer opens; got " + std::to_string(header.stream),
                kProtocolError);
  }
  const Limits& limits = options_->limits;
  if (going_away_ || streams_.size() >= limits.streams ||
      counters_.unacknowledged_in >= limits.unacknowledged_in) {
    ++counters_.refused;
    append_control({Type::WindowUpdate, kRst, header.stream, 0});
    return true;
  }
  Stream& stream = add(header.stream, 0);
  ++counters_.accepted;
  ++counters_.unacknowledged_in;
  schedule(stream);
  if (auto accept = events_.accept) {
    accept(&stream);
  } else {
    stream.api->close(&stream);
  }
  return true;
}

void Multiplexer::receive_body(ByteView chunk) {
  body_left_ -= chunk.size();
  bool ends = body_ends_stream_ && body_left_ == 0;
  Stream* stream = body_stream_;
  if (!stream) {
    counters_.dropped_payload += chunk.size();
    return;
  }
  std::weak_ptr<char> alive = alive_;
  counters_.received_payload += chunk.size();
  if (!chunk.empty()) stream->receive(chunk);
  if (alive.expired()) return;
  /* A stream that its user closed meanwhile is no longer body_stream_. */
  if (ends && body_stream_) stream->peer_ends();
  if (alive.expired()) return;
  if (body_left_ == 0) body_stream_ = nullptr;
  limit_unread();
}

/* Windows bound each stream, this bounds all: who holds most pays. */
void Multiplexer::limit_unread() {
  size_t limit = options_->limits.unread_bytes;
  while (counters_.unread_bytes > limit) {
    auto largest =
        std::ranges::max_element(streams_, {}, [](const auto& entry) { return entry.second->unread(); });
    reset(*largest->second, VISOR_ENOSPC,
          "the session's streams hold more than " + std::to_string(limit) + " unread bytes, this one most");
  }
}

bool Multiplexer::answer_ping(const Header& header) {
  append_control({Type::Ping, kAck, 0, header.length});
  return true;
}

bool Multiplexer::end_ping(const Header& header) {
  if (!header.has(kAck) || !ping_open_ || header.length != next_ping_) return true;
  counters_.round_trip_ns = host_.now_ns() - ping_sent_ns_;
  ping_open_ = false;
  ++next_ping_;
  answer_timer_.cancel();
  return true;
}

bool Multiplexer::peer_goes_away(const Header& header) {
  switch (header.length) {
    case kNormal:
      peer_going_away_ = true;
      return true;
    case kProtocolError:
      return fail(VISOR_EPROTO, "the peer says that we broke the protocol", kNormal);
    case kInternalError:
      return fail(VISOR_ECLOSED, "the peer ends the session because of an error of its own", kNormal);
    default:
      return fail(VISOR_EPROTO,
                  "expected a reason from 0 to 2 for going away; got " + std::to_string(header.length),
                  kProtocolError);
  }
}

}  // namespace visor::yamux
