#include "pings.hpp"

#include <algorithm>

namespace visor::transports {

void Pings::sent(uint64_t nonce, uint64_t now_ns) {
  while (!flight_.empty() &&
         (flight_.size() >= kMaxInFlight || now_ns - flight_.front().sent_ns > kMaxRoundTripNs)) {
    flight_.pop_front();
  }
  flight_.push_back({nonce, now_ns});
  ++missed_;
}

std::optional<double> Pings::answered(uint64_t nonce, uint64_t now_ns) {
  auto flight = std::ranges::find(flight_, nonce, &Flight::nonce);
  uint64_t round_trip_ns = flight == flight_.end() ? 0 : now_ns - flight->sent_ns;
  if (flight != flight_.end()) flight_.erase(flight);
  if (round_trip_ns == 0 || round_trip_ns > kMaxRoundTripNs) {
    ++unmatched_;
    return std::nullopt;
  }
  answers_ = true;
  missed_ = 0;
  double ms = static_cast<double>(round_trip_ns) / 1e6;
  window_[samples_++ % kWindow] = ms;
  return ms;
}

Latency Pings::latency() const {
  size_t count = std::min(samples_, kWindow);
  if (count == 0) return {};
  Latency latency{window_[0], window_[0], 0, window_[(samples_ - 1) % kWindow]};
  for (size_t i = 0; i < count; ++i) {
    latency.min_ms = std::min(latency.min_ms, window_[i]);
    latency.max_ms = std::max(latency.max_ms, window_[i]);
    latency.avg_ms += window_[i];
  }
  latency.avg_ms /= static_cast<double>(count);
  return latency;
}

}  // namespace visor::transports
