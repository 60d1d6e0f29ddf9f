/* The loop that kernels live on: clocks, randomness, timers, and the ways in (post) and out (work).  One
 * interface, three hosts: kernel/native (libuv), kernel/wasm (the tab's or Node's event loop), kernel/sim
 * (virtual time). */
#ifndef VISOR_KERNEL_LOOP_HPP
#define VISOR_KERNEL_LOOP_HPP
#include <functional>
#include <visor/value.hpp>

namespace visor::kernel {

/* Several kernels may share one loop; it outlives them all.  Everything runs on its one thread, except that
 * functions marked [any] may be called on any.  Callbacks run from the loop, never inside the call that took
 * them. */
class Loop {
 public:
  using Task = std::function<void()>;

  /* What is under way, for `status`. */
  struct Counters {
    size_t timers = 0;     /* set */
    size_t posted = 0;     /* waiting for their turn */
    size_t working = 0;    /* given to work and not done */
    size_t work_limit = 0; /* bound of the above */
  };

  virtual ~Loop() = default;

  virtual uint64_t now_ns() const = 0;             /* [any] monotonic, from an arbitrary start */
  virtual int64_t unix_ns() const = 0;             /* [any] since 1970 */
  virtual void random(std::span<uint8_t> out) = 0; /* [any] cryptographic; seeded only in a simulation */
  virtual bool on_loop_thread() const = 0;         /* [any] */

  /* Runs fn after first_ms, then every repeat_ms (0: once).  The number is above 0 and never given again, so
   * that cancelling a timer that has gone is harmless. */
  virtual uint64_t timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) = 0;
  virtual void cancel(uint64_t timer) = 0;

  /* [any] Runs fn on a later turn; first posted, first run. */
  virtual void post(Task fn) = 0;

  /* Runs fn where it may block, then done on the loop.  VISOR_EAGAIN when too much is under way; then neither
   * runs. A host without threads runs fn on a later turn. */
  virtual visor_status work(Task fn, Task done) = 0;

  virtual Counters counters() const = 0;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_LOOP_HPP
