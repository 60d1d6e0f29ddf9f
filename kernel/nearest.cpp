#include "kernel/nearest.hpp"

#include <algorithm>

namespace visor::kernel {
namespace {

constexpr size_t kMaxTyped = 100;  // longer is no typing mistake, and the table grows with the square

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string> known) {
  std::string_view best;
  if (typed.size() > kMaxTyped) return best;
  size_t least = std::max<size_t>(2, typed.size() / 3) + 1;
  for (const std::string& name : known) {
    if (name.size() > kMaxTyped) continue;
    size_t away = distance(typed, name);
    if (away < least && away < std::max(typed.size(), name.size())) {
      least = away;
      best = name;
    }
  }
  return best;
}

std::string suggestion(std::string_view typed, const std::vector<std::string>& known) {
  if (std::string_view best = nearest(typed, known); !best.empty()) {
    return "did you mean \"" + std::string(best) + "\"?";
  }
  if (known.empty()) return "none is known";
  return "known are " + quoted_list(known);
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    out += '"' + name + '"';
  }
  return out;
}

}  // namespace visor::kernel
