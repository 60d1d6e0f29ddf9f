// The gateway on a real port: who may ask.
#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

TEST_CASE("commands are for pages of this gateway and programs of this machine", "[gateway]") {
  Site site;
  std::string own = site.address.substr(7), port = own.substr(own.rfind(':'));
  auto status = [&](Site::Headers headers) {
    auto raw = site.connect();
    std::string request = "GET /api/kernel/status HTTP/1.1\r\n";
    for (auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    raw->write(request + "Connection: close\r\n\r\n");
    REQUIRE(site.world.run_until([&] { return raw->ended; }, 5'000));
    return std::stoi(raw->text().substr(9, 3));
  };
  CHECK(status({{"Host", own}}) == 200);
  CHECK(status({{"Host", "localhost" + port}}) == 200);
  CHECK(status({{"Host", "visor.localhost" + port}}) == 200);
  CHECK(status({{"Host", "[::1]" + port}}) == 200);
  CHECK(status({{"Host", own}, {"Origin", "http://" + own}}) == 200);
  CHECK(status({{"Host", own}, {"Sec-Fetch-Site", "same-origin"}}) == 200);

  CHECK(status({{"Host", "evil.example" + port}}) == 403); /* DNS rebinding */
  CHECK(status({{"Host", "127.0.0.1.evil.example"}}) == 403);
  CHECK(status({{"Host", "192.168.1.1"}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "http://evil.example"}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "http://localhost" + port}}) == 403);
  CHECK(status({{"Host", own}, {"Origin", "null"}}) == 403);
  CHECK(status({{"Host", own}, {"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(site.status_number("requests_turned_away") == 7);
}

TEST_CASE("with a token a gateway may listen anywhere, and shows the token to nobody", "[gateway]") {
  NativeWorld world;
  Node& node =
      world.add("alpha", Site::text_of({{"listen", "tcp://0.0.0.0:0"}, {"token", "0123456789abcdef"}}),
                Site::options());
  CHECK(node.call("gateway", "status")->find("\"token_required\":true") != std::string::npos);
  auto shown = node.call("kernel", "config");
  REQUIRE(shown.has_value());
  CHECK(shown->find("tcp://0.0.0.0:0") != std::string::npos);
  CHECK(shown->find("0123456789abcdef") == std::string::npos);
  auto without = node.kernel().configure("gateway", R"({"listen":"tcp://0.0.0.0:0"})");
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error().text.find("\"token\"") != std::string::npos);
}

TEST_CASE("a token opens the commands, under any name", "[gateway]") {
  Site site({{"token", "0123456789abcdef"}, {"hosts", json::array{"Visor.Example"}}});
  auto none = site.get("/api");
  CHECK(none.status == 401);
  CHECK(none.headers.find("www-authenticate") == "Bearer");
  CHECK(error_status(none) == "EPERM");
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdee"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef0"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Basic 0123456789abcdef"}}).status == 401);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef"}}).status == 200);
  CHECK(site.get("/api", {{"Authorization", "bearer 0123456789abcdef"}}).status == 200);
  CHECK(site.get("/api", {{"Authorization", "Bearer 0123456789abcdef"}, {"Origin", "http://evil"}}).status ==
        403);
  CHECK(site.get("/").status == 200);
  CHECK(site.get("/bootstrap.json").status == 200);
}

}  // namespace visor::test
