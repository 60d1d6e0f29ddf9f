/* The loop of a module: JavaScript's event loop calls in, the module does all that is due and says when to
 * call again. */
#ifndef VISOR_KERNEL_WASM_LOOP_HPP
#define VISOR_KERNEL_WASM_LOOP_HPP
#include <vector>

#include "kernel/loop.hpp"
#include "kernel/timers.hpp"

namespace visor::kernel::wasm {

class TabLoop final : public Loop {
 public:
  /* One call from JavaScript: the event, then timers that are due and all that was posted, then what waits
   * for the end of the turn. */
  void enter(const Task& event);
  /* The same for the call that was asked for, visor_turn(). */
  void woken() {
    asked_ns_ = kNever;
    enter([] {});
  }

  uint64_t now_ns() const override;
  int64_t unix_ns() const override;
  void random(std::span<uint8_t> out) override;
  bool on_loop_thread() const override { return true; }
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) override;
  void cancel(uint64_t timer) override { timers_.cancel(timer); }
  void post(Task fn) override { posted_.push_back(std::move(fn)); }
  visor_status work(Task fn, Task done) override;
  Counters counters() const override { return {timers_.size(), posted_.size(), working_, kMaxWork}; }

  /* Runs fn when everything else of this turn has run: where small writes become one message.  fn must not
   * call users back. */
  void at_turn_end(Task fn) { turn_end_.push_back(std::move(fn)); }

 private:
  static constexpr size_t kMaxWork = 1024;
  static constexpr uint64_t kNever = UINT64_MAX;
  void ask_to_be_woken();

  TimerQueue timers_;
  std::vector<Task> posted_, turn_end_;
  size_t working_ = 0;
  uint64_t asked_ns_ = kNever; /* when visor_turn() was asked for */
};

}  // namespace visor::kernel::wasm
#endif  // VISOR_KERNEL_WASM_LOOP_HPP
