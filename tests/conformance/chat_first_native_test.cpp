// Groups on real drives and sockets, where to open a feed takes a while.
#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/native_world.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test::chat {
namespace {

std::string config_of(const Scratch& folder, const std::string& peers) {
  return plugins_config(
      {plugin("storage_leveldb", R"({"path":")" + folder.path().string() + "\"}", "disk"),
       plugin("transports", R"({"listen":"tcp://127.0.0.1:0","interval_ms":1000,"peers":[)" + peers + "]}"),
       plugin("feeds", R"({"drive":"disk"})"), plugin("chat", R"({"drive":"disk","networks":["skynet"]})")});
}

std::string call(Node& node, const std::string& command, const std::string& args) {
  auto said = node.call("chat", command, args);
  INFO(command << ": " << (said ? std::string() : said.error().text));
  REQUIRE(said.has_value());
  return *said;
}

}  // namespace

/* Who was reached before its feed of the group was open said that there is none, and was asked again after a
 * minute. */
TEST_CASE("chat: a member who has just joined is heard at once, while their feed is still being opened",
          "[chat]") {
  constexpr uint64_t kBeforeAskedAgainMs = 40'000;
  Scratch first, second;
  NativeWorld world;
  Node& founder = world.add("127.0.0.1", config_of(first, ""), with_secret(1));
  auto status = founder.call("transports", "status");
  REQUIRE(status);
  const std::string address(parse_json(*status).at("listening").at("stcpr").get_string());
  Node& other = world.add("127.0.0.1",
                          config_of(second, R"({"pk":")" + to_hex(founder.key()) +
                                                R"(","type":"stcpr","address":")" + address + "\"}"),
                          with_secret(2));
  REQUIRE(world.run_until([&] {
    auto list = founder.call("transports", "list");
    return list && parse_json(*list).as_array().size() == 1;
  }));
  // Several, since each hits another moment.
  for (int i = 0; i < 5; ++i) {
    const json::value made = parse_json(
        call(founder, "group_create", R"({"name":"two","members":[")" + to_hex(other.key()) + "\"]}"));
    const std::string group = R"({"group":")" + std::string(made.at("id").get_string()) + "\"}";
    call(other, "group_join", R"({"invite":")" + std::string(made.at("invite").get_string()) + "\"}");
    call(other, "group_send", group.substr(0, group.size() - 1) + R"(,"text":"here I am"})");
    CHECK(world.run_until(
        [&] { return parse_json(call(founder, "group_messages", group)).as_array().size() == 1; },
        kBeforeAskedAgainMs));
  }
}

}  // namespace visor::test::chat
