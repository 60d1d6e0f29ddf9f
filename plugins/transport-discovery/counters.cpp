#include "counters.hpp"

#include <algorithm>

namespace visor::transport_discovery {
namespace {

uint64_t guessed_increment(uint64_t now, uint64_t last) {
  return now >= last ? now - last : now;
}

Traffic guessed(const Traffic& now, const Traffic& last) {
  return {guessed_increment(now.sent, last.sent), guessed_increment(now.received, last.received)};
}

// Moves the counter of one life on, never back.
uint64_t advance_one(uint64_t now, uint64_t& last) {
  if (now <= last) return 0;
  uint64_t increment = now - last;
  last = now;
  return increment;
}

}  // namespace

void CounterLives::begin(const Life& life) {
  count_ = static_cast<uint8_t>(std::min<size_t>(count_ + size_t(1), kRemembered));
  std::shift_right(lives_.begin(), lives_.begin() + count_, 1);
  lives_[0] = life;
}

Traffic CounterLives::advance(const Traffic& now, std::optional<uint64_t> epoch) {
  uint64_t told = epoch.value_or(0);
  if (told != 0) {
    auto end = lives_.begin() + count_;
    auto known = std::ranges::find(lives_.begin(), end, told, &Life::epoch);
    if (known != end) {
      // Not made the newest: news of an old life do not make it the one that lasts.
      return {advance_one(now.sent, known->last.sent), advance_one(now.received, known->last.received)};
    }
  }
  bool guess = count_ > 0 && (told == 0 || lives_[0].epoch == 0);
  if (!guess) {
    begin({told, now});
    return now;
  }
  Life& newest = lives_[0];
  Traffic increment = guessed(now, newest.last);
  bool began_anew = now.sent < newest.last.sent || now.received < newest.last.received;
  if (told != 0 || began_anew) newest.epoch = told;
  newest.last = now;
  return increment;
}

void CounterLives::restore(std::span<const Life> lives) {
  count_ = static_cast<uint8_t>(std::min(lives.size(), kRemembered));
  std::copy_n(lives.begin(), count_, lives_.begin());
}

}  // namespace visor::transport_discovery
