/* The one timer queue of every host: a heap ordered by (due, number), so that equal times run in the order in
 * which they were asked for. */
#ifndef VISOR_KERNEL_TIMERS_HPP
#define VISOR_KERNEL_TIMERS_HPP
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace visor::kernel {

/* Times are monotonic nanoseconds of the host's clock; the host asks next_due_ns(), waits, and calls
 * run_due(). */
class TimerQueue {
 public:
  using Task = std::function<void()>;

  /* As Loop::timer: a number above 0 that is never given again.  repeat_ms 0: once. */
  uint64_t add(uint64_t now_ns, uint64_t first_ms, uint64_t repeat_ms, Task fn);
  /* Harmless for a timer that has gone; a timer may cancel itself while it runs. */
  void cancel(uint64_t id);

  /* When run_due() has something to do; nothing: no timer is set. */
  std::optional<uint64_t> next_due_ns();

  /* Runs what is due at now_ns.  What is set meanwhile waits for the next call, even if it is due at once.  A
   * repeating timer that is late by several periods runs once. */
  void run_due(uint64_t now_ns);

  size_t size() const { return timers_.size(); }

 private:
  struct Timer {
    uint64_t due_ns, repeat_ns;
    std::shared_ptr<Task> fn; /* shared: it may cancel itself while it runs */
  };
  struct Entry {
    uint64_t due_ns, id;
  };
  void push(Entry entry);
  void drop_cancelled();
  bool current(const Entry& entry) const;

  std::unordered_map<uint64_t, Timer> timers_; /* looked up, never walked: its order shows nowhere */
  std::vector<Entry> heap_; /* cancelled entries stay until they surface or outnumber the rest */
  uint64_t last_id_ = 0;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_TIMERS_HPP
