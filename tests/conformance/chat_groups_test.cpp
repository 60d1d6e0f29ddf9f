// Groups of several visors on one network, where anybody may be away.
#include "lib/crypto/aes_gcm.hpp"
#include "lib/crypto/base64.hpp"
#include "tests/conformance/chat_town.hpp"

namespace visor::test {

using chat::Town;

TEST_CASE("chat: a private group of three, each hears the others", "[chat]") {
  Town town(3);
  town.create({1, 2});
  for (int i = 0; i < 3; ++i) town.say(i, "from " + std::to_string(i));
  REQUIRE(town.all_hear({0, 1, 2}, 3));
  CHECK(town.heard(0) == town.heard(1));
  CHECK(town.heard(0) == town.heard(2));
  for (int i = 0; i < 3; ++i) {
    CHECK(town.members(i) == 3);
    CHECK(town.shown(i).at("status") == "active");
  }
  // Soon, once the lines stand.
  town.say(0, "quick");
  CHECK(town.all_hear({1, 2}, 4, 200));
}

TEST_CASE("chat: while the founder is away the others hear each other", "[chat]") {
  Town town(3);
  town.create({1, 2});
  town.say(0, "hello");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  REQUIRE(town.world.run_until([&] { return town.members(1) == 3 && town.members(2) == 3; }, 10000));
  town.world.remove(*town.people[0]);
  town.people[0] = nullptr;
  town.say(1, "he is gone");
  town.say(2, "so he is");
  CHECK(town.all_hear({1, 2}, 3));
  CHECK(town.heard(1) == town.heard(2));
}

TEST_CASE("chat: who is added late is known to all, also to one who was away then", "[chat]") {
  Town town(4);
  town.create({1, 2});
  town.say(0, "one");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  town.ask(0, "group_add", R"({"group":")" + town.group + R"(","peer":")" + town.key(3) + "\"}");
  town.join(3);
  REQUIRE(town.world.run_until(
      [&] { return town.members(1) == 4 && town.members(2) == 4 && town.members(3) == 4; }, 30000));
  town.world.remove(*town.people[0]);
  town.people[0] = nullptr;
  town.say(3, "new here");
  town.say(1, "welcome");
  CHECK(town.all_hear({1, 2, 3}, 3));
  CHECK(town.heard(1) == town.heard(3));
}

TEST_CASE("chat: who was removed hears nothing new and is not heard", "[chat]") {
  Town town(3);
  town.create({1, 2});
  town.say(0, "before");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  town.ask(0, "group_remove", R"({"group":")" + town.group + R"(","peer":")" + town.key(2) + "\"}");
  REQUIRE(town.world.run_until(
      [&] { return town.members(1) == 2 && town.shown(2).at("status") == "revoked"; }, 30000));
  town.say(0, "after");
  CHECK(town.all_hear({0, 1}, 2));
  town.world.run_for(20000);
  CHECK(town.heard(2) == std::vector<std::string>{"before"});
  CHECK_FALSE(town.people[2]
                  ->call("chat", "group_send", R"({"group":")" + town.group + R"(","text":"x"})")
                  .has_value());
}

TEST_CASE("chat: lesson 24, what is said after a removal is closed to who was removed, whoever hands it over",
          "[chat]") {
  Town town(4);
  town.create({1, 2});
  town.say(1, "before");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  // Who was removed has this key, from the invitation.
  const auto link = crypto::from_base64url(town.invite.substr(town.invite.rfind(':') + 1));
  REQUIRE(link);
  const json::value invite = parse_json(std::string(text(ByteView(*link))));
  const auto old = crypto::from_base64(invite.at("aes_key").get_string());
  REQUIRE((old && old->size() == 32));
  const crypto::AesKey old_key{std::span<const uint8_t, 32>(*old)};
  // A leaf as it stands in the feed of whom said it.
  auto opens = [&](int who, const std::string& said) {
    const json::value rows = town.ask(who, "group_messages", R"({"group":")" + town.group + "\"}");
    for (const json::value& row : rows.get_array()) {
      if (row.at("text").get_string() != said) continue;
      const std::string port = std::to_string(town.shown(who).at("port").to_number<int>());
      const std::string path(row.at("path").get_string());
      auto read = town.people[static_cast<size_t>(who)]->call(
          "feeds", "get", R"({"port":)" + port + R"(,"path":")" + path + "\"}");
      INFO((read ? *read : read.error().text));
      REQUIRE(read.has_value());
      const json::value leaf = parse_json(std::string(parse_json(*read).at("value").get_string()));
      const auto sealed = crypto::from_base64(leaf.at("ciphertext").get_string());
      const auto nonce = crypto::from_base64(leaf.at("nonce").get_string());
      REQUIRE((sealed && nonce && nonce->size() == 12));
      crypto::AesNonce twelve{};
      std::ranges::copy(*nonce, twelve.begin());
      return crypto::open_aes_gcm(old_key, twelve, *sealed).has_value();
    }
    FAIL("'" << said << "' was not said");
    return false;
  };
  CHECK(opens(1, "before"));
  town.ask(0, "group_remove", R"({"group":")" + town.group + R"(","peer":")" + town.key(2) + "\"}");
  REQUIRE(town.world.run_until([&] { return town.members(1) == 2; }, 30000));
  town.say(0, "from who removed");
  town.say(1, "from another");
  REQUIRE(town.all_hear({0, 1}, 3));
  CHECK_FALSE(opens(0, "from who removed"));
  CHECK_FALSE(opens(1, "from another"));
  // An invitation of before still serves who is admitted now.
  town.ask(0, "group_add", R"({"group":")" + town.group + R"(","peer":")" + town.key(3) + "\"}");
  town.join(3);
  REQUIRE(town.world.run_until([&] { return town.heard(3).size() == 3; }, 30000));
  town.say(3, "new here");
  CHECK(town.all_hear({0, 1, 3}, 4));
}

