/* What this visor remembers of its own days (specification telemetry.md, 2.1 to 2.3): a row a transport and
 * day, and bitmaps of uptime, on a storage drive; thirty days of them.
 *
 * Keys (identifiers as bytes, days as u16 big-endian since 1970-01-01), values little-endian:
 *   "t" id            a transport: remote key, type, label, first and last seen
 *   "r" id day        a day: sent and received u64, latency min, max and avg f64, samples u32, measured u32
 *   "b" id day        its uptime: 36 bytes
 *   "i" name 0 day    uptime of a tier: process, dmsg, skynet
 *   "s" name 0 day    uptime of a service
 * All that one sample changes is one batch. */
#ifndef VISOR_TELEMETRY_HISTORY_HPP
#define VISOR_TELEMETRY_HISTORY_HPP
#include <visor/plugin.hpp>

#include "config.hpp"
#include "lib/codec/telemetry_bitmap.hpp"
#include "lib/codec/telemetry_snapshot.hpp"
#include "lib/storage/drive_search.hpp"
#include "tracker.hpp"

namespace visor::telemetry {

/* A day's row as it grows. */
struct DayRow {
  codec::DailyRollup rollup;
  uint32_t measured = 0; /* samples with a latency: the average is over these */

  /* What the counters have grown by, and what was measured, if it was. */
  void add(uint64_t sent, uint64_t received, const Tracked& sample);
};

Bytes encode_day_row(const DayRow& row);
Result<DayRow> decode_day_row(codec::UnixDay date, ByteView value);

class History {
 public:
  static constexpr codec::UnixDay kDaysKept = 30;
  /* What is shown of it if nobody says how much, and at most. */
  static constexpr codec::UnixDay kDefaultDays = 7;
  static constexpr size_t kDefaultRows = 100, kMostRows = 5000;
  static constexpr std::string_view kMapName = "telemetry";

  struct Counters {
    uint64_t writes = 0, failures = 0;
  };
  struct Tier {
    std::string_view name;
    bool up;
  };

  History(Host host, const Config& config) : host_(host), config_(config), search_(host) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  /* Opens the map; `ready` runs once, at once or later.  Without a drive nothing is kept, and problem() says
   * so; one that is configured and not there is an error. */
  void open(std::function<void(Result<void>)> ready);
  /* One sample of everything. */
  void sample(const Tracker& tracker, std::span<const Tier> tiers, std::span<const std::string> services,
              int64_t unix_s);
  void close();

  bool open() const { return kv_ != nullptr; }
  const Counters& counters() const { return counters_; }
  const std::string& problem() const { return problem_; }

  /* JSON: each transport with its days, newest first, of at most `limit` transports; of one if `id` is given.
   */
  std::string transports(codec::UnixDay days, size_t limit, const codec::TransportId* id) const;
  /* JSON: each tier's and service's days as percentages, with timelines if asked for. */
  std::string uptime(codec::UnixDay days, bool timelines) const;

 private:
  struct Today { /* of one transport */
    DayRow row;
    codec::UptimeBitmap slots;
    uint64_t epoch = 0, sent_bytes = 0, received_bytes = 0; /* counters of the sample before */
    int64_t first_seen_s = 0;
  };
  struct Changes;
  void open_on(visor_drive* drive, std::function<void(Result<void>)> ready);
  Today& today_of(const Tracked& tracked, codec::UnixDay date, int64_t unix_s);
  void add_transport(const Tracked& tracked, codec::UnixDay date, int64_t unix_s, Changes& changes);
  void add_uptime(char kind, std::string_view name, codec::UnixDay date, int slot, Changes& changes);
  void begin_day(codec::UnixDay date);
  void forget_old(codec::UnixDay today);
  void write(const Changes& changes);
  std::string days_of(const codec::TransportId& id, codec::UnixDay from) const;
  std::string uptime_of(char kind, codec::UnixDay from, bool timelines) const;

  Host host_;
  const Config& config_;
  Counters counters_;
  std::string problem_;
  codec::UnixDay date_ = 0;
  std::map<codec::TransportId, Today> today_;
  std::map<std::string, codec::UptimeBitmap>
      uptime_; /* of tiers and services, today, by key without the day */
  storage::DriveSearch search_;
  Owned<visor_kv> kv_;
  Request<visor_kv> opening_;
};

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_HISTORY_HPP
