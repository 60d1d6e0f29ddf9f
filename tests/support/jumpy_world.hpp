/* A simulated world whose machines have clocks of their own, which jump. */
#ifndef VISOR_TESTS_SUPPORT_JUMPY_WORLD_HPP
#define VISOR_TESTS_SUPPORT_JUMPY_WORLD_HPP
#include <deque>

#include "tests/support/world.hpp"

namespace visor::test {

/* The simulated loop with a clock of its own: Unix time may jump, what timers measure does not. */
class JumpyLoop final : public kernel::Loop {
 public:
  explicit JumpyLoop(kernel::sim::SimLoop& loop) : loop_(loop) {}
  void jump_ns(int64_t by) { offset_ns_ += by; }
  /* So far from the right time; 0: somebody has set it right. */
  void set_offset_ns(int64_t offset) { offset_ns_ = offset; }

  uint64_t now_ns() const override { return loop_.now_ns(); }
  int64_t unix_ns() const override { return loop_.unix_ns() + offset_ns_; }
  void random(std::span<uint8_t> out) override { loop_.random(out); }
  bool on_loop_thread() const override { return true; }
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) override {
    return loop_.timer(first_ms, repeat_ms, std::move(fn));
  }
  void cancel(uint64_t timer) override { loop_.cancel(timer); }
  void post(Task fn) override { loop_.post(std::move(fn)); }
  visor_status work(Task fn, Task done) override { return loop_.work(std::move(fn), std::move(done)); }
  Counters counters() const override { return loop_.counters(); }

 private:
  kernel::sim::SimLoop& loop_;
  int64_t offset_ns_ = 0;
};

/* A simulated world in which each machine has its clock. */
class JumpyWorld final : public World {
 public:
  explicit JumpyWorld(uint64_t seed, kernel::sim::NetworkOptions options = {})
      : sim_(seed), network_(sim_, options) {}
  ~JumpyWorld() override { stop_all(); }

  JumpyLoop& make_clock() { return clocks_.emplace_back(sim_); }
  /* The one that is made next runs on it. */
  void next_on(JumpyLoop& clock) { next_ = &clock; }
  kernel::Loop& loop() override { return *next_; }
  kernel::sim::SimLoop& sim() { return sim_; }
  kernel::sim::SimNetwork& network() { return network_; }
  kernel::Service sockets(const std::string& machine) override { return network_.sockets(machine); }
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms = 60000) override {
    return sim_.run_until(condition, limit_ms);
  }

 private:
  kernel::sim::SimLoop sim_;
  kernel::sim::SimNetwork network_;
  std::deque<JumpyLoop> clocks_;
  JumpyLoop* next_ = nullptr;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_JUMPY_WORLD_HPP
