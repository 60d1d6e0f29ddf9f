#include "lib/codec/telemetry_shard.hpp"

#include <algorithm>
#include <cmath>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::codec {
namespace {

constexpr size_t kSampledAtOffset = 48;
constexpr uint8_t kTypeMask = 0x0f;

TelemetryRow read_row(Reader& reader) {
  TelemetryRow row;
  reader.raw(row.id.bytes);
  row.sent_bytes = reader.u64();
  row.received_bytes = reader.u64();
  row.throughput_bytes_per_s = reader.f32();
  row.latency_min_ms = reader.f32();
  row.latency_max_ms = reader.f32();
  row.latency_avg_ms = reader.f32();
  row.sampled_at_s = reader.u32();
  uint8_t type = reader.u8();
  row.type_code = type & kTypeMask;
  row.flags = type & static_cast<uint8_t>(~kTypeMask);
  return row;
}

bool plausible(const TelemetryRow& row, uint8_t shard, int64_t now_s) {
  for (float value :
       {row.throughput_bytes_per_s, row.latency_min_ms, row.latency_max_ms, row.latency_avg_ms}) {
    if (!std::isfinite(value) || value < 0) return false;
  }
  return telemetry_shard_of(row.id) == shard && row.sampled_at_s <= now_s + kMaxClockAheadSeconds;
}

}  // namespace

std::string telemetry_shard_name(uint8_t shard) {
  return to_hex(ByteView(&shard, 1));
}

Bytes encode_telemetry_shard(uint8_t shard, std::span<const TelemetryRow> rows) {
  Bytes out;
  out.reserve(kTelemetryShardHead + rows.size() * kTelemetryRowBytes);
  Writer writer(out);
  writer.u8(kTelemetryShardVersion);
  writer.u8(shard);
  writer.u16(static_cast<uint16_t>(rows.size()));
  for (const TelemetryRow& row : rows) {
    writer.raw(row.id);
    writer.u64(row.sent_bytes);
    writer.u64(row.received_bytes);
    writer.f32(row.throughput_bytes_per_s);
    writer.f32(row.latency_min_ms);
    writer.f32(row.latency_max_ms);
    writer.f32(row.latency_avg_ms);
    writer.u32(row.sampled_at_s);
    writer.u8((row.type_code & kTypeMask) | (row.flags & static_cast<uint8_t>(~kTypeMask)));
  }
  return out;
}

Bytes without_sample_times(Bytes shard) {
  for (size_t row = kTelemetryShardHead; row + kTelemetryRowBytes <= shard.size();
       row += kTelemetryRowBytes) {
    store_le<uint32_t>(shard.data() + row + kSampledAtOffset, 0);
  }
  return shard;
}

Result<TelemetryShard> decode_telemetry_shard(ByteView data, int64_t now_s) {
  if (data.size() > kMaxTelemetryShardBytes) {
    return failure(VISOR_EPROTO, "a telemetry shard is at most " + std::to_string(kMaxTelemetryShardBytes) +
                                     " bytes; got " + std::to_string(data.size()));
  }
  Reader reader(data);
  uint8_t version = reader.u8();
  TelemetryShard out;
  out.shard = reader.u8();
  size_t count = reader.u16();
  if (Result<void> head = reader.done(); !head) return std::unexpected(head.error());
  if (version != kTelemetryShardVersion || out.shard >= kTelemetryShards) {
    return failure(VISOR_EPROTO, "a telemetry shard has version 2 and a number from 0 to 15; got version " +
                                     std::to_string(version) + ", number " + std::to_string(out.shard));
  }
  if (data.size() != kTelemetryShardHead + count * kTelemetryRowBytes) {
    return failure(VISOR_EPROTO, "a telemetry shard of " + std::to_string(count) + " rows has " +
                                     std::to_string(kTelemetryShardHead + count * kTelemetryRowBytes) +
                                     " bytes; got " + std::to_string(data.size()));
  }
  out.rows.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TelemetryRow row = read_row(reader);
    if (plausible(row, out.shard, now_s)) {
      out.rows.push_back(row);
    } else {
      ++out.refused_rows;
    }
  }
  return out;
}

}  // namespace visor::codec
