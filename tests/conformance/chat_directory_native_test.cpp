// Public groups in a real service directory: listed by their admins, found by anybody, joined from there.
#include <set>

#include "lib/services/registration.hpp"
#include "tests/conformance/chat_town.hpp"

namespace visor::test::chat {
namespace {

constexpr char kHub[] = "10.0.9.1";

/* A town with a directory. */
struct ListedTown {
  explicit ListedTown(int count)
      : town(count, 1, "{}", R"(,"directory":{"discovery":"http://10.0.9.1:9090","interval_ms":10000})",
             {plugin("fetch")}) {
    start_directory();
  }
  void start_directory() {
    hub = &town.world.add(kHub,
                          R"({"plugins":[{"plugin":"storage_memory","as":"disk"},
          {"plugin":"gateway","config":{"listen":"tcp://0.0.0.0:9090","token":"0123456789abcdef"}},
          {"plugin":"service_discovery","config":{"drive":"disk","interval_ms":10000}}]})");
  }
  json::array find(int who, const std::string& search = "") {
    return town.ask(who, "group_directory", R"({"search":")" + search + "\"}").as_array();
  }
  bool lists(size_t count) {
    return town.world.run_until([&] { return find(1).size() == count; }, 30000);
  }
  std::string create(int who, const std::string& more) {
    return std::string(town.ask(who, "group_create", "{" + more + "}").at("id").get_string());
  }
  json::value of_group(int who, const std::string& command, const std::string& more = "") {
    return town.ask(who, command, R"({"group":")" + town.group + "\"" + more + "}");
  }
  /* As one of them knows the group. */
  std::set<std::string> admins(int who) {
    std::set<std::string> all;
    const json::value shown = town.shown(who);
    for (const json::value& member : shown.at("member_list").get_array()) {
      if (member.at("admin") == true) all.emplace(member.at("pk").get_string());
    }
    return all;
  }

  Town town;
  Node* hub = nullptr;
};

}  // namespace

TEST_CASE("chat: a public group is listed, found, joined from there, and gone with its admin",
          "[chat][services]") {
  ListedTown on(3);
  on.town.group = on.create(0, R"("name":"Kayaking","mode":"public","topic":"rivers and lakes")");
  on.create(0, R"("name":"friends")");
  on.create(0, R"("name":"quiet","mode":"public","listed":false)");
  REQUIRE(on.lists(1));
  const json::value row = on.find(1).front();
  CHECK(row.at("name") == "Kayaking");
  CHECK(row.at("topic") == "rivers and lakes");
  CHECK(row.at("owner").get_string() == on.town.key(0));
  CHECK(row.at("members") == 1);
  CHECK(row.at("joined") == false);
  CHECK(on.find(1, "RIVER").size() == 1);
  CHECK(on.find(1, on.town.key(0).substr(0, 20)).size() == 1);
  CHECK(on.find(1, "mountains").empty());

  on.town.invite = std::string(row.at("invite").get_string());
  on.town.join(1);
  REQUIRE(on.town.world.run_until(
      [&] { return on.town.members(0) == 2 && on.town.shown(1).at("status") == "active"; }));
  on.town.say(0, "welcome");
  on.town.say(1, "thanks");
  CHECK(on.town.all_hear({0, 1}, 2));
  CHECK(on.find(1).front().at("joined") == true);
  // How many they are is told with the next renewal.
  CHECK(on.town.world.run_until([&] { return on.find(2).front().at("members") == 2; }, 30000));

  // Who is no admin lists nothing.
  CHECK_FALSE(on.town.people[1]
                  ->call("chat", "group_listed", R"({"group":")" + on.town.group + R"(","listed":true})")
                  .has_value());
  CHECK(on.of_group(0, "group_listed", R"(,"listed":false)").at("listed") == false);
  REQUIRE(on.lists(0));
  CHECK(on.of_group(0, "group_listed", R"(,"listed":true)").at("listed") == true);
  REQUIRE(on.lists(1));
  on.of_group(0, "group_leave");
  CHECK(on.lists(0));
}

TEST_CASE("chat: a deleted group is taken out of the directory, one of a visor that stops too",
          "[chat][services]") {
  ListedTown on(2);
  on.town.group = on.create(0, R"("name":"one","mode":"public")");
  on.create(0, R"("name":"two","mode":"public")");
  REQUIRE(on.lists(2));
  on.of_group(0, "group_delete");
  REQUIRE(on.lists(1));
  CHECK(on.find(1).front().at("name") == "two");
  on.town.world.remove(*on.town.people[0]);
  on.town.people[0] = nullptr;
  CHECK(on.find(1).empty());
}

