#include "tracker.hpp"

#include <algorithm>

#include "lib/codec/transport_type.hpp"

namespace visor::telemetry {
namespace {

// The peer's last numbers may be older than what was seen: counters never go back.
void advance(Tracked& tracked, uint64_t epoch, uint64_t sent_bytes, uint64_t received_bytes) {
  auto at = std::ranges::find(tracked.connections, epoch, &Tracked::Connection::epoch);
  if (at == tracked.connections.end()) {
    if (tracked.connections.size() == Tracker::kMaxConnections) {
      tracked.folded.sent_bytes += tracked.connections.front().sent_bytes;
      tracked.folded.received_bytes += tracked.connections.front().received_bytes;
      tracked.connections.erase(tracked.connections.begin());
    }
    at = tracked.connections.insert(tracked.connections.end(), {epoch, 0, 0});
  }
  at->sent_bytes = std::max(at->sent_bytes, sent_bytes);
  at->received_bytes = std::max(at->received_bytes, received_bytes);
  tracked.sent_bytes = tracked.folded.sent_bytes;
  tracked.received_bytes = tracked.folded.received_bytes;
  for (const Tracked::Connection& connection : tracked.connections) {
    tracked.sent_bytes += connection.sent_bytes;
    tracked.received_bytes += connection.received_bytes;
  }
}

void describe(Tracked& tracked, const visor_transport& transport, const visor_key& own, int64_t unix_s) {
  tracked.remote = transport.edges[transport.edges[0] == own ? 1 : 0];
  tracked.type = codec::canonical_type(text(transport.type));
  std::string_view label = text(transport.label);
  tracked.label = codec::valid_transport_word(label) ? label : codec::kLabelUser;
  tracked.sampled_at_s = unix_s;
}

void measure(Tracked& tracked, const visor_transport& transport) {
  tracked.latency_min_ms = transport.latency_min_ms;
  tracked.latency_max_ms = transport.latency_max_ms;
  tracked.latency_avg_ms = transport.latency_avg_ms;
  tracked.throughput_bytes_per_s = transport.throughput_bytes_per_s;
}

bool reportable(const visor_transport& transport, const visor_key& own) {
  if (transport.size < sizeof(visor_transport) || transport.edges[0] == transport.edges[1]) return false;
  if (!(transport.edges[0] == own) && !(transport.edges[1] == own)) return false;
  return codec::valid_transport_word(text(transport.type));
}

}  // namespace

void Tracker::begin() {
  ++revision_;
  for (auto& [id, tracked] : transports_) tracked.seen = false;
}

void Tracker::see(const visor_transport& transport, int64_t unix_s) {
  bool serving = transport.state == VISOR_TRANSPORT_SERVING;
  if ((!serving && transport.state != VISOR_TRANSPORT_CLOSED) || !reportable(transport, own_)) return;
  codec::TransportId id;
  std::copy_n(transport.id, id.bytes.size(), id.bytes.begin());
  auto at = transports_.find(id);
  if (at == transports_.end()) {
    at = transports_.emplace(id, Tracked{}).first;
    at->second.id = id;
    at->second.epoch = transport.epoch == 0 ? 1 : transport.epoch;
    describe(at->second, transport, own_, unix_s);
  }
  Tracked& tracked = at->second;
  advance(tracked, transport.epoch, transport.sent_bytes, transport.received_bytes);
  tracked.told = false;
  if (!serving) return;
  tracked.seen = true;
  tracked.serving = true;
  describe(tracked, transport, own_, unix_s);
  measure(tracked, transport);
}

void Tracker::end(uint64_t now_ms, int64_t unix_s) {
  serving_ = 0;
  size_t closed = 0;
  for (auto at = transports_.begin(); at != transports_.end();) {
    Tracked& tracked = at->second;
    if (tracked.seen) {
      ++serving_;
      tracked.closed_ms = 0;
    } else if (tracked.serving || tracked.closed_ms == 0) {
      tracked.serving = false;
      tracked.closed_ms = std::max<uint64_t>(1, now_ms);
      tracked.closed_at_s = unix_s;
      // What was measured of a connection says nothing once it is closed.
      tracked.latency_min_ms = tracked.latency_max_ms = tracked.latency_avg_ms = 0;
      tracked.throughput_bytes_per_s = 0;
      tracked.told = false;
    }
    // A reader that was away takes over only what is still there when it is back.
    bool heard =
        tracked.told && reader_here_ && now_ms - std::max(tracked.closed_ms, reader_since_ms_) >= linger_ms_;
    bool forget = !tracked.serving && heard;
    closed += !tracked.serving && !forget;
    at = forget ? transports_.erase(at) : std::next(at);
  }
  if (closed > kMaxClosed) forget_oldest(closed - kMaxClosed);
}

void Tracker::forget_oldest(size_t count) {
  std::vector<std::pair<uint64_t, codec::TransportId>> closed;
  for (const auto& [id, tracked] : transports_) {
    if (!tracked.serving) closed.emplace_back(tracked.closed_ms, id);
  }
  std::ranges::nth_element(closed, closed.begin() + static_cast<ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) transports_.erase(closed[i].second);
}

void Tracker::reader(bool here, uint64_t now_ms) {
  if (here && !reader_here_) reader_since_ms_ = now_ms;
  reader_here_ = here;
}

// Nothing is told by a collection that has been overtaken: the next one follows.
void Tracker::mark_told(uint64_t revision) {
  if (revision != revision_) return;
  for (auto& [id, tracked] : transports_) tracked.told = true;
}

}  // namespace visor::telemetry
