#include "plugins/telemetry/publisher.hpp"

#include "fixture.hpp"
#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_path.hpp"
#include "lib/codec/telemetry_snapshot.hpp"

using namespace visor;
using namespace visor::test;
using telemetry::LeafChange;
using telemetry::Publisher;
using telemetry::Tracker;

namespace {

const visor_key kOwn = numbered_key(1), kPeer = numbered_key(2), kOther = numbered_key(3);
constexpr int64_t kNow = 1790000000;

// The feed that the changes make.
struct Leaves {
  std::map<std::string, Bytes> all;
  size_t last = 0;

  void publish(Publisher& publisher, const Tracker& tracker) {
    std::vector<LeafChange> changes = publisher.changes(tracker);
    last = changes.size();
    for (const LeafChange& change : changes) {
      if (change.value) {
        all[change.path] = *change.value;
      } else {
        CHECK(all.erase(change.path) == 1);
      }
    }
    publisher.written(changes);
  }
  std::string list() const { return std::string(text(ByteView(all.at("tp-list")))); }
  std::vector<std::string> paths() const {
    std::vector<std::string> out;
    for (const auto& [path, value] : all) out.push_back(path);
    return out;
  }
};

std::string shard_of(const visor_key& a, const visor_key& b) {
  return codec::shard_path(codec::telemetry_shard_of(codec::transport_id(a, b, "swsr")));
}

}  // namespace

TEST_CASE("publisher: an empty list is published explicitly", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Publisher publisher("v1");
  Leaves leaves;
  leaves.publish(publisher, tracker);
  CHECK(leaves.paths() == std::vector<std::string>{"tp-list"});
  CHECK(leaves.list() == R"({"version":"v1","c":[]})");
  leaves.publish(publisher, tracker);
  CHECK(leaves.last == 0);
}

TEST_CASE("publisher: list, shard and epochs of what serves", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Publisher publisher("v1");
  Leaves leaves;
  auto row = connection(kOwn, kPeer, 77, 1000, 2000);
  row.latency_min_ms = 1;
  row.latency_max_ms = 3;
  row.latency_avg_ms = 2;
  row.throughput_bytes_per_s = 500;
  collect(tracker, {row, connection(kOwn, kOther, 78, 5, 6, VISOR_TRANSPORT_SERVING, "stcpr", "user")}, 1,
          kNow);
  leaves.publish(publisher, tracker);
  CHECK(publisher.list_rows() == 2);
  CHECK(publisher.list_bytes() == leaves.list().size());
  Result<codec::TransportList> list = codec::decode_transport_list(leaves.all.at("tp-list"), kOwn);
  REQUIRE(list);
  REQUIRE(list->rows.size() == 2);  // by remote key
  CHECK(list->rows[0].entry.id == codec::transport_id(kOwn, kPeer, "swsr"));
  CHECK(list->rows[1].entry.label == "user");
  Result<codec::TelemetryShard> shard =
      codec::decode_telemetry_shard(leaves.all.at(shard_of(kOwn, kPeer)), kNow);
  REQUIRE(shard);
  REQUIRE(shard->rows.size() == 1);
  CHECK(shard->rows[0].sent_bytes == 1000);
  CHECK(shard->rows[0].latency_avg_ms == 2);
  CHECK(shard->rows[0].type_code == 8);
  CHECK(shard->rows[0].sampled_at_s == kNow);
  auto epochs = codec::decode_telemetry_meta(leaves.all.at("transports/telemetry/meta"));
  REQUIRE(epochs);
  CHECK(epochs->size() == 2);
}

TEST_CASE("publisher: only what has changed is written again", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Publisher publisher("v1");
  Leaves leaves;
  std::vector<visor_transport> rows;
  for (uint8_t i = 2; i < 60; ++i) rows.push_back(connection(kOwn, numbered_key(i), i, 10, 10));
  collect(tracker, rows, 1, kNow);
  leaves.publish(publisher, tracker);
  collect(tracker, rows, 2, kNow + 60);  // only the time of the sample
  leaves.publish(publisher, tracker);
  CHECK(leaves.last == 0);
  rows[0].sent_bytes += 1;
  collect(tracker, rows, 3, kNow + 120);
  std::vector<LeafChange> changes = publisher.changes(tracker);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].path == shard_of(kOwn, numbered_key(2)));
  // Until it is written, it stays to be written.
  CHECK(publisher.changes(tracker).size() == 1);
  publisher.written(changes);
  CHECK(publisher.changes(tracker).empty());
}

TEST_CASE("publisher: a closed transport leaves the list at once, its shard when its last bytes are told",
          "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Publisher publisher("v1");
  Leaves leaves;
  collect(tracker, {connection(kOwn, kPeer, 77, 10, 20)}, 1, kNow);
  leaves.publish(publisher, tracker);
  tracker.mark_told(tracker.revision());
  collect(tracker, {connection(kOwn, kPeer, 77, 15, 25, VISOR_TRANSPORT_CLOSED)}, 2, kNow + 1);
  leaves.publish(publisher, tracker);
  CHECK(leaves.list() == R"({"version":"v1","c":[]})");
  CHECK(codec::decode_telemetry_shard(leaves.all.at(shard_of(kOwn, kPeer)), kNow)->rows[0].sent_bytes == 15);
  tracker.mark_told(tracker.revision());
  collect(tracker, {}, 1002, kNow + 2);
  leaves.publish(publisher, tracker);
  CHECK(leaves.paths() == std::vector<std::string>{"tp-list"});
}

