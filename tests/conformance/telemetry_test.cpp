// A visor's telemetry on the simulated network: what it publishes, and what it says of itself.
#include "lib/codec/telemetry_list.hpp"
#include "lib/codec/telemetry_meta.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test {
namespace {

// Somebody who subscribes to a visor's feed and keeps its leaves.
class Reader {
 public:
  Reader(World& world, Node& reader, const visor_key& owner) : owner_(owner) {
    auto* feeds = reader.find<visor_feeds>(VISOR_FEEDS_1);
    REQUIRE(feeds != nullptr);
    visor_feed_options options{};
    options.size = sizeof options;
    options.owner = &owner_;
    options.network = VISOR_TEXT("skynet");
    options.port = 50;
    auto opened = world.await<visor_feed>(
        reader, [&](visor_done done) { return feeds->api->open(feeds, &options, done); });
    INFO((opened ? "" : opened.error().text));
    REQUIRE(opened.has_value());
    feed_.reset(*opened);
    visor_handle* handle = nullptr;
    REQUIRE(feed_->api->subscribe(feed_.get(), visor_span{}, 0, &kEvents, this, &handle) == VISOR_OK);
    handle_.reset(handle);
  }

  std::map<std::string, Bytes> leaves;
  size_t roots = 0;

 private:
  static void changed(void* ctx, visor_feed*, uint64_t, uint32_t, const visor_op* ops, size_t count) {
    auto* self = static_cast<Reader*>(ctx);
    ++self->roots;
    for (size_t i = 0; i < count; ++i) {
      std::string path(text(ops[i].key));
      ByteView value = bytes(ops[i].value);
      if (ops[i].kind == VISOR_PUT) {
        self->leaves[path] = Bytes(value.begin(), value.end());
      } else {
        self->leaves.erase(path);
      }
    }
  }
  static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &Reader::changed,
                                                [](void*, visor_feed*, visor_status) {}};
  visor_key owner_;
  Owned<visor_feed> feed_;
  Owned<visor_handle> handle_;
};

// Listens for transports and keeps feeds, and reports to nobody.
Node& add_plain(World& world, const std::string& machine, uint8_t number) {
  return world.add(machine, plugins_config(base_plugins("")), with_secret(number));
}

std::vector<codec::ListedTransport> listed(const Reader& reader, const visor_key& owner) {
  auto leaf = reader.leaves.find("tp-list");
  if (leaf == reader.leaves.end()) return {};
  auto list = codec::decode_transport_list(leaf->second, owner);
  REQUIRE(list.has_value());
  CHECK(list->refused_rows == 0);
  return list->rows;
}

json::object registration(Node& node) {
  return status_of(node, "telemetry").at("transport_registration").get_object();
}

}  // namespace

TEST_CASE("telemetry: the feed has the list, the shard and the epoch of what serves", "[telemetry]") {
  SimWorld world(1);
  Node& peer = add_plain(world, "10.0.0.2", 2);
  Node& visor = add_visor(world, "10.0.0.1", peer, {}, with_secret(1));
  Reader reader(world, peer, visor.key());
  REQUIRE(world.run_until([&] { return listed(reader, visor.key()).size() == 1; }, 5 * kIntervalMs));
  codec::ListedTransport row = listed(reader, visor.key())[0];
  CHECK(codec::to_uuid(row.entry.id) == uuid_between(visor, peer));
  std::string shard =
      "transports/telemetry/" + codec::telemetry_shard_name(codec::telemetry_shard_of(row.entry.id));
  REQUIRE(world.run_until(
      [&] {
        if (!reader.leaves.contains(shard)) return false;
        auto decoded = codec::decode_telemetry_shard(reader.leaves[shard], INT32_MAX);
        return decoded && decoded->rows.size() == 1 && decoded->rows[0].latency_avg_ms > 0;
      },
      3 * kIntervalMs));
  auto epochs = codec::decode_telemetry_meta(reader.leaves["transports/telemetry/meta"]);
  REQUIRE(epochs.has_value());
  REQUIRE(epochs->size() == 1);
  CHECK((*epochs)[0].id == row.entry.id);
  CHECK((*epochs)[0].epoch != 0);
  CHECK(reader.leaves.size() == 3);
}

TEST_CASE("telemetry: what closes leaves the list at once and the feed soon", "[telemetry]") {
  SimWorld world(2);
  Node& peer = add_plain(world, "10.0.0.2", 2);
  Node& third = add_plain(world, "10.0.0.3", 3);
  Node& visor = add_visor(world, "10.0.0.1", peer, {&third}, with_secret(1));
  Reader reader(world, peer, visor.key());
  REQUIRE(world.run_until([&] { return listed(reader, visor.key()).size() == 2; }, 5 * kIntervalMs));
  REQUIRE(visor.call("transports", "remove", R"({"id":")" + uuid_between(visor, third) + "\"}").has_value());
  REQUIRE(world.run_until([&] { return listed(reader, visor.key()).size() == 1; }, kIntervalMs / 2));
  world.run_for(8 * kIntervalMs);
  CHECK(reader.leaves.size() == 3);
  CHECK(codec::decode_telemetry_meta(reader.leaves["transports/telemetry/meta"])->size() == 1);
}

