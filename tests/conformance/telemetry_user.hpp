/* A small network: a TPD, visors that report to it, and visors whose feed a test writes by hand. */
#ifndef VISOR_TESTS_CONFORMANCE_TELEMETRY_USER_HPP
#define VISOR_TESTS_CONFORMANCE_TELEMETRY_USER_HPP
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <visor/plugin.hpp>

#include "lib/codec/transport_id.hpp"
#include "tests/support/world.hpp"

namespace visor::test {

namespace json = boost::json;

constexpr uint64_t kIntervalMs = 1000;
constexpr uint64_t kExpiryMs = 5 * kIntervalMs;

inline json::value parse_json(const std::string& text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  INFO(text);
  REQUIRE_FALSE(error);
  return value;
}

/* A visor's key, the same each time it is started. */
inline NodeOptions with_secret(uint8_t number, std::string directory = "") {
  NodeOptions options;
  options.secret = std::array<uint8_t, 32>{};
  options.secret->fill(number);
  options.directory = std::move(directory);
  return options;
}

inline std::string plugin(const std::string& name, const std::string& config = "{}",
                          const std::string& as = "") {
  return R"({"plugin":")" + name + "\"" + (as.empty() ? "" : R"(,"as":")" + as + "\"") + R"(,"config":)" +
         config + "}";
}

inline std::string plugins_config(const std::vector<std::string>& list) {
  std::string out = R"({"plugins":[)";
  for (const std::string& one : list) out += (&one == list.data() ? "" : ",") + one;
  return out + "]}";
}

inline std::string transports_config(const std::string& peers = "") {
  return R"({"listen":"tcp://0.0.0.0:7000","interval_ms":)" + std::to_string(kIntervalMs) + R"(,"peers":[)" +
         peers + "]}";
}

/* A peer to keep a transport to. */
inline std::string peer_of(const Node& node) {
  return R"({"pk":")" + to_hex(node.key()) + R"(","type":"stcpr","address":"tcp://)" + node.machine() +
         R"(:7000"})";
}

inline std::vector<std::string> base_plugins(const std::string& peers,
                                             const std::string& drive = "storage_memory") {
  return {plugin(drive, "{}", "disk"), plugin("transports", transports_config(peers)),
          plugin("feeds", R"({"drive":"disk"})")};
}

inline Node& add_tpd(World& world, const std::string& machine = "tpd",
                     const std::string& drive = "storage_memory", NodeOptions options = with_secret(99),
                     const std::vector<std::string>& more = {}) {
  auto list = base_plugins("", drive);
  list.push_back(
      plugin("transport_discovery", R"({"drive":"disk","interval_ms":)" + std::to_string(kIntervalMs) + "}"));
  list.insert(list.end(), more.begin(), more.end());
  return world.add(machine, plugins_config(list), std::move(options));
}

inline std::string telemetry_config(const visor_key& tpd) {
  return R"({"tpd":")" + to_hex(tpd) + R"(","interval_ms":)" + std::to_string(kIntervalMs) + "}";
}

/* Reports to the TPD, to which it keeps a transport, as to the others named. */
inline Node& add_visor(World& world, const std::string& machine, Node& tpd, const std::vector<Node*>& others,
                       NodeOptions options) {
  std::string peers = peer_of(tpd);
  for (Node* other : others) peers += "," + peer_of(*other);
  auto list = base_plugins(peers);
  list.push_back(plugin("telemetry", telemetry_config(tpd.key())));
  return world.add(machine, plugins_config(list), std::move(options));
}

/* Rows of /metrics by identifier, as the command gives them. */
inline std::map<std::string, json::object> shown(Node& tpd, const std::string& args = R"({"limit":5000})") {
  auto text = tpd.call("transport_discovery", "transports", args);
  INFO((text ? "" : text.error().text));
  REQUIRE(text.has_value());
  std::map<std::string, json::object> out;
  json::value rows = parse_json(*text);
  for (const json::value& row : rows.get_array()) {
    CHECK(out.emplace(std::string(row.get_object().at("id").get_string()), row.get_object()).second);
  }
  return out;
}

inline json::object status_of(Node& node, const std::string& instance) {
  auto text = node.call(instance, "status");
  REQUIRE(text.has_value());
  return parse_json(*text).get_object();
}

inline std::string uuid_between(const Node& a, const Node& b, std::string_view type = "stcpr") {
  return codec::to_uuid(codec::transport_id(a.key(), b.key(), type));
}

inline bool is_live(Node& tpd, const std::string& uuid) {
  auto rows = shown(tpd);
  return rows.contains(uuid) && rows[uuid].at("live").get_bool();
}

struct Bytes2 {
  uint64_t sent = 0, received = 0;
  uint64_t sum() const { return sent + received; }
};

