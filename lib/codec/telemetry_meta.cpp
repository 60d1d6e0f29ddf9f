#include "lib/codec/telemetry_meta.hpp"

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::codec {

Bytes encode_telemetry_meta(std::span<const TelemetryEpoch> rows) {
  Bytes out;
  out.reserve(kTelemetryMetaHead + rows.size() * kTelemetryEpochBytes);
  Writer writer(out);
  writer.u8(kTelemetryMetaVersion);
  for (int i = 0; i < 3; ++i) writer.u8(0);
  writer.u32(static_cast<uint32_t>(rows.size()));
  for (const TelemetryEpoch& row : rows) {
    writer.raw(row.id);
    writer.u64(row.epoch);
  }
  return out;
}

Result<std::vector<TelemetryEpoch>> decode_telemetry_meta(ByteView data) {
  if (data.size() > kMaxTelemetryMetaBytes) {
    return failure(VISOR_EPROTO, "telemetry's meta leaf is at most " +
                                     std::to_string(kMaxTelemetryMetaBytes) + " bytes; got " +
                                     std::to_string(data.size()));
  }
  Reader reader(data);
  uint32_t version = reader.u32(); /* its upper bytes are zero */
  size_t count = reader.u32();
  if (Result<void> head = reader.done(); !head) return std::unexpected(head.error());
  size_t rows_bytes = data.size() - kTelemetryMetaHead;
  if (version != kTelemetryMetaVersion || rows_bytes % kTelemetryEpochBytes != 0 ||
      rows_bytes / kTelemetryEpochBytes != count) {
    return failure(VISOR_EPROTO, "telemetry's meta leaf has version 1 and 24 bytes a row; got version " +
                                     std::to_string(version) + " and " + std::to_string(rows_bytes) +
                                     " bytes for " + std::to_string(count) + " rows");
  }
  std::vector<TelemetryEpoch> rows(count);
  for (size_t i = 0; i < count; ++i) {
    reader.raw(rows[i].id.bytes);
    rows[i].epoch = reader.u64();
    if (i > 0 && rows[i].id <= rows[i - 1].id) {
      return failure(VISOR_EPROTO, "the rows of telemetry's meta leaf ascend by identifier; row " +
                                       std::to_string(i) + " does not");
    }
  }
  return rows;
}

}  // namespace visor::codec
