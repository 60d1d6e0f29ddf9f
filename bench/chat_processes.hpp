/* Visors that chat, each in a process of its own: this program again, one visor of a town that it remembers.
 */
#ifndef VISOR_BENCH_CHAT_PROCESSES_HPP
#define VISOR_BENCH_CHAT_PROCESSES_HPP
#include <memory>
#include <string>
#include <vector>

#include "bench/chat_town.hpp"
#include "bench/child.hpp"

namespace visor::bench {

/* The word that makes this program one of them, and what it then does until its input ends. */
inline constexpr const char* kOneVisor = "--visor";
int run_one_visor(const std::vector<std::string>& words);

class Processes {
 public:
  enum class What {
    kChat,    /* a private group of all of them */
    kNetwork, /* only what chat stands on */
    kStart    /* each for itself: it starts, and knows nobody */
  };

  Processes(size_t visors, What what);

  /* All are started at the same instant: seconds until what the first says has come to all the others; with
   * kStart until they run.  They are gone afterwards. */
  double first_message_s();
  /* They stay: seconds until so many messages of the first have come to all the others. */
  void start();
  double burst_s(size_t count);

 private:
  const size_t visors_;
  const What what_;
  const Folder folder_;
  std::string group_ = "none";
  std::vector<std::unique_ptr<Child>> children_;
};

}  // namespace visor::bench
#endif  // VISOR_BENCH_CHAT_PROCESSES_HPP
