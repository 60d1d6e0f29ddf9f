/* Bytes out of counters that begin anew (specification telemetry.md, 3.7). */
#ifndef VISOR_TRANSPORT_DISCOVERY_COUNTERS_HPP
#define VISOR_TRANSPORT_DISCOVERY_COUNTERS_HPP
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace visor::transport_discovery {

/* Sums of what strangers say stop at the top instead of beginning anew. */
inline uint64_t saturating_add(uint64_t a, uint64_t b) {
  return b > std::numeric_limits<uint64_t>::max() - a ? std::numeric_limits<uint64_t>::max() : a + b;
}

struct Traffic {
  uint64_t sent = 0;
  uint64_t received = 0;

  Traffic& operator+=(const Traffic& more) {
    sent = saturating_add(sent, more.sent);
    received = saturating_add(received, more.received);
    return *this;
  }
  uint64_t sum() const { return saturating_add(sent, received); }
  bool none() const { return sent == 0 && received == 0; }
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

/* What one edge's counters of one transport have said so far.
 *
 * A counter lives from the moment that it began at 0.  Its epoch tells lives apart: within one, a value below
 * the last is old news and adds nothing; a new one adds all that it says.  Old lives are remembered, so that
 * a Root of the past that comes again is not counted again.  A reporter that gives no epoch makes us guess,
 * for sent and received apart: a value below the last has begun anew. */
class CounterLives {
 public:
  struct Life {
    uint64_t epoch = 0; /* 0: not told */
    Traffic last;
    friend bool operator==(const Life&, const Life&) = default;
  };
  static constexpr size_t kRemembered = 4;

  /* What has been added since the value before. */
  Traffic advance(const Traffic& now, std::optional<uint64_t> epoch);

  /* Newest first; for storing. */
  std::span<const Life> lives() const { return {lives_.data(), count_}; }
  void restore(std::span<const Life> lives);

 private:
  void begin(const Life& life);

  std::array<Life, kRemembered> lives_{};
  uint8_t count_ = 0;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_COUNTERS_HPP
