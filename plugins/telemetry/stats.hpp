/* This visor's own days for those who may read them, below /stats on the kernel's HTTP server, whose port on
 * a network proves who asks (specification telemetry.md, 4.2).
 *
 *   GET /stats/transports/history?days=7&limit=100&id=<uuid>   as the command `history`
 *   GET /stats/uptime?days=7&timeline=true                     as the command `uptime` */
#ifndef VISOR_TELEMETRY_STATS_HPP
#define VISOR_TELEMETRY_STATS_HPP
#include "history.hpp"
#include "lib/http/mounted_routes.hpp"

namespace visor::telemetry {

class Stats {
 public:
  struct Counters {
    uint64_t answered = 0, refused = 0;
  };

  Stats(Host host, const Config& config, const History& history)
      : host_(host), config_(config), history_(history) {}
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

  /* Mounts now or when a server comes; nothing where nobody may read. */
  Result<void> start();

  bool mounted() const { return routes_.mounted(); }
  const Counters& counters() const { return counters_; }

 private:
  void answer(visor_exchange* exchange);
  bool may_read(std::string_view origin) const;
  Result<std::string> read(std::string_view path, std::string_view query) const;

  Host host_;
  const Config& config_;
  const History& history_;
  Counters counters_;
  http::MountedRoutes routes_;
};

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_STATS_HPP
