// Who is in a group, whoever decided it, whoever has come later, and whatever others claim.
#include "tests/conformance/chat_town.hpp"

namespace visor::test::chat {
namespace {

std::string of(const Town& town, int who) {
  return R"({"group":")" + town.group + R"(","peer":")" + town.key(who) + "\"}";
}

std::set<std::string> members_at(Town& town, int who) {
  std::set<std::string> all;
  const json::value shown = town.shown(who);
  for (const json::value& member : shown.at("member_list").get_array())
    all.emplace(member.at("pk").get_string());
  return all;
}

std::set<std::string> keys_of(const Town& town, const std::vector<int>& who) {
  std::set<std::string> all;
  for (int one : who) all.insert(town.key(one));
  return all;
}

bool all_know(Town& town, const std::vector<int>& who, const std::vector<int>& members) {
  const std::set<std::string> wanted = keys_of(town, members);
  return town.world.run_until(
      [&] { return std::ranges::all_of(who, [&](int one) { return members_at(town, one) == wanted; }); },
      30000);
}

}  // namespace

TEST_CASE("chat: who comes later knows whom an admin added who is none any more", "[chat]") {
  const bool removed = GENERATE(false, true);
  Town town(4);
  town.create({1});
  town.ask(0, "group_promote", of(town, 1));
  REQUIRE(town.world.run_until([&] { return town.shown(1).at("admin") == true; }));
  town.ask(1, "group_add", of(town, 2));
  town.join(2);
  REQUIRE(all_know(town, {0, 1, 2}, {0, 1, 2}));
  town.ask(0, removed ? "group_remove" : "group_demote", of(town, 1));
  REQUIRE(town.world.run_until([&] {
    return removed ? town.shown(1).at("status") == "revoked" : town.shown(1).at("admin") == false;
  }));
  town.ask(0, "group_add", of(town, 3));
  town.join(3);
  const std::vector<int> members = removed ? std::vector{0, 2, 3} : std::vector{0, 1, 2, 3};
  REQUIRE(all_know(town, {0, 2, 3}, members));
  town.say(2, "by whom was I added?");
  CHECK(town.all_hear({0, 2, 3}, 1));
}

TEST_CASE("chat: lesson 23, an old decision undoes no later one, and an add is no promotion", "[chat]") {
  Town town(4);
  town.create({1, 2, 3});
  REQUIRE(all_know(town, {0, 1, 2, 3}, {0, 1, 2, 3}));
  const std::string added = town.leaf_where(
      0, "roster", [&](const json::value& leaf) { return leaf.at("peer_pk").get_string() == town.key(2); });
  town.ask(0, "group_remove", of(town, 2));
  REQUIRE(all_know(town, {0, 1, 3}, {0, 1, 3}));
  // Another leaf, by its bytes, that says what the founder has signed.
  auto refused = [&] { return town.shown(0).at("counters").at("decisions_refused").to_number<int>(); };
  const int before = refused();
  town.write_leaf(1, "roster/90001", added + " ");
  town.write_leaf(1, "admin/90001", added + "  ");
  CHECK(town.world.run_until([&] { return refused() > before; }));
  town.world.run_for(20000);
  CHECK(members_at(town, 0) == keys_of(town, {0, 1, 3}));
  CHECK(members_at(town, 3) == keys_of(town, {0, 1, 3}));
  const json::value shown = town.shown(3);
  for (const json::value& member : shown.at("member_list").get_array())
    CHECK(member.at("admin") == (member.at("pk").get_string() == town.key(0)));
}

TEST_CASE("chat: what somebody decides who is no admin is passed on by nobody", "[chat]") {
  Town town(4);
  town.create({1, 2});
  REQUIRE(all_know(town, {0, 1, 2}, {0, 1, 2}));
  const size_t kept = town.leaves(2, "roster").size();
  constexpr int kMany = 40;
  for (int i = 0; i < kMany; ++i) {
    town.write_leaf(1, "roster/" + std::to_string(90000 + i), town.decision_by(1, 3, 1000 + i));
  }
  town.world.run_for(20000);
  CHECK(town.leaves(1, "roster").size() == kept + kMany);
  CHECK(town.leaves(0, "roster").size() == kept);
  CHECK(town.leaves(2, "roster").size() == kept);
  CHECK(members_at(town, 2) == keys_of(town, {0, 1, 2}));
  // Once they are an admin, it counts.
  town.ask(0, "group_promote", of(town, 1));
  CHECK(all_know(town, {0, 1, 2}, {0, 1, 2, 3}));
}

TEST_CASE("chat: lesson 40, an invitation to a port that is used here is refused", "[chat]") {
  Town town(3);
  town.create({1});
  const int used = town.shown(1).at("port").to_number<int>();
  CHECK(used % 2 == 0);
  const json::value other =
      town.ask(2, "group_create", R"({"name":"trap","members":[")" + town.key(1) + "\"]}");
  const std::string invite(other.at("invite").get_string());
  for (const auto& [port, why] : {std::pair{used, "as your group 'friends' does"}, {50, "1024 or higher"}}) {
    auto joined =
        town.people[1]->call("chat", "group_join", R"({"invite":")" + with_port(invite, port) + "\"}");
    REQUIRE_FALSE(joined.has_value());
    CHECK_THAT(joined.error().text, Catch::Contains(why));
  }
  town.say(0, "still ours");
  CHECK(town.all_hear({0, 1}, 1));
  // There is room for it when the first is left.
  town.ask(1, "group_leave", R"({"group":")" + town.group + "\"}");
  CHECK(town.people[1]->call("chat", "group_join", R"({"invite":")" + with_port(invite, used) + "\"}"));
}

}  // namespace visor::test::chat
