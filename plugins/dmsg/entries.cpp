#include "entries.hpp"

#include <algorithm>

namespace visor::dmsg_client {

uint64_t Entries::get(const visor_key& key, bool fresh, Got got) {
  uint64_t number = ++last_number_;
  auto cached = cache_.find(key);
  bool old = cached != cache_.end() && host_.now_ms() - cached->second.since_ms >= kKeptMs;
  if (cached != cache_.end() && !old && !fresh) {
    answer_later(number, std::move(got), {cached->second.entry, true});
    return number;
  }
  if (auto lookup = lookups_.find(key); lookup != lookups_.end()) {
    lookup->second.waiters.push_back({number, std::move(got)});
    return number;
  }
  if (lookups_.size() >= kMaxLookups) {
    answer_later(number, std::move(got),
                 {failure(VISOR_EAGAIN, "too many entries are being asked for at once"), false});
    return number;
  }
  Lookup& lookup = lookups_[key];
  lookup.waiters.push_back({number, std::move(got)});
  lookup.call =
      directory_.entry(key, [this, key](Result<dmsg::Entry> entry) { this->got(key, std::move(entry)); });
  return number;
}

void Entries::got(const visor_key& key, Result<dmsg::Entry> entry) {
  auto at = lookups_.find(key);
  if (at == lookups_.end()) return;
  Lookup lookup = std::move(at->second);
  lookups_.erase(at);
  if (entry) keep(key, *entry);
  if (!entry && entry.error().status == VISOR_ENOENT) cache_.erase(key);
  for (Waiter& waiter : lookup.waiters) answer_later(waiter.number, std::move(waiter.got), {entry, false});
}

void Entries::keep(const visor_key& key, dmsg::Entry entry) {
  if (cache_.size() >= kMaxCached && !cache_.contains(key)) {
    uint64_t now = host_.now_ms();
    std::erase_if(cache_, [now](const auto& row) { return now - row.second.since_ms >= kKeptMs; });
    if (cache_.size() >= kMaxCached) cache_.erase(cache_.begin());
  }
  cache_.insert_or_assign(key, Cached{std::move(entry), host_.now_ms()});
}

void Entries::cancel(uint64_t number) {
  answering_.erase(number);
  for (auto at = lookups_.begin(); at != lookups_.end(); ++at) {
    auto& waiters = at->second.waiters;
    if (std::erase_if(waiters, [number](const Waiter& each) { return each.number == number; }) == 0) continue;
    if (waiters.empty()) lookups_.erase(at);
    return;
  }
}

void Entries::answer_later(uint64_t number, Got got, Answer answer) {
  answering_.emplace(number, std::move(got));
  tasks_.post([this, number, answer = std::move(answer)] {
    auto at = answering_.find(number);
    if (at == answering_.end()) return;
    Got run = std::move(at->second);
    answering_.erase(at);
    run(answer);
  });
}

}  // namespace visor::dmsg_client
