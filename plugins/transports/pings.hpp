/* Round trips of one transport: which pings are under way, what the answers say, and when silence means that
 * the peer has gone (specification telemetry.md, 1.6).  Times are monotonic nanoseconds, handed in. */
#ifndef VISOR_TRANSPORTS_PINGS_HPP
#define VISOR_TRANSPORTS_PINGS_HPP
#include <array>
#include <cstdint>
#include <deque>
#include <optional>

namespace visor::transports {

struct Latency {
  double min_ms = 0, max_ms = 0, avg_ms = 0; /* of the window; 0: not measured yet */
  double last_ms = 0;
};

class Pings {
 public:
  /* A round trip counts if it is above 0 and not longer. */
  static constexpr uint64_t kMaxRoundTripNs = 30'000'000'000;
  /* Samples that minimum, maximum and average are taken over: one slow answer is forgotten in time. */
  static constexpr size_t kWindow = 20;
  /* Pings under way; the oldest is forgotten for one more. */
  static constexpr size_t kMaxInFlight = 64;
  /* So many pings in a row without a sign of life: nobody is there. */
  static constexpr unsigned kMaxMissed = 3;

  /* A ping with this random nonce leaves. */
  void sent(uint64_t nonce, uint64_t now_ns);
  /* An answer has come: the round trip in milliseconds if it counts.  An answer to no ping of ours, a second
   * answer and one that is too late count for nothing. */
  std::optional<double> answered(uint64_t nonce, uint64_t now_ns);
  /* Something else came from the peer: it is there, however slow its answers are. */
  void heard() { missed_ = 0; }

  /* Only a peer that has shown that it answers is judged by its silence. */
  void expect_answers() { answers_ = true; }
  bool half_open() const { return answers_ && missed_ >= kMaxMissed; }

  Latency latency() const;
  size_t samples() const { return samples_; } /* ever taken */
  unsigned missed() const { return missed_; } /* since the last sign of life */
  size_t in_flight() const { return flight_.size(); }
  uint64_t unmatched() const { return unmatched_; } /* answers that counted for nothing */

 private:
  struct Flight {
    uint64_t nonce, sent_ns;
  };
  std::deque<Flight> flight_; /* oldest first */
  std::array<double, kWindow> window_{};
  size_t samples_ = 0;
  uint64_t unmatched_ = 0;
  unsigned missed_ = 0;
  bool answers_ = false;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_PINGS_HPP
