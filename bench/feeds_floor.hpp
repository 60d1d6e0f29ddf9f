/* The floor of feeds: a pair of processes that hash, send and verify the same bytes, and do nothing else. */
#ifndef VISOR_BENCH_FEEDS_FLOOR_HPP
#define VISOR_BENCH_FEEDS_FLOOR_HPP
#include <span>

#include "bench/feeds_net.hpp"

namespace visor::bench {

class Floor {
 public:
  Floor(const std::string& program, size_t leaves);
  ~Floor();

  /* All leaves over a new connection, each hashed on both sides, one signature verified. */
  double replicate_ms();
  /* Hash, sign, send; receive, hash, verify: one leaf, over a connection that stands. */
  double update_us();
  /* The child. */
  static void serve(size_t leaves);

 private:
  size_t leaves_;
  Child child_;
  std::string port_;
};

/* Hashes each leaf and keeps it in a std::unordered_map by its hash, and signs once. */
void floor_build(std::span<const visor_op> ops);

}  // namespace visor::bench
#endif  // VISOR_BENCH_FEEDS_FLOOR_HPP
