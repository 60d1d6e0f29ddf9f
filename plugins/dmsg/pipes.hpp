/* The commands `dial` and `listen`: streams as values, one after the other. */
#ifndef VISOR_DMSG_CLIENT_PIPES_HPP
#define VISOR_DMSG_CLIENT_PIPES_HPP
#include <deque>
#include <map>
#include <visor/command.hpp>
#include <visor/net.hpp>
#include <visor/stream.hpp>

#include "network.hpp"

namespace visor::dmsg_client {

class Pipe;

/* Those that are open; each ends when its caller leaves, its peer does, or this goes. */
class Pipes {
 public:
  struct DialTerms {
    visor_addr to{};
    size_t count = 1;     /* streams at once; each value names its own, when there are several */
    std::string text;     /* said at once, on each */
    uint64_t idle_ms = 0; /* ends after so long without a word; 0: never */
  };
  struct ListenTerms {
    uint16_t port = 0;
    bool echo = false;
    std::string text; /* said to each who dials */
  };

  Pipes(Host host, Network& network);
  ~Pipes();

  void dial(Answer answer, DialTerms terms);
  void listen(Answer answer, ListenTerms terms);
  void finish_all();
  size_t size() const { return open_.size(); }
  const Limits& limits() const { return network_.config().limits; }

 private:
  friend class Pipe;
  void add(Answer answer, const std::function<std::unique_ptr<Pipe>(Answer, uint64_t number)>& make);
  void remove(uint64_t number);

  Host host_;
  Network& network_;
  std::map<uint64_t, std::unique_ptr<Pipe>> open_;
  uint64_t last_number_ = 0;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_PIPES_HPP
