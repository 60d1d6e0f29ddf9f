/* Visors that chat in groups, on one simulated network. */
#ifndef VISOR_TESTS_CONFORMANCE_CHAT_TOWN_HPP
#define VISOR_TESTS_CONFORMANCE_CHAT_TOWN_HPP
#include "lib/codec/endian.hpp"
#include "lib/codec/telemetry_time.hpp"
#include "lib/codec/uuid.hpp"
#include "lib/crypto/base64.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "lib/crypto/sha256.hpp"
#include "tests/conformance/telemetry_user.hpp"

namespace visor::test::chat {

/* The same invitation, to another port. */
inline std::string with_port(const std::string& invite, int port) {
  const size_t colon = invite.rfind(':') + 1;
  const auto decoded = crypto::from_base64url(invite.substr(colon));
  REQUIRE(decoded);
  json::value said = parse_json(std::string(text(ByteView(*decoded))));
  said.get_object()["port"] = port;
  return invite.substr(0, colon) + crypto::to_base64url(bytes(std::string_view(json::serialize(said))));
}

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

  std::string port_of(int who) { return std::to_string(shown(who).at("port").to_number<int>()); }
  /* As somebody writes it by hand into their feed of the group. */
  void write_leaf(int who, const std::string& path, const std::string& leaf) {
    auto written = people[static_cast<size_t>(who)]->call("feeds", "publish",
                                                          R"({"port":)" + port_of(who) + R"(,"path":")" +
                                                              path + R"(","value":)" +
                                                              json::serialize(json::value(leaf)) + "}");
    INFO(path << ": " << (written ? std::string() : written.error().text));
    REQUIRE(written.has_value());
  }
  /* In somebody's own feed of the group. */
  std::string leaf(int who, const std::string& path) {
    auto read = people[static_cast<size_t>(who)]->call(
        "feeds", "get", R"({"port":)" + port_of(who) + R"(,"path":")" + path + "\"}");
    INFO(path << ": " << (read ? std::string() : read.error().text));
    REQUIRE(read.has_value());
    return std::string(parse_json(*read).at("value").get_string());
  }
  /* Paths below a branch of it. */
  std::vector<std::string> leaves(int who, const std::string& branch) {
    auto read = people[static_cast<size_t>(who)]->call(
        "feeds", "tree", R"({"port":)" + port_of(who) + R"(,"limit":1000,"prefix":")" + branch + "\"}");
    INFO((read ? std::string() : read.error().text));
    REQUIRE(read.has_value());
    const json::value tree = parse_json(*read);
    REQUIRE(tree.at("more") == false);
    std::vector<std::string> paths;
    for (const json::value& row : tree.at("leaves").get_array())
      paths.emplace_back(row.at("path").get_string());
    return paths;
  }
  template <class Fn>
  std::string leaf_where(int who, const std::string& branch, Fn&& wanted) {
    for (const std::string& path : leaves(who, branch)) {
      std::string found = leaf(who, path);
      if (wanted(parse_json(found))) return found;
    }
    FAIL("no such leaf below " << branch);
    return {};
  }
  /* That `peer` is added, signed by `issuer` as of so many ms ago (specification chat.md, 10.1). */
  std::string decision_by(int issuer, int peer, int64_t ms_ago) {
    Node& node = *people[static_cast<size_t>(issuer)];
    const int64_t issued_ns = (node.host().unix_ns() / 1'000'000 - ms_ago) * 1'000'000;
    Bytes canonical{0x01, 0x01};
    codec::append(canonical, *codec::parse_uuid(group));
    canonical.push_back(1);
    codec::append(canonical, bytes(people[static_cast<size_t>(peer)]->key()));
    codec::append_be<uint64_t>(canonical, 0);
    codec::append_be<uint64_t>(canonical, static_cast<uint64_t>(issued_ns));
    codec::append(canonical, bytes(node.key()));
    const crypto::Hash digest = crypto::sha256(crypto::sha256(canonical));
    auto* identity = node.find<visor_identity>(VISOR_IDENTITY_1);
    crypto::Signature signature;
    REQUIRE(identity->api->sign(identity, digest.bytes.data(), signature.bytes.data()) == VISOR_OK);
    return json::serialize(json::object{{"group_id", group},
                                        {"op", 1},
                                        {"peer_pk", key(peer)},
                                        {"parent_seq", 0},
                                        {"issued_at", codec::time_text_ns(issued_ns)},
                                        {"issuer_pk", key(issuer)},
                                        {"signature", to_hex(signature)}});
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
