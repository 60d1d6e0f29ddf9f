#include "kernel/sim/loop.hpp"

#include <algorithm>
#include <utility>

namespace visor::kernel::sim {

SimLoop::SimLoop(uint64_t seed) : engine_(seed) {}

bool SimLoop::run_until(const std::function<bool()>& condition, uint64_t limit_ms) {
  const uint64_t deadline_ns = now_ns_ + limit_ms * 1000000;
  for (;;) {
    if (condition()) return true;
    // A condition may itself call what posts, and that runs at the same moment.
    if (!settle()) break;
    if (condition()) return true;
    if (!settle()) break;
    auto due_ns = timers_.next_due_ns();
    if (!due_ns) break;
    if (*due_ns > deadline_ns) {
      now_ns_ = deadline_ns;
      break;
    }
    now_ns_ = std::max(now_ns_, *due_ns);
    if (!settle()) break;
  }
  return condition();  // what ran last may have made it so
}

bool SimLoop::settle() {
  constexpr int kMaxTurnsAtOnce = 200000;
  for (int turns = 0; turns < kMaxTurnsAtOnce; ++turns) {
    if (!turn()) return true;
  }
  return false;
}

void SimLoop::run_for(uint64_t ms) {
  run_until([] { return false; }, ms);
}

bool SimLoop::turn() {
  if (!posted_.empty()) {
    auto batch = std::exchange(posted_, {});
    for (Task& fn : batch) {
      fn();
      fn = nullptr;  // what it holds goes now, not when the batch has run
    }
    return true;
  }
  auto due_ns = timers_.next_due_ns();
  if (!due_ns || *due_ns > now_ns_) return false;
  timers_.run_due(now_ns_);
  return true;
}

uint64_t SimLoop::below(uint64_t limit) {
  return engine_() % limit;
}

void SimLoop::note(ByteView data) {
  for (uint8_t byte : data) trace_ = (trace_ ^ byte) * 1099511628211u;  // FNV-1a
}

void SimLoop::note(uint64_t number) {
  for (int i = 0; i < 8; ++i) trace_ = (trace_ ^ ((number >> (8 * i)) & 0xff)) * 1099511628211u;
}

void SimLoop::random(std::span<uint8_t> out) {
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
}

uint64_t SimLoop::timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) {
  return timers_.add(now_ns_, first_ms, repeat_ms, std::move(fn));
}

visor_status SimLoop::work(Task fn, Task done) {
  if (working_ == kMaxWork) return VISOR_EAGAIN;
  ++working_;
  timer(below(4), 0, [this, fn = std::move(fn), done = std::move(done)] {
    fn();
    post([this, done] {
      --working_;
      done();
    });
  });
  return VISOR_OK;
}

Loop::Counters SimLoop::counters() const {
  return {timers_.size(), posted_.size(), working_, kMaxWork};
}

}  // namespace visor::kernel::sim
