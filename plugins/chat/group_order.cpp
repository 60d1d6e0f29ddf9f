#include "group_order.hpp"

#include <algorithm>
#include <tuple>

namespace visor::chat {

void sort_for_display(std::vector<StoredGroupMessage>& messages) {
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
    effective_ns = same ? std::max(effective_ns, messages[i].path.time_ns) : messages[i].path.time_ns;
    placed.push_back({effective_ns, i});
  }
  // Within one time, the order by author and number that they have already.
  std::ranges::stable_sort(placed, {}, &Placed::effective_ns);
  std::vector<StoredGroupMessage> sorted;
  sorted.reserve(messages.size());
  for (const Placed& each : placed) sorted.push_back(std::move(messages[each.index]));
  messages = std::move(sorted);
}

}  // namespace visor::chat
