#include "address_limits.hpp"

#include <algorithm>
#include <utility>

namespace visor::dmsg_server {

uint64_t Bucket::level(const Rate& rate, uint64_t now_ms) const {
  return taken_ - std::min(taken_, (now_ms - at_ms_) * rate.per_s);
}

bool Bucket::take(const Rate& rate, uint64_t now_ms) {
  taken_ = level(rate, now_ms);
  at_ms_ = now_ms;
  if (taken_ + 1000 > rate.burst * 1000) return false;
  taken_ += 1000;
  return true;
}

void Bucket::spend(uint64_t count, const Rate& rate, uint64_t now_ms) {
  taken_ = std::min(level(rate, now_ms) + count * 1000, 2 * rate.burst * 1000);
  at_ms_ = now_ms;
}

AddressLimits::Place& AddressLimits::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    leave();
    entry_ = std::move(other.entry_);
    settled_ = other.settled_;
  }
  return *this;
}

void AddressLimits::Place::settle() {
  if (entry_ && !std::exchange(settled_, true)) --entry_->handshakes;
}

void AddressLimits::Place::leave() {
  if (!entry_) return;
  settle();
  --entry_->sessions;
  entry_.reset();
}

bool AddressLimits::welcomes(const std::string& address, uint64_t now_ms) const {
  auto at = entries_.find(address);
  if (at == entries_.end()) return true;
  const Place::Entry& entry = *at->second;
  return entry.sessions < bounds_.sessions && entry.handshakes < bounds_.handshakes &&
         !entry.bucket.empty(bounds_.rate, now_ms);
}

AddressLimits::Place AddressLimits::enter(const std::string& address, uint64_t now_ms) {
  auto at = entries_.find(address);
  if (at == entries_.end()) {
    if (entries_.size() >= kMaxAddresses) return {};
    at = entries_.emplace(address, std::make_shared<Place::Entry>()).first;
  }
  Place::Entry& entry = *at->second;
  if (entry.sessions >= bounds_.sessions || entry.handshakes >= bounds_.handshakes) return {};
  if (!entry.bucket.take(bounds_.rate, now_ms)) return {};
  ++entry.sessions;
  ++entry.handshakes;
  return Place(at->second);
}

void AddressLimits::tidy(uint64_t now_ms) {
  std::erase_if(entries_, [&](const auto& known) {
    const Place::Entry& entry = *known.second;
    return entry.sessions == 0 && entry.bucket.full(bounds_.rate, now_ms) &&
           entry.requests.full(bounds_.requests, now_ms);
  });
}

}  // namespace visor::dmsg_server
