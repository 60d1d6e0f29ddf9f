/* One deadline that moves with every message: moving it later costs two additions, not a timer. */
#ifndef VISOR_HTTP_DEADLINE_HPP
#define VISOR_HTTP_DEADLINE_HPP
#include <algorithm>
#include <visor/host.hpp>

namespace visor::http {

class Deadline {
 public:
  /* expired may destroy or set the deadline that it runs from. */
  Deadline(Host host, std::function<void()> expired) : host_(host), expired_(std::move(expired)) {}

  void set(uint64_t in_ms) {
    at_ms_ = host_.now_ms() + in_ms;
    if (timer_ms_ == 0 || timer_ms_ > at_ms_) arm(in_ms);
  }
  void clear() { at_ms_ = 0; }

 private:
  void arm(uint64_t in_ms) {
    in_ms = std::max<uint64_t>(in_ms, 1);
    timer_ms_ = host_.now_ms() + in_ms;
    timer_ = Timer::once(host_, in_ms, [this] { fired(); });
  }
  void fired() {
    timer_ms_ = 0;
    if (at_ms_ == 0) return;
    uint64_t now = host_.now_ms();
    if (now < at_ms_) return arm(at_ms_ - now);
    at_ms_ = 0;
    auto expired = expired_;
    expired();
  }

  Host host_;
  std::function<void()> expired_;
  Timer timer_;
  uint64_t at_ms_ = 0;    /* 0: none */
  uint64_t timer_ms_ = 0; /* when the timer will run; 0: it does not */
};

}  // namespace visor::http
#endif  // VISOR_HTTP_DEADLINE_HPP
