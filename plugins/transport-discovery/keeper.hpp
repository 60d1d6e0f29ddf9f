/* Keeps the tables on a storage drive: loads them at the start, writes what has changed now and then. */
#ifndef VISOR_TRANSPORT_DISCOVERY_KEEPER_HPP
#define VISOR_TRANSPORT_DISCOVERY_KEEPER_HPP
#include <deque>
#include <visor/plugin.hpp>

#include "config.hpp"
#include "lib/storage/drive_search.hpp"
#include "store.hpp"

namespace visor::transport_discovery {

class Keeper final : public DayArchive {
 public:
  static constexpr size_t kBatchBytes = 1 << 20;
  static constexpr std::string_view kMapName = "transport_discovery";

  struct Counters {
    uint64_t restored = 0, refused = 0; /* entries found at the start */
    uint64_t writes = 0, failed_writes = 0;
    uint64_t written_bytes = 0;
  };

  Keeper(Host host, const Config& config, Aggregator& aggregator, Sessions& sessions)
      : host_(host), config_(config), aggregator_(aggregator), sessions_(sessions), search_(host) {}

  /* Opens the map and loads it; `ready` runs once, later. */
  void open(std::function<void(Result<void>)> ready);
  /* Writes the last changes and waits until they are durable; `closed` runs once, later. */
  void close(std::function<void()> closed);

  void read(const TransportId& id, UnixDay from, UnixDay until, std::vector<Day>& out) const override;

  const Counters& counters() const { return counters_; }
  /* Batches that the drive has refused, which are tried again before anything newer is written. */
  size_t pending() const { return pending_.size(); }
  /* Why it refused them; empty when it has not. */
  const std::string& problem() const { return problem_; }

 private:
  void open_on(visor_drive* drive, std::function<void(Result<void>)> ready);
  Result<void> load();
  Result<void> load_sessions();
  void flush();
  void flush_session();
  bool write(const Batch& batch);
  void sync(std::function<void()> done);

  Host host_;
  const Config& config_;
  Aggregator& aggregator_;
  Sessions& sessions_;
  int64_t started_at_s_ = 0, session_written_s_ = 0;
  Counters counters_;
  std::string problem_;
  std::deque<Batch> pending_;
  storage::DriveSearch search_;
  Owned<visor_kv> kv_;
  Request<visor_kv> opening_;
  Request<void> syncing_;
  Timer timer_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_KEEPER_HPP
