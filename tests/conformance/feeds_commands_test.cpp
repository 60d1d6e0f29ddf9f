// The commands of feeds between two visors: publish, watch, tree, get.
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/open_call.hpp"

namespace visor::test {
namespace {

struct Pair {
  Pair()
      : owner(world.add("10.0.0.1", plugins_config({plugin("storage_memory", "{}", "disk"),
                                                    plugin("transports", transports_config()),
                                                    plugin("feeds", R"({"drive":"disk","serve":[
                                                      {"network":"skynet","port":60}]})")}))),
        reader(world.add("10.0.0.2", plugins_config(base_plugins(peer_of(owner))))) {}

  json::object publish(const std::string& members) {
    auto said = owner.call("feeds", "publish", R"({"port":60,)" + members + "}");
    INFO((said ? std::string() : said.error().text));
    REQUIRE(said.has_value());
    return parse_json(*said).get_object();
  }
  std::string watching(const std::string& members = "") const {
    return R"({"port":60,"network":"skynet","owner":")" + to_hex(owner.key()) + "\"" + members + "}";
  }

  SimWorld world{7};
  Node& owner;
  Node& reader;
};

const json::object& change(const json::object& event, size_t index) {
  return event.at("changes").get_array().at(index).get_object();
}

}  // namespace

TEST_CASE("feeds: publish, watch, get and tree", "[feeds]") {
  Pair pair;
  CHECK(pair.publish(R"("path":"weather/berlin","value":"rain")").at("seq").to_number<uint64_t>() == 0);

  OpenCall watch(pair.reader, "feeds", "watch", pair.watching(R"(,"values":true)"));
  REQUIRE(pair.world.run_until([&] { return watch.values.size() == 1; }, 10000));
  CHECK(change(watch.values[0], 0).at("path") == "weather/berlin");
  CHECK(change(watch.values[0], 0).at("value") == "rain");

  pair.publish(R"("path":"weather/paris","value_hex":"00ff")");
  REQUIRE(pair.world.run_until([&] { return watch.values.size() == 2; }, 10000));
  CHECK(watch.values[1].at("seq").to_number<uint64_t>() == 1);
  CHECK(change(watch.values[1], 0).at("value_hex") == "00ff");
  CHECK(watch.values[1].at("changes").get_array().size() == 1);

  pair.publish(R"("path":"weather/berlin","delete":true)");
  REQUIRE(pair.world.run_until([&] { return watch.values.size() == 3; }, 10000));
  CHECK(change(watch.values[2], 0).at("deleted") == true);

  auto got = pair.reader.call("feeds", "get",
                              R"({"owner":")" + to_hex(pair.owner.key()) + R"(","path":"weather/paris"})");
  REQUIRE(got.has_value());
  CHECK(parse_json(*got).get_object().at("value_hex") == "00ff");

  CHECK(status_of(pair.reader, "feeds").at("calls").get_object().at("now").to_number<int>() == 1);
  watch.cancel();
  CHECK(*watch.finished == VISOR_ECANCELED);
  CHECK(status_of(pair.reader, "feeds").at("calls").get_object().at("now").to_number<int>() == 0);

  // Nobody follows it any more, and what came of it is still there.
  const std::string listed = *pair.reader.call("feeds", "list", "{}");
  CHECK_THAT(listed, Catch::Contains(R"("state":"subscribed")") && Catch::Contains(R"("users":0)"));
  pair.world.run_for(11000);
  const std::string whose = R"("owner":")" + to_hex(pair.owner.key()) + "\"";
  got = pair.reader.call("feeds", "get", "{" + whose + R"(,"path":"weather/paris"})");
  REQUIRE(got.has_value());
  CHECK(parse_json(*got).get_object().at("value_hex") == "00ff");
  auto tree = pair.reader.call("feeds", "tree", "{" + whose + R"(,"port":60})");
  REQUIRE(tree.has_value());
  CHECK(parse_json(*tree).get_object().at("leaves").get_array().size() == 1);
  auto list = pair.reader.call("feeds", "list", "{}");
  REQUIRE(list.has_value());
  CHECK_THAT(*list, Catch::Contains(R"("state":"stored")"));
  got = pair.reader.call("feeds", "get", "{" + whose + R"(,"port":61,"path":"weather/paris"})");
  REQUIRE_FALSE(got.has_value());
  CHECK_THAT(got.error().text, Catch::Contains("is open or stored here"));
}

TEST_CASE("feeds: a watcher that takes nothing loses nothing", "[feeds]") {
  Pair pair;
  pair.publish(R"("path":"n","value":"0")");
  OpenCall watch(pair.reader, "feeds", "watch", pair.watching(R"(,"values":true)"));
  REQUIRE(pair.world.run_until([&] { return watch.values.size() == 1; }, 10000));
  watch.take(false);
  for (int i = 1; i <= 20; ++i) {
    pair.publish(R"("path":"n","value":")" + std::to_string(i) + "\"");
    pair.publish(R"("path":"n)" + std::to_string(i) + R"(","value":"1")");
  }
  pair.world.run_for(10000);
  CHECK(watch.values.size() == 1);
  watch.take(true);
  std::map<std::string, std::string> seen;
  CHECK(pair.world.run_until(
      [&] {
        seen.clear();
        for (const auto& event : watch.values) {
          for (const auto& each : event.at("changes").get_array()) {
            seen[std::string(each.get_object().at("path").get_string())] =
                each.get_object().at("value").get_string();
          }
        }
        return seen.size() == 21 && seen["n"] == "20";
      },
      10000));
}

