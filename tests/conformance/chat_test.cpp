// Direct messages between two visors, whatever happens to the network and to either of them.
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/open_call.hpp"

namespace visor::test {
namespace {

std::string chat_config() {
  return R"({"drive":"disk","networks":["skynet"],"acknowledged_ms":3000,"retry_ms":500,"max_retry_ms":4000})";
}

Node& add_chatter(World& world, const std::string& machine, const std::string& peers, NodeOptions options) {
  auto list = base_plugins(peers);
  list.push_back(plugin("chat", chat_config()));
  return world.add(machine, plugins_config(list), std::move(options));
}

struct Pair {
  explicit Pair(uint64_t seed = 1) : world(seed) {
    alice = &add_chatter(world, "10.0.0.1", "", with_secret(1));
    bob = &add_chatter(world, "10.0.0.2", peer_of(*alice), with_secret(2));
  }
  json::object send(Node& from, const Node& to, const std::string& text, const std::string& more = "") {
    auto said = from.call("chat", "send",
                          R"({"to":")" + to_hex(to.key()) + R"(","text":")" + text + "\"" + more + "}");
    INFO((said ? std::string() : said.error().text));
    REQUIRE(said.has_value());
    return parse_json(*said).get_object();
  }
  json::array history(Node& at, const Node& with) {
    auto rows = at.call("chat", "history", R"({"limit":1000,"peer":")" + to_hex(with.key()) + "\"}");
    REQUIRE(rows.has_value());
    return parse_json(*rows).get_array();
  }
  std::vector<std::string> texts(Node& at, const Node& with) {
    std::vector<std::string> out;
    for (const json::value& row : history(at, with)) {
      if (!row.at("out").get_bool()) out.emplace_back(row.at("text").get_string());
    }
    return out;
  }
  std::string state(Node& at, const Node& with, const json::value& id) {
    for (const json::value& row : history(at, with)) {
      if (row.at("id") == id) return std::string(row.at("state").get_string());
    }
    return "absent";
  }

  SimWorld world;
  Node* alice;
  Node* bob;
};

}  // namespace

TEST_CASE("chat: a message arrives, is acknowledged, read and answered", "[chat]") {
  Pair pair;
  OpenCall watch(*pair.bob, "chat", "watch", "{}");
  const json::object sent = pair.send(*pair.alice, *pair.bob, "hello");
  CHECK(sent.at("state") == "received");
  CHECK(sent.at("network") == "skynet");
  REQUIRE(pair.world.run_until([&] { return watch.values.size() == 1; }, 1000));
  const json::object& event = watch.values[0];
  CHECK(event.at("event") == "message");
  CHECK(event.at("message").at("text") == "hello");
  CHECK(event.at("message").at("peer").get_string() == to_hex(pair.alice->key()));
  CHECK(event.at("message").at("out") == false);

  auto conversations = pair.bob->call("chat", "conversations");
  REQUIRE(conversations.has_value());
  CHECK(parse_json(*conversations).at(0).at("unread") == 1);
  REQUIRE(pair.bob->call("chat", "read", R"({"peer":")" + to_hex(pair.alice->key()) + "\"}").has_value());
  CHECK(pair.world.run_until([&] { return pair.state(*pair.alice, *pair.bob, sent.at("id")) == "read"; },
                             5000));
  conversations = pair.bob->call("chat", "conversations");
  CHECK(parse_json(*conversations).at(0).at("unread") == 0);

  const std::string reply = R"(,"reply_to":")" + std::string(sent.at("id").get_string()) + "\"";
  CHECK(pair.send(*pair.bob, *pair.alice, "hi", reply).at("state") == "received");
  CHECK(pair.history(*pair.alice, *pair.bob).at(1).at("reply_to") == sent.at("id"));
}

