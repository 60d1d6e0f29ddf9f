/* visor/host.hpp - the host in C++, and lifetimes solved once: what is asked of the loop, of a provider or of
 * a caller ends with the object that asked.  Header-only; part of visor/plugin.hpp.  All on the loop thread.
 */
#ifndef VISOR_HOST_HPP
#define VISOR_HOST_HPP
#include <functional>
#include <memory>

#include "contract.hpp"
#include "value.hpp"
#if defined(__cpp_exceptions)
#include <exception>
#endif

namespace visor {

/* The host as this plugin instance sees it; a cheap handle, copied freely. */
class Host {
 public:
  explicit Host(visor_host* host) : host_(host) {}
  visor_host* raw() const { return host_; }

  /* The object offered under an interface id, or null; name null: the default provider. */
  template <class T>
  T* find(const char* id, const char* name = nullptr) const {
    return static_cast<T*>(host_->api->find(host_, id, name));
  }
  Result<void> offer(const char* id, const char* name, void* object) const {
    visor_status status = host_->api->offer(host_, id, name, object);
    if (status != VISOR_OK) return std::unexpected(error(status));
    return {};
  }
  void withdraw(void* object) const { host_->api->withdraw(host_, object); }

  uint64_t now_ns() const { return host_->api->now(host_); }  /* monotonic */
  uint64_t now_ms() const { return now_ns() / 1000000u; }     /* monotonic */
  int64_t unix_ns() const { return host_->api->time(host_); } /* since 1970 */
  void random(std::span<uint8_t> out) const { host_->api->random(host_, out.data(), out.size()); }

  std::string_view config() const { return text(host_->api->config(host_)); }
  std::string_view directory() const { return text(host_->api->directory(host_)); }

  void log(int32_t level, std::string_view line) const { host_->api->log(host_, level, to_span(line)); }
  void debug(std::string_view line) const { log(VISOR_DEBUG, line); }
  void info(std::string_view line) const { log(VISOR_INFO, line); }
  void warn(std::string_view line) const { log(VISOR_WARN, line); }

  /* Records the text of a failure and returns its status, for the C side. */
  visor_status fail(visor_status status, std::string_view why) const {
    return host_->api->fail(host_, status, to_span(why));
  }
  visor_status fail(const Error& error) const { return fail(error.status, error.text); }
  /* The failure that a call just returned, with its text. */
  Error error(visor_status status) const {
    return Error{status, std::string(text(host_->api->error(host_)))};
  }

 private:
  visor_host* host_;
};

/* Owns an object of the ABI that is given back by its own `close`: a handle, a kv, a cursor, a feed. */
struct CloseObject {
  template <class T>
  void operator()(T* object) const {
    object->api->close(object);
  }
};
template <class T>
using Owned = std::unique_ptr<T, CloseObject>;

/* Follows what is offered under an interface id, what is there already included; ends with its owner.  Object
 * null: the one of that name is going, let go of it before returning. */
template <class T>
class Watch {
 public:
  using Changed = std::function<void(std::string_view name, T* object)>;

  Result<void> open(Host host, const char* id, Changed changed) {
    handle_.reset();
    changed_ = std::make_unique<Changed>(std::move(changed));
    visor_handle* handle = nullptr;
    visor_status status = host.raw()->api->watch(
        host.raw(), id,
        [](void* ctx, const char* name, void* object) {
          (*static_cast<Changed*>(ctx))(name, static_cast<T*>(object));
        },
        changed_.get(), &handle);
    if (status != VISOR_OK) return std::unexpected(host.error(status));
    handle_.reset(handle);
    return {};
  }
  void close() { handle_.reset(); }

