/* A bench of several processes: children of the same program, to which one speaks in lines. */
#ifndef VISOR_BENCH_CHILD_HPP
#define VISOR_BENCH_CHILD_HPP
#include <cstdint>
#include <string>
#include <vector>

namespace visor::bench {

/* A child of this program, started with these words, to which one speaks in lines. */
class Child {
 public:
  explicit Child(const std::vector<std::string>& words);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void say(const std::string& line);
  std::string hear();
  std::string ask(const std::string& line) {
    say(line);
    return hear();
  }

 private:
  int to_ = -1, from_ = -1;
  int pid_ = -1;
  std::string heard_;
};

uint64_t monotonic_ns();

}  // namespace visor::bench
#endif  // VISOR_BENCH_CHILD_HPP
