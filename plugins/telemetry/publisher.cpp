#include "publisher.hpp"

#include <algorithm>

#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_path.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/codec/telemetry_snapshot.hpp"
#include "lib/codec/transport_type.hpp"

namespace visor::telemetry {
namespace {

using codec::LeafKind;

// What has to change for a leaf to be written again: all but the time of the sample.
crypto::Hash signature_of(std::string_view path, ByteView value) {
  if (codec::parse_leaf_path(path).kind == LeafKind::kCurrent) {
    std::string_view json = text(value);
    size_t at = json.find("\"sampled_at\"");
    size_t end = at == json.npos ? at : json.find('"', json.find(':', at) + 2);
    if (end != json.npos) return crypto::sha256({bytes(json.substr(0, at)), bytes(json.substr(end))});
  }
  if (codec::parse_leaf_path(path).kind != LeafKind::kShard) return crypto::sha256(value);
  return crypto::sha256(codec::without_sample_times(Bytes(value.begin(), value.end())));
}

codec::TelemetryRow row_of(const Tracked& tracked) {
  codec::TelemetryRow row;
  row.id = tracked.id;
  row.sent_bytes = tracked.sent_bytes;
  row.received_bytes = tracked.received_bytes;
  row.throughput_bytes_per_s = static_cast<float>(tracked.throughput_bytes_per_s);
  row.latency_min_ms = static_cast<float>(tracked.latency_min_ms);
  row.latency_max_ms = static_cast<float>(tracked.latency_max_ms);
  row.latency_avg_ms = static_cast<float>(tracked.latency_avg_ms);
  row.sampled_at_s = static_cast<uint32_t>(tracked.sampled_at_s);
  row.type_code = static_cast<uint8_t>(codec::transport_type(tracked.type));
  return row;
}

std::vector<codec::ListRow> rows_to_list(const Tracker& tracker, bool serving) {
  std::vector<codec::ListRow> rows;
  for (const auto& [id, tracked] : tracker.transports()) {
    if (tracked.serving == serving) rows.push_back({tracked.remote, tracked.type, tracked.label});
  }
  std::ranges::sort(rows, [](const codec::ListRow& a, const codec::ListRow& b) {
    return std::tie(a.remote, a.type) < std::tie(b.remote, b.type);
  });
  if (rows.size() > codec::kMaxListedTransports) rows.resize(codec::kMaxListedTransports);
  return rows;
}

}  // namespace

void Publisher::inherit(std::string_view path, ByteView value) {
  LeafKind kind = codec::parse_leaf_path(path).kind;
  switch (kind) {
    case LeafKind::kList:
    case LeafKind::kShard:
    case LeafKind::kMeta:
    case LeafKind::kEnded:
      signatures_.emplace(path, signature_of(path, value));
      return;
    case LeafKind::kOldList:
    case LeafKind::kCurrent:
    case LeafKind::kEntry:
    case LeafKind::kTombstone:
      if (is_older(path)) {
        signatures_.emplace(path, signature_of(path, value));
      } else {
        leftovers_.emplace(path);
      }
      return;
    case LeafKind::kTimeline:  // history stays
    case LeafKind::kRollup:
    case LeafKind::kOther:
      return;
  }
}

// Those that are kept up when they are asked for.
bool Publisher::is_older(std::string_view path) const {
  return older_leaves_ && codec::parse_leaf_path(path).kind != LeafKind::kOldList;
}

// A closed transport's last numbers say nothing to readers of these: they know it by its tombstone.
void Publisher::add_older_leaves(const Tracked& tracked, const visor_key& own, Leaves& leaves) const {
  std::string base = "transports/" + codec::to_uuid(tracked.id) + "/";
  auto add = [&](const char* name, const std::string& json) {
    leaves.emplace(base + name, Bytes(json.begin(), json.end()));
  };
  if (!tracked.serving) return add("tombstone", codec::encode_tombstone(tracked.closed_at_s));
  add("entry", codec::encode_entry_leaf(
                   version_, codec::make_transport_entry(own, tracked.remote, tracked.type, tracked.label)));
  add("current", codec::encode_live_snapshot({.sent_bytes = tracked.sent_bytes,
                                              .received_bytes = tracked.received_bytes,
                                              .latency_min_ms = tracked.latency_min_ms,
                                              .latency_max_ms = tracked.latency_max_ms,
                                              .latency_avg_ms = tracked.latency_avg_ms,
                                              .throughput_bytes_per_s = tracked.throughput_bytes_per_s,
                                              .sampled_at_s = tracked.sampled_at_s,
                                              .type = tracked.type}));
}

Publisher::Leaves Publisher::wanted(const Tracker& tracker) {
  Leaves leaves;
  auto add_list = [&](std::string_view path, const std::vector<codec::ListRow>& rows) {
    std::string list = codec::encode_transport_list(version_, rows);
    leaves.emplace(path, Bytes(list.begin(), list.end()));
  };
  std::vector<codec::ListRow> rows = rows_to_list(tracker, true);
  rows_ = rows.size();
  add_list(codec::kListPath, rows);
  if (auto ended = rows_to_list(tracker, false); !ended.empty()) add_list(codec::kEndedPath, ended);

  // Ascending by identifier, and so by shard.
  std::vector<codec::TelemetryRow> shards[codec::kTelemetryShards];
  std::vector<codec::TelemetryEpoch> epochs;
  for (const auto& [id, tracked] : tracker.transports()) {
    shards[codec::telemetry_shard_of(id)].push_back(row_of(tracked));
    epochs.push_back({id, tracked.epoch});
    if (older_leaves_) add_older_leaves(tracked, tracker.own(), leaves);
  }
  for (uint8_t shard = 0; shard < codec::kTelemetryShards; ++shard) {
    constexpr size_t kMostRows =
        (codec::kMaxTelemetryShardBytes - codec::kTelemetryShardHead) / codec::kTelemetryRowBytes;
    if (shards[shard].empty()) continue;
    if (shards[shard].size() > kMostRows) shards[shard].resize(kMostRows);
    leaves.emplace(codec::shard_path(shard), codec::encode_telemetry_shard(shard, shards[shard]));
  }
  if (!epochs.empty()) leaves.emplace(codec::kMetaPath, codec::encode_telemetry_meta(epochs));
  return leaves;
}

std::vector<LeafChange> Publisher::changes(const Tracker& tracker) {
  Leaves leaves = wanted(tracker);
  size_t list_bytes = leaves.find(codec::kListPath)->second.size();
  std::vector<LeafChange> out;
  out.reserve(leftovers_.size() + leaves.size());
  for (const std::string& path : leftovers_) out.push_back({path, std::nullopt});
  for (const auto& [path, signature] : signatures_) {
    if (!leaves.contains(path)) out.push_back({path, std::nullopt});
  }
  for (auto& [path, value] : leaves) {
    auto known = signatures_.find(path);
    if (known == signatures_.end() || known->second != signature_of(path, value)) {
      out.push_back({path, std::move(value)});
    }
  }
  bool same_list = std::ranges::find(out, codec::kListPath, &LeafChange::path) == out.end();
  if (same_list) {
    list_rows_ = rows_;
    list_bytes_ = list_bytes;
  }
  return out;
}

void Publisher::written(const std::vector<LeafChange>& changes) {
  for (const LeafChange& change : changes) {
    leftovers_.erase(change.path);
    if (!change.value) {
      signatures_.erase(change.path);
      continue;
    }
    signatures_[change.path] = signature_of(change.path, *change.value);
    if (change.path == codec::kListPath) {
      list_bytes_ = change.value->size();
      list_rows_ = rows_;
    }
  }
}

}  // namespace visor::telemetry
