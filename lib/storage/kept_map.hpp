/* One map of a storage drive that a plugin reads whole at its start and then writes to, record by record. */
#ifndef VISOR_STORAGE_KEPT_MAP_HPP
#define VISOR_STORAGE_KEPT_MAP_HPP
#include "lib/storage/drive_search.hpp"

namespace visor::storage {

/* What is written is there after the process was killed; after a power cut, what was there at the latest
 * sync. */
class KeptMap {
 public:
  /* Takes what was kept; an error: it is damaged, and left out. */
  using Restore = std::function<Result<void>(ByteView key, ByteView value)>;

  struct Counters {
    uint64_t restored = 0, damaged = 0; /* records found at the start */
    uint64_t writes = 0, failed_writes = 0, syncs = 0;
  };

  /* drive: its name; empty: the default one. */
  KeptMap(Host host, std::string drive, std::string map)
      : host_(host), drive_(std::move(drive)), map_(std::move(map)), search_(host) {}
  KeptMap(const KeptMap&) = delete;
  KeptMap& operator=(const KeptMap&) = delete;

  /* Opens the map and reads it; `ready` runs once. */
  void open(Restore restore, std::function<void(Result<void>)> ready);
  Result<void> put(ByteView key, ByteView value);
  Result<void> erase(ByteView key);
  /* Makes durable what was written since the last time. */
  void sync();
  /* The same, then lets go of the map; `closed` runs once, now or later. */
  void close(std::function<void()> closed);

  const Counters& counters() const { return counters_; }
  /* Why the drive refused the latest write; empty when it did not. */
  const std::string& problem() const { return problem_; }

 private:
  void open_on(visor_drive* drive, Restore restore, std::function<void(Result<void>)> ready);
  Result<void> load(const Restore& restore);
  Result<void> write(const visor_op& op);
  void sync_then(std::function<void()> done);
  void refused(visor_status status);

  Host host_;
  const std::string drive_, map_;
  Counters counters_;
  std::string problem_;
  bool changed_ = false;
  DriveSearch search_;
  Owned<visor_kv> kv_;
  Request<visor_kv> opening_;
  Request<void> syncing_;
};

}  // namespace visor::storage
#endif  // VISOR_STORAGE_KEPT_MAP_HPP
