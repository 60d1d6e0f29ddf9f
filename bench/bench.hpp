/* Measurements that are compared: ours, a floor and a peer take turns in one run, because the machine is not
 * the same from one minute to the next. */
#ifndef VISOR_BENCH_BENCH_HPP
#define VISOR_BENCH_BENCH_HPP
#include <functional>
#include <string>

namespace visor::bench {

enum class Better { kLess, kMore };

struct Row {
  std::string name; /* "drive.leveldb_put_s": room, what, unit */
  std::string unit; /* of all three: "ns", "1/s" */
  Better better;
  std::function<double()> ours = nullptr, floor = nullptr; /* one measurement each */
  std::string peer = {};                                   /* its name, if there is one */
  std::function<double()> peer_value = nullptr;
};

constexpr int kRuns = 7; /* odd; medians are told */

/* Measures kRuns times in turns and prints a line for people on stderr and a JSON object, on a line of its
 * own, on stdout: {"bench","unit","better","ours","floor","peer","peer_value","runs"}. */
void measure(const Row& row);

/* What was measured otherwise, told alike. */
struct Measured {
  std::string name, unit;
  Better better;
  double ours, floor;
  int runs;
  std::string peer = {};
  double peer_value = 0;
};
void tell(const Measured& measured);

/* Seconds that `work` takes. */
double seconds(const std::function<void()>& work);

/* Nanoseconds of one of the `count` calls that `work` makes. */
inline double ns_each(size_t count, const std::function<void()>& work) {
  return seconds(work) * 1e9 / static_cast<double>(count);
}

}  // namespace visor::bench
#endif  // VISOR_BENCH_BENCH_HPP