 private:
  std::unique_ptr<Changed> changed_;
  Owned<visor_handle> handle_;
};

/* Runs fn on a later turn of the loop, whatever becomes of the caller. */
inline void post(Host host, std::function<void()> fn) {
  using Fn = std::function<void()>;
  host.raw()->api->post(
      host.raw(),
      [](void* ctx) {
        std::unique_ptr<Fn> owned(static_cast<Fn*>(ctx));
        (*owned)();
      },
      new Fn(std::move(fn)));
}

/* Runs `blocking` where it may block (host->work), then `after` on the loop.  What blocking throws is the
 * reason that `after` is given, as is a host that takes no more work: then blocking has not run, and `after`
 * runs inside this call. */
inline void run_work(Host host, std::function<void()> blocking, std::function<void(Result<void>)> after) {
  struct Work {
    Host host;
    std::function<void()> blocking;
    std::function<void(Result<void>)> after;
    std::string thrown;
  };
  auto* work = new Work{host, std::move(blocking), std::move(after), {}};
  auto run = [](void* ctx) {
    auto* self = static_cast<Work*>(ctx);
#if defined(__cpp_exceptions)
    try {
      self->blocking();
    } catch (const std::exception& e) {
      self->thrown = e.what();
    } catch (...) {
      self->thrown = "an exception of unknown type";
    }
#else
    self->blocking();
#endif
  };
  auto finished = [](void* ctx, visor_status status, void*) {
    std::unique_ptr<Work> owned(static_cast<Work*>(ctx));
    if (status != VISOR_OK) return owned->after(std::unexpected(owned->host.error(status)));
    if (!owned->thrown.empty()) return owned->after(failure(VISOR_EINTERNAL, owned->thrown));
    owned->after({});
  };
  visor_status status = host.raw()->api->work(host.raw(), run, work, {finished, work});
  if (status != VISOR_OK) finished(work, status, nullptr);
}

/* What one object has put off to a later turn; forgotten when the object goes. */
class Tasks {
 public:
  explicit Tasks(Host host) : host_(host) {}
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  void post(std::function<void()> fn) {
    visor::post(host_, [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)] {
      if (!alive.expired()) fn();
    });
  }

 private:
  Host host_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

/* A timer that ends with its owner; fn may destroy or replace the timer it runs from. */
class Timer {
 public:
  Timer() = default;
  static Timer once(Host host, uint64_t after_ms, std::function<void()> fn) {
    return Timer(host, after_ms, 0, std::move(fn));
  }
  static Timer every(Host host, uint64_t period_ms, std::function<void()> fn) {
    return Timer(host, period_ms, period_ms, std::move(fn));
  }
  /* Stops the timer if it runs. */
  void cancel() { state_.reset(); }

 private:
  struct State : std::enable_shared_from_this<State> {
    State(Host h, std::function<void()> f) : host(h), fn(std::move(f)) {}
    ~State() { host.raw()->api->cancel(host.raw(), id); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    Host host;
    std::function<void()> fn;
    uint64_t id = 0;
  };
  Timer(Host host, uint64_t first_ms, uint64_t repeat_ms, std::function<void()> fn)
      : state_(std::make_shared<State>(host, std::move(fn))) {
    state_->id = host.raw()->api->timer(
        host.raw(), first_ms, repeat_ms,
        [](void* ctx) {
          auto keep = static_cast<State*>(ctx)->shared_from_this();
          keep->fn();
        },
        state_.get());
  }
  std::shared_ptr<State> state_;
};

/* The provider's side of a visor_done: completed exactly once.  One that is destroyed while pending completes
 * with VISOR_ECANCELED on the next turn; dismiss() is for a call that returns an error instead. */
class Done {
 public:
  Done(Host host, visor_done done) : host_(host), done_(done) {
    if constexpr (kContractChecks) taken_in_ = detail::Frame::current();
  }
  Done(Done&& other) noexcept
      : host_(other.host_), done_(std::exchange(other.done_, {})), taken_in_(other.taken_in_) {}
  Done& operator=(Done&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(done_, other.done_);
    std::swap(taken_in_, other.taken_in_);
    return *this;
  }
  ~Done() {
    if (done_.fn) later(VISOR_ECANCELED);
  }

  bool pending() const { return done_.fn != nullptr; }
  /* Is this the call that somebody wants to cancel? */
  bool is(const void* done_ctx) const { return done_.fn && done_.ctx == done_ctx; }
  void dismiss() { done_ = {}; }

