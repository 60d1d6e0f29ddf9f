// What members of a group may put into their feeds to harm others.
#include "tests/conformance/chat_town.hpp"

namespace visor::test::chat {
namespace {

uint64_t counter(Town& town, int who, const char* name) {
  return town.shown(who).at("counters").at(name).to_number<uint64_t>();
}

/* Path and leaf of what somebody has said in the group. */
std::pair<std::string, std::string> said_by(Town& town, int who, const std::string& text) {
  const json::value rows = town.ask(who, "group_messages", R"({"group":")" + town.group + "\"}");
  for (const json::value& row : rows.get_array()) {
    if (row.at("text").get_string() != text) continue;
    const std::string path(row.at("path").get_string());
    return {path, town.leaf(who, path)};
  }
  FAIL("'" << text << "' was not said");
  return {};
}

}  // namespace

TEST_CASE("chat: nobody speaks for another", "[chat]") {
  const std::string mode = GENERATE("public", "private");
  Town town(3);
  town.create({1, 2}, mode);
  REQUIRE(town.world.run_until([&] { return town.members(0) == 3 && town.members(1) == 3; }));
  town.say(1, "mine");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  const auto [path, leaf] = said_by(town, 1, "mine");
  const std::string later = std::to_string(std::stoull(path.substr(path.rfind('/') + 1)) + 1);
  const std::string of_1 = "msgs/" + town.key(1) + "/", of_2 = "msgs/" + town.key(2) + "/";
  auto with = [](std::string text, const std::string& what, const std::string& instead) {
    const size_t at = text.find(what);
    REQUIRE(at != text.npos);
    return text.replace(at, what.size(), instead);
  };
  const uint64_t before = counter(town, 0, "refused");
  // With another's name under it; another's words as one's own; at another time than is signed; without a
  // signature.
  const std::string forged = with(leaf, town.key(1), town.key(2));
  const std::string time = path.substr(of_1.size(), path.rfind('/') - of_1.size());
  town.write_leaf(2, of_1 + time + "/" + later, forged);
  town.write_leaf(2, of_2 + time + "/1", leaf);
  town.write_leaf(2, of_1 + "1700000000000000000/1", leaf);
  const size_t signature = leaf.find(R"("signature":")") + 13;
  town.write_leaf(2, of_1 + time + "/2", leaf.substr(0, signature) + std::string(130, '0') + "\"}");
  town.write_leaf(2, of_1 + time + "/3", leaf.substr(0, signature) + std::string(130, '7') + "\"}");
  town.write_leaf(2, "msgs/nonsense", "nonsense");
  CHECK(town.world.run_until([&] { return counter(town, 0, "refused") >= before + 6; }));
  CHECK(town.heard(0) == std::vector<std::string>{"mine"});
  CHECK(town.heard(1) == std::vector<std::string>{"mine"});
}

TEST_CASE("chat: what was said in one group is carried into no other, and not said twice", "[chat]") {
  const std::string mode = GENERATE("public", "private");
  Town town(3);
  town.create({1, 2}, mode);
  REQUIRE(town.world.run_until([&] { return town.members(0) == 3 && town.members(2) == 3; }));
  town.say(1, "yes");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  const auto [path, leaf] = said_by(town, 1, "yes");
  // Under other numbers.
  const std::string stem = path.substr(0, path.rfind('/') + 1);
  for (int number = 1; number <= 3; ++number) town.write_leaf(2, stem + std::to_string(number), leaf);
  town.say(2, "have you heard?");
  REQUIRE(town.all_hear({0, 1}, 2));
  town.world.run_for(5000);
  CHECK(std::ranges::count(town.heard(0), "yes") == 1);

  town.create({1, 2}, mode);
  REQUIRE(town.world.run_until([&] { return town.members(0) == 3 && town.members(2) == 3; }));
  town.write_leaf(2, path, leaf);
  town.say(2, "here, too");
  REQUIRE(town.world.run_until([&] { return !town.heard(0).empty(); }));
  town.world.run_for(5000);
  CHECK(town.heard(0) == std::vector<std::string>{"here, too"});
  CHECK(counter(town, 0, "refused") + counter(town, 0, "unreadable") == 1);
}

TEST_CASE("chat: heartbeats of the first chats are no messages", "[chat]") {
  Town town(2);
  town.create({1});
  town.say(1, "__skychat_group_heartbeat__");
  town.say(1, "hello");
  REQUIRE(town.world.run_until([&] { return !town.heard(0).empty(); }));
  town.world.run_for(5000);
  CHECK(town.heard(0) == std::vector<std::string>{"hello"});
  CHECK(town.shown(0).at("unread") == 1);
}

}  // namespace visor::test::chat
