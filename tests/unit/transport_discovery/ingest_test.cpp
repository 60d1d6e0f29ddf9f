// Specification telemetry.md, 3.3, 3.4 and 10, items 5, 6 and 8: three generations of leaves, and liars.
#include "plugins/transport-discovery/ingest.hpp"

#include "fixture.hpp"
#include "lib/codec/gzip.hpp"
#include "lib/codec/telemetry_snapshot.hpp"
#include "plugins/transport-discovery/rows.hpp"

using namespace visor;
using namespace visor::test;

namespace {

using codec::TelemetryRow;

// A visor's feed as the TPD sees it: leaves, and what differs between Roots.
class Feed {
 public:
  Feed(Tpd& tpd, const visor_key& reporter) : tpd_(tpd), ingest_(tpd.aggregator, counters, reporter) {}

  Feed& put(const std::string& path, ByteView value) {
    Bytes leaf(value.begin(), value.end());
    if (leaves_[path] != leaf) changed_[path] = leaf;
    leaves_[path] = std::move(leaf);
    return *this;
  }
  Feed& put(const std::string& path, std::string_view value) { return put(path, bytes(value)); }
  Feed& remove(const std::string& path) {
    leaves_.erase(path);
    changed_[path] = std::nullopt;
    return *this;
  }
  void early() {
    auto list = ops();
    std::erase_if(list, [](const visor_op& op) { return op.kind == VISOR_DELETE; });
    ingest_.early(list, tpd_.now);
  }
  void root() {
    ingest_.root(
        ops(),
        [this](std::string_view path) -> std::optional<ByteView> {
          auto at = leaves_.find(std::string(path));
          if (at == leaves_.end()) return std::nullopt;
          return at->second;
        },
        tpd_.now);
    changed_.clear();
  }
  /* What the feed kept from before is all that there is. */
  void stored() {
    ingest_.stored(ops(), tpd_.now);
    changed_.clear();
  }
  const std::string& problem() const { return ingest_.problem(); }
  IngestCounters counters;

 private:
  std::vector<visor_op> ops() const {
    std::vector<visor_op> out;
    for (const auto& [path, value] : changed_) {
      out.push_back({value ? VISOR_PUT : VISOR_DELETE, 0, to_span(std::string_view(path)),
                     value ? to_span(ByteView(*value)) : visor_span{}});
    }
    return out;
  }

  Tpd& tpd_;
  ReporterFeed ingest_;
  std::map<std::string, Bytes> leaves_;
  std::map<std::string, std::optional<Bytes>> changed_;
};

std::string list_of(std::vector<codec::ListRow> rows) {
  return codec::encode_transport_list("v1", rows);
}

TelemetryRow row_of(const TransportId& id, uint64_t sent, uint64_t received, int64_t now_s) {
  TelemetryRow row;
  row.id = id;
  row.sent_bytes = sent;
  row.received_bytes = received;
  row.throughput_bytes_per_s = 1000;
  row.latency_min_ms = 10;
  row.latency_max_ms = 20;
  row.latency_avg_ms = 12.5;
  row.sampled_at_s = static_cast<uint32_t>(now_s);
  row.type_code = 8;
  return row;
}

void put_row(Feed& feed, const TelemetryRow& row) {
  uint8_t shard = codec::telemetry_shard_of(row.id);
  feed.put(codec::shard_path(shard), codec::encode_telemetry_shard(shard, {&row, 1}));
}

void put_epoch(Feed& feed, const TransportId& id, uint64_t epoch) {
  codec::TelemetryEpoch row{id, epoch};
  feed.put(std::string(codec::kMetaPath), codec::encode_telemetry_meta({&row, 1}));
}

std::string row_text(const Tpd& tpd, const TransportId& id) {
  std::string out;
  const Transport* transport = tpd.find(id);
  if (!transport) return "nothing";
  append_json_row(out, tpd.aggregator, *transport, {.edges = true}, codec::day_of(tpd.now.unix_s));
  return out;
}

}  // namespace

TEST_CASE("tpd ingest: a Root's list comes before its measurements", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
  put_epoch(feed, id, 5);
  feed.root();
  CHECK(tpd.live(id));
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
  CHECK(tpd.find(id)->latency.avg_us == 12500);
  CHECK(tpd.find(id)->throughput_bytes_per_s == 1000);
  // A reset that only the epoch tells.
  put_row(feed, row_of(id, 400, 400, tpd.now.unix_s));
  put_epoch(feed, id, 6);
  feed.root();
  CHECK(tpd.day(id, 0) == Traffic{500, 450});
  CHECK(feed.counters.bad_leaves == 0);
}

