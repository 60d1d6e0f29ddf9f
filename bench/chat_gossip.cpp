#include <cstdlib>
#include <sstream>

#include "bench/chat_peers.hpp"
#include "bench/child.hpp"

namespace visor::bench {
namespace {

/* bench/peers/gossip.mjs runs the nodes and holds the clock. */
class ScriptGossip final : public Gossip {
 public:
  explicit ScriptGossip(size_t nodes)
      : child_({"node", VISOR_BENCH_FOLDER "/peers/gossip.mjs", std::to_string(nodes)}) {
    ready_ = child_.hear() == "ready";
  }
  bool ready() const { return ready_; }
  std::vector<double> times_us(int messages) override {
    std::istringstream said(child_.ask("times " + std::to_string(messages)));
    std::vector<double> times;
    for (double each = 0; said >> each;) times.push_back(each);
    return times;
  }
  double deliveries_s(size_t messages) override {
    return std::stod(child_.ask("burst " + std::to_string(messages)));
  }

 private:
  Child child_;
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<Gossip> make_gossip(size_t nodes) {
  auto gossip = std::make_unique<ScriptGossip>(nodes);
  if (gossip->ready()) return gossip;
  std::fprintf(stderr, "gossipsub is not here to compare with; `make bench-deps` installs it\n");
  return nullptr;
}

}  // namespace visor::bench
