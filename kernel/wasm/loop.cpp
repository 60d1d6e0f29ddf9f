#include "kernel/wasm/loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "kernel/wasm/imports.hpp"

namespace visor::kernel::wasm {

// A browser makes a timer wait 4 ms once it was set by another: what one task posts runs in the same turn,
// unless it goes on for so long that other events must be heard.
constexpr int kRoundsPerTurn = 64;

void TabLoop::enter(const Task& event) {
  event();
  timers_.run_due(now_ns());
  for (int round = 0; round < kRoundsPerTurn && !posted_.empty(); ++round) {
    auto batch = std::exchange(posted_, {});
    for (Task& fn : batch) {
      fn();
      fn = nullptr;  // what it holds goes now, not when the batch has run
    }
  }
  for (Task& fn : std::exchange(turn_end_, {})) fn();
  ask_to_be_woken();
}

void TabLoop::ask_to_be_woken() {
  uint64_t now = now_ns();
  uint64_t due_ns = posted_.empty() ? timers_.next_due_ns().value_or(kNever) : now;
  // A turn too early does no harm, so what was asked for stands unless it is too late, or its moment has
  // passed.
  if (due_ns >= asked_ns_ && (asked_ns_ > now || asked_ns_ == kNever)) return;
  asked_ns_ = due_ns;
  visor_import_wake(due_ns == kNever ? -1 : static_cast<double>(due_ns - std::min(due_ns, now)) / 1e6);
}

uint64_t TabLoop::now_ns() const {
  return static_cast<uint64_t>(visor_import_now_ms() * 1e6);
}

int64_t TabLoop::unix_ns() const {
  return static_cast<int64_t>(visor_import_unix_ms() * 1e6);
}

void TabLoop::random(std::span<uint8_t> out) {
  constexpr size_t kMaxEntropyBytes = 256;  // of one call
  while (!out.empty()) {
    auto piece = out.first(std::min(out.size(), kMaxEntropyBytes));
    if (getentropy(piece.data(), piece.size()) != 0) {
      std::fputs("this host gives no random numbers\n", stderr);
      std::abort();
    }
    out = out.subspan(piece.size());
  }
}

uint64_t TabLoop::timer(uint64_t first_ms, uint64_t repeat_ms, Task fn) {
  return timers_.add(now_ns(), first_ms, repeat_ms, std::move(fn));
}

visor_status TabLoop::work(Task fn, Task done) {
  if (working_ == kMaxWork) return VISOR_EAGAIN;
  ++working_;
  post([this, fn = std::move(fn), done = std::move(done)] {
    fn();
    --working_;
    done();
  });
  return VISOR_OK;
}

}  // namespace visor::kernel::wasm
