// The TPD with real visors on the simulated network: what they report is shown, what liars report is not.
#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_path.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/codec/telemetry_snapshot.hpp"
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test {
namespace {

codec::TelemetryRow row_of(const Node& a, const visor_key& b, uint64_t sent, int64_t unix_s) {
  codec::TelemetryRow row;
  row.id = codec::transport_id(a.key(), b, "stcpr");
  row.sent_bytes = sent;
  row.latency_min_ms = row.latency_max_ms = row.latency_avg_ms = 1;
  row.sampled_at_s = static_cast<uint32_t>(unix_s);
  row.type_code = 1;
  return row;
}

std::pair<std::string, std::optional<Bytes>> shard_leaf(const codec::TelemetryRow& row) {
  uint8_t shard = codec::telemetry_shard_of(row.id);
  return {codec::shard_path(shard), codec::encode_telemetry_shard(shard, {&row, 1})};
}

std::pair<std::string, std::optional<Bytes>> list_leaf(const std::vector<codec::ListRow>& rows) {
  return {"tp-list", HandWritten::text(codec::encode_transport_list("v1", rows))};
}

void remove_transport(Node& node, const std::string& uuid) {
  REQUIRE(node.call("transports", "remove", R"({"id":")" + uuid + "\"}").has_value());
}

int64_t now_s(const Node& node) {
  return node.host().unix_ns() / 1'000'000'000;
}

void check_all_is_told(Node& tpd, const std::string& uuid, Node& edge, Counted& by_edge) {
  CHECK(reported(tpd, uuid, edge.key()).sent == by_edge.sum(uuid).sent);
  CHECK(reported(tpd, uuid, edge.key()).received == by_edge.sum(uuid).received);
}

}  // namespace

TEST_CASE("tpd: a visor's transport is shown at once, with latency, and its bytes grow", "[tpd]") {
  SimWorld world(1);
  Node& tpd = add_tpd(world);
  Node& visor = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  std::string uuid = uuid_between(tpd, visor);
  REQUIRE(world.run_until([&] { return is_live(tpd, uuid); }, kIntervalMs));
  REQUIRE(world.run_until([&] { return shown(tpd)[uuid].contains("latency"); }, 2 * kIntervalMs));
  json::object row = shown(tpd)[uuid];
  CHECK(row.at("type").get_string() == "stcpr");
  json::object latency = row.at("latency").get_object();
  CHECK(latency.at("min").to_number<uint64_t>() > 0);
  CHECK(latency.at("min").to_number<uint64_t>() <= latency.at("avg").to_number<uint64_t>());
  CHECK(latency.at("avg").to_number<uint64_t>() <= latency.at("max").to_number<uint64_t>());
  uint64_t before = reported(tpd, uuid, visor.key()).sum();
  CHECK(world.run_until([&] { return reported(tpd, uuid, visor.key()).sum() > before; }, 3 * kIntervalMs));
}

TEST_CASE("tpd: both edges report a transport, and it is one row", "[tpd]") {
  SimWorld world(2);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  std::string uuid = uuid_between(a, b);
  REQUIRE(world.run_until(
      [&] { return reported(tpd, uuid, a.key()).sum() > 0 && reported(tpd, uuid, b.key()).sum() > 0; },
      5 * kIntervalMs));
  CHECK(shown(tpd).size() == 3);
  json::object status = status_of(tpd, "transport_discovery");
  CHECK(status.at("live_transports").to_number<uint64_t>() == 3);
  CHECK(status.at("live_visors").to_number<uint64_t>() == 3);
  CHECK(status.at("fresh_reporters").to_number<uint64_t>() == 2);
  // The same for people.
  auto text =
      tpd.call("transport_discovery", "metrics", R"({"pk":")" + to_hex(b.key()) + R"(","live":"true"})");
  REQUIRE(text.has_value());
  json::array table = parse_json(*text).get_array();
  CHECK(table.size() == 2);
  for (const json::value& each : table) {
    const json::object& row = each.get_object();
    if (row.at("id").get_string() != uuid) continue;
    Bytes2 by_a = reported(tpd, uuid, a.key()), by_b = reported(tpd, uuid, b.key());
    CHECK(row.at("bytes").to_number<uint64_t>() == std::max(by_a.sum(), by_b.sum()));
    CHECK(row.at("today_bytes").to_number<uint64_t>() == row.at("bytes").to_number<uint64_t>());
    CHECK(row.at("latency_ms").to_number<double>() > 0);
    CHECK(row.at("live").get_bool());
  }
}

