/* The smallest host that library code runs on: a clock turned by hand, timers, posted tasks, seeded
 * randomness. One thread, no plugins, nothing found and nothing offered. */
#ifndef VISOR_TESTS_SUPPORT_MEMORY_HOST_HPP
#define VISOR_TESTS_SUPPORT_MEMORY_HOST_HPP
#include <deque>
#include <map>
#include <random>
#include <visor/plugin.hpp>

namespace visor::test {

class MemoryHost {
 public:
  explicit MemoryHost(uint64_t seed = 1) : random_(seed) {}
  MemoryHost(const MemoryHost&) = delete;
  MemoryHost& operator=(const MemoryHost&) = delete;
  /* What was posted still runs: objects that delete themselves on a later turn do so. */
  ~MemoryHost() { run(); }

  Host host() { return Host(&abi_); }

  /* Runs what is posted now, not what that posts.  False if nothing was. */
  bool turn() {
    std::deque<Task> now = std::exchange(posted_, {});
    for (Task& task : now) task.fn(task.ctx);
    return !now.empty();
  }
  /* Until nothing is posted any more. */
  void run() {
    while (turn()) {
    }
  }
  /* Lets time pass: timers in the order in which they are due, everything that is posted before the next one.
   */
  void advance_ms(uint64_t ms) {
    uint64_t until = now_ns_ + ms * 1000000;
    run();
    while (!timers_.empty() && timers_.begin()->first.due_ns <= until) {
      auto [key, timer] = *timers_.begin();
      timers_.erase(timers_.begin());
      now_ns_ = key.due_ns;
      if (timer.repeat_ns > 0) timers_.emplace(TimerKey{key.due_ns + timer.repeat_ns, key.id}, timer);
      timer.task.fn(timer.task.ctx);
      run();
    }
    now_ns_ = until;
  }

  size_t timers() const { return timers_.size(); }
  /* What the next calls of random() give, before the seeded numbers go on. */
  void next_random(ByteView bytes) { scripted_.insert(scripted_.end(), bytes.begin(), bytes.end()); }
  const std::vector<std::string>& log() const { return log_; }

 private:
  struct Task {
    void (*fn)(void*);
    void* ctx;
  };
  struct TimerKey {
    uint64_t due_ns, id;
    auto operator<=>(const TimerKey&) const = default;
  };
  struct TimerEntry {
    uint64_t repeat_ns;
    Task task;
  };
  struct Abi : visor_host {
    MemoryHost* self;
  };
  static MemoryHost& of(visor_host* host) { return *static_cast<Abi*>(host)->self; }

  static uint64_t start_timer(visor_host* host, uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*),
                              void* ctx) {
    MemoryHost& self = of(host);
    uint64_t id = ++self.last_timer_;
    /* A repeating timer of 0 ms would never let time pass. */
    self.timers_.emplace(TimerKey{self.now_ns_ + first_ms * 1000000, id},
                         TimerEntry{repeat_ms * 1000000, {fn, ctx}});
    return id;
  }
  static void cancel_timer(visor_host* host, uint64_t id) {
    std::erase_if(of(host).timers_, [id](const auto& entry) { return entry.first.id == id; });
  }
  /* Blocking work on a later turn, as in a bundle without threads. */
  static visor_status run_later(visor_host* host, void (*fn)(void*), void* ctx, visor_done done) {
    struct Work {
      Task task;
      visor_done done;
    };
    auto run = [](void* work) {
      std::unique_ptr<Work> owned(static_cast<Work*>(work));
      owned->task.fn(owned->task.ctx);
      owned->done.fn(owned->done.ctx, VISOR_OK, nullptr);
    };
    of(host).posted_.push_back({run, new Work{{fn, ctx}, done}});
    return VISOR_OK;
  }
  static void fill_random(visor_host* host, void* out, size_t size) {
    MemoryHost& self = of(host);
    for (size_t i = 0; i < size; ++i) {
      uint8_t byte = static_cast<uint8_t>(self.random_());
      if (!self.scripted_.empty()) {
        byte = self.scripted_.front();
        self.scripted_.pop_front();
      }
      static_cast<uint8_t*>(out)[i] = byte;
    }
  }

  static const visor_host_api kApi;

  Abi abi_{{&kApi}, this};
  uint64_t now_ns_ = 1000000000; /* not 0: nothing may take that for "never" */
  uint64_t last_timer_ = 0;
  std::map<TimerKey, TimerEntry> timers_;
  std::deque<Task> posted_;
  std::mt19937_64 random_;
  std::deque<uint8_t> scripted_;
  std::string error_;
  std::vector<std::string> log_;
};

inline constexpr visor_host_api MemoryHost::kApi = {
    .size = sizeof(visor_host_api),
    .caps = 0,
    .find = [](visor_host*, const char*, const char*) -> void* { return nullptr; },
    .offer = [](visor_host*, const char*, const char*, void*) -> visor_status { return VISOR_ENOSYS; },
    .withdraw = [](visor_host*, void*) {},
    .watch = [](visor_host*, const char*, void (*)(void*, const char*, void*), void*,
                visor_handle**) -> visor_status { return VISOR_ENOSYS; },
    .now = [](visor_host* host) { return of(host).now_ns_; },
    .time = [](visor_host* host) { return static_cast<int64_t>(1700000000000000000 + of(host).now_ns_); },
    .random = &fill_random,
    .timer = &start_timer,
    .cancel = &cancel_timer,
    .post = [](visor_host* host, void (*fn)(void*), void* ctx) { of(host).posted_.push_back({fn, ctx}); },
    .work = &run_later,
    .config = [](visor_host*) { return visor_span{}; },
    .directory = [](visor_host*) { return visor_span{}; },
    .log = [](visor_host* host, int32_t, visor_span line) { of(host).log_.emplace_back(text(line)); },
    .fail =
        [](visor_host* host, visor_status status, visor_span why) {
          of(host).error_ = text(why);
          return status;
        },
    .error = [](visor_host* host) { return to_span(std::string_view(of(host).error_)); },
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_MEMORY_HOST_HPP