TEST_CASE("chat: who is away gets everything on coming back, once and in order", "[chat]") {
  Pair pair;
  pair.world.run_for(1000);
  const visor_key key = pair.bob->key();
  pair.world.remove(*pair.bob);
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    auto kept = pair.alice->call(
        "chat", "send",
        R"({"wait_ms":0,"to":")" + to_hex(key) + R"(","text":"m)" + std::to_string(i) + "\"}");
    REQUIRE(kept.has_value());
    CHECK(parse_json(*kept).at("state") == "pending");
    expected.push_back("m" + std::to_string(i));
  }
  pair.world.run_for(60000);
  pair.bob = &add_chatter(pair.world, "10.0.0.2", peer_of(*pair.alice), with_secret(2));
  CHECK(pair.world.run_until([&] { return pair.texts(*pair.bob, *pair.alice) == expected; }, 60000));
  CHECK(pair.world.run_until(
      [&] {
        const json::object waiting = status_of(*pair.alice, "chat").at("waiting").get_object();
        return waiting.at("messages") == 0;
      },
      10000));
}

TEST_CASE("chat: a network that loses lines at any time delivers every message once", "[chat]") {
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  Pair pair(seed);
  pair.world.network().options().cut_per_million = 20000;
  pair.world.network().options().lost_per_million = 20000;
  std::vector<std::string> to_bob, to_alice;
  for (int i = 0; i < 100; ++i) {
    to_bob.push_back("b" + std::to_string(i));
    to_alice.push_back("a" + std::to_string(i));
    pair.send(*pair.alice, *pair.bob, to_bob.back(), R"(,"wait_ms":0)");
    pair.send(*pair.bob, *pair.alice, to_alice.back(), R"(,"wait_ms":0)");
    pair.world.run_for(100);
  }
  pair.world.network().options().cut_per_million = 0;
  auto sorted = [](std::vector<std::string> all) {
    std::ranges::sort(all);
    return all;
  };
  CHECK(pair.world.run_until(
      [&] {
        return sorted(pair.texts(*pair.bob, *pair.alice)) == sorted(to_bob) &&
               sorted(pair.texts(*pair.alice, *pair.bob)) == sorted(to_alice);
      },
      120000));
}

TEST_CASE("chat: a message is taken back", "[chat]") {
  Pair pair;
  const json::object sent = pair.send(*pair.alice, *pair.bob, "oops");
  REQUIRE(sent.at("state") == "received");
  const std::string args = R"({"peer":")" + to_hex(pair.bob->key()) + R"(","id":")" +
                           std::string(sent.at("id").get_string()) + "\"}";
  REQUIRE(pair.alice->call("chat", "unsend", args).has_value());
  CHECK(pair.world.run_until(
      [&] {
        const json::value row = pair.history(*pair.bob, *pair.alice).at(0);
        return row.at("text") == "" && row.as_object().contains("deleted");
      },
      5000));
  // Nobody takes back what others wrote.
  CHECK_FALSE(pair.bob
                  ->call("chat", "unsend",
                         R"({"peer":")" + to_hex(pair.alice->key()) + R"(","id":")" +
                             std::string(sent.at("id").get_string()) + "\"}")
                  .has_value());
}

TEST_CASE("chat: what cannot be sent is said", "[chat]") {
  Pair pair;
  const std::string to = R"({"to":")" + to_hex(pair.bob->key()) + R"(",)";
  for (const std::string& args :
       {to + R"("text":""})", to + R"("text":"x","network":"pigeon"})",
        to + R"("text":")" + std::string(65500, 'x') + "\"}", std::string(R"({"to":"02","text":"x"})")}) {
    auto refused = pair.alice->call("chat", "send", args);
    REQUIRE_FALSE(refused.has_value());
    CHECK_FALSE(refused.error().text.empty());
  }
}

TEST_CASE("chat: a conversation is forgotten", "[chat]") {
  Pair pair;
  pair.send(*pair.alice, *pair.bob, "x");
  REQUIRE(pair.bob->call("chat", "forget", R"({"peer":")" + to_hex(pair.alice->key()) + "\"}").has_value());
  CHECK(pair.history(*pair.bob, *pair.alice).empty());
  pair.send(*pair.alice, *pair.bob, "y");
  CHECK(pair.texts(*pair.bob, *pair.alice) == std::vector<std::string>{"y"});
}

}  // namespace visor::test