/* What one visor has reported of a transport, all days. */
inline Bytes2 reported(Node& tpd, const std::string& uuid, const visor_key& reporter) {
  auto rows = shown(tpd);
  Bytes2 out;
  if (!rows.contains(uuid)) return out;
  const json::object& row = rows[uuid];
  const char* side = row.at("edges").get_array().at(0).get_string() == to_hex(reporter) ? "a" : "b";
  for (const json::value& day : row.at("daily").get_array()) {
    const json::object& counted = day.get_object().at(side).get_object();
    out.sent += counted.at("sent").to_number<uint64_t>();
    out.received += counted.at("recv").to_number<uint64_t>();
  }
  return out;
}

/* Follows one node's transports as they count themselves. */
class Counted {
 public:
  using Lives = std::map<uint64_t, Bytes2>; /* by epoch */

  explicit Counted(Node& node) : transports_(node.find<visor_transports>(VISOR_TRANSPORTS_1)) {
    REQUIRE(transports_ != nullptr);
    visor_handle* handle = nullptr;
    auto changed = [](void* self) { static_cast<Counted*>(self)->look(); };
    REQUIRE(transports_->api->watch(transports_, +changed, this, &handle) == VISOR_OK);
    watching_.reset(handle);
    look();
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void look() {
    serving.clear();
    transports_->api->each(
        transports_, [](void* self, const visor_transport* row) { static_cast<Counted*>(self)->see(*row); },
        this);
  }

  /* Of all of its connections. */
  Bytes2 sum(const std::string& uuid) const {
    Bytes2 all;
    auto at = lives.find(uuid);
    if (at == lives.end()) return all;
    for (const auto& [epoch, bytes] : at->second) {
      all.sent += bytes.sent;
      all.received += bytes.received;
    }
    return all;
  }

  std::set<std::string> serving;
  std::map<std::string, Lives> lives; /* by transport */

 private:
  void see(const visor_transport& row) {
    codec::TransportId id;
    std::copy_n(row.id, id.bytes.size(), id.bytes.begin());
    std::string uuid = codec::to_uuid(id);
    if (row.state == VISOR_TRANSPORT_SERVING) serving.insert(uuid);
    if (row.state != VISOR_TRANSPORT_SERVING && row.state != VISOR_TRANSPORT_CLOSED) return;
    Bytes2& life = lives[uuid][row.epoch];
    life.sent = std::max(life.sent, row.sent_bytes);
    life.received = std::max(life.received, row.received_bytes);
  }

  visor_transports* transports_;
  Owned<visor_handle> watching_;
};

/* A visor whose feed the test writes; it keeps a transport to the TPD and announces itself. */
class HandWritten {
 public:
  HandWritten(World& world, const std::string& machine, Node& tpd, NodeOptions options)
      : world_(world),
        node(world.add(machine, plugins_config(base_plugins(peer_of(tpd))), std::move(options))) {
    auto* feeds = node.find<visor_feeds>(VISOR_FEEDS_1);
    REQUIRE(feeds != nullptr);
    visor_feed_options feed_options{};
    feed_options.size = sizeof feed_options;
    feed_options.network = VISOR_TEXT("skynet");
    feed_options.port = 50;
    auto opened = world.await<visor_feed>(
        node, [&](visor_done done) { return feeds->api->open(feeds, &feed_options, done); });
    INFO((opened ? "" : opened.error().text));
    REQUIRE(opened.has_value());
    feed_.reset(*opened);
    visor_addr to{tpd.key(), 50};
    visor_handle* handle = nullptr;
    REQUIRE(feeds->api->announce(
                feeds, VISOR_TEXT("skynet"), &to, [](void*, visor_status) {}, nullptr, &handle) == VISOR_OK);
    announced_.reset(handle);
  }
  ~HandWritten() {
    announced_.reset();
    feed_.reset();
  }
  HandWritten(const HandWritten&) = delete;
  HandWritten& operator=(const HandWritten&) = delete;

  /* Writes leaves, and deletes those without a value, in one Root. */
  void write(const std::vector<std::pair<std::string, std::optional<Bytes>>>& leaves) {
    std::vector<visor_op> ops;
    for (const auto& [path, value] : leaves) {
      ops.push_back({value ? VISOR_PUT : VISOR_DELETE, 0, to_span(std::string_view(path)),
                     value ? to_span(ByteView(*value)) : visor_span{}});
    }
    auto written = world_.await<void>(
        node, [&](visor_done done) { return feed_->api->write(feed_.get(), ops.data(), ops.size(), done); });
    INFO((written ? "" : written.error().text));
    REQUIRE(written.has_value());
  }
  static Bytes text(std::string_view value) { return Bytes(value.begin(), value.end()); }

 private:
  World& world_;

 public:
  Node& node;

 private:
  Owned<visor_feed> feed_;
  Owned<visor_handle> announced_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_CONFORMANCE_TELEMETRY_USER_HPP