  /* At once: only from the loop, never inside the call that took it. */
  void complete(visor_status status, void* result = nullptr) {
    detail::expects(taken_in_ == 0 || !detail::Frame::inside(taken_in_),
                    "a visor_done runs after the call that took it has returned (use later)");
    visor_done done = std::exchange(done_, {});
    if (done.fn) done.fn(done.ctx, status, result);
  }
  void complete(const Error& error) { complete(host_.fail(error)); }
  /* On the next turn. */
  void later(visor_status status, void* result = nullptr) {
    visor_done done = std::exchange(done_, {});
    if (done.fn) post(host_, [done, status, result] { done.fn(done.ctx, status, result); });
  }
  void later(Error error) {
    visor_done done = std::exchange(done_, {});
    if (!done.fn) return;
    post(host_,
         [host = host_, done, error = std::move(error)] { done.fn(done.ctx, host.fail(error), nullptr); });
  }

 private:
  Host host_;
  visor_done done_;
  uint64_t taken_in_ = 0; /* the call that took it, where calls are counted */
};

/* The caller's side: a call under way whose callback never runs once this object is gone.  A result that
 * comes too late is closed, if it is a thing that can be. */
template <class T>
class Request {
 public:
  using Callback = std::function<void(visor_status, T*)>;
  Request() = default;
  Request(Request&&) noexcept = default;
  Request& operator=(Request&& other) noexcept {
    if (this != &other) {
      abandon();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Request() { abandon(); }

  bool pending() const { return state_ && state_->callback; }

  /* start(visor_done) makes the call and returns its status; cancel(ctx), if there is one, cancels it.  On an
   * error the callback does not run. */
  template <class Start>
  visor_status start(Start&& start, Callback callback, std::function<void(void*)> cancel = {}) {
    abandon();
    auto* hold = new std::shared_ptr<State>(std::make_shared<State>());
    std::shared_ptr<State> state = *hold;
    state->callback = std::move(callback);
    state->cancel = std::move(cancel);
    state->ctx = hold;
    visor_status status = start(visor_done{&Request::finished, hold});
    if (status != VISOR_OK) {
      delete hold;
    } else {
      state_ = std::move(state);
    }
    return status;
  }

 private:
  struct State {
    Callback callback;
    std::function<void(void*)> cancel;
    void* ctx = nullptr; /* of the visor_done; null once it has run */
  };
  static void finished(void* ctx, visor_status status, void* result) {
    std::unique_ptr<std::shared_ptr<State>> hold(static_cast<std::shared_ptr<State>*>(ctx));
    State& state = **hold;
    state.ctx = nullptr;
    auto* object = static_cast<T*>(result);
    if (Callback callback = std::exchange(state.callback, nullptr)) {
      callback(status, object);
    } else if constexpr (requires { object->api->close(object); }) {
      if (status == VISOR_OK && object) object->api->close(object);
    }
  }
  void abandon() {
    if (!state_) return;
    state_->callback = nullptr;
    if (state_->ctx && state_->cancel) state_->cancel(state_->ctx);
    state_.reset();
  }
  std::shared_ptr<State> state_;
};

/* --- objects that a plugin offers
 * ------------------------------------------------------------------------------- */

/* Base of what implements an ABI object in C++: the object's first word, and the host for its errors. */
template <class Abi>
class Object : public Abi {
 public:
  using AbiObject = Abi;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
  Host host() const { return host_; }
  /* Is this the thread that made the object?  Always true where nothing is checked. */
  bool on_its_thread() const { return !thread_ || thread_ == &detail::thread_mark; }

 protected:
  template <class Api>
  Object(Host host, const Api* table) : Abi{}, host_(host) {
    this->api = table;
    if constexpr (kContractChecks) thread_ = &detail::thread_mark;
  }

 private:
  Host host_;
  const char* thread_ = nullptr; /* there in any case, so that files compiled with and without checks fit */
};

namespace detail {
/* No exception crosses the ABI: it becomes VISOR_EINTERNAL with its text, or a line in the log where there is
 * no status to return. */
template <class R, class Fn>
R guarded([[maybe_unused]] Host host, Fn&& fn) noexcept {
#if defined(__cpp_exceptions)
  auto caught = [&](const char* what) -> R {
    std::string line = std::string("an exception stopped at the plugin's boundary: ") + what;
    if constexpr (std::is_same_v<R, visor_status>) {
      return host.fail(VISOR_EINTERNAL, line);
    } else {
      host.log(VISOR_ERROR, line);
      if constexpr (!std::is_void_v<R>) return R{};
    }
  };
  try {
    return fn();
  } catch (const std::exception& e) {
    return caught(e.what());
  } catch (...) {
    return caught("of unknown type");
  }
#else
  return fn();
#endif
}

/* A member function's class and signature.  Thunks have the class as an argument of its own: where it is only
 * in that of the function, g++ 12 takes the thunks of two classes of one name, each in its file's unnamed
 * namespace, for the same. */
template <class M>
struct Member;
template <class C, class F>
struct Member<F C::*> {
  using Class = C;
  using Function = F;
};
template <class C, class F, auto Method>
struct Thunk;
template <class C, class R, class... A, auto Method>
struct Thunk<C, R(A...), Method> {
  static R call(typename C::AbiObject* object, A... args) noexcept {
    if constexpr (!kContractChecks) return call_any(object, args...);
    expects(static_cast<C*>(object)->on_its_thread(),
            "an object is called on the loop thread (from others use host->post)");
    Frame frame(object);
    return call_any(object, args...);
  }
  static R call_any(typename C::AbiObject* object, A... args) noexcept {
    auto* self = static_cast<C*>(object);
    return guarded<R>(self->host(), [&]() -> R { return (self->*Method)(args...); });
  }
};
template <auto Method>
using ThunkOf =
    Thunk<typename Member<decltype(Method)>::Class, typename Member<decltype(Method)>::Function, Method>;
}  // namespace detail

/* The C function for a table that calls a member function: {sizeof(visor_kv_api), 0, thunk<&Kv::get>, ...}.
 */
template <auto Method>
inline constexpr auto thunk = &detail::ThunkOf<Method>::call;
/* For a function that its header marks [any]: it may be called on every thread. */
template <auto Method>
inline constexpr auto thunk_any = &detail::ThunkOf<Method>::call_any;

/* The provider's side of visor_handle: a set of registrations of one kind.  each() may be called while
 * entries close themselves or others; a handle that outlives the set only frees itself when it is closed. */
template <class Entry>
class Registrations {
 public:
  explicit Registrations(Host host) : host_(host) {}
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;
  ~Registrations() {
    for (Node* node : *nodes_) node->owner.reset();
  }

  /* closed: runs when the consumer closes the handle; address: what visor_handle_api.address says. */
  visor_handle* add(Entry entry, std::function<void()> closed = {}, std::string address = {}) {
    auto* node = new Node(host_, std::move(entry), std::move(closed), std::move(address));
    node->owner = nodes_;
    nodes_->push_back(node);
    return node;
  }
  template <class Fn>
  void each(Fn&& fn) {
    auto nodes = nodes_;
    std::vector<std::weak_ptr<Node*>> now;
    for (Node* node : *nodes) now.push_back(node->alive);
    for (auto& weak : now) {
      if (auto alive = weak.lock()) fn((*alive)->entry);
    }
  }
  size_t size() const { return nodes_->size(); }

 private:
  struct Node;
  using Nodes = std::vector<Node*>;
  struct Node : Object<visor_handle> {
    Node(Host host, Entry e, std::function<void()> c, std::string a)
        : Object<visor_handle>(host, &kApi), entry(std::move(e)), closed(std::move(c)), where(std::move(a)) {}
    void close() {
      if (auto nodes = owner.lock()) {
        std::erase(*nodes, this);
        if (closed) closed();
      }
      delete this;
    }
    visor_span address() { return to_span(std::string_view(where)); }
    static constexpr visor_handle_api kApi = {sizeof(visor_handle_api), 0, thunk<&Node::close>,
                                              thunk<&Node::address>};

    Entry entry;
    std::function<void()> closed;
    std::string where;
    std::weak_ptr<Nodes> owner;
    std::shared_ptr<Node*> alive = std::make_shared<Node*>(this);
  };
  Host host_;
  std::shared_ptr<Nodes> nodes_ = std::make_shared<Nodes>();
};

}  // namespace visor
#endif  // VISOR_HOST_HPP
