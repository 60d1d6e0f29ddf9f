// A private group's key is changed from time to time, by whichever admin is there, and old ones go.
#include "tests/conformance/chat_town.hpp"
#include "tests/support/jumpy_world.hpp"

namespace visor::test::chat {
namespace {

int64_t keys(Town& town, int who) {
  return town.shown(who).at("counters").at("keys").to_number<int64_t>();
}

}  // namespace

TEST_CASE("chat: a private group has a new key after so many messages, and old ones are cleared away",
          "[chat]") {
  // The smallest window has no jitter: each message is sealed with a key of its own.
  Town town(3, 1, R"({"key_messages":1})");
  town.create({1, 2});
  for (int i = 0; i < 40; ++i) {
    town.say(i % 3, "m" + std::to_string(i));
    REQUIRE(town.all_hear({0, 1, 2}, static_cast<size_t>(i) + 1));
  }
  CHECK(keys(town, 0) >= 40);
  CHECK(
      town.world.run_until([&] { return keys(town, 1) == keys(town, 0) && keys(town, 2) == keys(town, 0); }));
  // Those that nobody needs are in no feed, at whoever passes them on, and stay away.
  const size_t kept = town.leaves(0, "keys").size();
  CHECK(kept <= 32);
  CHECK(town.world.run_until(
      [&] { return town.leaves(1, "keys").size() == kept && town.leaves(2, "keys").size() == kept; }));
  town.world.run_for(60000);
  CHECK(town.leaves(1, "keys").size() == kept);
  CHECK(town.heard(2) == town.heard(0));
}

TEST_CASE("chat: a private group has a new key after a time, also where another admin must see to it",
          "[chat]") {
  Town town(3, 1, R"({"key_ms":60000})");
  town.create({1, 2});
  town.say(0, "one");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  CHECK(keys(town, 0) == 0);
  REQUIRE(town.world.run_until([&] { return keys(town, 0) == 1 && keys(town, 1) == 1 && keys(town, 2) == 1; },
                               120000));
  town.say(1, "two");
  REQUIRE(town.all_hear({0, 1, 2}, 2));
  town.ask(0, "group_promote", R"({"group":")" + town.group + R"(","peer":")" + town.key(1) + "\"}");
  REQUIRE(town.world.run_until([&] { return town.shown(1).at("admin") == true; }));
  town.world.remove(*town.people[0]);
  town.people[0] = nullptr;
  REQUIRE(town.world.run_until([&] { return keys(town, 1) >= 2 && keys(town, 2) == keys(town, 1); }, 120000));
  town.say(2, "three");
  CHECK(town.all_hear({1, 2}, 3));
  // Who comes back has missed keys, and nothing else.
  town.people[0] = &town.add(0);
}

TEST_CASE("chat: a key from a clock that is far ahead serves to read, and no more", "[chat]") {
  JumpyWorld world(1);
  std::vector<JumpyLoop*> clocks;
  std::vector<Node*> people;
  for (uint8_t i = 0; i < 2; ++i) {
    auto list = base_plugins(i == 0 ? std::string() : peer_of(*people[0]));
    list.push_back(plugin("chat", R"({"drive":"disk","networks":["skynet"],"groups":{"key_ms":86400000}})"));
    clocks.push_back(&world.make_clock());
    world.next_on(*clocks.back());
    people.push_back(&world.add("10.0.3." + std::to_string(i + 1), plugins_config(list),
                                with_secret(static_cast<uint8_t>(i + 1))));
  }
  auto ask = [&](size_t who, const std::string& command, const std::string& args) {
    auto said = people[who]->call("chat", command, args);
    INFO((said ? std::string() : said.error().text));
    REQUIRE(said.has_value());
    return parse_json(*said);
  };
  const json::value made =
      ask(0, "group_create", R"({"name":"two","members":[")" + to_hex(people[1]->key()) + "\"]}");
  const std::string group = R"("group":")" + std::string(made.at("id").get_string()) + "\"";
  ask(1, "group_join", R"({"invite":")" + std::string(made.at("invite").get_string()) + "\"}");
  auto say = [&](size_t who, const std::string& text) {
    ask(who, "group_send", "{" + group + R"(,"text":")" + text + "\"}");
  };
  auto heard = [&](size_t who) { return ask(who, "group_messages", "{" + group + "}").as_array().size(); };
  auto both_hear = [&](size_t count) {
    return world.run_until([&] { return heard(0) == count && heard(1) == count; });
  };
  say(0, "now");
  REQUIRE(both_hear(1));
  clocks[0]->jump_ns(3ll * 86'400'000'000'000);
  say(0, "from three days ahead");
  say(0, "with another key");
  say(1, "as before");
  REQUIRE(both_hear(4));
  const json::value shown = ask(0, "group_show", "{" + group + "}");
  CHECK(shown.at("counters").at("keys").to_number<int>() >= 1);
  clocks[0]->jump_ns(-3ll * 86'400'000'000'000);
  say(0, "back");
  say(1, "welcome");
  CHECK(both_hear(6));
}

}  // namespace visor::test::chat
