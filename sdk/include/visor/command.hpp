/* visor/command.hpp - commands in C++: the rows of a plugin, the answer to a call, and the base of who serves
 * visor.commands/1.  Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_COMMAND_HPP
#define VISOR_COMMAND_HPP
#include <optional>

#include "command.h"
#include "host.hpp"

namespace visor {
namespace detail {
template <class T, class F, auto Method>
struct Command; /* the class an argument of its own, as in Thunk */
}

/* The answer to one call of a command, by whoever answers later or more than once.  Destroyed before it is
 * finished it ends with VISOR_ECANCELED, and its handlers never run again; they may destroy it. */
class Answer {
 public:
  Answer() = default;
  Answer(Host host, visor_call* call) : state_(std::make_shared<State>(host, call)) {
    call->api->attach(call, &kEvents, state_.get());
  }
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&& other) noexcept {
    if (this != &other) {
      finish(VISOR_ECANCELED);
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Answer() { finish(VISOR_ECANCELED); }

  /* False once it was finished, by either side. */
  explicit operator bool() const { return state_ && state_->open(); }
  /* ready: there is room again after VISOR_EAGAIN; canceled: the caller left. */
  void on_ready(std::function<void()> fn) {
    if (state_) state_->ready = std::move(fn);
  }
  void on_canceled(std::function<void()> fn) {
    if (state_) state_->canceled = std::move(fn);
  }

  /* One JSON value.  VISOR_EAGAIN: full, nothing was taken; VISOR_ECLOSED: it was finished. */
  visor_status say(std::string_view json) {
    return *this ? state_->call->api->emit(state_->call, to_span(json)) : VISOR_ECLOSED;
  }
  void finish(visor_status status = VISOR_OK) {
    if (state_) state_->finish(status);
    state_.reset();
  }
  void finish(const Error& error) {
    if (*this) finish(state_->host.fail(error));
  }

 private:
  template <class T, class F, auto Method>
  friend struct detail::Command;
  struct State : std::enable_shared_from_this<State> {
    State(Host h, visor_call* c) : host(h), call(c) {}
    bool open() const { return call && !finished; }
    void finish(visor_status status) {
      if (!open()) return;
      finished = status;
      /* Whatever they keep goes last: it may be the answer itself. */
      auto gone = std::pair(std::exchange(ready, nullptr), std::exchange(canceled, nullptr));
      auto self = shared_from_this();
      if (!held) end(status);
    }
    /* What `method` throws, or else how it finished. */
    void let_go(visor_status thrown) {
      held = false;
      if (thrown != VISOR_OK) {
        ready = canceled = nullptr;
        finished = thrown;
      }
      if (finished && call) end(*finished);
    }
    void end(visor_status status) {
      visor_call* over = std::exchange(call, nullptr);
      over->api->finish(over, status);
    }
    Host host;
    visor_call* call;
    std::optional<visor_status> finished;
    bool held = false; /* inside `run`: an exception may still come */
    std::function<void()> ready, canceled;
  };
  static void ready(void* ctx, visor_call*) {
    auto state = static_cast<State*>(ctx)->shared_from_this();
    if (auto fn = state->ready) fn();
  }
  static void canceled(void* ctx, visor_call*) {
    auto state = static_cast<State*>(ctx)->shared_from_this();
    if (auto fn = state->canceled) fn();
    state->finish(VISOR_ECANCELED);
  }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, &Answer::ready,
                                                &Answer::canceled};
  std::shared_ptr<State> state_;
};

namespace detail {
/* Result<std::string> T::method(std::string_view args): one JSON value, at once. */
template <class T, auto Method>
struct Command<T, Result<std::string>(std::string_view), Method> {
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
template <class T, auto Method>
struct Command<T, Result<void>(visor_call*, std::string_view), Method> {
  static visor_status run(void* self, visor_call* call, visor_span args) noexcept {
    auto* instance = static_cast<T*>(self);
    return guarded<visor_status>(instance->host(), [&]() -> visor_status {
      Result<void> begun = (instance->*Method)(call, text(args));
      return begun ? VISOR_OK : instance->host().fail(begun.error());
    });
  }
};
/* void T::method(Answer, std::string_view args): answers by it, later or more than once. */
template <class T, auto Method>
struct Command<T, void(Answer, std::string_view), Method> {
  static visor_status run(void* self, visor_call* call, visor_span args) noexcept {
    auto* instance = static_cast<T*>(self);
    Answer answer(instance->host(), call);
    auto state = answer.state_;
    state->held = true;
    visor_status thrown = guarded<visor_status>(instance->host(), [&]() -> visor_status {
      (instance->*Method)(std::move(answer), text(args));
      return VISOR_OK;
    });
    state->let_go(thrown);
    return VISOR_OK; /* the call has been finished, or will be */
  }
};
template <auto Method>
using CommandOf =
    Command<typename Member<decltype(Method)>::Class, typename Member<decltype(Method)>::Function, Method>;
}  // namespace detail

/* The `run` of a row of commands: {"status", "...", "{...}", VISOR_COMMAND_READS, 0, command<&Echo::status>}.
 */
template <auto Method>
inline constexpr auto command = &detail::CommandOf<Method>::run;

/* What a gateway asks; the kernel serves it. */
class CommandsProvider : public Object<visor_commands> {
 public:
  virtual void each(void (*fn)(void* ctx, const char* instance, const char* plugin, const visor_command*),
                    void* ctx) = 0;
  virtual visor_status call(const char* instance, const char* command, visor_span args, const visor_caller*,
                            void* ctx, visor_ticket** ticket) = 0;
  virtual void resume(visor_ticket* ticket) = 0;
  virtual void cancel(visor_ticket* ticket) = 0;

 protected:
  explicit CommandsProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_commands_api kApi;
};
inline constexpr visor_commands_api CommandsProvider::kApi = {
    sizeof(visor_commands_api),       0,
    thunk<&CommandsProvider::each>,   thunk<&CommandsProvider::call>,
    thunk<&CommandsProvider::resume>, thunk<&CommandsProvider::cancel>};

}  // namespace visor
#endif  // VISOR_COMMAND_HPP