TEST_CASE("tpd ingest: a list is applied before the rest of its Root has come", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
  feed.early();
  CHECK(tpd.live(id));
  CHECK(tpd.day(id, 0) == Traffic{});
  feed.root();
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
  CHECK(tpd.aggregator.counters().lists == 1);
  CHECK(tpd.aggregator.counters().refreshes == 1);
}

TEST_CASE("tpd ingest: a transport that was over before anybody listed it counts, and was never live",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(4);
  TransportId id = id_of(keys[0], keys[1]), strange = id_of(keys[2], keys[3]);
  Feed feed(tpd, keys[0]), liar(tpd, keys[2]);
  feed.put("tp-list", list_of({}));
  put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
  put_epoch(feed, id, 5);
  feed.root();
  CHECK(tpd.find(id) == nullptr);
  // Rows that are there already are looked at when it is said whose they are.
  feed.put("transports/telemetry/ended", list_of({{keys[1], "swsr", "automatic"}})).root();
  CHECK_FALSE(tpd.live(id));
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
  CHECK_FALSE(tpd.find(id)->latency.known());
  // Of a live one it says nothing.
  TransportId living = id_of(keys[0], keys[2]);
  feed.put("tp-list", list_of({{keys[2], "swsr", "automatic"}})).root();
  liar.put("transports/telemetry/ended",
           list_of({{keys[0], "swsr", "automatic"}, {keys[3], "swsr", "user"}}));
  put_row(liar, row_of(id, 1000, 1000, tpd.now.unix_s));
  liar.root();
  CHECK(tpd.live(living));
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
  CHECK(tpd.find(strange) != nullptr);
  CHECK_FALSE(tpd.live(strange));
  // Nothing was carried: it is not kept for long.
  tpd.pass(20 * kMinute);
  tpd.pass(20 * kMinute);
  CHECK(tpd.find(strange) == nullptr);
  CHECK(tpd.find(id) != nullptr);
}

TEST_CASE("tpd ingest: of a Root that was kept from before only the counters count", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 100, 50, 5);
  tpd.list(keys[0], {});
  // The TPD ended between taking this Root over and looking at it.
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}, {keys[2], "swsr", "automatic"}}));
  put_row(feed, row_of(id, 130, 60, tpd.now.unix_s));
  put_epoch(feed, id, 5);
  feed.stored();
  CHECK(tpd.day(id, 0) == Traffic{130, 60});
  CHECK_FALSE(tpd.live(id));
  CHECK_FALSE(tpd.find(id)->latency.known());
  CHECK(tpd.find(id_of(keys[0], keys[2])) == nullptr);
  // Without an epoch it may be a value that was counted long ago.
  feed.remove(std::string(codec::kMetaPath));
  put_row(feed, row_of(id, 20, 20, tpd.now.unix_s));
  feed.stored();
  CHECK(tpd.day(id, 0) == Traffic{130, 60});
}

TEST_CASE("tpd ingest: close is absent within one list, and an empty list is one", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}})).root();
  CHECK(tpd.live(id));
  feed.put("tp-list", list_of({})).early();
  CHECK_FALSE(tpd.live(id));
}

TEST_CASE("tpd ingest: Roots without a change keep a list alive, other leaves do not make one",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("services/visor/2026-07-02", "x").root();
  CHECK(tpd.aggregator.fresh_reporters() == 0);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}})).root();
  for (int i = 0; i < 10; ++i) {
    tpd.pass(4 * kMinute);
    feed.root();
    CHECK(tpd.live(id));
  }
  // After a silence that let go of the transport, the next Root brings back all of the list.
  tpd.pass(60 * kMinute);
  CHECK_FALSE(tpd.live(id));
  feed.root();
  CHECK(tpd.live(id));
}

TEST_CASE("tpd ingest: a list that cannot be read says nothing: neither gone nor still there",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}})).root();
  feed.put("tp-list", codec::gzip(Bytes(4 * codec::kMaxListBytes, ' '))).root();
  CHECK(tpd.live(id));
  CHECK(feed.counters.bad_leaves == 1);
  CHECK(feed.problem().find("tp-list") != std::string::npos);
  tpd.pass(4 * kMinute);
  feed.root();
  tpd.pass(1 * kMinute);
  CHECK_FALSE(tpd.live(id));
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}})).root();
  CHECK(tpd.live(id));
}

