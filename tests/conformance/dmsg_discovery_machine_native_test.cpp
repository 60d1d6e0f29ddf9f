// The discovery and those who ask it on this machine's own sockets.
#include "lib/dmsg/registration.hpp"
#include "tests/conformance/fetch_user.hpp"
#include "tests/support/native_world.hpp"

namespace visor::test::discovering {
namespace {

constexpr char kHub[] = R"({"plugins":[{"plugin":"storage_memory"},
  {"plugin":"gateway","config":{"listen":"tcp://127.0.0.1:0"}},
  {"plugin":"dmsg_discovery","config":{"test_mode":true}}]})";
constexpr char kAsker[] = R"({"plugins":[{"plugin":"fetch"}]})";

std::string address_of(Node& gateway) {
  auto status = gateway.call("gateway", "status");
  REQUIRE(status.has_value());
  boost::json::error_code error;
  auto value = boost::json::parse(*status, error);
  REQUIRE_FALSE(error);
  std::string address(value.at("address").as_string());
  return address.substr(address.find("//") + 2);
}

}  // namespace

TEST_CASE("fetch: on this machine's sockets", "[fetch]") {
  NativeWorld world;
  Node &asker = world.add("a", kAsker), &other = world.add("b", R"({"plugins":[]})");
  fetching::RawServer server(other, "tcp://127.0.0.1:0");
  server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  CHECK(fetching::ask(asker, {.url = server.url()}).body == "hello");
  std::string port = server.url().substr(server.url().rfind(':'));
  CHECK(fetching::ask(asker, {.url = "http://localhost" + port + "/x"}).body == "hello");
  CHECK(fetching::ask(asker, {.url = "http://127.0.0.1:1"}).status != VISOR_OK);
  server.answer.clear();
  CHECK(fetching::ask(asker, {.url = server.url(), .timeout_ms = 50}).status == VISOR_ETIMEDOUT);
}

TEST_CASE("discovery: on this machine's sockets", "[dmsg]") {
  NativeWorld world;
  Node &hub = world.add("hub", kHub), &relay = world.add("relay", kAsker);
  auto directory = dmsg::Directory::over_fetch(relay.host(), "http://" + address_of(hub) + "/");
  REQUIRE(directory);
  auto sign = dmsg::sign_with(relay.host(), relay.find<visor_identity>(VISOR_IDENTITY_1));
  dmsg::Registration registration(relay.host(), relay.key(), sign, **directory);
  dmsg::OwnEntry own;
  own.server.emplace().address = "127.0.0.1:8081";
  own.server->available_sessions = 3;
  registration.set(own);
  REQUIRE(world.run_until([&] { return registration.counters().registered; }, 5000));
  std::optional<Result<std::vector<dmsg::Entry>>> servers;
  auto call = (*directory)->servers([&](auto result) { servers = std::move(result); });
  REQUIRE(world.run_until([&] { return servers.has_value(); }, 5000));
  REQUIRE(servers->has_value());
  REQUIRE((*servers)->size() == 1);
  CHECK((*servers)->front().server->available_sessions == 3);
  bool gone = false;
  registration.withdraw([&] { gone = true; });
  REQUIRE(world.run_until([&] { return gone; }, 5000));
  CHECK(hub.call("dmsg_discovery", "entries").value() == "[]");
}

}  // namespace visor::test::discovering
