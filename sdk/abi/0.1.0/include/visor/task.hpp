/* visor/task.hpp - waiting in the middle of a function: co_await over a visor_done, a timer or blocking work.
 * Header-only; part of visor/plugin.hpp.
 *
 *   visor::Task Notes::open(Started started) {
 *     auto kv = co_await visor::call<visor_kv>(host(), [this](visor_done done) {
 *       return drive_->api->open(drive_, VISOR_TEXT("notes"), done);
 *     });
 *     if (!kv) co_return started(std::unexpected(kv.error()));
 *     kv_ = std::move(*kv);
 *     started({});
 *   }
 *
 * A Task is owned, usually by a member of the instance: destroying it ends the wait, nothing of it runs
 * afterwards, and a result that comes too late is closed.  Everything on the loop thread. */
#ifndef VISOR_TASK_HPP
#define VISOR_TASK_HPP
#include <coroutine>

#include "host.hpp"

namespace visor {

/* A function that waits.  It begins at once, and runs on to its first wait inside the call.  One that
 * destroys its own Task runs on to its next wait and ends there; it should return.  What it throws ends it,
 * as a line in the log of the object that it is a member of. */
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct promise_type {
    promise_type() = default;
    template <class Self, class... A>
      requires requires(Self& self) { self.host().raw(); }
    explicit promise_type(Self& self, A&&...) : host(self.host().raw()) {}

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct End {
        bool await_ready() noexcept { return false; }
        void await_suspend(Handle h) noexcept { ended(h); }
        void await_resume() noexcept {}
      };
      return End{};
    }
    void return_void() {}
    void unhandled_exception() noexcept {
#if defined(__cpp_exceptions)
      if (!host) std::abort();
      detail::guarded<void>(Host(host), [] { throw; });
#endif
    }

    /* At a wait.  True: the Task has gone, and now the coroutine too. */
    static bool ended(Handle h) noexcept {
      promise_type& promise = h.promise();
      promise.running = false;
      if (!promise.abandoned) return false;
      h.destroy();
      return true;
    }
    static void resume(Handle h) {
      h.promise().running = true;
      h.resume();
    }

    visor_host* host = nullptr;
    bool running = true, abandoned = false;
  };

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    Task(std::move(other)).end();
    return *this;
  }
  ~Task() { end(); }

  /* Still waiting? */
  explicit operator bool() const { return handle_ && !handle_.done(); }
  /* Ends the wait. */
  void end() {
    Handle h = std::exchange(handle_, nullptr);
    if (!h) return;
    if (h.promise().running) {
      h.promise().abandoned = true;
    } else {
      h.destroy();
    }
  }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_ = nullptr;
};

namespace detail {

template <class T>
class Call {
 public:
  using Start = std::function<visor_status(visor_done)>;
  using Cancel = std::function<void(void*)>;
  Call(Host host, Start start, Cancel cancel)
      : host_(host), start_(std::move(start)), cancel_(std::move(cancel)) {}

  bool await_ready() noexcept { return false; }
  bool await_suspend(Task::Handle h) {
    if (Task::promise_type::ended(h)) return true;
    status_ = request_.start(
        start_,
        [this, h](visor_status status, T* object) {
          status_ = status;
          object_ = object;
          Task::promise_type::resume(h);
        },
        cancel_);
    h.promise().running = status_ != VISOR_OK;
    return status_ == VISOR_OK;
  }
  auto await_resume() {
    if constexpr (std::is_void_v<T>) {
      return status_ == VISOR_OK ? Result<void>() : std::unexpected(host_.error(status_));
    } else if constexpr (requires(T* object) { object->api->close(object); }) {
      return status_ == VISOR_OK ? Result<Owned<T>>(Owned<T>(object_))
                                 : std::unexpected(host_.error(status_));
    } else {
      return status_ == VISOR_OK ? Result<T*>(object_) : std::unexpected(host_.error(status_));
    }
  }

 private:
  Host host_;
  Start start_;
  Cancel cancel_;
  Request<T> request_;
  visor_status status_ = VISOR_OK;
  T* object_ = nullptr;
};

class Pause {
 public:
  Pause(Host host, uint64_t ms) : host_(host), ms_(ms) {}
  bool await_ready() noexcept { return false; }
  void await_suspend(Task::Handle h) {
    if (Task::promise_type::ended(h)) return;
    timer_ = Timer::once(host_, ms_, [h] { Task::promise_type::resume(h); });
  }
  void await_resume() noexcept {}

 private:
  Host host_;
  uint64_t ms_;
  Timer timer_;
};

class Work {
 public:
  Work(Host host, std::function<void()> blocking) : host_(host), blocking_(std::move(blocking)) {}
  bool await_ready() noexcept { return false; }
  bool await_suspend(Task::Handle h) {
    if (Task::promise_type::ended(h)) return true;
    auto state = waiting_ = std::make_shared<State>();
    run_work(host_, std::move(blocking_), [this, h, weak = std::weak_ptr(state)](Result<void> result) {
      auto alive = weak.lock();
      if (!alive) return;
      result_ = std::move(result);
      alive->over = true;
      if (!alive->inside) Task::promise_type::resume(h);
    });
    state->inside = false;
    h.promise().running = state->over;
    return !state->over;
  }
  Result<void> await_resume() { return std::move(result_); }

 private:
  struct State {
    bool inside = true, over = false; /* inside await_suspend; the result is there */
  };
  Host host_;
  std::function<void()> blocking_;
  std::shared_ptr<State> waiting_;
  Result<void> result_;
};

}  // namespace detail

/* co_await: makes the call that start(visor_done) makes and waits for its result: a Result of Owned<T> where
 * T is a thing that can be closed, of a lent T* where it is not, of nothing for call<void>. cancel(done_ctx),
 * if there is one, is called when the wait is given up. */
template <class T>
detail::Call<T> call(Host host, std::function<visor_status(visor_done)> start,
                     std::function<void(void* done_ctx)> cancel = {}) {
  return {host, std::move(start), std::move(cancel)};
}
/* co_await: goes on after so many milliseconds. */
inline detail::Pause pause(Host host, uint64_t ms) {
  return {host, ms};
}
/* co_await: runs `blocking` where it may block, then goes on; see run_work.  It touches nothing that may go
 * before it has returned, not even when the wait is given up. */
inline detail::Work work(Host host, std::function<void()> blocking) {
  return {host, std::move(blocking)};
}

}  // namespace visor
#endif  // VISOR_TASK_HPP
