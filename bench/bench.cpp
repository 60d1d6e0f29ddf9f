#include "bench/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace visor::bench {
namespace {

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

}  // namespace

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure(const Row& row) {
  std::vector<double> ours, floor, peer;
  for (int run = 0; run < kRuns; ++run) {
    ours.push_back(row.ours());
    floor.push_back(row.floor());
    if (row.peer_value) peer.push_back(row.peer_value());
  }
  const double our = median(ours), least = median(floor);
  std::fprintf(stderr, "%-32s %14.2f %-4s  %6.3f of the floor", row.name.c_str(), our, row.unit.c_str(),
               our / least);
  if (!peer.empty()) std::fprintf(stderr, ", %6.3f of %s", our / median(peer), row.peer.c_str());
  std::fprintf(stderr, "\n");
  std::printf(R"({"bench":"%s","unit":"%s","better":"%s","ours":%.6g,"floor":%.6g)", row.name.c_str(),
              row.unit.c_str(), row.better == Better::kLess ? "less" : "more", our, least);
  if (!peer.empty()) std::printf(R"(,"peer":"%s","peer_value":%.6g)", row.peer.c_str(), median(peer));
  std::printf(",\"runs\":%d}\n", kRuns);
  std::fflush(stdout);
}

}  // namespace visor::bench
