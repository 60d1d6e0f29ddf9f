/* Telemetry of a visor's transports, one leaf a shard (specification telemetry.md, 2.4): the leaf
 * `transports/telemetry/<sh>`, <sh> being "00" to "0f", the upper half of the identifier's first byte.
 *
 *   Little-endian.
 *     0  u8   version 2
 *     1  u8   shard, 0 to 15
 *     2  u16  count
 *   then count rows of 53 bytes:
 *     0  16   transport identifier
 *    16  u64  sent_bytes        24  u64  received_bytes        32  f32  throughput, bytes/s
 *    36  f32  latency min ms    40  f32  latency max ms        44  f32  latency avg ms
 *    48  u32  sampled at, Unix seconds
 *    52  u8   low half: code of the transport's type, high half: flags
 */
#ifndef VISOR_CODEC_TELEMETRY_SHARD_HPP
#define VISOR_CODEC_TELEMETRY_SHARD_HPP
#include "lib/codec/transport_id.hpp"

namespace visor::codec {

constexpr uint8_t kTelemetryShards = 16;
constexpr uint8_t kTelemetryShardVersion = 2;
constexpr size_t kTelemetryShardHead = 4;
constexpr size_t kTelemetryRowBytes = 53;
/* The largest leaf that is read; a count fills less than the u16 could say. */
constexpr size_t kMaxTelemetryShardBytes = 256 * 1024;
/* How far ahead of the reader's clock a sample may be. */
constexpr int64_t kMaxClockAheadSeconds = 300;

struct TelemetryRow {
  TransportId id{};
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  float throughput_bytes_per_s = 0;
  float latency_min_ms = 0; /* latencies: 0 means not measured */
  float latency_max_ms = 0;
  float latency_avg_ms = 0;
  uint32_t sampled_at_s = 0;
  uint8_t type_code = 0; /* 0 to 15, specification 1.1 */
  uint8_t flags = 0;     /* the high half of the byte, in place */

  friend bool operator==(const TelemetryRow&, const TelemetryRow&) = default;
};

struct TelemetryShard {
  uint8_t shard = 0;
  std::vector<TelemetryRow> rows;
  size_t refused_rows = 0; /* of another shard, not finite, negative, or from the future */
};

inline uint8_t telemetry_shard_of(const TransportId& id) {
  return id.bytes[0] >> 4;
}

/* "00" to "0f". */
std::string telemetry_shard_name(uint8_t shard);

/* Rows in the order that they shall have: publishers sort by identifier.  At most 65,535. */
Bytes encode_telemetry_shard(uint8_t shard, std::span<const TelemetryRow> rows);

/* The same blob with every sampled_at zeroed: what is compared to know whether anything but time has moved.
 */
Bytes without_sample_times(Bytes shard);

/* VISOR_EPROTO for what is no shard at all, and for one that is too large; rows that cannot be true are left
 * out and counted.  now_s: the reader's clock, Unix seconds. */
Result<TelemetryShard> decode_telemetry_shard(ByteView data, int64_t now_s);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_SHARD_HPP
