/* The simulated loop with real threads for `work`: virtual time stands still while somebody works, so that
 * the plugin's blocking code runs where it runs in use and everything else is as repeatable as in the
 * simulation. */
#ifndef VISOR_CHECK_NATIVE_CHECK_LOOP_HPP
#define VISOR_CHECK_NATIVE_CHECK_LOOP_HPP
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "kernel/sim/loop.hpp"

namespace visor::check {

class CheckLoop final : public kernel::Loop {
 public:
  explicit CheckLoop(uint64_t seed) : sim_(seed) {}
  CheckLoop(const CheckLoop&) = delete;
  CheckLoop& operator=(const CheckLoop&) = delete;
  ~CheckLoop() override;

  kernel::sim::SimLoop& sim() { return sim_; }

  /* Until the condition holds, for at most limit_ms of virtual time; whether it holds.  A plugin's own
   * threads are waited for, for some real seconds, when nothing else can happen. */
  bool run_until(const std::function<bool()>& condition, uint64_t limit_ms);
  void run_for(uint64_t ms);

  uint64_t now_ns() const override { return sim_.now_ns(); }
  int64_t unix_ns() const override { return sim_.unix_ns(); }
  void random(std::span<uint8_t> out) override;
  bool on_loop_thread() const override { return std::this_thread::get_id() == thread_; }
  uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) override {
    return sim_.timer(first_ms, repeat_ms, std::move(fn));
  }
  void cancel(uint64_t timer) override { sim_.cancel(timer); }
  void post(Task fn) override;
  visor_status work(Task fn, Task done) override;
  Counters counters() const override;

 private:
  static constexpr size_t kMaxWork = 64;
  struct Job {
    std::thread thread;
    Task done;
    bool ready = false;
  };
  bool absorb();
  size_t count_foreign_threads() const; /* with the mutex held */

  kernel::sim::SimLoop sim_;
  const std::thread::id thread_ = std::this_thread::get_id();
  mutable std::mutex mutex_; /* of what follows */
  std::condition_variable changed_;
  std::vector<Task> inbox_; /* from other threads */
  std::map<uint64_t, Job> jobs_;
  std::mt19937_64 random_{1}; /* for other threads */
  uint64_t last_job_ = 0;
  uint64_t last_look_ns_ = 0;
  size_t running_ = 0; /* jobs that are not ready */
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_CHECK_LOOP_HPP
