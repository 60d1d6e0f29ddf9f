/* What the TPD knows: transports, and the visors at their edges.  Plain data; the rules are in
 * aggregator.hpp. */
#ifndef VISOR_TRANSPORT_DISCOVERY_RECORDS_HPP
#define VISOR_TRANSPORT_DISCOVERY_RECORDS_HPP
#include <algorithm>
#include <string>
#include <vector>

#include "counters.hpp"
#include "lib/codec/telemetry_bitmap.hpp"
#include "lib/codec/transport_id.hpp"

namespace visor::transport_discovery {

using codec::TransportId;
using codec::UnixDay;

/* A moment on both clocks: expiry goes by the monotonic one, days and stored times by the calendar. */
struct Moment {
  int64_t mono_ms = 0;
  int64_t unix_s = 0;
};

struct Transport;
struct RowBlock;

/* Nothing of these days has to be stored. */
constexpr UnixDay kClean = std::numeric_limits<UnixDay>::max();

struct UptimeDay {
  UnixDay date = 0;
  codec::UptimeBitmap slots;
};

/* Bytes that a visor has reported on one UTC day, over all of its transports. */
struct VisorDay {
  UnixDay date = 0;
  Traffic traffic;
};

/* A visor: an edge of transports, and perhaps a reporter. */
struct Visor {
  visor_key key{};
  std::string hex;
  std::vector<Transport*> transports; /* in no order that shows */
  size_t live_transports = 0;
  size_t live_direct = 0; /* of these, those that no relay carries */

  std::vector<VisorDay> days;    /* ascending */
  std::vector<UptimeDay> uptime; /* ascending */
  int64_t heard_unix_s = 0;      /* its latest sign of life; 0: never */
  UnixDay dirty_days_from = kClean, dirty_uptime_from = kClean;

  /* As a reporter.  All that it lists is asserted anew by each Root of its, so the moment stands here, once.
   */
  bool fresh = false;    /* its assertions have not expired */
  uint64_t asserted = 0; /* number of the event; 0: never */
  int64_t refreshed_mono_ms = 0;
  int64_t refreshed_unix_s = 0;
  int64_t heartbeat_slot = -1; /* five minutes since 1970 that were recorded last */
  uint32_t list_generation = 0;
  size_t created = 0; /* transports that it listed first */
  std::string version;
  std::vector<TransportId> contested; /* listed by it, but withdrawn later by the other edge */
  bool dirty = false;
};

/* One edge's side of a transport. */
struct Side {
  Visor* visor = nullptr;
  size_t position = 0;   /* in visor->transports */
  bool listed = false;   /* in its latest list */
  bool reported = false; /* has ever given counters */
  uint32_t generation = 0;
  uint64_t withdrawn = 0; /* number of the event since which its list lacks it; 0: it does not */
  Traffic total;          /* all increments ever */
  CounterLives lives;
};

/* Increments that were applied on one UTC day, by edge, and what its latency was on average. */
struct Day {
  UnixDay date = 0;
  uint32_t latency_samples = 0;
  uint64_t latency_sum_us = 0;
  Traffic side[2];

  /* Both edges count both directions, so the one that counted more has seen all. */
  uint64_t bandwidth() const { return std::max(side[0].sum(), side[1].sum()); }
};

struct Latency {
  uint32_t min_us = 0, max_us = 0, avg_us = 0;
  int64_t measured_at_s = 0; /* 0: never */

  bool known() const { return measured_at_s != 0; }
};

struct Transport {
  TransportId id;
  Side sides[2];
  uint8_t type = 0, label = 0; /* numbers of interned words */
  uint8_t creator = 0;         /* the side that listed it first */
  bool live = false;
  bool registered = false; /* has assertions beside those of lists */
  Latency latency;
  double throughput_bytes_per_s = 0;
  int64_t throughput_at_s = 0;
  int64_t first_seen_s = 0;
  int64_t ended_at_s = 0;        /* when it was last live, while it is not */
  std::vector<Day> days;         /* ascending, only those with bytes, only those that are not archived */
  std::vector<UptimeDay> uptime; /* ascending, only those with a slot */

  /* Older days may be in the archive, these and between; until < from: none. */
  UnixDay archived_from = 0, archived_until = -1;

  RowBlock* block = nullptr; /* where its rows are rendered */
  /* What is not stored yet: the record, and the days from these on. */
  bool dirty = false;
  UnixDay dirty_days_from = kClean, dirty_uptime_from = kClean;

  bool is_archived() const { return archived_from <= archived_until; }
  bool has_history() const { return !days.empty() || is_archived() || latency.known(); }
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_RECORDS_HPP
