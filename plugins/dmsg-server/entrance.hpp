/* The one port: what a connection's first bytes say, until they have said it.
 *
 *   a PROXY header, where the configuration expects one
 *   then an upper-case letter: a request of HTTP/1, so a WebSocket
 *   anything else: a relay session at once; its first byte is that of a length of at most 4094 */
#ifndef VISOR_DMSG_SERVER_ENTRANCE_HPP
#define VISOR_DMSG_SERVER_ENTRANCE_HPP
#include <list>
#include <visor/plugin.hpp>

#include "config.hpp"
#include "origin.hpp"

namespace visor::dmsg_server {

/* A connection that has said what it is. */
struct Arrival {
  visor_stream* stream = nullptr; /* the receiver's, unattached */
  Origin origin;
  Bytes early; /* read already, without the PROXY header */
  uint64_t waited_ms = 0;
};

class Entrance {
 public:
  struct Events {
    std::function<void(Arrival)> session, web;
    /* May somebody from there come in?  Who may not is not even read. */
    std::function<bool(const std::string& address)> welcomes;
  };
  struct Counters {
    uint64_t refused = 0; /* its address has too much here already, or has asked too often */
    uint64_t silent =
        0; /* nothing, or half of a header, in time; or others came when all places were taken */
    uint64_t broken = 0; /* a PROXY header that is none */
  };

  Entrance(Host host, const Config& config, Events events)
      : host_(host), config_(config), events_(std::move(events)) {}
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  void accept(visor_stream* stream);
  void close() {
    waiting_.clear();
    by_address_.clear();
  }
  size_t waiting() const { return waiting_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {
    Stream stream;
    std::string address; /* empty where a PROXY header will say it */
    Bytes first;
    uint64_t since_ms;
    Timer timer;
  };
  using Place = std::list<Waiting>::iterator;
  void forget(Place place);
  void take(Place place, ByteView data);
  void give(Place place, size_t header_bytes, std::string origin);

  Host host_;
  const Config& config_;
  Events events_;
  Counters counters_;
  std::list<Waiting> waiting_; /* the oldest first */
  std::map<std::string, size_t> by_address_;
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_ENTRANCE_HPP
