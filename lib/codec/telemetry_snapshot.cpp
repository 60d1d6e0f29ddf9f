#include "lib/codec/telemetry_snapshot.hpp"

#include "lib/codec/telemetry_json.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/codec/telemetry_text.hpp"

namespace visor::codec {
namespace {

constexpr size_t kMaxTypeBytes = 16;
constexpr int kDecimals = 3;  // of a millisecond: what the clock of a tab resolves

void number_if_known(JsonObjectText& out, std::string_view name, double value) {
  if (value > 0) out.number(name, value, kDecimals);
}

}  // namespace

std::string encode_live_snapshot(const LiveSnapshot& snapshot) {
  JsonObjectText out;
  out.integer("sent_bytes", snapshot.sent_bytes);
  out.integer("recv_bytes", snapshot.received_bytes);
  number_if_known(out, "latency_min_ms", snapshot.latency_min_ms);
  number_if_known(out, "latency_max_ms", snapshot.latency_max_ms);
  number_if_known(out, "latency_avg_ms", snapshot.latency_avg_ms);
  number_if_known(out, "throughput_bps", snapshot.throughput_bytes_per_s);
  out.text("sampled_at", time_text(snapshot.sampled_at_s));
  if (!snapshot.type.empty()) out.text("type", snapshot.type);
  return out.finish();
}

Result<LiveSnapshot> decode_live_snapshot(ByteView json, int64_t now_s) {
  constexpr std::string_view kWhat = "a transport's sample";
  Result<boost::json::object> object =
      parse_json_object(text(json), {kWhat, kMaxSnapshotBytes, kTelemetryJsonDepth});
  if (!object) return std::unexpected(object.error());
  JsonMembers members(*object, kWhat);
  LiveSnapshot out;
  out.sent_bytes = members.unsigned_number("sent_bytes");
  out.received_bytes = members.unsigned_number("recv_bytes");
  out.latency_min_ms = members.number("latency_min_ms");
  out.latency_max_ms = members.number("latency_max_ms");
  out.latency_avg_ms = members.number("latency_avg_ms");
  out.throughput_bytes_per_s = members.number("throughput_bps");
  std::string_view type = members.text("type");
  if (type.size() > kMaxTypeBytes) members.wrong("type", "at most 16 characters");
  std::optional<int64_t> sampled_at = parse_time(members.text("sampled_at"));
  if (!sampled_at || *sampled_at > now_s + kMaxClockAheadSeconds) {
    members.wrong("sampled_at", "a time as 2026-07-02T14:03:00Z, not of the future");
  }
  if (Result<void> sound = members.finish(); !sound) return std::unexpected(sound.error());
  out.sampled_at_s = *sampled_at;
  out.type = type;
  return out;
}

std::string encode_daily_rollup(const DailyRollup& rollup) {
  JsonObjectText out;
  out.text("date", date_text(rollup.date));
  out.integer("sent_bytes", rollup.sent_bytes);
  out.integer("recv_bytes", rollup.received_bytes);
  number_if_known(out, "latency_min_ms", rollup.latency_min_ms);
  number_if_known(out, "latency_max_ms", rollup.latency_max_ms);
  number_if_known(out, "latency_avg_ms", rollup.latency_avg_ms);
  out.integer("samples", rollup.samples);
  return out.finish();
}

Result<DailyRollup> decode_daily_rollup(ByteView json) {
  constexpr std::string_view kWhat = "a transport's day";
  Result<boost::json::object> object =
      parse_json_object(text(json), {kWhat, kMaxSnapshotBytes, kTelemetryJsonDepth});
  if (!object) return std::unexpected(object.error());
  JsonMembers members(*object, kWhat);
  DailyRollup out;
  std::optional<UnixDay> date = parse_date(members.text("date"));
  if (!date) members.wrong("date", "a day as 2026-07-02");
  out.sent_bytes = members.unsigned_number("sent_bytes");
  out.received_bytes = members.unsigned_number("recv_bytes");
  out.latency_min_ms = members.number("latency_min_ms");
  out.latency_max_ms = members.number("latency_max_ms");
  out.latency_avg_ms = members.number("latency_avg_ms");
  uint64_t samples = members.unsigned_number("samples");
  if (samples > UINT32_MAX) members.wrong("samples", "a number below 2^32");
  if (Result<void> sound = members.finish(); !sound) return std::unexpected(sound.error());
  out.date = *date;
  out.samples = static_cast<uint32_t>(samples);
  return out;
}

std::string encode_tombstone(int64_t deleted_at_s) {
  JsonObjectText out;
  out.text("deleted_at", time_text(deleted_at_s));
  return out.finish();
}

Result<int64_t> decode_tombstone(ByteView json) {
  constexpr std::string_view kWhat = "a closed transport's tombstone";
  Result<boost::json::object> object =
      parse_json_object(text(json), {kWhat, kMaxSnapshotBytes, kTelemetryJsonDepth});
  if (!object) return std::unexpected(object.error());
  JsonMembers members(*object, kWhat);
  std::optional<int64_t> deleted_at = parse_time(members.text("deleted_at"));
  if (!deleted_at) members.wrong("deleted_at", "a time as 2026-07-02T14:10:00Z");
  if (Result<void> sound = members.finish(); !sound) return std::unexpected(sound.error());
  return *deleted_at;
}

}  // namespace visor::codec
