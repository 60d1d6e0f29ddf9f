/* Asynchronous calls of the ABI, waited for. */
#ifndef VISOR_CHECK_AWAIT_HPP
#define VISOR_CHECK_AWAIT_HPP
#include <functional>
#include <memory>
#include <optional>
#include <visor/host.hpp>

namespace visor::check {

/* How a check waits: the host that errors are read from, and its loop. */
struct Waiter {
  Host host;
  /* Runs the loop until the condition holds; false: it will not. */
  std::function<bool(const std::function<bool()>& condition)> run_until;
};

/* start(visor_done) makes the call and returns its status. */
inline Result<void*> await_any(const Waiter& waiter, const std::function<visor_status(visor_done)>& start) {
  /* Shared with the callback, which may come after this has given up. */
  struct Answer {
    Host host;
    std::optional<visor_status> status = std::nullopt;
    void* result = nullptr;
    Error error = {};
  };
  auto* hold = new std::shared_ptr<Answer>(std::make_shared<Answer>(Answer{waiter.host}));
  std::shared_ptr<Answer> answer = *hold;
  auto finished = [](void* ctx, visor_status status, void* result) {
    std::unique_ptr<std::shared_ptr<Answer>> owned(static_cast<std::shared_ptr<Answer>*>(ctx));
    Answer& to = **owned;
    to.status = status;
    to.result = result;
    if (status != VISOR_OK) to.error = to.host.error(status);
  };
  visor_status status = start(visor_done{finished, hold});
  if (status != VISOR_OK) {
    delete hold;
    return std::unexpected(waiter.host.error(status));
  }
  if (!waiter.run_until([&] { return answer->status.has_value(); })) {
    return failure(VISOR_ETIMEDOUT, "the call's done did not run");
  }
  if (*answer->status != VISOR_OK) return std::unexpected(answer->error);
  return answer->result;
}

template <class T>
Result<T*> await(const Waiter& waiter, const std::function<visor_status(visor_done)>& start) {
  auto result = await_any(waiter, start);
  if (!result) return std::unexpected(result.error());
  return static_cast<T*>(*result);
}

}  // namespace visor::check
#endif  // VISOR_CHECK_AWAIT_HPP