TEST_CASE("feeds: what cannot be published is said", "[feeds]") {
  Pair pair;
  for (const char* args :
       {R"({"port":60,"path":"x"})", R"({"port":60,"path":"x","value":"1","delete":true})",
        R"({"port":60,"path":"x","value_hex":"0"})", R"({"port":60,"path":"x//y","value":"1"})",
        R"({"port":60,"path":"x","value":""})", R"({"path":"x","value":"1"})"}) {
    auto refused = pair.owner.call("feeds", "publish", args);
    INFO(args);
    REQUIRE_FALSE(refused.has_value());
    CHECK_FALSE(refused.error().text.empty());
  }
  CHECK(status_of(pair.owner, "feeds").at("calls").get_object().at("now").to_number<int>() == 0);
}

TEST_CASE("feeds: what is connected, what is refused and what is wrong is shown", "[feeds]") {
  Pair pair;
  pair.publish(R"("path":"x","value":"1")");
  OpenCall watch(pair.reader, "feeds", "watch", pair.watching());
  REQUIRE(pair.world.run_until([&] { return !watch.values.empty(); }, 10000));
  const json::object peers = parse_json(*pair.reader.call("feeds", "peers")).get_object();
  const json::array& connections = peers.at("connections").get_array();
  REQUIRE(connections.size() == 1);
  const json::object& connection = connections.at(0).get_object();
  CHECK(connection.at("peer") == json::value(to_hex(pair.owner.key())));
  CHECK(connection.at("network") == "skynet");
  CHECK(connection.at("port").to_number<int>() == 60);
  CHECK(connection.at("ready") == true);
  CHECK(connection.at("feeds").to_number<int>() == 1);
  CHECK(connection.at("received_bytes").to_number<int>() > 0);
  CHECK(connection.at("queued_bytes").get_object().at("limit").to_number<int>() > 0);
  const json::object& wanted = peers.at("wanted").get_array().at(0).get_object();
  CHECK(wanted.at("connected") == true);
  CHECK(wanted.at("last_error") == "");

  const json::object status = status_of(pair.owner, "feeds");
  CHECK(status.at("dirty") == false);
  CHECK(status.at("frozen") == false);
  CHECK(status.at("last_error") == "");
  const json::object& port = status.at("ports").get_array().at(0).get_object();
  const json::object& publisher = port.at("publishers").get_array().at(0).get_object();
  CHECK(publisher.at("writes").to_number<int>() == 1);
  CHECK(publisher.at("leaves").to_number<int>() == 1);
  CHECK(publisher.at("roots").to_number<int>() == 1);
  CHECK_THAT(*pair.owner.call("feeds", "list"),
             Catch::Contains(R"("refused_subscribers":0)") && Catch::Contains(R"("users":1)"));
}

TEST_CASE("feeds: a feed that was published is served again after a restart of its reader's watch",
          "[feeds]") {
  Pair pair;
  pair.publish(R"("path":"x","value":"1")");
  for (int times = 0; times < 3; ++times) {
    OpenCall watch(pair.reader, "feeds", "watch", pair.watching());
    REQUIRE(pair.world.run_until([&] { return !watch.values.empty(); }, 10000));
    CHECK(change(watch.values[0], 0).at("bytes").to_number<int>() == 1);
  }
}

}  // namespace visor::test