TEST_CASE("publisher: what a life before has left is taken over or taken away", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Leaves leaves;
  auto row = connection(kOwn, kPeer, 77, 10, 20);
  {
    Publisher before("v1");
    collect(tracker, {row, connection(kOwn, kOther, 78, 1, 1)}, 1, kNow);
    leaves.publish(before, tracker);
  }
  std::string uuid = codec::to_uuid(codec::transport_id(kOwn, kPeer, "swsr"));
  for (const char* leaf : {"current", "entry", "tombstone", "2026-09-21/timeline", "2026-09-21/rollup"}) {
    leaves.all["transports/" + uuid + "/" + leaf] = {1};
  }
  leaves.all["transports/list"] = {1};
  leaves.all["services/visor/2026-09-21"] = {1};

  Tracker again(kOwn, 1000);
  Publisher publisher("v1");
  for (const auto& [path, value] : leaves.all) publisher.inherit(path, value);
  collect(again, {row}, 1, kNow + 9);
  leaves.publish(publisher, again);
  CHECK(leaves.paths() == std::vector<std::string>{"services/visor/2026-09-21", "tp-list",
                                                   "transports/" + uuid + "/2026-09-21/rollup",
                                                   "transports/" + uuid + "/2026-09-21/timeline",
                                                   shard_of(kOwn, kPeer), "transports/telemetry/meta"});
  CHECK(codec::decode_transport_list(leaves.all.at("tp-list"), kOwn)->rows.size() == 1);
  leaves.publish(publisher, again);
  CHECK(leaves.last == 0);
  // Nothing at all has changed: nothing is written.
  Publisher third("v1");
  for (const auto& [path, value] : leaves.all) third.inherit(path, value);
  CHECK(third.changes(again).empty());
  CHECK(third.list_rows() == 1);
}

TEST_CASE("publisher: a hub of 1,500 is a few leaves", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 1000);
  Publisher publisher("v1");
  Leaves leaves;
  std::vector<visor_transport> rows;
  for (size_t i = 0; i < 1500; ++i) {
    visor_key peer = numbered_key(static_cast<uint8_t>(i));
    peer.bytes[1] = static_cast<uint8_t>(i >> 8);
    peer.bytes[2] = 0xee;
    rows.push_back(connection(kOwn, peer, i + 1, i, i));
  }
  collect(tracker, rows, 1, kNow);
  leaves.publish(publisher, tracker);
  CHECK(leaves.all.size() == 18);
  size_t shown = 0;
  for (const auto& [path, value] : leaves.all) {
    if (codec::parse_leaf_path(path).kind != codec::LeafKind::kShard) continue;
    auto shard = codec::decode_telemetry_shard(value, kNow);
    REQUIRE(shard);
    CHECK(shard->refused_rows == 0);
    shown += shard->rows.size();
  }
  CHECK(shown == 1500);
  CHECK(codec::decode_transport_list(leaves.all.at("tp-list"), kOwn)->rows.size() == 1500);
}

TEST_CASE("publisher: older leaves beside the new ones, for who asks for them", "[telemetry][publisher]") {
  Tracker tracker(kOwn, 60'000);
  Publisher publisher("v1", true);
  Leaves leaves;
  std::string base = "transports/" + codec::to_uuid(codec::transport_id(kOwn, kPeer, "swsr")) + "/";
  // What an earlier life left of a transport that is not there any more goes.
  std::string gone = "transports/" + codec::to_uuid(codec::transport_id(kOwn, kOther, "swsr")) + "/entry";
  leaves.all[gone] = Bytes{1};
  publisher.inherit(gone, leaves.all[gone]);
  collect(tracker, {connection(kOwn, kPeer, 7, 100, 50)}, 1000, kNow);
  leaves.publish(publisher, tracker);
  CHECK_FALSE(leaves.all.contains(gone));
  CHECK(leaves.all.contains("tp-list"));
  Result<codec::ListedTransport> entry = codec::decode_entry_leaf(leaves.all.at(base + "entry"), kOwn);
  REQUIRE(entry.has_value());
  CHECK(codec::other_edge(entry->entry, kOwn) == kPeer);
  Result<codec::LiveSnapshot> current = codec::decode_live_snapshot(leaves.all.at(base + "current"), kNow);
  REQUIRE(current.has_value());
  CHECK(current->sent_bytes == 100);
  CHECK(current->type == "swsr");
  CHECK(current->sampled_at_s == kNow);
  // Nothing but the time of the sample: nothing to write.
  collect(tracker, {connection(kOwn, kPeer, 7, 100, 50)}, 2000, kNow + 60);
  leaves.publish(publisher, tracker);
  CHECK(leaves.last == 0);
  collect(tracker, {connection(kOwn, kPeer, 7, 101, 50)}, 3000, kNow + 120);
  leaves.publish(publisher, tracker);
  CHECK(leaves.last == 2);  // the shard and the snapshot
  // It closes.
  tracker.begin();
  tracker.end(4000, kNow + 180);
  leaves.publish(publisher, tracker);
  CHECK_FALSE(leaves.all.contains(base + "entry"));
  CHECK_FALSE(leaves.all.contains(base + "current"));
  CHECK(codec::decode_tombstone(leaves.all.at(base + "tombstone")) == kNow + 180);
  // And comes back.
  collect(tracker, {connection(kOwn, kPeer, 8, 1, 1)}, 5000, kNow + 240);
  leaves.publish(publisher, tracker);
  CHECK(leaves.all.contains(base + "entry"));
  CHECK_FALSE(leaves.all.contains(base + "tombstone"));
}