TEST_CASE("chat: who was away longer than feeds keep has missed nothing", "[chat]") {
  Town town(3, 1, R"({"feed_messages":5,"feed_ms":1000})");
  town.create({1, 2});
  town.say(0, "hello");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  town.cut_off(2, true);
  for (int i = 0; i < 40; ++i) {
    town.say(i % 2, "m" + std::to_string(i));
    town.world.run_for(1000);
  }
  REQUIRE(town.all_hear({0, 1}, 41));
  town.cut_off(2, false);
  CHECK(town.all_hear({2}, 41, 600000));
  CHECK(town.heard(2) == town.heard(0));
  // Then there is nobody to keep them for.
  auto kept = [&](int who) { return town.shown(who).at("feed").at("messages").to_number<size_t>(); };
  CHECK(town.world.run_until([&] { return kept(0) == 5 && kept(1) == 5; }, 60000));
}

TEST_CASE("chat: only admins decide, and one who was made an admin does", "[chat]") {
  Town town(4);
  town.create({1, 2});
  const std::string add = R"({"group":")" + town.group + R"(","peer":")" + town.key(3) + "\"}";
  CHECK_FALSE(town.people[1]->call("chat", "group_add", add).has_value());
  town.ask(0, "group_promote", R"({"group":")" + town.group + R"(","peer":")" + town.key(1) + "\"}");
  REQUIRE(town.world.run_until([&] { return town.shown(1).at("admin") == true; }, 30000));
  town.ask(1, "group_add", add);
  town.join(3);
  CHECK(town.world.run_until(
      [&] { return town.members(0) == 4 && town.members(2) == 4 && town.members(3) == 4; }, 30000));
  // The founder stays.
  CHECK_FALSE(
      town.people[1]
          ->call("chat", "group_demote", R"({"group":")" + town.group + R"(","peer":")" + town.key(0) + "\"}")
          .has_value());
}

TEST_CASE("chat: a public group takes in who comes", "[chat]") {
  Town town(3);
  town.create({}, "public");
  town.join(1);
  town.join(2);
  REQUIRE(town.world.run_until(
      [&] { return town.members(0) == 3 && town.members(1) == 3 && town.members(2) == 3; }, 30000));
  town.say(2, "hi");
  CHECK(town.all_hear({0, 1, 2}, 1));
}

TEST_CASE("chat: a member that was restarted has everything once", "[chat]") {
  Town town(3);
  town.create({1, 2});
  town.say(0, "a");
  town.say(2, "b");
  REQUIRE(town.all_hear({0, 1, 2}, 2));
  town.world.remove(*town.people[2]);
  town.people[2] = nullptr;
  town.say(1, "c");
  town.people[2] = &town.add(2);
  // Its drive was in memory: it joins again, and its own words come back from the others' histories of it.
  town.join(2);
  CHECK(town.world.run_until([&] { return town.heard(2) == town.heard(0) || town.heard(2).size() == 2; },
                             30000));
  const auto heard = town.heard(2);
  CHECK(std::ranges::count(heard, "a") == 1);
  CHECK(std::ranges::count(heard, "c") == 1);
  town.say(2, "d");
  CHECK(town.all_hear({0, 1}, 4));
}

TEST_CASE("chat: a message in a group is taken back by its author alone", "[chat]") {
  Town town(2);
  town.create({1});
  town.say(0, "oops");
  REQUIRE(town.all_hear({0, 1}, 1));
  const json::value rows = town.ask(0, "group_messages", R"({"group":")" + town.group + "\"}");
  const std::string path(rows.at(0).at("path").get_string());
  const std::string args = R"({"group":")" + town.group + R"(","path":")" + path + "\"}";
  CHECK_FALSE(town.people[1]->call("chat", "group_unsend", args).has_value());
  town.ask(0, "group_unsend", args);
  CHECK(town.all_hear({0, 1}, 0));
}

TEST_CASE("chat: more than eight members hear each other by way of others", "[chat]") {
  Town town(10);
  std::vector<int> others, all{0};
  for (int i = 1; i < 10; ++i) {
    others.push_back(i);
    all.push_back(i);
  }
  town.create(others);
  for (int i = 0; i < 10; ++i) town.say(i, "from " + std::to_string(i));
  REQUIRE(town.all_hear(all, 10, 60000));
  for (int i = 1; i < 10; ++i) CHECK(town.heard(i) == town.heard(0));
}

TEST_CASE("chat: leaves of moderation and of keys are passed on, unread", "[chat]") {
  Town town(3);
  town.create({1, 2});
  town.say(0, "hello");
  REQUIRE(town.all_hear({0, 1, 2}, 1));
  // As somebody of a later version writes them into their feed of the group.
  const std::string port = std::to_string(town.shown(1).at("port").to_number<int>());
  for (const char* path : {"mod/00001", "keys/00001"}) {
    auto published = town.people[1]->call(
        "feeds", "publish", R"({"port":)" + port + R"(,"path":")" + path + R"(","value":")" + path + "\"}");
    INFO((published ? std::string() : published.error().text));
    REQUIRE(published.has_value());
  }
  auto relayed = [&](int who) { return town.shown(who).at("counters").at("relayed").to_number<int>(); };
  CHECK(town.world.run_until([&] { return relayed(0) == 2 && relayed(2) == 2; }, 30000));
  town.world.run_for(5000);
  CHECK(relayed(0) == 2);  // once, however many pass them on
  CHECK(town.heard(2) == std::vector<std::string>{"hello"});
}

}  // namespace visor::test
