/* A loop in virtual time: nothing waits, and one seed gives one trace, natively and in wasm alike. */
#ifndef VISOR_KERNEL_SIM_LOOP_HPP
#define VISOR_KERNEL_SIM_LOOP_HPP
#include <random>
#include <vector>

#include "kernel/loop.hpp"
#include "kernel/timers.hpp"

namespace visor::kernel::sim {

class SimLoop final : public Loop {
 public:
  /* Unix time at the start: 2026-01-01T00:00:00Z. */
  static constexpr int64_t kStartUnixNs = 1767225600LL * 1000000000;

  explicit SimLoop(uint64_t seed);

  /* Runs until the condition holds, for at most limit_ms of virtual time; whether it holds.  It is asked
   * before the clock moves, when all that was due has run, and last before the answer is no: at the limit, at
   * once when nothing can happen any more, or when 200000 turns do not move the clock.  What it posts when it
   * is asked last waits for the next run. */
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms);
  /* Runs for so much virtual time, or until nothing can happen any more. */
  void run_for(uint64_t ms);

  /* A number from 0 to limit - 1, from the seed. */
  uint64_t below(uint64_t limit);

  /* What happened, as one number: networks and tests add to it. */
  void note(ByteView data);
  void note(uint64_t number);
  uint64_t trace() const { return trace_; }

  uint64_t now_ns() const override { return now_ns_; }
  int64_t unix_ns() const override { return kStartUnixNs + static_cast<int64_t>(now_ns_); }
  void random(std::span<uint8_t> out) override;
  bool on_loop_thread() const override { return true; }
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) override;
  void cancel(uint64_t timer) override { timers_.cancel(timer); }
  void post(Task fn) override { posted_.push_back(std::move(fn)); }
  /* Takes up to three virtual milliseconds, so that what waits for it is seen to wait. */
  visor_status work(Task fn, Task done) override;
  Counters counters() const override;

 private:
  static constexpr size_t kMaxWork = 1024;
  /* One turn, without moving the clock; false if there is nothing to do now. */
  bool turn();
  /* Turns until there is nothing to do now; false when that does not end. */
  bool settle();

  std::mt19937_64 engine_; /* its output is fixed by the standard, that of the distributions is not */
  TimerQueue timers_;
  std::vector<Task> posted_;
  size_t working_ = 0;
  uint64_t now_ns_ = 1000000000; /* not zero, so that differences to "never" show */
  uint64_t trace_ = 14695981039346656037u;
};

}  // namespace visor::kernel::sim
#endif  // VISOR_KERNEL_SIM_LOOP_HPP
