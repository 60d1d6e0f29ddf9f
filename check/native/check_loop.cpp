#include "check/native/check_loop.hpp"

#include <chrono>
#include <filesystem>

namespace visor::check {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2000ms, kLittle = 5ms; /* real, for other threads */

}  // namespace

CheckLoop::~CheckLoop() {
  for (auto& [id, job] : jobs_) job.thread.join();
}

bool CheckLoop::run_until(const std::function<bool()>& condition, uint64_t limit_ms) {
  const uint64_t deadline_ns = now_ns() + limit_ms * 1000000;
  for (;;) {
    uint64_t left_ms = deadline_ns > now_ns() ? (deadline_ns - now_ns()) / 1000000 : 0;
    bool brought = false;
    bool holds = sim_.run_until(
        [&] {
          brought = absorb();
          return condition();
        },
        left_ms);
    if (holds) return true;
    if (now_ns() >= deadline_ns) return false;
    if (brought) continue; /* when it was asked last: none of it has run */
    std::unique_lock lock(mutex_);
    if (!jobs_.empty() || !inbox_.empty()) continue;
    if (count_foreign_threads() == 0) return false;
    if (!changed_.wait_for(lock, kPatience, [&] { return !inbox_.empty(); })) return false;
  }
}

void CheckLoop::run_for(uint64_t ms) {
  run_until([] { return false; }, ms);
}

/* Takes what other threads have brought.  Dones come in the order in which their work was asked for.
 * False: there was nothing. */
bool CheckLoop::absorb() {
  constexpr uint64_t kEveryNs = 1000000000;
  std::unique_lock lock(mutex_);
  if (now_ns() - last_look_ns_ >= kEveryNs) { /* others get a little real time for much virtual */
    last_look_ns_ = now_ns();
    if (count_foreign_threads() > 0) changed_.wait_for(lock, kLittle, [&] { return !inbox_.empty(); });
  }
  if (jobs_.empty() && inbox_.empty()) return false;
  changed_.wait_for(lock, kPatience, [&] { return running_ == 0 || !inbox_.empty(); });
  bool brought = !inbox_.empty();
  for (Task& fn : std::exchange(inbox_, {})) sim_.post(std::move(fn));
  while (!jobs_.empty() && jobs_.begin()->second.ready) {
    auto node = jobs_.extract(jobs_.begin());
    node.mapped().thread.join();
    sim_.timer(sim_.below(4), 0, std::move(node.mapped().done));
    brought = true;
  }
  return brought;
}

/* More than this one and the workers. */
size_t CheckLoop::count_foreign_threads() const {
  std::error_code failed;
  std::filesystem::directory_iterator tasks("/proc/self/task", failed);
  if (failed) return 0;
  auto count = static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
  return count > 1 + jobs_.size() ? count - 1 - jobs_.size() : 0;
}

void CheckLoop::random(std::span<uint8_t> out) {
  if (on_loop_thread()) return sim_.random(out);
  std::lock_guard lock(mutex_);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random_());
}

void CheckLoop::post(Task fn) {
  if (on_loop_thread()) return sim_.post(std::move(fn));
  std::lock_guard lock(mutex_);
  inbox_.push_back(std::move(fn));
  changed_.notify_one();
}

visor_status CheckLoop::work(Task fn, Task done) {
  std::lock_guard lock(mutex_);
  if (jobs_.size() == kMaxWork) return VISOR_EAGAIN;
  uint64_t id = ++last_job_;
  Job& job = jobs_[id];
  job.done = std::move(done);
  ++running_;
  job.thread = std::thread([this, id, fn = std::move(fn)] {
    fn();
    std::lock_guard inner(mutex_);
    jobs_.at(id).ready = true;
    --running_;
    changed_.notify_one();
  });
  return VISOR_OK;
}

kernel::Loop::Counters CheckLoop::counters() const {
  Counters out = sim_.counters();
  std::lock_guard lock(mutex_);
  out.working = jobs_.size();
  out.work_limit = kMaxWork;
  return out;
}

}  // namespace visor::check
