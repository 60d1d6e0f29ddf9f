/* visor/instance.hpp - a plugin instance and its commands in C++.  Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_INSTANCE_HPP
#define VISOR_INSTANCE_HPP
#include "command.h"
#include "host.hpp"

namespace visor {

/* Base of a plugin's one class.  State lives in the object, never in globals: a process runs as many as it
 * wants.
 *
 *   class Echo : public visor::Instance { using Instance::Instance; void start(Started started) override; ...
 * }; VISOR_PLUGIN(echo) = {VISOR_PLUGIN_HEAD, .name = "echo", ..., .start = visor::start<Echo>, .stop =
 * visor::stop<Echo>};
 */
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
    auto owned = std::make_unique<T>(host);
    T* instance = owned.get();
    *self = instance;
    instance->start([host, instance, done](Result<void> result) {
      post(host, [host, instance, done, result = std::move(result)] {
        if (result) return done.fn(done.ctx, VISOR_OK, nullptr);
        delete instance;
        done.fn(done.ctx, host.fail(result.error()), nullptr);
      });
    });
    owned.release(); /* from here on `started` decides */
    return VISOR_OK;
  });
}

template <class T>
void stop(void* self, visor_done done) noexcept {
  auto* instance = static_cast<T*>(self);
  Host host = instance->host();
  detail::guarded<void>(host, [&] {
    instance->stop([host, instance, done] {
      post(host, [instance, done] {
        delete instance;
        done.fn(done.ctx, VISOR_OK, nullptr);
      });
    });
  });
}

template <class T>
visor_status configure(void* self, visor_span json) noexcept {
  auto* instance = static_cast<T*>(self);
  return detail::guarded<visor_status>(instance->host(), [&]() -> visor_status {
    auto result = instance->configure(text(json));
    return result ? VISOR_OK : instance->host().fail(result.error());
  });
}

namespace detail {
template <auto Method>
struct Command;
/* Result<std::string> T::method(std::string_view args): one JSON value, at once. */
template <class T, Result<std::string> (T::*Method)(std::string_view)>
struct Command<Method> {
  static visor_status run(void* self, visor_call* call, visor_span args) noexcept {
    auto* instance = static_cast<T*>(self);
    return guarded<visor_status>(instance->host(), [&]() -> visor_status {
      Result<std::string> value = (instance->*Method)(text(args));
      if (!value) return instance->host().fail(value.error());
      visor_status status = call->api->emit(call, to_span(std::string_view(*value)));
      if (status != VISOR_OK) return status;
      call->api->finish(call, VISOR_OK);
      return VISOR_OK;
    });
  }
};
/* Result<void> T::method(visor_call*, std::string_view args): answers by the call, later or more than once;
 * an error finishes it. */
template <class T, Result<void> (T::*Method)(visor_call*, std::string_view)>
struct Command<Method> {
  static visor_status run(void* self, visor_call* call, visor_span args) noexcept {
    auto* instance = static_cast<T*>(self);
    return guarded<visor_status>(instance->host(), [&]() -> visor_status {
      Result<void> begun = (instance->*Method)(call, text(args));
      return begun ? VISOR_OK : instance->host().fail(begun.error());
    });
  }
};
}  // namespace detail

/* The `run` of a row of commands: {"status", "...", "{...}", VISOR_COMMAND_READS, 0, command<&Echo::status>}.
 */
template <auto Method>
inline constexpr auto command = &detail::Command<Method>::run;

}  // namespace visor
#endif  // VISOR_INSTANCE_HPP
