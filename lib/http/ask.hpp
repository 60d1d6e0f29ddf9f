/* One HTTP request over visor.fetch/1: asked in one call, answered in one. */
#ifndef VISOR_HTTP_ASK_HPP
#define VISOR_HTTP_ASK_HPP
#include <visor/host.hpp>

namespace visor::http {

/* A question under way.  Destroying it ends it, and its callback does not run any more; the callback may
 * destroy it. */
class Call {
 public:
  Call() = default;
  /* Whose destruction ends the question. */
  explicit Call(std::shared_ptr<void> under_way) : under_way_(std::move(under_way)) {}
  Call(Call&&) noexcept = default;
  Call& operator=(Call&& other) noexcept {
    auto old = std::exchange(under_way_, std::move(other.under_way_)); /* goes last: it may own *this */
    return *this;
  }

 private:
  std::shared_ptr<void> under_way_;
};

struct Question {
  std::string method, url, body; /* the body is JSON */
  uint64_t timeout_ms = 10'000;
  uint64_t max_body = 4u << 20; /* bytes of an answer */
};

struct Answer {
  int32_t status = 0;
  std::string body;
};

/* `done` runs once, from the loop and not inside the call.  The provider of visor.fetch/1 is looked for at
 * each question, and may come and go; VISOR_ENOENT: there is none. */
[[nodiscard]] Call ask(Host host, const Question& question, std::function<void(Result<Answer>)> done);

}  // namespace visor::http
#endif  // VISOR_HTTP_ASK_HPP
