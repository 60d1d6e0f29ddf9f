// What a visor may say of its transports on its feed, as a TPD reads it, and what may be asked of a TPD: byte
// 0 says what the rest is meant to be.  What is kept is bounded, is of the reporter, and survives being
// written.
#include <cmath>

#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_path.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/codec/telemetry_snapshot.hpp"
#include "plugins/transport-discovery/query.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using namespace visor::codec;

constexpr int64_t kNowS = 1'790'000'000;

const visor_key& reporter() {
  static const visor_key key =
      *key_from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  return key;
}

void check(const ListedTransport& listed) {
  test::must(edge_of(listed.entry, reporter()) < 2, "the reporter is an edge of what it reports");
  test::must(listed.entry.edges[0] < listed.entry.edges[1], "edges ascend");
  test::must(transport_id(listed.entry.edges[0], listed.entry.edges[1], listed.entry.type) == listed.entry.id,
             "an identifier is that of its edges and type");
}

void list(ByteView leaf) {
  auto read = decode_transport_list(leaf, reporter());
  if (!read) return;
  test::must(read->rows.size() <= kMaxListedTransports, "a list is bounded");
  std::vector<ListRow> rows;
  for (const ListedTransport& row : read->rows) {
    check(row);
    rows.push_back({other_edge(row.entry, reporter()), row.entry.type, row.entry.label});
  }
  auto again =
      decode_transport_list(bytes(std::string_view(encode_transport_list(read->version, rows))), reporter());
  test::must(again && again->rows.size() == rows.size() && again->refused_rows == 0,
             "a list survives being written");
}

void entry(ByteView leaf) {
  auto read = decode_entry_leaf(leaf, reporter());
  if (!read) return;
  check(*read);
  auto again = decode_entry_leaf(bytes(std::string_view(encode_entry_leaf("v1", read->entry))), reporter());
  test::must(again && again->entry.id == read->entry.id, "an entry survives being written");
}

void signed_entry(std::string_view json) {
  auto read = signed_entry_from_json(json);
  if (!read) return;
  auto again = signed_entry_from_json(to_json(*read));
  test::must(again && to_json(*again) == to_json(*read), "a signed entry survives being written");
}

bool sound(double value) {
  return std::isfinite(value) && value >= 0;
}

void shard(ByteView leaf) {
  auto read = decode_telemetry_shard(leaf, kNowS);
  if (!read) return;
  for (const TelemetryRow& row : read->rows) {
    test::must(telemetry_shard_of(row.id) == read->shard, "a row is of its shard");
    test::must(sound(row.throughput_bytes_per_s) && sound(row.latency_min_ms) && sound(row.latency_max_ms) &&
                   sound(row.latency_avg_ms),
               "what was measured is a number");
    test::must(row.sampled_at_s <= kNowS + kMaxClockAheadSeconds, "nothing is from the future");
  }
  auto again = decode_telemetry_shard(encode_telemetry_shard(read->shard, read->rows), kNowS);
  test::must(again && again->rows == read->rows, "a shard survives being written");
}

void meta(ByteView leaf) {
  auto read = decode_telemetry_meta(leaf);
  if (!read) return;
  Bytes written = encode_telemetry_meta(*read);
  test::must(written.size() == leaf.size() && std::equal(written.begin(), written.end(), leaf.begin()),
             "epochs are written as they were read");
}

void snapshots(ByteView json) {
  if (auto live = decode_live_snapshot(json, kNowS)) {
    test::must(sound(live->latency_avg_ms) && sound(live->throughput_bytes_per_s), "a sample has numbers");
    test::must(decode_live_snapshot(bytes(std::string_view(encode_live_snapshot(*live))), kNowS).has_value(),
               "a sample survives being written");
  }
  if (auto rollup = decode_daily_rollup(json)) {
    test::must(sound(rollup->latency_avg_ms), "a rollup has numbers");
    test::must(decode_daily_rollup(bytes(std::string_view(encode_daily_rollup(*rollup)))).has_value(),
               "a rollup survives being written");
  }
  if (auto deleted = decode_tombstone(json)) {
    test::must(decode_tombstone(bytes(std::string_view(encode_tombstone(*deleted)))) == *deleted,
               "a tombstone survives being written");
  }
}

void question(std::string_view text) {
  if (auto query = transport_discovery::parse_metrics_query(text)) {
    test::must(query->limit <= transport_discovery::kMaxLimit, "a page is bounded");
  }
  if (auto ids = transport_discovery::parse_ids(text)) {
    test::must(!ids->empty() && ids->size() <= transport_discovery::kMaxNamed,
               "named identifiers are bounded");
  }
  (void)transport_discovery::parse_keys(text);
  LeafPath path = parse_leaf_path(text);
  if (path.kind == LeafKind::kShard)
    test::must(shard_path(path.shard) == text, "a path is read as it is written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      list(input);
      break;
    case 1:
      entry(input);
      break;
    case 2:
      signed_entry(visor::text(input));
      break;
    case 3:
      shard(input);
      break;
    case 4:
      meta(input);
      break;
    case 5:
      snapshots(input);
      break;
    default:
      question(visor::text(input));
  }
  return 0;
}
