#include "lib/services/registration.hpp"

#include <algorithm>

namespace visor::services {

Registration::Registration(Host host, Directory& directory, dmsg::Sign sign, RegistrationOptions options)
    : host_(host), directory_(directory), sign_(std::move(sign)), options_(options), tasks_(host) {}

Registration::~Registration() = default;

void Registration::set(Service own) {
  if (withdrawing_) return;
  own_ = std::move(own);
  counters_.registered = false;
  changed_ = true;
  if (!posting_) wait(0);
}

void Registration::withdraw(std::function<void()> done) {
  withdrawing_ = std::move(done);
  timer_.cancel();
  // A post that is under way may still arrive; what withdraws it is signed later, and stands.
  call_ = {};
  posting_ = false;
  if (last_ms_ == 0) return tasks_.post([this] { withdrawn(); });  // nothing was ever posted
  limit_ = Timer::once(host_, options_.withdraw_ms, [this] { withdrawn(); });
  auto gone = make(true);
  if (!gone) return tasks_.post([this] { withdrawn(); });
  call_ = directory_.put(*gone, [this](std::expected<void, Directory::Refusal>) { withdrawn(); });
}

void Registration::withdrawn() {
  limit_.cancel();
  counters_.registered = false;
  // The callee may destroy this.
  if (auto done = std::exchange(withdrawing_, [] {})) done();
}

void Registration::wait(uint64_t ms) {
  timer_ = Timer::once(host_, ms, [this] { post(); });
}

void Registration::post() {
  auto service = make(false);
  if (!service) return failed(service.error());
  posting_ = true;
  changed_ = false;
  call_ = directory_.put(*service, [this](std::expected<void, Directory::Refusal> result) {
    posting_ = false;
    answered(std::move(result));
  });
}

void Registration::answered(std::expected<void, Directory::Refusal> result) {
  if (!result) {
    // Our clock was set back, or another process has this key: the next one is later.  Not by years: the
    // directory may lie.
    int64_t most_ms = host_.unix_ns() / 1'000'000 + kMaxAheadMs;
    last_ms_ = std::max(last_ms_, std::min(result.error().stored_ms, most_ms));
    return failed(result.error().error);
  }
  failures_in_row_ = 0;
  ++counters_.posts;
  counters_.posted_ms = last_ms_;
  counters_.last_error.clear();
  counters_.registered = !changed_;
  wait(changed_ ? 0 : options_.refresh_ms);
}

void Registration::failed(const Error& error) {
  ++counters_.failures;
  counters_.registered = false;
  if (counters_.last_error != error.text) host_.warn(error.text);
  counters_.last_error = error.text;
  uint64_t pause = options_.retry_first_ms << std::min<uint64_t>(failures_in_row_++, 16);
  wait(std::min(pause, options_.retry_most_ms));
}

Result<Service> Registration::make(bool gone) {
  Service service = *own_;
  service.timestamp_ms = last_ms_ = std::max(host_.unix_ns() / 1'000'000, last_ms_ + 1);
  service.withdrawn = gone;
  if (auto made = sign(service, sign_); !made) return std::unexpected(made.error());
  return service;
}

}  // namespace visor::services