TEST_CASE("telemetry: a visor that starts again takes away what its last life left", "[telemetry]") {
  SimWorld world(3);
  Node& peer = add_plain(world, "10.0.0.2", 2);
  Node& third = add_plain(world, "10.0.0.3", 3);
  Node* visor = &add_visor(world, "10.0.0.1", peer, {&third}, with_secret(1));
  visor_key key = visor->key();
  Reader reader(world, peer, key);
  REQUIRE(
      world.run_until([&] { return listed(reader, key).size() == 2 && reader.leaves.size() >= 3; }, 5000));
  world.remove(*visor);
  // Its feed was kept in memory and is lost; the reader gives it back its own last Root.
  visor = &add_visor(world, "10.0.0.1", peer, {}, with_secret(1));
  REQUIRE(world.run_until([&] { return listed(reader, key).size() == 1; }, 10 * kIntervalMs));
  world.run_for(4 * kIntervalMs);
  CHECK(reader.leaves.size() == 3);
}

TEST_CASE("telemetry: status says why a transport is not shown", "[telemetry]") {
  SimWorld world(4);
  Node& tpd = add_tpd(world);
  world.network().set_silent("tpd", true);
  Node& visor = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  world.run_for(15 * kIntervalMs);
  json::object before = registration(visor);
  CHECK(before.at("live_count").to_number<int64_t>() == 0);
  CHECK(before.at("publisher_up").get_bool());
  CHECK(before.at("feed").get_string() == to_hex(visor.key()));
  CHECK(before.at("tpd_target").get_string() == to_hex(tpd.key()) + ":50");
  CHECK(before.at("tp_list").get_object().at("publishes").to_number<int64_t>() == 1);
  CHECK(before.at("tp_list").get_object().at("last_count").to_number<int64_t>() == 0);
  CHECK(before.at("announce").get_object().at("oks").to_number<int64_t>() == 0);
  CHECK(before.at("announce").get_object().at("fails").to_number<int64_t>() > 0);
  CHECK_FALSE(before.at("announce").get_object().at("last_err").get_string().empty());
  CHECK(before.at("announce").get_object().at("secs_since_ok").to_number<int64_t>() == -1);
  CHECK_FALSE(before.at("node_stats").get_object().at("announced").get_bool());

  world.network().set_silent("tpd", false);
  REQUIRE(world.run_until([&] { return is_live(tpd, uuid_between(tpd, visor)); }, 30 * kIntervalMs));
  json::object after = registration(visor);
  CHECK(after.at("live_count").to_number<int64_t>() == 1);
  CHECK(after.at("announce").get_object().at("secs_since_ok").to_number<int64_t>() >= 0);
  CHECK(after.at("node_stats").get_object().at("announced").get_bool());
  json::array live = after.at("live_transports").get_array();
  REQUIRE(live.size() == 1);
  CHECK(live[0].get_object().at("id").get_string() == uuid_between(tpd, visor));
  CHECK_FALSE(live[0].get_object().at("closed").get_bool());
}

TEST_CASE("telemetry: changes that come at once are one publication", "[telemetry]") {
  SimWorld world(5);
  Node& tpd = add_tpd(world);
  std::vector<Node*> others;
  for (uint8_t i = 10; i < 30; ++i) others.push_back(&add_plain(world, "10.0.1." + std::to_string(i), i));
  Node& visor = add_visor(world, "10.0.0.1", tpd, others, with_secret(1));
  REQUIRE(world.run_until([&] { return registration(visor).at("live_count").to_number<int64_t>() == 21; },
                          5 * kIntervalMs));
  world.run_for(5 * kIntervalMs);
  // At most one in each twelfth of the rhythm, however many transports come.
  CHECK(status_of(visor, "telemetry").at("writes").to_number<int64_t>() <= 12 * 11);
  CHECK(registration(visor).at("tp_list").get_object().at("publishes").to_number<int64_t>() <= 22);
  CHECK(shown(tpd).size() == 21);
}

