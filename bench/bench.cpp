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
  tell({row.name, row.unit, row.better, median(ours), median(floor), kRuns,
        peer.empty() ? std::string() : row.peer, peer.empty() ? 0 : median(peer)});
}

void tell(const Measured& measured) {
  const auto& [name, unit, better, ours, floor, runs, peer, peer_value] = measured;
  std::fprintf(stderr, "%-32s %14.2f %-4s  %6.3f of the floor", name.c_str(), ours, unit.c_str(),
               ours / floor);
  if (!peer.empty()) std::fprintf(stderr, ", %6.3f of %s", ours / peer_value, peer.c_str());
  std::fprintf(stderr, "\n");
  std::printf(R"({"bench":"%s","unit":"%s","better":"%s","ours":%.6g,"floor":%.6g)", name.c_str(),
              unit.c_str(), better == Better::kLess ? "less" : "more", ours, floor);
  if (!peer.empty()) std::printf(R"(,"peer":"%s","peer_value":%.6g)", peer.c_str(), peer_value);
  std::printf(",\"runs\":%d}\n", runs);
  std::fflush(stdout);
}

}  // namespace visor::bench
