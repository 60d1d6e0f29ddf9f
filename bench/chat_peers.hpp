/* Others that carry the same messages; installed by `make bench-deps`. */
#ifndef VISOR_BENCH_CHAT_PEERS_HPP
#define VISOR_BENCH_CHAT_PEERS_HPP
#include <memory>
#include <string>
#include <vector>

namespace visor::bench {

/* Two friends on toxcore, in this process, over UDP on loopback. */
class Tox {
 public:
  virtual ~Tox() = default;
  /* One writes, the other answers with the same: authenticated and encrypted both ways.  (Tox' own receipts
   * wait for a packet that is sent once a second.) */
  virtual void ask(const std::string& text) = 0;
};
/* Null where it was not built with it. */
std::unique_ptr<Tox> make_tox();

/* Nodes of npm's libp2p with gossipsub in one process, all connected over TCP on loopback (Noise and yamux).
 */
class Gossip {
 public:
  virtual ~Gossip() = default;
  /* Of messages that follow each other: until each has come to all. */
  virtual std::vector<double> times_us(int messages) = 0;
  virtual double deliveries_s(size_t messages) = 0;
};
/* Null when it is not installed. */
std::unique_ptr<Gossip> make_gossip(size_t nodes);

}  // namespace visor::bench
#endif  // VISOR_BENCH_CHAT_PEERS_HPP
