#include "group_order.hpp"

#include <algorithm>
#include <queue>
#include <ranges>
#include <tuple>

namespace visor::chat {
namespace {

constexpr size_t kNone = SIZE_MAX;

/* By (effective time, sender, number). */
std::vector<StoredGroupMessage> by_effective_time(std::vector<StoredGroupMessage> messages, int64_t now_ns) {
  auto by_author = [](const StoredGroupMessage& m) {
    return std::tuple(m.path.sender, m.path.number, m.path.time_ns);
  };
  std::ranges::sort(messages, {}, by_author);
  struct Placed {
    int64_t effective_ns;
    size_t index;
  };
  std::vector<Placed> placed;
  placed.reserve(messages.size());
  int64_t effective_ns = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    const bool same = i > 0 && messages[i].path.sender == messages[i - 1].path.sender;
    const bool is_due = messages[i].path.time_ns <= now_ns + kFutureNs;
    const int64_t time_ns = is_due ? messages[i].path.time_ns : messages[i].arrived_ns;
    effective_ns = same ? std::max(effective_ns, time_ns) : time_ns;
    placed.push_back({effective_ns, i});
  }
  // Within one time, the order by author and number that they have already.
  std::ranges::stable_sort(placed, {}, &Placed::effective_ns);
  std::vector<StoredGroupMessage> sorted;
  sorted.reserve(messages.size());
  for (const Placed& each : placed) sorted.push_back(std::move(messages[each.index]));
  return sorted;
}

/* Where each answered message is; kNone for those that answer nothing which is there. */
std::vector<size_t> answered_places(const std::vector<StoredGroupMessage>& sorted) {
  std::map<Answered, size_t> places;
  for (size_t i = 0; i < sorted.size(); ++i) {
    places.try_emplace({sorted[i].path.sender, sorted[i].path.time_ns}, i);
  }
  std::vector<size_t> answered(sorted.size(), kNone);
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (!sorted[i].answers) continue;
    auto at = places.find(*sorted[i].answers);
    if (at != places.end() && at->second != i) answered[i] = at->second;
  }
  return answered;
}

}  // namespace

void sort_for_display(std::vector<StoredGroupMessage>& messages, int64_t now_ns) {
  messages = by_effective_time(std::move(messages), now_ns);
  const std::vector<size_t> answered = answered_places(messages);
  const bool in_place = std::ranges::none_of(std::views::iota(size_t{0}, messages.size()), [&](size_t i) {
    return answered[i] != kNone && answered[i] > i;
  });
  if (in_place) return;

  // Each waits for its author's message before it and for the one that it answers; of those that wait for
  // nothing the first by time is next.  Answers in a circle, which nobody writes by accident, go by time.
  std::vector<unsigned> waits(messages.size(), 0);
  std::vector<std::vector<size_t>> before(messages.size());
  std::map<visor_key, size_t> latest;
  auto wait = [&](size_t one, size_t other) {
    ++waits[one];
    before[other].push_back(one);
  };
  for (size_t i = 0; i < messages.size(); ++i) {
    auto [at, first] = latest.try_emplace(messages[i].path.sender, i);
    if (!first) wait(i, std::exchange(at->second, i));
    if (answered[i] != kNone) wait(i, answered[i]);
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> free;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (waits[i] == 0) free.push(i);
  }
  std::vector<bool> done(messages.size(), false);
  std::vector<StoredGroupMessage> sorted;
  sorted.reserve(messages.size());
  for (size_t stuck = 0; sorted.size() < messages.size();) {
    size_t next = 0;
    if (free.empty()) {
      while (done[stuck]) ++stuck;
      next = stuck;
    } else {
      next = free.top();
      free.pop();
    }
    if (done[next]) continue;
    done[next] = true;
    sorted.push_back(std::move(messages[next]));
    for (size_t other : before[next]) {
      if (--waits[other] == 0) free.push(other);
    }
  }
  messages = std::move(sorted);
}

}  // namespace visor::chat
