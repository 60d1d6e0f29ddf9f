// What a gateway offers by its key over the relay network: the TPD's interface, a service directory beside
// it, a visor's own days; and what it does not.
#include "lib/http/ask_over.hpp"
#include "lib/services/directory.hpp"
#include "tests/conformance/dmsg_network.hpp"
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test {
namespace {

std::string dmsg_plugin() {
  return plugin("fetch") + "," +
         plugin("dmsg", R"({"discovery":")" + std::string(dmsg::kDiscoveryUrl) + "\"}");
}

std::string gateway_plugin() {
  return plugin("gateway",
                R"({"listen":"tcp://0.0.0.0:9090","token":"0123456789abcdef","networks":["dmsg"]})");
}

// A relay network with somebody who asks, and nothing else.
struct RelayNetwork {
  SimWorld world{1};
  Node& discovery = dmsg::discovery_node(world);
  Node& relay = dmsg::server_node(world, 0);
  Node& asker = dmsg::client_node(world, "10.0.1.1");
  RelayNetwork() { REQUIRE(dmsg::wait_registered(asker)); }

  Node& add(const std::string& machine, std::vector<std::string> plugins, uint8_t number) {
    plugins.push_back(gateway_plugin());
    plugins.push_back(dmsg_plugin());
    NodeOptions options = with_secret(number);
    options.log_level = VISOR_WARN;
    Node& node = world.add(machine, plugins_config(plugins), std::move(options));
    REQUIRE(dmsg::wait_registered(node));
    return node;
  }
  Node& add_tpd() {
    auto list = base_plugins("");
    list.push_back(plugin("transport_discovery", R"({"drive":"disk","http_network":"dmsg","interval_ms":)" +
                                                     std::to_string(kIntervalMs) + "}"));
    list.push_back(plugin("service_discovery", R"({"drive":"disk"})"));
    return add("10.0.2.1", std::move(list), 99);
  }
  Node& add_visor(Node& tpd, const std::string& telemetry_members = "") {
    auto list = base_plugins(peer_of(tpd));
    list.push_back(plugin("telemetry", R"({"tpd":")" + to_hex(tpd.key()) + R"(","interval_ms":)" +
                                           std::to_string(kIntervalMs) + telemetry_members + "}"));
    return add("10.0.2.2", std::move(list), 1);
  }

  http::Answer ask(Node& by, const Node& whom, const std::string& path, const std::string& method = "GET",
                   const std::string& body = "") {
    http::Question question{
        .method = method, .url = "http://" + to_hex(whom.key()) + ":80" + path, .body = body};
    std::optional<Result<http::Answer>> got;
    http::Call call = http::ask_over(by.host(), http::open_on(by.host(), "dmsg", {whom.key(), 80}), question,
                                     [&](Result<http::Answer> answer) { got = std::move(answer); });
    REQUIRE(world.run_until([&] { return got.has_value(); }));
    INFO(path << ": " << (*got ? "" : got->error().text));
    REQUIRE(got->has_value());
    return std::move(**got);
  }
  http::Answer get(const Node& whom, const std::string& path) { return ask(asker, whom, path); }
};

}  // namespace

TEST_CASE("tpd: its interface is asked by its key over the relay network", "[tpd][dmsg]") {
  RelayNetwork on;
  Node& tpd = on.add_tpd();
  Node& visor = on.add_visor(tpd);
  const std::string uuid = uuid_between(tpd, visor), pk = to_hex(visor.key());
  REQUIRE(on.world.run_until([&] { return is_live(tpd, uuid) && reported(tpd, uuid, visor.key()).sum() > 0; },
                             10 * kIntervalMs));

  http::Answer metrics = on.get(tpd, "/metrics?edges=true");
  CHECK(metrics.status == 200);
  json::array rows = parse_json(metrics.body).get_array();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].get_object().at("id").get_string() == uuid);
  CHECK(rows[0].get_object().at("live").get_bool());
  CHECK(rows[0].get_object().at("edges").get_array().size() == 2);

  json::object health = parse_json(on.get(tpd, "/health").body).get_object();
  CHECK(health.at("service_name").get_string() == "transport-discovery");
  CHECK(health.at("dmsg_address").get_string() == to_hex(tpd.key()) + ":80");
  CHECK(health.at("skynet_address").get_string() == to_hex(tpd.key()) + ":50");

  json::object stats = parse_json(on.get(tpd, "/all-transports/stats").body).get_object();
  CHECK(stats.at("total_transports").to_number<uint64_t>() == 1);
  CHECK(parse_json(on.get(tpd, "/v3/transports/edge:" + pk).body).get_array().size() == 1);
  CHECK(parse_json(on.ask(on.asker, tpd, "/transports/edges", "POST", "[\"" + pk + "\"]").body)
            .get_array()
            .size() == 1);
  CHECK(on.get(tpd, "/uptimes?v=v2&visors=" + pk).body.find(pk) != std::string::npos);
  CHECK(on.get(tpd, "/security/nonces/" + pk).body.find("next_nonce") != std::string::npos);
  CHECK(on.get(tpd, "/transports/edge:" + pk).status == 401);
  CHECK(on.get(tpd, "/metrics/" + std::string(36, 'x')).status == 400);
  CHECK(on.get(tpd, "/transports/stats/nobody").status == 400);
  CHECK(on.ask(on.asker, tpd, "/statuses", "POST", "{}").status == 410);
}

