/* Two processes for benches of feeds: this one reads, a child of the same program owns. */
#ifndef VISOR_BENCH_FEEDS_NET_HPP
#define VISOR_BENCH_FEEDS_NET_HPP
#include <array>
#include <memory>
#include <string>
#include <vector>
#include <visor/plugin.hpp>

#include "bench/child.hpp"
#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"

namespace visor::bench {

/* Where a visor keeps its feeds: in memory, or with LevelDB in a folder. */
struct Drive {
  bool leveldb = false;
  std::string folder() const;  // "" for memory; a new one each time

  std::string plugin(const std::string& folder) const;
};

/* A visor on a real loop with real sockets. */
class NativeVisor {
 public:
  NativeVisor(const Drive& drive, const std::string& feeds_config);
  ~NativeVisor();
  NativeVisor(const NativeVisor&) = delete;
  NativeVisor& operator=(const NativeVisor&) = delete;

  Host host() { return kernel_->host(); }
  kernel::native::UvLoop& loop() { return loop_; }
  const visor_key& key() { return kernel_->key(); }
  visor_feeds* feeds();
  /* One's own for a null owner. */
  Owned<visor_feed> open(const visor_key* owner, const std::string& network);
  /* Where its feeds are reached, "tcp://127.0.0.1:40123". */
  std::string listening();
  /* Sent and received on all sockets. */
  uint64_t wire_bytes() const;
  /* Writes, and waits until it is published. */
  void write(visor_feed* feed, std::span<const visor_op> ops);

 private:
  std::string folder_;
  kernel::native::UvLoop loop_;
  kernel::Catalog catalog_;
  std::unique_ptr<kernel::Kernel> kernel_;
};

/* The leaves of a tree: 200 bytes each, 100 in a directory. */
std::string leaf_path(size_t number);
void fill_leaf(size_t number, uint64_t version, std::array<uint8_t, 200>& value);

}  // namespace visor::bench
#endif  // VISOR_BENCH_FEEDS_NET_HPP