TEST_CASE(
    "chat: while the founder is away a group is found by an admin who lists it, and joined through them",
    "[chat][services]") {
  ListedTown on(3);
  on.town.create({1}, "public");
  REQUIRE(on.town.world.run_until([&] { return on.town.members(1) == 2; }));
  on.of_group(0, "group_promote", R"(,"peer":")" + on.town.key(1) + "\"");
  REQUIRE(on.town.world.run_until([&] { return on.town.shown(1).at("admin") == true; }));
  on.of_group(1, "group_listed", R"(,"listed":true)");
  REQUIRE(on.town.world.run_until([&] {
    const json::array rows = on.find(2);
    return rows.size() == 1 && rows.front().at("listed_by").as_array().size() == 2;
  }));
  const std::string founder = on.town.key(0);
  on.town.world.remove(*on.town.people[0]);
  on.town.people[0] = nullptr;
  const json::array rows = on.find(2);
  REQUIRE(rows.size() == 1);
  on.town.invite = std::string(rows.front().at("invite").get_string());
  on.town.join(2);
  REQUIRE(on.town.world.run_until([&] { return on.town.members(1) == 3 && on.town.members(2) == 3; }, 30000));
  // That who admits is an admin, the founder's decision says.
  CHECK(on.town.world.run_until([&] { return on.admins(2) == std::set{founder, on.town.key(1)}; }, 30000));
  on.town.say(2, "hello");
  CHECK(on.town.all_hear({1, 2}, 1));
}

TEST_CASE("chat: what a stranger lists gives them no say in a group", "[chat][services]") {
  ListedTown on(3);
  on.town.create({1}, "public");
  REQUIRE(on.lists(1));
  const json::value real = on.find(1).front();
  // As an admin of it, which they are not; and as the founder of a group with the same id.
  Node& stranger = *on.town.people[2];
  auto directory = services::Directory::open(stranger.host(), "http://10.0.9.1:9090");
  REQUIRE(directory);
  auto sign = dmsg::sign_with(stranger.host(), stranger.find<visor_identity>(VISOR_IDENTITY_1));
  const auto port = real.at("port").to_number<uint16_t>();
  services::Service entry;
  entry.name = {std::string(services::kSkychat), stranger.key(), port, on.town.group};
  entry.metadata = {{"name", "better"}, {"owner_pk", on.town.key(0)}, {"members", "99999999999999999999999"}};
  services::Registration as_admin(stranger.host(), **directory, sign);
  as_admin.set(entry);
  REQUIRE(on.town.world.run_until([&] { return as_admin.counters().registered; }));
  REQUIRE(on.lists(1));
  const json::value both = on.find(1).front();
  CHECK(both.at("name") == "friends");  // the founder's word
  CHECK(both.at("listed_by").as_array().size() == 2);
  entry.metadata.erase("owner_pk");
  as_admin.set(entry);
  REQUIRE(on.lists(2));
  const json::array listed = on.find(1);
  for (const json::value& row : listed) {
    if (row.at("owner").get_string() == on.town.key(0)) continue;
    auto joined = on.town.people[1]->call(
        "chat", "group_join", R"({"invite":")" + std::string(row.at("invite").get_string()) + "\"}");
    REQUIRE_FALSE(joined.has_value());
    CHECK(joined.error().text.find("another founder") != std::string::npos);
  }
  // Who joins by what both list follows the stranger as a member, and nothing that they decide counts.
  on.town.invite = std::string(both.at("invite").get_string());
  on.town.join(1);
  REQUIRE(on.town.world.run_until([&] { return on.town.shown(1).at("status") == "active"; }));
  CHECK(on.admins(1) == std::set{on.town.key(0)});
}

TEST_CASE("chat: a directory that is away is said, and groups are listed when it is back",
          "[chat][services]") {
  ListedTown on(2);
  on.town.group = on.create(0, R"("name":"steady","mode":"public")");
  REQUIRE(on.lists(1));
  on.town.world.remove(*on.hub);
  auto asked = on.town.people[1]->call("chat", "group_directory", "{}");
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().text.find("cannot be asked") != std::string::npos);
  on.town.world.run_for(15000);
  auto listing = [&] {
    return parse_json(*on.town.people[0]->call("chat", "status")).at("groups").at("directory");
  };
  CHECK(listing().at("registered") == 0);
  CHECK_FALSE(listing().at("problem").get_string().empty());
  on.start_directory();
  CHECK(on.lists(1));
  CHECK(listing().at("registered") == 1);

  Town without(1);
  auto none = without.people[0]->call("chat", "group_directory", "{}");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().text.find("no service directory is configured") != std::string::npos);
}

}  // namespace visor::test::chat