TEST_CASE("gateway: a peer of a network gets what is public, and neither page nor commands",
          "[gateway][dmsg]") {
  RelayNetwork on;
  Node& tpd = on.add_tpd();
  for (const char* path : {"/", "/api", "/api/kernel/status", "/index.html", "/stats/uptime"}) {
    INFO(path);
    http::Answer answer = on.get(tpd, path);
    CHECK(answer.status == 404);
    CHECK(answer.body.find("/metrics") != std::string::npos);
    CHECK(answer.body.find("/api,") == std::string::npos);
  }
  json::object status = status_of(tpd, "gateway");
  json::object network = status.at("networks").get_array().at(0).get_object();
  CHECK(network.at("name").get_string() == "dmsg");
  CHECK(network.at("port").to_number<int>() == 80);
  CHECK(network.at("listening").get_bool());
  CHECK(network.at("requests").to_number<uint64_t>() == 5);

  // The directory of services on the same gateway is reached by the same key.
  auto directory = services::Directory::open(on.asker.host(), "dmsg://" + to_hex(tpd.key()));
  REQUIRE(directory);
  std::optional<Result<std::vector<services::Service>>> listed;
  http::Call call =
      (*directory)->list({.type = "skychat"}, [&](auto result) { listed.emplace(std::move(result)); });
  REQUIRE(on.world.run_until([&] { return listed.has_value(); }));
  REQUIRE(listed->has_value());
  CHECK((*listed)->empty());

  // It ends while somebody is asking.
  http::Question question{.method = "GET", .url = "http://" + to_hex(tpd.key()) + ":80/metrics", .body = {}};
  bool answered = false;
  http::Call late = http::ask_over(on.asker.host(), http::open_on(on.asker.host(), "dmsg", {tpd.key(), 80}),
                                   question, [&](Result<http::Answer>) { answered = true; });
  on.world.run_for(30);
  tpd.stop();
  CHECK(on.world.run_until([&] { return answered; }, 30'000));
}

TEST_CASE("telemetry: a visor's days are for named keys, over the relay network", "[telemetry][dmsg]") {
  RelayNetwork on;
  Node& tpd = on.add_tpd();
  Node& stranger = dmsg::client_node(on.world, "10.0.1.2");
  REQUIRE(dmsg::wait_registered(stranger));
  Node& visor = on.add_visor(tpd, R"(,"stats_readers":[")" + to_hex(on.asker.key()) + "\"]");
  on.world.run_for(5 * kIntervalMs);

  http::Answer history = on.get(visor, "/stats/transports/history?days=3&limit=5");
  CHECK(history.status == 200);
  json::array rows = parse_json(history.body).get_array();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].get_object().at("id").get_string() == uuid_between(tpd, visor));
  CHECK(rows[0].get_object().at("daily").get_array().size() == 1);
  CHECK(on.get(visor, "/stats/transports/history?id=" + uuid_between(tpd, visor)).body == history.body);
  json::object uptime = parse_json(on.get(visor, "/stats/uptime?timeline=true").body).get_object();
  CHECK(uptime.at("tiers").get_object().contains("process"));
  CHECK(uptime.at("services").get_object().contains("visor"));

  CHECK(on.get(visor, "/stats/none").status == 404);
  CHECK(on.get(visor, "/stats/uptime?days=31").status == 400);
  CHECK(on.get(visor, "/stats/uptime?days=x").status == 400);
  CHECK(on.get(visor, "/stats/transports/history?id=x").status == 400);
  CHECK(on.get(visor, "/stats/uptime?day=1").status == 400);
  CHECK(on.ask(on.asker, visor, "/stats/uptime", "POST").status == 405);
  http::Answer refused = on.ask(stranger, visor, "/stats/uptime");
  CHECK(refused.status == 403);
  CHECK(refused.body.find("stats_readers") != std::string::npos);
  json::object counted = status_of(visor, "telemetry").at("stats").get_object();
  CHECK(counted.at("answered").to_number<uint64_t>() == 3);
  CHECK(counted.at("refused").to_number<uint64_t>() == 1);
  // By the gateway's own address nobody has proved anything.
  http::Question question{.method = "GET", .url = "http://10.0.2.2:9090/stats/uptime", .body = {}};
  std::optional<Result<http::Answer>> plain;
  http::Call call =
      http::ask(on.asker.host(), question, [&](Result<http::Answer> answer) { plain = std::move(answer); });
  REQUIRE(on.world.run_until([&] { return plain.has_value(); }));
  REQUIRE(plain->has_value());
  CHECK((*plain)->status == 403);
}

TEST_CASE("dmsg: a discovery that is known later is named then", "[dmsg]") {
  SimWorld world(3);
  dmsg::discovery_node(world);
  dmsg::server_node(world, 0);
  Node& late = world.add("10.0.1.7", plugins_config({plugin("fetch"), plugin("dmsg", R"({"sessions":1})")}),
                         with_secret(7));
  const std::string named = R"({"sessions":1,"discovery":")" + std::string(dmsg::kDiscoveryUrl) + "\"}";
  CHECK(late.kernel()
            .configure("dmsg", R"({"sessions":2,"discovery":"http://10.0.0.9:9090"})")
            .error()
            .status == VISOR_ENOSYS);
  world.run_for(2000);
  CHECK(dmsg::connected(late) == 0);
  REQUIRE(late.kernel().configure("dmsg", named).has_value());
  CHECK(dmsg::wait_registered(late));
  CHECK(late.kernel().configure("dmsg", named).has_value());
  CHECK(late.kernel().configure("dmsg", R"({"sessions":1})").error().status == VISOR_ENOSYS);
}

}  // namespace visor::test
