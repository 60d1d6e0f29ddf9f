/* visor/instance.hpp - a plugin instance in C++.  Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_INSTANCE_HPP
#define VISOR_INSTANCE_HPP
#include "command.hpp"
#include "host.hpp"

namespace visor {

/* Base of a plugin's one class, whose start and stop go into its row: .start = visor::start<Echo>, .stop =
 * visor::stop<Echo>.  State lives in the object, never in globals: a process runs as many as it wants. */
class Instance {
 public:
  using Started = std::function<void(Result<void>)>;
  using Stopped = std::function<void()>;

  explicit Instance(Host host) : host_(host) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  virtual ~Instance() = default;

  /* Sets up and calls started once, at once or later.  After a failure the object is destroyed, stop not
   * called. */
  virtual void start(Started started) = 0;
  /* Withdraws and closes what it can, then calls stopped once; the object is destroyed afterwards. */
  virtual void stop(Stopped stopped) { stopped(); }
  /* Takes a new configuration, already checked by the schema. */
  virtual Result<void> configure(std::string_view) {
    return failure(VISOR_ENOSYS, "this plugin takes a new configuration only by a restart");
  }
  Host host() const { return host_; }

 private:
  Host host_;
};

template <class T>
visor_status start(visor_host* raw, void** self, visor_done done) noexcept {
  Host host(raw);
  return detail::guarded<visor_status>(host, [&]() -> visor_status {
    struct Start {
      std::unique_ptr<T> instance;
      bool over = false; /* `started` was called, or something was thrown */
    };
    auto state = std::make_shared<Start>(std::make_unique<T>(host));
    *self = state->instance.get();
    auto started = [host, state, done](Result<void> result) {
      detail::expects(!state->over, "an instance calls `started` exactly once");
      if (std::exchange(state->over, true)) return;
      post(host, [host, state, done, result = std::move(result)] {
        if (result) {
          state->instance.release(); /* `stop` destroys it */
          return done.fn(done.ctx, VISOR_OK, nullptr);
        }
        state->instance.reset();
        done.fn(done.ctx, host.fail(result.error()), nullptr);
      });
    };
    /* What is thrown after `started` is a line in the log; before it, the start failed. */
    visor_status thrown = detail::guarded<visor_status>(host, [&]() -> visor_status {
      state->instance->start(started);
      return VISOR_OK;
    });
    if (thrown == VISOR_OK) return VISOR_OK;
    if (state->over) {
      host.log(VISOR_ERROR, host.error(thrown).text);
      return VISOR_OK;
    }
    state->over = true;
    state->instance.reset();
    return thrown;
  });
}

template <class T>
void stop(void* self, visor_done done) noexcept {
  auto* instance = static_cast<T*>(self);
  Host host = instance->host();
  auto over = std::make_shared<bool>(false);
  auto stopped = [host, instance, over, done] {
    detail::expects(!*over, "an instance calls `stopped` exactly once");
    if (std::exchange(*over, true)) return;
    post(host, [instance, done] {
      delete instance;
      done.fn(done.ctx, VISOR_OK, nullptr);
    });
  };
  detail::guarded<void>(host, [&] { instance->stop(stopped); });
}

template <class T>
visor_status configure(void* self, visor_span json) noexcept {
  auto* instance = static_cast<T*>(self);
  return detail::guarded<visor_status>(instance->host(), [&]() -> visor_status {
    auto result = instance->configure(text(json));
    return result ? VISOR_OK : instance->host().fail(result.error());
  });
}

}  // namespace visor
#endif  // VISOR_INSTANCE_HPP
