/* Visors that chat in groups, on one simulated network. */
#ifndef VISOR_TESTS_CONFORMANCE_CHAT_TOWN_HPP
#define VISOR_TESTS_CONFORMANCE_CHAT_TOWN_HPP
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test::chat {

/* Visors in one place that are all connected with each other. */
struct Town {
  /* groups: that part of chat's configuration; more: what follows it there, and other plugins before chat. */
  explicit Town(int count, uint64_t seed = 1, std::string groups = "{}", std::string more = "",
                std::vector<std::string> plugins = {})
      : world(seed),
        groups_config(std::move(groups)),
        more_config(std::move(more)),
        more_plugins(std::move(plugins)) {
    for (int i = 0; i < count; ++i) people.push_back(&add(i));
  }
  Node& add(int number) {
    std::string peers;
    // Everybody keeps transports to all who came before.
    for (Node* other : people) {
      if (other) peers += (peers.empty() ? "" : ",") + peer_of(*other);
    }
    auto list = base_plugins(peers);
    list.insert(list.end(), more_plugins.begin(), more_plugins.end());
    list.push_back(plugin(
        "chat", R"({"drive":"disk","networks":["skynet"],"groups":)" + groups_config + more_config + "}"));
    return world.add("10.0.1." + std::to_string(number + 1), plugins_config(list),
                     with_secret(static_cast<uint8_t>(number + 1)));
  }
  json::value ask(int who, const std::string& command, const std::string& args) {
    auto said = people[static_cast<size_t>(who)]->call("chat", command, args);
    INFO(command << " " << args << ": " << (said ? std::string() : said.error().text));
    REQUIRE(said.has_value());
    return parse_json(*said);
  }
  std::string key(int who) const { return to_hex(people[static_cast<size_t>(who)]->key()); }
  void say(int who, const std::string& text) {
    ask(who, "group_send", R"({"group":")" + group + R"(","text":")" + text + "\"}");
  }
  std::vector<std::string> heard(int who) {
    std::vector<std::string> out;
    const json::value rows = ask(who, "group_messages", R"({"limit":10000,"group":")" + group + "\"}");
    for (const json::value& row : rows.get_array()) {
      if (!row.as_object().contains("deleted")) out.emplace_back(row.at("text").get_string());
    }
    return out;
  }
  json::value shown(int who) { return ask(who, "group_show", R"({"group":")" + group + "\"}"); }
  size_t members(int who) { return shown(who).at("members").to_number<size_t>(); }
  void create(const std::vector<int>& members, const std::string& mode = "private") {
    std::string list;
    for (int member : members) list += (list.empty() ? "\"" : ",\"") + key(member) + "\"";
    const json::value made =
        ask(0, "group_create", R"({"name":"friends","mode":")" + mode + R"(","members":[)" + list + "]}");
    group = std::string(made.at("id").get_string());
    invite = std::string(made.at("invite").get_string());
    for (int member : members) join(member);
  }
  void join(int who) { ask(who, "group_join", R"({"invite":")" + invite + "\"}"); }
  bool all_hear(const std::vector<int>& who, size_t count, uint64_t limit_ms = 30000) {
    return world.run_until(
        [&] { return std::ranges::all_of(who, [&](int each) { return heard(each).size() == count; }); },
        limit_ms);
  }

  /* From everybody else. */
  void cut_off(int who, bool cut) {
    const std::string own = "10.0.1." + std::to_string(who + 1);
    for (size_t i = 0; i < people.size(); ++i) {
      const std::string other = "10.0.1." + std::to_string(i + 1);
      if (other == own) continue;
      if (cut) world.network().cut(own, other);
      if (!cut) world.network().heal(own, other);
    }
  }

  SimWorld world;
  std::string groups_config, more_config;
  std::vector<std::string> more_plugins;
  std::vector<Node*> people;
  std::string group, invite;
};

}  // namespace visor::test::chat
#endif  // VISOR_TESTS_CONFORMANCE_CHAT_TOWN_HPP
