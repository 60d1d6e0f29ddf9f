/* A visor for benches of the relay network: a kernel on a real loop, alone in its process. */
#ifndef VISOR_BENCH_DMSG_VISOR_HPP
#define VISOR_BENCH_DMSG_VISOR_HPP
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <visor/plugin.hpp>

#include "kernel/kernel.hpp"
#include "kernel/native/loop.hpp"

namespace visor::bench {

class Visor {
 public:
  /* plugins: the list of the configuration. */
  explicit Visor(const std::string& plugins);
  ~Visor();
  Visor(const Visor&) = delete;
  Visor& operator=(const Visor&) = delete;

  Host host() { return kernel_->host(); }
  kernel::native::UvLoop& loop() { return loop_; }
  const visor_key& key() { return kernel_->key(); }
  visor_net* dmsg();
  /* A command's one value. */
  std::string call(const char* instance, const char* command);
  void run_until(const std::function<bool()>& condition);
  /* Ends the program when nothing of it comes about in ten minutes. */
  visor_stream* dial(const visor_addr& to);
  Result<visor_stream*> try_dial(const visor_addr& to);
  /* Lines of the parent's: answers each by `line`, until there are no more. */
  void obey(const std::function<std::string(const std::string& line)>& line);

 private:
  kernel::native::UvLoop loop_;
  kernel::Catalog catalog_;
  std::unique_ptr<kernel::Kernel> kernel_;
};

/* What follows `"name":` in JSON of a known form. */
std::string json_field(const std::string& json, const std::string& name);
/* Resident memory of this process, in kilobytes of 1000 bytes. */
uint64_t resident_kb();
/* The most that it was since reset_peak(). */
uint64_t peak_kb();
void reset_peak();

}  // namespace visor::bench
#endif  // VISOR_BENCH_DMSG_VISOR_HPP
