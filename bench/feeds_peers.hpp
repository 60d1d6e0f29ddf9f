/* Others that move the same leaves between two processes; installed by `make bench-deps`. */
#ifndef VISOR_BENCH_FEEDS_PEERS_HPP
#define VISOR_BENCH_FEEDS_PEERS_HPP
#include <memory>

#include "bench/feeds_net.hpp"

namespace visor::bench {

class Peer {
 public:
  virtual ~Peer() = default;
  virtual double replicate_ms() = 0;
};

/* "git", "hypercore"; null when it is not installed. */
std::unique_ptr<Peer> make_peer(const std::string& name, size_t leaves);

}  // namespace visor::bench
#endif  // VISOR_BENCH_FEEDS_PEERS_HPP
