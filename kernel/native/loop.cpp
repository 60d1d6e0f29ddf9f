#include "kernel/native/loop.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace visor::kernel::native {
namespace {

constexpr int kRoundsOfATurn = 16;

void must(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  std::abort();  // no memory or no descriptors at the very beginning, or no random numbers: nothing can go on
}

/* Systems begin with few, for programs that still use select(); this one serves thousands of peers. */
void allow_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

UvLoop::UvLoop() {
  std::signal(SIGPIPE, SIG_IGN);
  allow_open_files();
  must(uv_loop_init(&loop_), "the event loop");
  wake_.data = timer_.data = before_wait_.data = after_wait_.data = this;
  must(uv_async_init(&loop_, &wake_, [](uv_async_t*) {} /* the end of the turn runs what was posted */),
       "the event loop");
  uv_timer_init(&loop_, &timer_);
  uv_prepare_init(&loop_, &before_wait_);
  uv_check_init(&loop_, &after_wait_);
  uv_idle_init(&loop_, &go_on_);
  uv_prepare_start(&before_wait_, [](uv_prepare_t* h) { static_cast<UvLoop*>(h->data)->before_wait(); });
  uv_check_start(&after_wait_, [](uv_check_t* h) { static_cast<UvLoop*>(h->data)->finish_turn(); });
}

UvLoop::~UvLoop() {
  for (uv_handle_t* handle :
       {reinterpret_cast<uv_handle_t*>(&wake_), reinterpret_cast<uv_handle_t*>(&timer_),
        reinterpret_cast<uv_handle_t*>(&before_wait_), reinterpret_cast<uv_handle_t*>(&after_wait_),
        reinterpret_cast<uv_handle_t*>(&go_on_)}) {
    uv_close(handle, nullptr);
  }
  // What kernels let go of is still closing.
  uv_run(&loop_, UV_RUN_DEFAULT);
  must(uv_loop_close(&loop_), "something still uses the event loop");
}

void UvLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}
void UvLoop::stop() {
  uv_stop(&loop_);
}

bool UvLoop::run_until(const std::function<bool()>& condition, uint64_t limit_ms) {
  constexpr uint64_t kLookMs = 10;
  bool late = false;
  uint64_t limit = timer(limit_ms, 0, [&late] { late = true; });
  uint64_t look = timer(kLookMs, kLookMs, [] {});
  while (!condition() && !late) uv_run(&loop_, UV_RUN_ONCE);
  cancel(limit);
  cancel(look);
  return condition();
}

int64_t UvLoop::unix_ns() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void UvLoop::random(std::span<uint8_t> out) {
  must(uv_random(nullptr, nullptr, out.data(), out.size(), 0, nullptr), "random numbers");
}

uint64_t UvLoop::timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) {
  uint64_t id = timers_.add(now_ns(), first_ms, repeat_ms, std::move(fn));
  set_timer();
  return id;
}

void UvLoop::cancel(uint64_t timer) {
  timers_.cancel(timer);
} /* libuv's may then fire early, which is harmless */

void UvLoop::set_timer() {
  if (running_due_) return; /* once, at the end */
  auto due_ns = timers_.next_due_ns();
  if (!due_ns) {
    uv_timer_stop(&timer_);
    return;
  }
  uint64_t now = now_ns();
  uint64_t wait_ms = *due_ns > now ? (*due_ns - now + 999999) / 1000000 : 0;
  uv_update_time(&loop_); /* libuv counts from its cached time */
  uv_timer_start(
      &timer_,
      [](uv_timer_t* h) {
        auto* self = static_cast<UvLoop*>(h->data);
        self->running_due_ = true;
        self->timers_.run_due(self->now_ns());
        self->running_due_ = false;
        self->set_timer();
      },
      wait_ms, 0);
}

// On the loop's own thread a turn is under way, or none is and the next one looks before it waits: neither
// needs a system call.  Other threads send within the lock: once their task runs, the loop may be gone.
void UvLoop::post(Task fn) {
  const bool own = on_loop_thread();
  std::lock_guard lock(mutex_);
  posted_.push_back(std::move(fn));
  if (!own && !std::exchange(woken_, true)) uv_async_send(&wake_);
}

// One batch: what these tasks post runs after them.  Whether there was any.
bool UvLoop::run_posted() {
  std::vector<Task> batch;
  {
    std::lock_guard lock(mutex_);
    woken_ = false;
    batch.swap(posted_);
  }
  for (Task& fn : batch) {
    fn();
    fn = nullptr; /* what it holds goes now, not when the batch has run */
  }
  return !batch.empty();
}

// What callbacks have posted runs in their turn, so that an answer leaves before the loop waits again; tasks
// that post and post are interrupted for timers and sockets.  Whether any ran, or is left.
bool UvLoop::finish_turn() {
  int rounds = 0;
  while (rounds < kRoundsOfATurn && run_posted()) ++rounds;
  run_turn_end();
  std::lock_guard lock(mutex_);
  return rounds > 0 || !posted_.empty();
}

// A task that has just run may have brought about what run_until() looks for: then too the loop does not
// wait.
void UvLoop::before_wait() {
  if (finish_turn()) {
    uv_idle_start(&go_on_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&go_on_);
  }
}

visor_status UvLoop::work(Task fn, Task done) {
  struct Job {
    uv_work_t request;
    UvLoop* loop;
    Task fn, done;
  };
  if (working_ == kMaxWork) return VISOR_EAGAIN;
  auto job = std::make_unique<Job>(Job{{}, this, std::move(fn), std::move(done)});
  job->request.data = job.get();
  int queued = uv_queue_work(
      &loop_, &job->request, [](uv_work_t* request) { static_cast<Job*>(request->data)->fn(); },
      [](uv_work_t* request, int) {
        std::unique_ptr<Job> owned(static_cast<Job*>(request->data));
        --owned->loop->working_;
        owned->done();
      });
  if (queued != 0) return VISOR_EAGAIN;
  ++working_;
  (void)job.release();  // the second callback owns it
  return VISOR_OK;
}

Loop::Counters UvLoop::counters() const {
  std::lock_guard lock(mutex_);
  return {timers_.size(), posted_.size(), working_, kMaxWork};
}

void UvLoop::at_turn_end(Task fn) {
  turn_end_.push_back(std::move(fn));
}

void UvLoop::run_turn_end() {
  while (!turn_end_.empty()) {
    auto batch = std::exchange(turn_end_, {});
    for (Task& fn : batch) fn();
  }
}

}  // namespace visor::kernel::native
