/* When each transport's counters began: the leaf `transports/telemetry/meta`.  Our extension of the format
 * (specification telemetry.md, 3.7): readers that do not know it ignore it, and guess a reset from a counter
 * that went down; readers that do, know it.
 *
 *   Little-endian.
 *     0  u8   version 1
 *     1  3    zero
 *     4  u32  count
 *   then count rows of 24 bytes, identifiers strictly ascending:
 *     0  16   transport identifier
 *    16  u64  epoch: any number that differs from the one before when the counters began anew
 */
#ifndef VISOR_CODEC_TELEMETRY_META_HPP
#define VISOR_CODEC_TELEMETRY_META_HPP
#include "lib/codec/telemetry_shard.hpp"

namespace visor::codec {

constexpr uint8_t kTelemetryMetaVersion = 1;
constexpr size_t kTelemetryMetaHead = 8;
constexpr size_t kTelemetryEpochBytes = 24;
constexpr size_t kMaxTelemetryMetaBytes = 256 * 1024;

struct TelemetryEpoch {
  TransportId id{};
  uint64_t epoch = 0;

  friend bool operator==(const TelemetryEpoch&, const TelemetryEpoch&) = default;
};

/* Rows ascending by identifier, without doubles. */
Bytes encode_telemetry_meta(std::span<const TelemetryEpoch> rows);

/* VISOR_EPROTO unless it is exactly as above. */
Result<std::vector<TelemetryEpoch>> decode_telemetry_meta(ByteView data);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_META_HPP
