/* A kernel with the plugins of this program, in virtual time: what a bench measures is called directly. */
#ifndef VISOR_BENCH_MACHINE_HPP
#define VISOR_BENCH_MACHINE_HPP
#include <visor/storage.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "kernel/kernel.hpp"
#include "kernel/sim/loop.hpp"

namespace visor::bench {

class Machine {
 public:
  explicit Machine(const std::string& config);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /* A map of the drive "disk", created if missing; closed with the machine. */
  visor_kv* open(const std::string& name);
  Host host() { return kernel_.host(); }
  kernel::sim::SimLoop& loop() { return loop_; }

 private:
  kernel::sim::SimLoop loop_{1};
  kernel::Catalog catalog_;
  kernel::Kernel kernel_;
};

/* Ends the program with the sentence. */
[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

}  // namespace visor::bench
#endif  // VISOR_BENCH_MACHINE_HPP