TEST_CASE("tpd ingest: rows about others, and of another shard, change nothing", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(4);
  TransportId own = id_of(keys[0], keys[1]);
  TransportId others = id_of(keys[1], keys[2]);
  Feed honest(tpd, keys[1]);
  honest.put("tp-list", list_of({{keys[0], "swsr", "automatic"}, {keys[2], "swsr", "automatic"}})).root();
  std::string before = row_text(tpd, others);

  Feed liar(tpd, keys[0]);
  liar.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  TelemetryRow stolen = row_of(others, 1'000'000, 1'000'000, tpd.now.unix_s);
  uint8_t shard = codec::telemetry_shard_of(others);
  liar.put(codec::shard_path(shard), codec::encode_telemetry_shard(shard, {&stolen, 1}));
  liar.root();
  liar.put(codec::shard_path(shard ^ 1), codec::encode_telemetry_shard(shard ^ 1, {&stolen, 1})).root();
  liar.put("transports/list", R"({"entries":[)" + codec::to_json(listed(keys[2], keys[3]).entry) + "]}")
      .root();
  CHECK(row_text(tpd, others) == before);
  CHECK(tpd.find(id_of(keys[2], keys[3])) == nullptr);
  CHECK(tpd.aggregator.counters().refused_samples_not_edge == 1);
  CHECK(liar.counters.refused_rows == 1);
  CHECK(tpd.live(own));
}

TEST_CASE("tpd ingest: a row from the future is left out", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  put_row(feed, row_of(id, 7, 7, tpd.now.unix_s + 3600));
  feed.root();
  CHECK(tpd.day(id, 0) == Traffic{});
  CHECK(feed.counters.refused_rows == 1);
}

TEST_CASE("tpd ingest: rows of a transport that was listed later are looked at again", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  feed.put("tp-list", list_of({}));
  put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
  feed.root();
  CHECK(tpd.aggregator.counters().refused_samples_unknown == 1);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}})).root();
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
}

TEST_CASE("tpd ingest: the second generation: entry, current, tombstone", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  codec::ListedTransport transport = listed(keys[0], keys[1], "webrtc", "user");
  std::string base = "transports/" + codec::to_uuid(transport.entry.id) + "/";
  Feed feed(tpd, keys[1]);
  codec::LiveSnapshot snapshot{.sent_bytes = 100,
                               .received_bytes = 50,
                               .latency_min_ms = 10,
                               .latency_max_ms = 20,
                               .latency_avg_ms = 12.5,
                               .throughput_bytes_per_s = 1000,
                               .sampled_at_s = tpd.now.unix_s,
                               .type = "webrtc"};
  feed.put(base + "current", codec::encode_live_snapshot(snapshot));
  feed.put(base + "entry", codec::encode_entry_leaf("v1.3.90", transport.entry));
  feed.root();
  CHECK(tpd.live(transport.entry.id));
  CHECK(tpd.day(transport.entry.id, 1) == Traffic{100, 50});
  CHECK(tpd.aggregator.label_of(*tpd.find(transport.entry.id)) == "user");
  for (int i = 0; i < 3; ++i) {
    tpd.pass(4 * kMinute);
    feed.root();
  }
  CHECK(tpd.live(transport.entry.id));
  feed.remove(base + "entry").put(base + "tombstone", codec::encode_tombstone(tpd.now.unix_s)).root();
  CHECK_FALSE(tpd.live(transport.entry.id));
  // A tombstone for what nobody knows is no error.
  feed.put("transports/" + codec::to_uuid(id_of(keys[0], keys[2])) + "/tombstone", codec::encode_tombstone(1))
      .root();
  feed.remove(base + "tombstone")
      .put(base + "entry", codec::encode_entry_leaf("v1.3.90", transport.entry))
      .root();
  CHECK(tpd.live(transport.entry.id));
  CHECK(feed.counters.bad_leaves == 0);
}

TEST_CASE("tpd ingest: an entry under another's path, or of strangers, is refused", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  Feed feed(tpd, keys[0]);
  auto own = listed(keys[0], keys[1]).entry, others = listed(keys[1], keys[2]).entry;
  feed.put("transports/" + codec::to_uuid(others.id) + "/entry", codec::encode_entry_leaf("v1", own)).root();
  feed.put("transports/" + codec::to_uuid(others.id) + "/entry", codec::encode_entry_leaf("v1", others))
      .root();
  CHECK(tpd.aggregator.size() == 0);
  CHECK(feed.counters.bad_leaves == 2);
}

TEST_CASE("tpd ingest: a shard publisher's older leaves are leftovers", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Feed feed(tpd, keys[0]);
  codec::LiveSnapshot old{
      .sent_bytes = 5000, .received_bytes = 5000, .sampled_at_s = tpd.now.unix_s, .type = "swsr"};
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  feed.put("transports/" + codec::to_uuid(id) + "/current", codec::encode_live_snapshot(old));
  put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
  feed.root();
  CHECK(tpd.day(id, 0) == Traffic{100, 50});
}