TEST_CASE("tpd: a transport that is closed is live no more within a rhythm, its history stays", "[tpd]") {
  SimWorld world(3);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  std::string uuid = uuid_between(a, b);
  REQUIRE(
      world.run_until([&] { return is_live(tpd, uuid) && reported(tpd, uuid, a.key()).sum() > 0; }, 5000));
  REQUIRE(b.call("transports", "remove", R"({"id":")" + uuid + "\"}").has_value());
  REQUIRE(world.run_until([&] { return !is_live(tpd, uuid); }, kIntervalMs));
  world.run_for(10 * kExpiryMs);
  auto rows = shown(tpd);
  REQUIRE(rows.contains(uuid));
  CHECK_FALSE(rows[uuid].at("live").get_bool());
  CHECK(rows[uuid].contains("latency"));
}

TEST_CASE("tpd: every byte of a transport that was closed is counted, by both edges", "[tpd]") {
  SimWorld world(4);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  std::string uuid = uuid_between(a, b);
  REQUIRE(world.run_until([&] { return reported(tpd, uuid, a.key()).sum() > 0; }, 5000));
  // Traffic right before the end, after the last sample.
  auto* net = a.find<visor_net>(VISOR_NET_1, "skynet");
  Listener listener;
  std::vector<Stream> taken;
  REQUIRE(listener.listen(b.host(), b.find<visor_net>(VISOR_NET_1, "skynet"), 777, [&](visor_stream* raw) {
    taken.emplace_back(b.host(), raw);
    taken.back().attach({.data = [](ByteView) {}, .end = {}, .ready = {}, .closed = {}});
  }));
  visor_addr to{b.key(), 777};
  auto dialed = world.await<visor_stream>(a, [&](visor_done done) { return net->api->dial(net, &to, done); });
  REQUIRE(dialed.has_value());
  Stream stream(a.host(), *dialed);
  stream.attach({.data = {}, .end = {}, .ready = {}, .closed = {}});
  REQUIRE(stream.write(Bytes(50'000, 7)) == VISOR_OK);
  world.run_for(300);
  auto counted = [&](Node& node) {
    auto list = node.call("transports", "list");
    REQUIRE(list.has_value());
    json::value rows = parse_json(*list);
    for (const json::value& row : rows.get_array()) {
      if (row.get_object().at("id").get_string() != uuid) continue;
      return Bytes2{row.get_object().at("sent_bytes").to_number<uint64_t>(),
                    row.get_object().at("received_bytes").to_number<uint64_t>()};
    }
    return Bytes2{};
  };
  Bytes2 by_a = counted(a), by_b = counted(b);
  CHECK(by_a.sent > 50'000);
  REQUIRE(b.call("transports", "remove", R"({"id":")" + uuid + "\"}").has_value());
  REQUIRE(world.run_until([&] { return !is_live(tpd, uuid); }, kIntervalMs));
  world.run_for(3 * kIntervalMs);
  CHECK(reported(tpd, uuid, a.key()).sent >= by_a.sent);
  CHECK(reported(tpd, uuid, b.key()).received >= by_b.received);
  CHECK(reported(tpd, uuid, a.key()).sent == reported(tpd, uuid, b.key()).received);
}

TEST_CASE("tpd: a connection that another one replaces before the next sample is counted to its last byte",
          "[tpd]") {
  SimWorld world(11);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  Counted by_a(a), by_b(b);
  std::string uuid = uuid_between(a, b);
  REQUIRE(world.run_until([&] { return reported(tpd, uuid, a.key()).sum() > 0; }, 5000));
  for (uint64_t i = 0; i < 12; ++i) {
    world.run_for(50 * i);
    remove_transport(a, uuid);
    REQUIRE(world.run_until([&] { return by_a.serving.contains(uuid); }, 5000));
  }
  remove_transport(b, uuid);
  world.run_for(2 * kIntervalMs);
  CHECK(by_a.lives[uuid].size() >= 12);
  check_all_is_told(tpd, uuid, a, by_a);
  check_all_is_told(tpd, uuid, b, by_b);
}

TEST_CASE("tpd: what a transport carried at its end is told however long the TPD was away", "[tpd]") {
  SimWorld world(12);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  Counted by_a(a), by_b(b);
  std::string uuid = uuid_between(a, b);
  REQUIRE(world.run_until([&] { return reported(tpd, uuid, b.key()).sum() > 0; }, 5000));
  world.network().cut("tpd", "10.0.0.1");
  world.network().cut("tpd", "10.0.0.2");
  world.run_for(2 * kIntervalMs);
  remove_transport(b, uuid);
  world.run_for(30 * kIntervalMs);
  CHECK(reported(tpd, uuid, b.key()).sum() < by_b.sum(uuid).sum());
  world.network().heal("tpd", "10.0.0.1");
  world.network().heal("tpd", "10.0.0.2");
  world.run_for(20 * kIntervalMs);
  check_all_is_told(tpd, uuid, a, by_a);
  check_all_is_told(tpd, uuid, b, by_b);
  // It is let go of in the end.
  json::object queues = status_of(b, "telemetry").at("queues").get_object();
  CHECK(queues.at("closed_transports").get_object().at("now").to_number<uint64_t>() == 0);
}

TEST_CASE("tpd: a visor that falls silent expires, and comes back as it was", "[tpd]") {
  SimWorld world(5);
  Node& tpd = add_tpd(world);
  Node& visor = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  std::string uuid = uuid_between(tpd, visor);
  REQUIRE(world.run_until([&] { return is_live(tpd, uuid); }, 5000));
  world.network().cut("tpd", "10.0.0.1");
  REQUIRE(world.run_until([&] { return !is_live(tpd, uuid); }, kExpiryMs + kIntervalMs));
  world.network().heal("tpd", "10.0.0.1");
  CHECK(world.run_until([&] { return is_live(tpd, uuid); }, 5 * kIntervalMs));
}

TEST_CASE("tpd: a visor that restarts counts from nothing, and nothing is counted twice or lost", "[tpd]") {
  SimWorld world(6);
  Node& tpd = add_tpd(world);
  Node* visor = &add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  visor_key key = visor->key();
  std::string uuid = uuid_between(tpd, *visor);
  uint64_t history = 0;
  for (int life = 0; life < 4; ++life) {
    INFO("life " << life);
    REQUIRE(world.run_until([&] { return reported(tpd, uuid, key).sum() > history; }, 10 * kIntervalMs));
    world.run_for(5 * kIntervalMs);
    auto counted = [&] {
      json::array list = parse_json(*visor->call("transports", "list")).get_array();
      REQUIRE(list.size() == 1);
      return list[0].get_object().at("sent_bytes").to_number<uint64_t>() +
             list[0].get_object().at("received_bytes").to_number<uint64_t>();
    };
    CHECK(reported(tpd, uuid, key).sum() <= history + counted());
    // What was sampled last is all there once the next sample has come.
    uint64_t at_least = history + counted();
    REQUIRE(world.run_until([&] { return reported(tpd, uuid, key).sum() >= at_least; }, 3 * kIntervalMs));
    world.remove(*visor);
    world.run_for(2 * kIntervalMs);
    history = reported(tpd, uuid, key).sum();
    CHECK(history >= at_least);
    visor = &add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  }
}

TEST_CASE("tpd: a liar about others' transports changes nothing that is shown of them", "[tpd]") {
  SimWorld world(7);
  Node& tpd = add_tpd(world);
  Node& a = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  Node& b = add_visor(world, "10.0.0.2", tpd, {&a}, with_secret(2));
  HandWritten liar(world, "10.0.0.66", tpd, with_secret(66));
  std::string uuid = uuid_between(a, b);
  REQUIRE(
      world.run_until([&] { return is_live(tpd, uuid) && reported(tpd, uuid, a.key()).sum() > 0; }, 5000));

  codec::TransportEntry stolen = codec::make_transport_entry(a.key(), b.key(), "stcpr", "user");
  codec::TransportEntry invented = codec::make_transport_entry(a.key(), tpd.key(), "swsr", "user");
  visor_key zero{};
  std::string zero_row = R"({"r":")" + to_hex(zero) + R"(","t":"stcpr"})";
  std::string own_row = R"({"r":")" + to_hex(tpd.key()) + R"(","t":"stcpr"})";
  codec::TelemetryRow lie = row_of(a, b.key(), 1'000'000'000'000, now_s(tpd));
  codec::TelemetryRow truth = row_of(liar.node, tpd.key(), 10, now_s(tpd));
  REQUIRE(codec::telemetry_shard_of(lie.id) != codec::telemetry_shard_of(truth.id));
  codec::TelemetryEpoch epoch{lie.id, 5};
  liar.write({{"tp-list", HandWritten::text(R"({"version":"v1","c":[)" + zero_row + "," + own_row + "]}")},
              {"transports/list", HandWritten::text(R"({"entries":[)" + codec::to_json(stolen) + "," +
                                                    codec::to_json(invented) + "]}")},
              {"transports/" + uuid + "/entry", HandWritten::text(codec::encode_entry_leaf("v1", stolen))},
              {"transports/" + uuid + "/tombstone", HandWritten::text(codec::encode_tombstone(now_s(tpd)))},
              {"transports/" + uuid + "/current",
               HandWritten::text(
                   R"({"sent_bytes":99999999999,"recv_bytes":1,"sampled_at":"2026-01-01T00:00:00Z"})")},
              {"transports/telemetry/meta", codec::encode_telemetry_meta({&epoch, 1})},
              shard_leaf(lie),
              shard_leaf(truth)});
  REQUIRE(world.run_until([&] { return is_live(tpd, uuid_between(tpd, liar.node)); }, 3 * kIntervalMs));
  world.run_for(3 * kIntervalMs);
  auto rows = shown(tpd);
  CHECK(rows.size() == 4);
  CHECK(is_live(tpd, uuid));
  CHECK(rows[uuid].at("latency").get_object().at("max").to_number<uint64_t>() != 1000);
  CHECK(reported(tpd, uuid, a.key()).sum() < 1'000'000);
  CHECK(reported(tpd, uuid, b.key()).sum() < 1'000'000);
  CHECK_FALSE(rows.contains(codec::to_uuid(invented.id)));
  json::object reports = status_of(tpd, "transport_discovery").at("reports").get_object();
  CHECK(reports.at("refused_samples_not_edge").to_number<uint64_t>() > 0);
  CHECK(reports.at("refused_rows").to_number<uint64_t>() > 0);
}

TEST_CASE("tpd: visors of older generations are shown like the others", "[tpd]") {
  SimWorld world(8);
  Node& tpd = add_tpd(world);
  HandWritten old(world, "10.0.0.5", tpd, with_secret(5));
  codec::TransportEntry entry = codec::make_transport_entry(old.node.key(), tpd.key(), "webrtc", "user");
  std::string base = "transports/" + codec::to_uuid(entry.id) + "/";
  codec::LiveSnapshot sample{.sent_bytes = 1000,
                             .received_bytes = 500,
                             .latency_min_ms = 10.4,
                             .latency_max_ms = 18.9,
                             .latency_avg_ms = 11,
                             .throughput_bytes_per_s = 0,
                             .sampled_at_s = now_s(tpd),
                             .type = "webrtc"};
  old.write({{base + "entry", HandWritten::text(codec::encode_entry_leaf("v1.3.90", entry))},
             {base + "current", HandWritten::text(codec::encode_live_snapshot(sample))}});
  std::string uuid = codec::to_uuid(entry.id);
  REQUIRE(world.run_until([&] { return is_live(tpd, uuid); }, 3 * kIntervalMs));
  CHECK(shown(tpd)[uuid].at("latency").get_object().at("avg").to_number<uint64_t>() == 11000);
  sample.sent_bytes = 1500;
  old.write({{base + "current", HandWritten::text(codec::encode_live_snapshot(sample))}});
  REQUIRE(world.run_until([&] { return reported(tpd, uuid, old.node.key()).sent == 1500; }, 3 * kIntervalMs));
  old.write({{base + "entry", std::nullopt},
             {base + "tombstone", HandWritten::text(codec::encode_tombstone(now_s(tpd)))}});
  CHECK(world.run_until([&] { return !is_live(tpd, uuid); }, 3 * kIntervalMs));
  // It moves on to lists and shards.
  codec::TelemetryRow row = row_of(old.node, tpd.key(), 10, now_s(tpd));
  old.write(
      {list_leaf({{tpd.key(), "stcpr", "automatic"}}), shard_leaf(row), {base + "tombstone", std::nullopt}});
  CHECK(world.run_until([&] { return reported(tpd, uuid_between(tpd, old.node), old.node.key()).sent == 10; },
                        3 * kIntervalMs));
}

TEST_CASE("tpd: a list that is a bomb costs its reporter its list and nobody anything", "[tpd]") {
  SimWorld world(9);
  Node& tpd = add_tpd(world);
  Node& honest = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  HandWritten bomber(world, "10.0.0.6", tpd, with_secret(6));
  bomber.write({{"tp-list", HandWritten::text(std::string(2'000'000, '['))}});
  std::string pk = to_hex(bomber.node.key());
  REQUIRE(world.run_until(
      [&] {
        json::value rows = parse_json(*tpd.call("transport_discovery", "reporters"));
        for (const json::value& row : rows.get_array()) {
          const json::object& reporter = row.get_object();
          if (reporter.at("pk").get_string() == pk && !reporter.at("leaf_problem").get_string().empty())
            return true;
        }
        return false;
      },
      5 * kIntervalMs));
  CHECK(world.run_until([&] { return is_live(tpd, uuid_between(tpd, honest)); }, 3 * kIntervalMs));
}

TEST_CASE("tpd: one seed gives one trace", "[tpd]") {
  auto run = [](uint64_t seed) {
    SimWorld world(seed);
    Node& tpd = add_tpd(world);
    std::vector<Node*> all;
    for (uint8_t i = 1; i <= 4; ++i) {
      all.push_back(&add_visor(world, "10.0.0." + std::to_string(i), tpd, all, with_secret(i)));
    }
    world.run_for(10 * kIntervalMs);
    auto text = tpd.call("transport_discovery", "transports");
    REQUIRE(text.has_value());
    return *text;
  };
  std::string first = run(11);
  CHECK(first == run(11));
  CHECK(parse_json(first).get_array().size() == 10);
  CHECK(first != run(12));
}

}  // namespace visor::test
