#include "ingest.hpp"

#include <algorithm>

#include "lib/codec/telemetry_shard.hpp"
#include "lib/codec/telemetry_snapshot.hpp"

namespace visor::transport_discovery {

using codec::LeafKind;
using codec::LeafPath;

// A Root's differences by what they are about; the views are lent by the caller.
struct ReporterFeed::Changes {
  struct Leaf {
    LeafPath path;
    bool removed = false;
    ByteView value;
  };
  std::optional<Leaf> list, old_list, meta, ended;
  std::vector<Leaf> shards, currents, timelines, entries, tombstones;
};

ReporterFeed::Changes ReporterFeed::sort(std::span<const visor_op> ops) {
  Changes out;
  for (const visor_op& op : ops) {
    Changes::Leaf leaf{codec::parse_leaf_path(text(op.key)), op.kind == VISOR_DELETE, bytes(op.value)};
    switch (leaf.path.kind) {
      case LeafKind::kList:
        out.list = leaf;
        break;
      case LeafKind::kOldList:
        out.old_list = leaf;
        break;
      case LeafKind::kMeta:
        out.meta = leaf;
        break;
      case LeafKind::kEnded:
        out.ended = leaf;
        break;
      case LeafKind::kShard:
        out.shards.push_back(leaf);
        break;
      case LeafKind::kCurrent:
        out.currents.push_back(leaf);
        break;
      case LeafKind::kTimeline:
        out.timelines.push_back(leaf);
        break;
      case LeafKind::kEntry:
        out.entries.push_back(leaf);
        break;
      case LeafKind::kTombstone:
        out.tombstones.push_back(leaf);
        break;
      case LeafKind::kRollup:
      case LeafKind::kOther:
        break;
    }
  }
  return out;
}

void ReporterFeed::note(std::string_view leaf, const Error& error) {
  ++counters_.bad_leaves;
  problem_ = std::string(leaf) + ": " + error.text;
}

// --- lists -------------------------------------------------------------------------------------

void ReporterFeed::apply_list_leaf(ByteView leaf, Moment now) {
  crypto::Hash hash = crypto::sha256(leaf);
  if (list_sound_ && hash == list_hash_ && aggregator_.refresh(reporter_, now)) return;
  Result<codec::TransportList> list = codec::decode_transport_list(leaf, reporter_);
  list_sound_ = list.has_value();
  list_hash_ = hash;
  if (!list) return note(codec::kListPath, list.error());
  counters_.refused_rows += list->refused_rows;
  std::vector<TransportId> added = aggregator_.apply_list(reporter_, list->rows, list->version, now);
  added_.insert(added_.end(), added.begin(), added.end());
}

void ReporterFeed::apply_entries(Moment now) {
  std::vector<codec::ListedTransport> rows;
  rows.reserve(entries_.size());
  for (const auto& [id, listed] : entries_) rows.push_back(listed);
  std::vector<TransportId> added = aggregator_.apply_list(reporter_, rows, {}, now);
  added_.insert(added_.end(), added.begin(), added.end());
}

// A leaf under the identifier of another transport is refused; that under the legacy one is the same
// transport.
void ReporterFeed::change_entries(const Changes& changes) {
  for (const Changes::Leaf& leaf : changes.tombstones) {
    if (!leaf.removed) entries_.erase(leaf.path.id);
  }
  for (const Changes::Leaf& leaf : changes.entries) {
    entries_.erase(leaf.path.id);
    if (leaf.removed || entries_.size() >= codec::kMaxListedTransports) continue;
    Result<codec::ListedTransport> entry = codec::decode_entry_leaf(leaf.value, reporter_);
    if (!entry) {
      note("entry", entry.error());
    } else if (leaf.path.id != entry->entry.id && leaf.path.id != entry->alias) {
      note("entry", {VISOR_EPROTO, "its path has another identifier than its content"});
    } else {
      entries_.emplace(leaf.path.id, std::move(*entry));
    }
  }
}

void ReporterFeed::take_list(const Changes& changes, const ReadLeaf& read, Moment now) {
  if (changes.list) has_list_ = !changes.list->removed;
  if (changes.old_list) has_old_list_ = !changes.old_list->removed;
  bool entries_changed = !changes.entries.empty() || !changes.tombstones.empty();
  if (entries_changed) change_entries(changes);
  if (has_list_ || has_old_list_) {
    const std::optional<Changes::Leaf>& changed = has_list_ ? changes.list : changes.old_list;
    if (changed && !changed->removed) return apply_list_leaf(changed->value, now);
    // An unsound list says nothing, and does not say it again with each Root.
    if (!list_sound_ || aggregator_.refresh(reporter_, now)) return;
    if (auto leaf = read(has_list_ ? codec::kListPath : codec::kOldListPath)) apply_list_leaf(*leaf, now);
    return;
  }
  list_sound_ = false;
  if (entries_changed || (!entries_.empty() && !aggregator_.refresh(reporter_, now))) apply_entries(now);
}

void ReporterFeed::early(std::span<const visor_op> ops, Moment now) {
  Changes changes = sort(ops);
  const std::optional<Changes::Leaf>& list = changes.list ? changes.list : changes.old_list;
  if (!list || list->removed || (has_list_ && !changes.list)) return;
  ++counters_.early_lists;
  apply_list_leaf(list->value, now);
}

// --- measurements ------------------------------------------------------------------------------

void ReporterFeed::take_meta(const Changes& changes) {
  if (!changes.meta) return;
  has_meta_ = !changes.meta->removed;
  epochs_.clear();
  if (!has_meta_) return;
  Result<std::vector<codec::TelemetryEpoch>> epochs = codec::decode_telemetry_meta(changes.meta->value);
  if (!epochs) return note(codec::kMetaPath, epochs.error());
  epochs_ = std::move(*epochs);
}

void ReporterFeed::take_ended(const Changes& changes, Moment now) {
  if (!changes.ended || changes.ended->removed) return;
  Result<codec::TransportList> ended = codec::decode_transport_list(changes.ended->value, reporter_);
  if (!ended) return note(codec::kEndedPath, ended.error());
  counters_.refused_rows += ended->refused_rows;
  std::vector<TransportId> added = aggregator_.remember_ended(reporter_, ended->rows, now);
  added_.insert(added_.end(), added.begin(), added.end());
}

std::optional<uint64_t> ReporterFeed::epoch_of(const TransportId& id) const {
  auto at = std::ranges::lower_bound(epochs_, id, {}, &codec::TelemetryEpoch::id);
  if (at == epochs_.end() || at->id != id) return std::nullopt;
  return at->epoch;
}

void ReporterFeed::apply_shard(ByteView leaf, Moment now) {
  Result<codec::TelemetryShard> shard = codec::decode_telemetry_shard(leaf, now.unix_s);
  if (!shard) return note("shard", shard.error());
  counters_.refused_rows += shard->refused_rows;
  for (const codec::TelemetryRow& row : shard->rows) {
    aggregator_.apply(reporter_,
                      {.id = row.id,
                       .traffic = {row.sent_bytes, row.received_bytes},
                       .epoch = epoch_of(row.id),
                       .throughput_bytes_per_s = row.throughput_bytes_per_s,
                       .latency_min_ms = row.latency_min_ms,
                       .latency_max_ms = row.latency_max_ms,
                       .latency_avg_ms = row.latency_avg_ms,
                       .sampled_at_s = row.type_code == 0 ? 0 : row.sampled_at_s},
                      now);
  }
}

void ReporterFeed::apply_current(const TransportId& id, ByteView leaf, Moment now) {
  Result<codec::LiveSnapshot> snapshot = codec::decode_live_snapshot(leaf, now.unix_s);
  if (!snapshot) return note("current", snapshot.error());
  // Without a type the reporter is old, and its samples are no heartbeats.
  aggregator_.apply(reporter_,
                    {.id = id,
                     .traffic = {snapshot->sent_bytes, snapshot->received_bytes},
                     .epoch = std::nullopt,
                     .throughput_bytes_per_s = snapshot->throughput_bytes_per_s,
                     .latency_min_ms = snapshot->latency_min_ms,
                     .latency_max_ms = snapshot->latency_max_ms,
                     .latency_avg_ms = snapshot->latency_avg_ms,
                     .sampled_at_s = snapshot->type.empty() ? 0 : snapshot->sampled_at_s},
                    now);
}

void ReporterFeed::apply_timeline(const LeafPath& path, ByteView leaf, Moment now) {
  Result<codec::UptimeBitmap> slots = codec::UptimeBitmap::decode(leaf);
  if (!slots) return note("timeline", slots.error());
  aggregator_.apply_timeline(reporter_, path.id, path.date, *slots, now);
}

// Without an epoch an old value could be taken for a counter that has begun anew.
void ReporterFeed::stored(std::span<const visor_op> ops, Moment now) {
  Changes changes = sort(ops);
  take_ended(changes, now);
  take_meta(changes);
  for (const Changes::Leaf& leaf : changes.shards) {
    Result<codec::TelemetryShard> shard = codec::decode_telemetry_shard(leaf.value, now.unix_s);
    if (!shard) continue;
    for (const codec::TelemetryRow& row : shard->rows) {
      if (std::optional<uint64_t> epoch = epoch_of(row.id))
        aggregator_.count(reporter_, row.id, {row.sent_bytes, row.received_bytes}, *epoch, now);
    }
  }
}

void ReporterFeed::root(std::span<const visor_op> ops, const ReadLeaf& read, Moment now) {
  ++counters_.roots;
  ++roots_;
  Changes changes = sort(ops);
  take_list(changes, read, now);
  take_ended(changes, now);
  take_meta(changes);

  uint16_t changed = 0;
  for (const Changes::Leaf& leaf : changes.shards) {
    auto bit = static_cast<uint16_t>(1u << leaf.path.shard);
    shards_ = static_cast<uint16_t>(leaf.removed ? shards_ & ~bit : shards_ | bit);
    if (leaf.removed) continue;
    changed = static_cast<uint16_t>(changed | bit);
    apply_shard(leaf.value, now);
  }
  // What was refused while its transport was not listed is looked at again, now that it is.
  std::vector<TransportId> added = std::exchange(added_, {});
  uint16_t again = 0;
  for (const TransportId& id : added)
    again = static_cast<uint16_t>(again | 1u << codec::telemetry_shard_of(id));
  again = static_cast<uint16_t>(again & shards_ & ~changed);
  for (uint8_t shard = 0; shard < codec::kTelemetryShards; ++shard) {
    if (!(again >> shard & 1)) continue;
    if (auto leaf = read(codec::shard_path(shard))) apply_shard(*leaf, now);
  }
  for (const Changes::Leaf& leaf : changes.timelines) {
    if (!leaf.removed) apply_timeline(leaf.path, leaf.value, now);
  }
  if (has_shards()) return;  // a shard publisher's older leaves are leftovers
  std::set<TransportId> applied;
  for (const Changes::Leaf& leaf : changes.currents) {
    if (leaf.removed) continue;
    apply_current(leaf.path.id, leaf.value, now);
    applied.insert(leaf.path.id);
  }
  for (const TransportId& id : added) {
    if (applied.contains(id)) continue;
    if (auto leaf = read("transports/" + codec::to_uuid(id) + "/current")) apply_current(id, *leaf, now);
  }
}

}  // namespace visor::transport_discovery