TEST_CASE("tpd ingest: timelines of the first generation", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  std::string today = codec::date_text(codec::day_of(tpd.now.unix_s));
  Feed feed(tpd, keys[0]);
  codec::UptimeBitmap slots;
  slots.set(1);
  slots.set(2);
  feed.put("tp-list", list_of({{keys[1], "swsr", "automatic"}}));
  feed.put("transports/" + codec::to_uuid(id) + "/" + today + "/timeline", slots.bytes());
  feed.put("transports/" + codec::to_uuid(id) + "/" + today + "/rollup", "{}");
  feed.root();
  CHECK(tpd.find(id)->uptime.back().slots.set_slots() == 3);
  feed.put("transports/" + codec::to_uuid(id) + "/" + today + "/timeline", std::string_view("short")).root();
  CHECK(feed.counters.bad_leaves == 1);
}

TEST_CASE("tpd ingest: publishers of all generations give the same row", "[telemetry][tpd]") {
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  std::vector<std::string> rows;
  auto current = [&](Feed& feed, const Tpd& tpd) {
    codec::LiveSnapshot snapshot{.sent_bytes = 100,
                                 .received_bytes = 50,
                                 .latency_min_ms = 10,
                                 .latency_max_ms = 20,
                                 .latency_avg_ms = 12.5,
                                 .throughput_bytes_per_s = 1000,
                                 .sampled_at_s = tpd.now.unix_s,
                                 .type = "swsr"};
    feed.put("transports/" + codec::to_uuid(id) + "/current", codec::encode_live_snapshot(snapshot));
  };
  for (int generation = 1; generation <= 5; ++generation) {
    Tpd tpd;
    Feed feed(tpd, keys[0]);
    std::string full = R"({"entries":[)" + codec::to_json(listed(keys[0], keys[1]).entry) + "]}";
    std::string compact = list_of({{keys[1], "swsr", "automatic"}});
    switch (generation) {
      case 1:  // full list, JSON samples
        feed.put("transports/list", full);
        current(feed, tpd);
        break;
      case 2:  // an entry each, JSON samples
        feed.put("transports/" + codec::to_uuid(id) + "/entry",
                 codec::encode_entry_leaf("v1", listed(keys[0], keys[1]).entry));
        current(feed, tpd);
        break;
      case 3:  // compact list, shards
        feed.put("tp-list", compact);
        put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
        break;
      case 4:  // compact list, JSON samples: what a browser wrote last
        feed.put("tp-list", compact);
        current(feed, tpd);
        break;
      default:  // gzip list, shards, epochs
        feed.put("tp-list", codec::gzip(bytes(compact)));
        put_row(feed, row_of(id, 100, 50, tpd.now.unix_s));
        put_epoch(feed, id, 3);
    }
    feed.root();
    rows.push_back(row_text(tpd, id));
  }
  CHECK(rows[0].find("\"sent\":100") != std::string::npos);
  for (const std::string& row : rows) CHECK(row == rows[0]);
}

TEST_CASE("tpd ingest: whatever a feed holds, others' transports stay as they are", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(4);
  TransportId others = id_of(keys[2], keys[3]);
  Feed honest(tpd, keys[2]);
  honest.put("tp-list", list_of({{keys[3], "swsr", "automatic"}}));
  put_row(honest, row_of(others, 10, 10, tpd.now.unix_s));
  honest.root();
  std::string before = row_text(tpd, others);

  Seeded random(41);
  Feed noisy(tpd, keys[0]);
  TelemetryRow row = row_of(others, 1, 1, tpd.now.unix_s);
  uint8_t shard = codec::telemetry_shard_of(others);
  const std::pair<std::string, Bytes> models[] = {
      {"tp-list", Bytes()},
      {"transports/list", Bytes()},
      {"transports/telemetry/meta", codec::encode_telemetry_meta({})},
      {codec::shard_path(shard), codec::encode_telemetry_shard(shard, {&row, 1})},
      {"transports/" + codec::to_uuid(others) + "/entry", Bytes()},
      {"transports/" + codec::to_uuid(others) + "/current", Bytes()},
      {"transports/" + codec::to_uuid(others) + "/tombstone", Bytes()},
      {"transports/" + codec::to_uuid(others) + "/2024-10-04/timeline", Bytes(36, 0xff)},
  };
  std::string list = list_of({{keys[1], "swsr", "automatic"}, {keys[3], "swsr", "user"}});
  for (int i = 0; i < 2000; ++i) {
    const auto& [path, model] = models[random.below(std::size(models))];
    Bytes value = model.empty() ? Bytes(list.begin(), list.end()) : model;
    for (size_t change = random.below(4); change > 0; --change) {
      value[random.below(value.size())] = static_cast<uint8_t>(random.below(256));
    }
    if (random.below(8) == 0) value.resize(random.below(value.size()));
    if (random.below(10) == 0) {
      noisy.remove(path);
    } else {
      noisy.put(path, value);
    }
    if (random.below(3) == 0) noisy.early();
    noisy.root();
    REQUIRE(row_text(tpd, others) == before);
  }
}
