/* The JSON leaves about one transport (specification telemetry.md, 2.2 and 2.5), each on a path of its own:
 *
 *   transports/<uuid>/current               the latest sample
 *   transports/<uuid>/<YYYY-MM-DD>/rollup   a day's figures
 *   transports/<uuid>/tombstone             the transport was closed
 *
 * Latencies are milliseconds; `throughput_bps` is bytes per second despite its name.
 */
#ifndef VISOR_CODEC_TELEMETRY_SNAPSHOT_HPP
#define VISOR_CODEC_TELEMETRY_SNAPSHOT_HPP
#include <visor/value.hpp>

#include "lib/codec/telemetry_time.hpp"

namespace visor::codec {

/* The largest of these leaves that is read. */
constexpr size_t kMaxSnapshotBytes = 16 * 1024;

struct LiveSnapshot {
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  double latency_min_ms = 0; /* latencies: 0 means not measured, and is not written */
  double latency_max_ms = 0;
  double latency_avg_ms = 0;
  double throughput_bytes_per_s = 0;
  int64_t sampled_at_s = 0; /* Unix */
  std::string type;         /* as it came; empty from old visors */

  friend bool operator==(const LiveSnapshot&, const LiveSnapshot&) = default;
};

std::string encode_live_snapshot(const LiveSnapshot& snapshot);
/* VISOR_EPROTO for what is no snapshot, has a negative number or a sample time more than 5 minutes ahead of
 * now_s. */
Result<LiveSnapshot> decode_live_snapshot(ByteView json, int64_t now_s);

struct DailyRollup {
  UnixDay date = 0;
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  double latency_min_ms = 0;
  double latency_max_ms = 0;
  double latency_avg_ms = 0;
  uint32_t samples = 0;

  friend bool operator==(const DailyRollup&, const DailyRollup&) = default;
};

std::string encode_daily_rollup(const DailyRollup& rollup);
Result<DailyRollup> decode_daily_rollup(ByteView json);

/* When a transport was closed, Unix seconds. */
std::string encode_tombstone(int64_t deleted_at_s);
Result<int64_t> decode_tombstone(ByteView json);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_SNAPSHOT_HPP
