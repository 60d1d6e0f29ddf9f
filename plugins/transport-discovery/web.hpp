/* The TPD's paths on the kernel's HTTP server, whenever there is one. */
#ifndef VISOR_TRANSPORT_DISCOVERY_WEB_HPP
#define VISOR_TRANSPORT_DISCOVERY_WEB_HPP
#include <list>
#include <visor/plugin.hpp>

#include "api.hpp"
#include "lib/http/mounted_routes.hpp"

namespace visor::transport_discovery {

class Web {
 public:
  /* Answers that are too long to be made at once, under way at once. */
  static constexpr size_t kMaxStreams = 64;

  struct Counters {
    uint64_t requests = 0;
    uint64_t answering_us = 0; /* spent on making answers, their first pieces if they are long */
    uint64_t streamed = 0, refused = 0;
  };

  Web(Host host, Api& api) : host_(host), api_(api), tasks_(host) {}
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;

  /* Mounts now or when a server comes. */
  Result<void> start();
  void stop();

  const Counters& counters() const { return counters_; }
  size_t streams() const { return streams_.size(); }
  bool mounted() const { return routes_.mounted(); }
  /* Why a path could not be mounted; empty: no reason. */
  const std::string& problem() const { return routes_.problem(); }

 private:
  struct Streaming { /* a body on its way */
    Stream stream;
    std::unique_ptr<Body> body;
    std::string piece;
  };
  void answer(visor_exchange* exchange);
  void begin(visor_exchange* exchange, Answer answer, std::span<const visor_span> headers);
  void pump(std::list<Streaming>::iterator at);

  Host host_;
  Api& api_;
  Tasks tasks_;
  Counters counters_;
  http::MountedRoutes routes_;
  std::list<Streaming> streams_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_WEB_HPP