TEST_CASE("telemetry: a visor says what stands between it and the TPD", "[telemetry]") {
  SimWorld world(8);
  Node& tpd = add_tpd(world);
  auto says = [](Node& node) {
    json::value answer = parse_json(*node.call("telemetry", "registration"));
    return std::string(answer.get_object().at("diagnosis").get_string());
  };
  auto list = base_plugins("");
  list.push_back(plugin("telemetry", R"({"interval_ms":1000})"));
  Node& alone = world.add("10.0.0.9", plugins_config(list), with_secret(9));
  CHECK(says(alone).find("No transport discovery is configured") != std::string::npos);
  list.back() = plugin("telemetry", telemetry_config(tpd.key()));
  Node& idle = world.add("10.0.0.8", plugins_config(list), with_secret(8));
  CHECK(says(idle).find("no live transport") != std::string::npos);
  Node& visor = add_visor(world, "10.0.0.1", tpd, {&alone}, with_secret(1));
  REQUIRE(world.run_until([&] { return says(visor).starts_with("Listed, published and announced"); }, 5000));
  world.network().cut("tpd", "10.0.0.1");
  REQUIRE(
      world.run_until([&] { return says(visor).find("cannot be reached") != std::string::npos; }, 60'000));
  CHECK(says(visor).ends_with("it could before"));
}

TEST_CASE("telemetry: a visor counts its own days, over connections that come and go", "[telemetry]") {
  SimWorld world(9);
  Node& tpd = add_tpd(world);
  Node& visor = add_visor(world, "10.0.0.1", tpd, {}, with_secret(1));
  std::string uuid = uuid_between(tpd, visor);
  auto row = [&]() -> json::object {
    json::array rows =
        parse_json(*visor.call("telemetry", "history", "{\"id\":\"" + uuid + "\"}")).get_array();
    if (rows.empty()) return {};
    json::array days = rows[0].get_object().at("daily").get_array();
    REQUIRE(days.size() == 1);
    return days[0].get_object();
  };
  world.run_for(10 * kIntervalMs);
  REQUIRE(row().contains("samples"));
  CHECK(row().at("samples").to_number<uint64_t>() >= 9);
  CHECK(row().at("latency_min_ms").to_number<double>() > 0);
  uint64_t before = row().at("sent_bytes").to_number<uint64_t>();
  CHECK(before > 0);
  for (int i = 0; i < 3; ++i) {
    world.network().drop("10.0.0.1");
    world.run_for(5 * kIntervalMs);
    uint64_t now = row().at("sent_bytes").to_number<uint64_t>();
    CHECK(now > before);
    before = now;
  }
  // What was counted at home is what the TPD has counted.
  world.run_for(2 * kIntervalMs);
  uint64_t home = row().at("sent_bytes").to_number<uint64_t>();
  uint64_t there = reported(tpd, uuid, visor.key()).sent;
  CHECK(there <= home);
  CHECK(home - there < 1000);
  json::object uptime = parse_json(*visor.call("telemetry", "uptime", R"({"timeline":true})")).get_object();
  for (const auto& [name, days] : uptime.at("tiers").get_object()) {
    CHECK(name == "process");
    CHECK(days.get_object().size() == 1);
  }
  CHECK(uptime.at("services").get_object().contains("visor"));
}

TEST_CASE("telemetry: without a TPD the feed is published all the same", "[telemetry]") {
  SimWorld world(6);
  Node& peer = add_plain(world, "10.0.0.2", 2);
  auto list = base_plugins(peer_of(peer));
  list.push_back(plugin("telemetry", R"({"interval_ms":1000})"));
  Node& visor = world.add("10.0.0.1", plugins_config(list), with_secret(1));
  CHECK(registration(visor).at("tpd_target").get_string().empty());
  world.run_for(kIntervalMs);
  Reader reader(world, peer, visor.key());
  CHECK(world.run_until([&] { return listed(reader, visor.key()).size() == 1; }, 5 * kIntervalMs));
}

TEST_CASE("telemetry: who is not among the subscribers gets nothing of the feed, the TPD always does",
          "[telemetry]") {
  SimWorld world(8);
  Node& tpd = add_plain(world, "10.0.0.2", 2);
  Node& friendly = add_plain(world, "10.0.0.3", 3);
  Node& stranger = add_plain(world, "10.0.0.4", 4);
  auto start = [&](const std::string& machine, uint8_t number, const std::string& keys) -> Node& {
    auto list = base_plugins(peer_of(tpd) + "," + peer_of(friendly) + "," + peer_of(stranger));
    list.push_back(plugin("telemetry", R"({"tpd":")" + to_hex(tpd.key()) +
                                           R"(","interval_ms":1000,"subscribers":[)" + keys + "]}"));
    return world.add(machine, plugins_config(list), with_secret(number));
  };
  Node& visor = start("10.0.0.1", 1, "\"" + to_hex(friendly.key()) + "\"");
  Node& closed = start("10.0.0.5", 5, "");
  Reader reports(world, tpd, visor.key()), named(world, friendly, visor.key()),
      other(world, stranger, visor.key());
  Reader of_closed(world, tpd, closed.key()), from_closed(world, friendly, closed.key());
  REQUIRE(world.run_until(
      [&] {
        return listed(reports, visor.key()).size() == 3 && listed(named, visor.key()).size() == 3 &&
               listed(of_closed, closed.key()).size() == 3;
      },
      20 * kIntervalMs));
  world.run_for(10 * kIntervalMs);
  CHECK(other.roots == 0);
  CHECK(from_closed.roots == 0);
}

TEST_CASE("telemetry: a TPD's key that is no key is refused with a sentence", "[telemetry]") {
  SimWorld world(7);
  auto list = base_plugins("");
  list.push_back(plugin("telemetry", R"({"tpd":"02)" + std::string(64, 'f') + "\"}"));
  Node& visor = world.make("10.0.0.1", plugins_config(list), with_secret(1));
  auto started = visor.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().text.find("tpd: not a public key") != std::string::npos);
}

}  // namespace visor::test
