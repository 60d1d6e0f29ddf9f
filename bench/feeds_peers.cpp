#include "bench/feeds_peers.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bench/machine.hpp"

namespace visor::bench {
namespace {

/* bench/feeds_peers.mjs holds the other side and the clock: it owns the leaves, and each line that it is sent
 * makes one new reader fetch them, whose milliseconds it answers. */
class ScriptPeer final : public Peer {
 public:
  ScriptPeer(const std::string& name, size_t leaves)
      : child_({"node", VISOR_BENCH_FOLDER "/feeds_peers.mjs", name, std::to_string(leaves)}) {
    ready_ = child_.hear() == "ready";
  }
  bool ready() const { return ready_; }
  double replicate_ms() override { return std::stod(child_.ask("fetch")); }

 private:
  Child child_;
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<Peer> make_peer(const std::string& name, size_t leaves) {
  if (name.empty()) return nullptr;
  auto peer = std::make_unique<ScriptPeer>(name, leaves);
  if (peer->ready()) return peer;
  std::fprintf(stderr, "%s is not here to compare with; `make bench-deps` installs it\n", name.c_str());
  return nullptr;
}

}  // namespace visor::bench
