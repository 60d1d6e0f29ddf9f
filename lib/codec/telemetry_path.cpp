#include "lib/codec/telemetry_path.hpp"

#include "lib/codec/telemetry_shard.hpp"

namespace visor::codec {
namespace {

constexpr std::string_view kTransports = "transports/";
constexpr size_t kUuidSize = 36;

// What follows `prefix` in `text`, if it begins so.
std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  return text.substr(prefix.size());
}

LeafPath shard_leaf(std::string_view name) {
  uint8_t number = 0;
  if (name == "meta") return {.kind = LeafKind::kMeta};
  if (name == "ended") return {.kind = LeafKind::kEnded};
  bool lower_hex = from_hex(name, {&number, 1}) && telemetry_shard_name(number) == name;
  if (!lower_hex || number >= kTelemetryShards) return {};
  return {.kind = LeafKind::kShard, .shard = number};
}

// "current", or "2026-07-02/timeline".
LeafPath transport_leaf(const TransportId& id, std::string_view name) {
  LeafPath path{.id = id};
  if (name == "current") path.kind = LeafKind::kCurrent;
  if (name == "entry") path.kind = LeafKind::kEntry;
  if (name == "tombstone") path.kind = LeafKind::kTombstone;
  size_t slash = name.find('/');
  if (slash == std::string_view::npos) return path;
  std::optional<UnixDay> date = parse_date(name.substr(0, slash));
  if (!date) return {};
  path.date = *date;
  if (name.substr(slash + 1) == "timeline") path.kind = LeafKind::kTimeline;
  if (name.substr(slash + 1) == "rollup") path.kind = LeafKind::kRollup;
  return path;
}

}  // namespace

LeafPath parse_leaf_path(std::string_view path) {
  if (path == kListPath) return {.kind = LeafKind::kList};
  if (path == kOldListPath) return {.kind = LeafKind::kOldList};
  if (auto name = after(path, kShardPrefix)) return shard_leaf(*name);
  auto rest = after(path, kTransports);
  if (!rest || rest->size() <= kUuidSize || (*rest)[kUuidSize] != '/') return {};
  Result<TransportId> id = transport_id_from_uuid(rest->substr(0, kUuidSize));
  if (!id) return {};
  return transport_leaf(*id, rest->substr(kUuidSize + 1));
}

std::string shard_path(uint8_t shard) {
  return std::string(kShardPrefix) + telemetry_shard_name(shard);
}

}  // namespace visor::codec
