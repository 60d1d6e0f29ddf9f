// What chats did wrong before (docs/chat-lessons.md), as far as no other test shows it.
#include "tests/conformance/chat_town.hpp"
#include "tests/support/open_call.hpp"

namespace visor::test::chat {
namespace {

std::map<std::string, bool> reached_by(Town& town, int who) {
  std::map<std::string, bool> all;
  const json::value shown = town.shown(who);
  for (const json::value& member : shown.at("member_list").get_array())
    all[std::string(member.at("pk").get_string())] = member.at("reached").get_bool();
  return all;
}

}  // namespace

TEST_CASE(
    "chat: lessons 8, 12 and 18, members who are dead or silent do not slow the others, and it is told who",
    "[chat]") {
  Town town(7);
  town.create({1, 2, 3, 4, 5, 6});
  town.say(0, "all here");
  REQUIRE(town.all_hear({0, 1, 2, 3, 4, 5, 6}, 1));
  REQUIRE(town.world.run_until([&] { return town.members(1) == 7; }));
  // Two are gone, two more are not reached any more without a word.
  for (int who : {3, 4}) {
    town.world.remove(*town.people[static_cast<size_t>(who)]);
    town.people[static_cast<size_t>(who)] = nullptr;
  }
  for (int who : {5, 6}) town.cut_off(who, true);
  size_t count = 1;
  for (int round = 0; round < 8; ++round) {
    town.world.run_for(20000);
    town.say(round % 3, "m" + std::to_string(round));
    CHECK(town.all_hear({0, 1, 2}, ++count, 300));
  }
  // Both have been silent for longer than a connection may be.
  const auto reached = reached_by(town, 0);
  for (int who : {1, 2}) CHECK(reached.at(town.key(who)));
  for (int who : {5, 6}) CHECK_FALSE(reached.at(town.key(who)));
  for (int who : {5, 6}) town.cut_off(who, false);
  CHECK(town.all_hear({5, 6}, count, 120000));
}

TEST_CASE("chat: lesson 10, in a large group each follows a few, and not only admins", "[chat]") {
  Town town(10);
  town.create({1, 2, 3, 4, 5, 6, 7, 8, 9});
  REQUIRE(town.world.run_until([&] { return town.members(9) == 10 && town.members(4) == 10; }));
  auto following = [&](int who) { return town.shown(who).at("following").to_number<size_t>(); };
  CHECK(town.world.run_until([&] { return following(0) == 9; }));
  for (int who = 1; who < 10; ++who) {
    // The founder and the two next on the ring, of whom the founder may be one.
    CHECK(town.world.run_until([&] { return following(who) >= 2 && following(who) <= 3; }));
  }
}

TEST_CASE("chat: lessons 14 and 38, a group that is not reached stays, and is active with the first Root",
          "[chat]") {
  Town town(2);
  town.create({});
  town.ask(0, "group_add", R"({"group":")" + town.group + R"(","peer":")" + town.key(1) + "\"}");
  town.world.run_for(5000);
  town.cut_off(0, true);
  town.join(1);
  town.world.run_for(600000);
  CHECK(town.shown(1).at("status") == "pending");
  CHECK(town.shown(1).at("attached") == 0);
  town.cut_off(0, false);
  CHECK(town.world.run_until([&] { return town.shown(1).at("status") == "active"; }, 400000));
  town.say(1, "at last");
  CHECK(town.all_hear({0, 1}, 1));
}

TEST_CASE("chat: lessons 29, 30 and 31, each watcher hears what happens now, and what it missed is counted",
          "[chat]") {
  Town town(2);
  town.create({1});
  town.say(1, "before");
  REQUIRE(town.all_hear({0, 1}, 1));
  const std::string first = town.group;
  town.create({1});
  const std::string second = town.group;
  OpenCall all(*town.people[0], "chat", "watch", "{}"), slow(*town.people[0], "chat", "watch", "{}");
  OpenCall groups(*town.people[0], "chat", "group_watch", "{}");
  OpenCall one(*town.people[0], "chat", "group_watch", R"({"group":")" + first + "\"}");
  auto said = [](const OpenCall& call, std::string_view event) {
    std::vector<std::string> out;
    for (const json::object& value : call.values) {
      if (value.at("event").get_string() == event)
        out.emplace_back(value.at("message").at("text").get_string());
    }
    return out;
  };
  auto count = [](const OpenCall& call, std::string_view event) {
    return std::ranges::count_if(
        call.values, [&](const json::object& value) { return value.at("event").get_string() == event; });
  };
  town.world.run_for(2000);
  CHECK(said(all, "group-message").empty());  // what was is in the history
  slow.take(false);
  const std::string large(40000, 'x');
  constexpr int kMany = 240;
  for (int i = 0; i < kMany; ++i) {
    town.say(1, large);
    // As fast as who takes them can.
    if (i % 40 == 39) REQUIRE(town.world.run_until([&] { return count(all, "group-message") == i + 1; }));
  }
  town.group = first;
  town.say(1, "in the first");
  town.ask(1, "send", R"({"to":")" + town.key(0) + R"(","text":"to you"})");
  REQUIRE(town.world.run_until([&] { return count(all, "group-message") == kMany + 1; }));
  REQUIRE(town.world.run_until([&] { return count(all, "message") > 0; }));
  CHECK(said(all, "message") == std::vector<std::string>{"to you"});
  CHECK(count(groups, "group-message") == kMany + 1);
  CHECK(said(groups, "message").empty());
  CHECK(said(one, "group-message") == std::vector<std::string>{"in the first"});
  slow.take(true);
  REQUIRE(town.world.run_until(
      [&] { return !slow.values.empty() && slow.values.back().at("event") == "missed"; }));
  CHECK(slow.values.back().at("count").to_number<size_t>() > 0);
  CHECK(count(slow, "group-message") < kMany);
  auto none =
      town.people[0]->call("chat", "group_watch", R"({"group":"0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10"})");
  CHECK_FALSE(none.has_value());
}

TEST_CASE("chat: a history that takes no more hides no message, and keeps no sender waiting", "[chat]") {
  Town town(3, 1, "{}", R"(,"keep":{"peers":1})");
  OpenCall watch(*town.people[0], "chat", "watch", "{}");
  for (int who : {1, 2}) {
    const json::value sent = town.ask(
        who, "send", R"({"to":")" + town.key(0) + R"(","text":"from )" + std::to_string(who) + "\"}");
    CHECK(sent.at("state") == "received");
  }
  REQUIRE(watch.values.size() == 2);
  CHECK(watch.values[1].at("message").at("text") == "from 2");
  const json::value kept = town.ask(0, "messages", "{}");
  REQUIRE(kept.as_array().size() == 1);
  CHECK(kept.at(0).at("text") == "from 1");
  CHECK(kept.at(0).at("peer").get_string() == town.key(1));
}

}  // namespace visor::test::chat
