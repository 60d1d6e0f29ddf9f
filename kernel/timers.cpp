#include "kernel/timers.hpp"

#include <algorithm>
#include <utility>

namespace visor::kernel {
namespace {

constexpr uint64_t kNsPerMs = 1000000, kNever = UINT64_MAX;

uint64_t ms_to_ns(uint64_t ms) {
  return ms > kNever / kNsPerMs ? kNever : ms * kNsPerMs;
}
uint64_t add_saturated(uint64_t a, uint64_t b) {
  return a > kNever - b ? kNever : a + b;
}

// std::push_heap keeps the greatest on top: the one that is due first is "greater".
constexpr auto kDueLater = [](const auto& a, const auto& b) {
  return std::pair(a.due_ns, a.id) > std::pair(b.due_ns, b.id);
};

}  // namespace

uint64_t TimerQueue::add(uint64_t now_ns, uint64_t first_ms, uint64_t repeat_ms, Task fn) {
  uint64_t id = ++last_id_;
  uint64_t due_ns = add_saturated(now_ns, ms_to_ns(first_ms));
  timers_.emplace(id, Timer{due_ns, ms_to_ns(repeat_ms), std::make_shared<Task>(std::move(fn))});
  push({due_ns, id});
  return id;
}

void TimerQueue::cancel(uint64_t id) {
  timers_.erase(id);
  if (heap_.size() > 2 * timers_.size() + 64) {
    std::erase_if(heap_, [this](const Entry& entry) { return !current(entry); });
    std::make_heap(heap_.begin(), heap_.end(), kDueLater);
  }
}

std::optional<uint64_t> TimerQueue::next_due_ns() {
  drop_cancelled();
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due_ns;
}

void TimerQueue::run_due(uint64_t now_ns) {
  const uint64_t newest = last_id_;
  for (;;) {
    drop_cancelled();
    if (heap_.empty() || heap_.front().due_ns > now_ns || heap_.front().id > newest) return;
    uint64_t id = heap_.front().id;
    std::pop_heap(heap_.begin(), heap_.end(), kDueLater);
    heap_.pop_back();

    auto at = timers_.find(id);
    std::shared_ptr<Task> fn = at->second.fn;
    if (at->second.repeat_ns == 0) {
      timers_.erase(at);
    } else {
      Timer& timer = at->second;
      uint64_t missed = (now_ns - timer.due_ns) / timer.repeat_ns;
      timer.due_ns = add_saturated(timer.due_ns, (missed + 1) * timer.repeat_ns);
      push({timer.due_ns, id});
    }
    (*fn)();
  }
}

void TimerQueue::push(Entry entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), kDueLater);
}

void TimerQueue::drop_cancelled() {
  while (!heap_.empty() && !current(heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), kDueLater);
    heap_.pop_back();
  }
}

bool TimerQueue::current(const Entry& entry) const {
  return timers_.contains(entry.id);
}

}  // namespace visor::kernel
