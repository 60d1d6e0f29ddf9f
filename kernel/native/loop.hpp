/* The loop over libuv: one thread, libuv's pool for `work`. */
#ifndef VISOR_KERNEL_NATIVE_LOOP_HPP
#define VISOR_KERNEL_NATIVE_LOOP_HPP
#include <uv.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "kernel/loop.hpp"
#include "kernel/timers.hpp"

namespace visor::kernel::native {

/* Used on the thread that made it.  For the whole process it ignores SIGPIPE, because libuv does not, and
 * raises the number of open files to what the system allows. */
class UvLoop final : public Loop {
 public:
  UvLoop();
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;
  /* Every kernel on it has been stopped and destroyed. */
  ~UvLoop() override;

  /* Runs until stop() is called. */
  void run();
  void stop();
  /* Runs until the condition holds, looking after each turn and every 10 ms, or for limit_ms; whether it
   * holds. */
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms);

  uint64_t now_ns() const override { return uv_hrtime(); }
  int64_t unix_ns() const override;
  void random(std::span<uint8_t> out) override;
  bool on_loop_thread() const override { return std::this_thread::get_id() == thread_; }
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) override;
  void cancel(uint64_t timer) override;
  void post(Task fn) override;
  visor_status work(Task fn, Task done) override;
  Counters counters() const override;

  /* --- for the sockets --- */

  uv_loop_t* uv() { return &loop_; }
  /* One buffer for all that is read: nothing is kept in it beyond a read callback. */
  std::span<char> read_buffer() { return read_buffer_; }
  /* Runs fn before the loop waits next or, during its callbacks, once they have run: where small writes of
   * one turn become one.  fn must not call users back. */
  void at_turn_end(Task fn);

 private:
  static constexpr size_t kMaxWork = 1024;
  bool run_posted();
  void run_turn_end();
  bool finish_turn();
  void before_wait();
  void set_timer();

  const std::thread::id thread_ = std::this_thread::get_id();
  uv_loop_t loop_;
  uv_async_t wake_;
  uv_timer_t timer_;
  uv_prepare_t before_wait_;
  uv_check_t after_wait_;
  uv_idle_t go_on_; /* active: the loop looks at sockets and timers, and does not wait */
  TimerQueue timers_;
  mutable std::mutex mutex_; /* of the posted tasks */
  std::vector<Task> posted_;
  std::vector<Task> turn_end_;
  std::array<char, 65536> read_buffer_;
  size_t working_ = 0;
  bool running_due_ = false;
  bool woken_ = false; /* another thread has posted, and the loop has been told */
};

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_LOOP_HPP
