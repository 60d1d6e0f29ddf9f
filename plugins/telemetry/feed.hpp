/* The visor's own feed: opened once, written one set of changes after another. */
#ifndef VISOR_TELEMETRY_FEED_HPP
#define VISOR_TELEMETRY_FEED_HPP
#include <visor/plugin.hpp>

#include "config.hpp"
#include "publisher.hpp"

namespace visor::telemetry {

class OwnFeed {
 public:
  struct Counters {
    uint64_t writes = 0, failures = 0;
    uint64_t list_writes = 0;
    uint64_t last_list_ms = 0; /* monotonic; 0: never */
  };

  OwnFeed(Host host, visor_feeds* feeds, const Config& config, Tracker& tracker, Publisher& publisher)
      : host_(host), feeds_(feeds), config_(config), tracker_(tracker), publisher_(publisher) {}

  /* Opens the feed and takes over what it has from before; `ready` runs once, at once or later. */
  void open(std::function<void(Result<void>)> ready);
  /* Writes what has changed; while a write is under way, what has changed meanwhile follows it. */
  void publish();

  bool open() const { return feed_ != nullptr; }
  bool writing() const { return writing_.pending(); }
  const Counters& counters() const { return counters_; }
  /* Why the last write failed; empty when it did not. */
  const std::string& problem() const { return problem_; }

 private:
  Result<void> admit();
  void inherit();
  void on_written(visor_status status, const std::vector<LeafChange>& changes, uint64_t revision);

  Host host_;
  visor_feeds* feeds_;
  const Config& config_;
  Tracker& tracker_;
  Publisher& publisher_;
  Counters counters_;
  std::string problem_;
  bool again_ = false;
  Request<visor_feed> opening_;
  Owned<visor_feed> feed_;
  Request<void> writing_;
};

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_FEED_HPP
