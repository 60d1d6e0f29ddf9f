/* A network in the process: connections with latency, pressure, refusals and cuts, in the virtual time of one
 * loop. */
#ifndef VISOR_KERNEL_SIM_NETWORK_HPP
#define VISOR_KERNEL_SIM_NETWORK_HPP
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visor/net.hpp>

#include "kernel/address.hpp"
#include "kernel/service.hpp"
#include "kernel/sim/loop.hpp"

namespace visor::kernel::sim {

class Endpoint;

struct NetworkOptions {
  uint64_t latency_min_ms = 1, latency_max_ms = 5; /* of each piece, in order within a connection */
  bool split = true;                               /* break writes into pieces, as real networks do */
  uint32_t lost_per_million = 0;                   /* chance of each piece to be lost and come 200 ms later */
  uint32_t cut_per_million = 0;                    /* chance of each piece to end its connection instead */
};

/* Lives longer than the kernels that use it, and on their loop. */
class SimNetwork {
 public:
  SimNetwork(SimLoop& loop, NetworkOptions options) : loop_(loop), options_(options) {}
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  /* visor.sockets/1 "tcp" of the machine with this address ("10.0.0.1", "alpha").  127.0.0.1 and localhost
   * are the machine itself; what listens on 0.0.0.0 or its own address is reached from everywhere. */
  Service sockets(std::string machine);

  /* No more between two machines, and what there is ends on both sides. */
  void cut(const std::string& a, const std::string& b);
  void heal(const std::string& a, const std::string& b);
  /* Ends what this machine has open; new connections are as before. */
  void drop(const std::string& machine);
  /* While set, the machine answers nobody's connect: it times out. */
  void set_silent(const std::string& machine, bool silent);

  NetworkOptions& options() { return options_; }
  size_t connections() const { return endpoints_.size() / 2; }
  uint64_t delivered_bytes() const { return delivered_bytes_; }

 private:
  friend class Endpoint;
  class Sockets;
  struct Listener {
    Sockets* sockets;
    bool loopback; /* reached from its own machine only */
    std::function<void(visor_stream*)> accept;
  };
  using Pair = std::pair<std::string, std::string>;
  static Pair ordered(const std::string& a, const std::string& b) { return a < b ? Pair{a, b} : Pair{b, a}; }

  static constexpr uint64_t kSentAgainMs = 200;
  uint64_t latency_ms();
  uint16_t next_port();
  bool reachable(const std::string& from, const std::string& to) const;
  Listener* find_listener(const std::string& from, const TcpAddress& to);

  SimLoop& loop_;
  NetworkOptions options_;
  std::map<TcpAddress, Listener> listeners_; /* by machine and port */
  std::vector<Endpoint*> endpoints_;         /* in order of their beginning */
  std::set<Pair> cuts_;
  std::set<std::string> silent_;
  uint16_t last_port_ = 0;
  uint64_t delivered_bytes_ = 0;
};

}  // namespace visor::kernel::sim
#endif  // VISOR_KERNEL_SIM_NETWORK_HPP
