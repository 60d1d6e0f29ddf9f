/* Keeps the entries on a storage drive, each as soon as it comes. */
#ifndef VISOR_DMSG_DISCOVERY_KEEPER_HPP
#define VISOR_DMSG_DISCOVERY_KEEPER_HPP
#include <visor/plugin.hpp>

#include "book.hpp"
#include "config.hpp"

namespace visor::dmsg_discovery {

/* What is written is there after the process was killed; after a power cut, what was there at the latest
 * sync. Entries are renewed within minutes anyway. */
class Keeper {
 public:
  static constexpr std::string_view kMapName = "dmsg_discovery";

  struct Counters {
    uint64_t restored = 0, damaged = 0; /* entries found at the start */
    uint64_t writes = 0, failed_writes = 0, syncs = 0;
  };

  Keeper(Host host, const Config& config, Book& book) : host_(host), config_(config), book_(book) {}

  /* Opens the map and reads it; `ready` runs once. */
  void open(std::function<void(Result<void>)> ready);
  /* The record of a key, or that there is none any more. */
  Result<void> keep(const visor_key& key, const Record* record);
  /* Makes durable what was written since the last time. */
  void sync();
  /* The same, then lets go of the map; `closed` runs once, later. */
  void close(std::function<void()> closed);

  const Counters& counters() const { return counters_; }
  /* Why the drive refused the latest write; empty when it did not. */
  const std::string& problem() const { return problem_; }

 private:
  Result<void> load();
  void sync_then(std::function<void()> done);
  void refused(visor_status status);

  Host host_;
  const Config& config_;
  Book& book_;
  Counters counters_;
  std::string problem_;
  bool changed_ = false;
  Owned<visor_kv> kv_;
  Request<visor_kv> opening_;
  Request<void> syncing_;
};

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_KEEPER_HPP
