/* The highest rate at which a transport was seen to carry payload (specification telemetry.md, 1.6): idle
 * time never lowers it. */
#ifndef VISOR_TRANSPORTS_THROUGHPUT_HPP
#define VISOR_TRANSPORTS_THROUGHPUT_HPP
#include <algorithm>
#include <cstdint>

namespace visor::transports {

class Throughput {
 public:
  explicit Throughput(uint64_t now_ns) : at_ns_(now_ns) {}

  /* `total` bytes, both directions, have passed since the beginning.  Looked at less than `window_ns` after
   * the last look that counted, it waits: a shorter span would take a burst for a rate. */
  void observe(uint64_t total, uint64_t now_ns, uint64_t window_ns) {
    if (now_ns - at_ns_ < window_ns || now_ns == at_ns_) return;
    double rate = static_cast<double>(total - total_) * 1e9 / static_cast<double>(now_ns - at_ns_);
    highest_ = std::max(highest_, rate);
    total_ = total;
    at_ns_ = now_ns;
  }
  double highest_bytes_per_s() const { return highest_; }

 private:
  double highest_ = 0;
  uint64_t total_ = 0;
  uint64_t at_ns_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_THROUGHPUT_HPP
