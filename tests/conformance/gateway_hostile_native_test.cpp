// The gateway on a real port: what hostile clients change for others.
#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

TEST_CASE("garbage on the port harms nobody else", "[gateway]") {
  Site site({{"limits", json::object{{"connections", 64}, {"request_timeout_ms", 500}}}});
  auto well = site.connect();
  auto check_well = [&] {
    size_t before = well->data.size();
    well->write("GET /api/kernel/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(site.world.run_until([&] { return well->data.size() > before && well->text().ends_with("}"); },
                                 5'000));
  };
  check_well();
  std::string binary;
  for (int i = 0; i < 70'000; ++i) binary += static_cast<char>(i * 31 + i / 7);
  std::vector<std::unique_ptr<StreamUser>> clients;
  for (const std::string& input :
       {binary, std::string("GET"), std::string("\x16\x03\x01"), std::string(100'000, 'A'),
        "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a'),
        std::string("POST /api/kernel/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"),
        std::string(
            "POST /api/kernel/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        "GET /" + std::string(8'000, '/') + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"}) {
    clients.push_back(site.connect());
    clients.back()->write(input);
    check_well();
  }
  REQUIRE(site.world.run_until(
      [&] {
        return std::ranges::all_of(clients,
                                   [](const auto& client) { return client->ended || client->closed; });
      },
      10'000));
  check_well();
  clients.clear();
  for (int i = 0; i < 80; ++i) clients.push_back(site.connect()); /* above the limit */
  REQUIRE(site.world.run_until([&] { return site.status_number("connections_refused") > 0; }, 5'000));
  check_well();
  CHECK(site.status_number("connections") <= 64);
  clients.clear();
  CHECK(site.world.run_until([&] { return site.status_number("connections") == 1; }, 5'000));
}

TEST_CASE("the limits of the configuration hold", "[gateway]") {
  Site site({{"limits", json::object{{"body_bytes", 100},
                                     {"header_bytes", 1024},
                                     {"connections_per_address", 3},
                                     {"request_timeout_ms", 100},
                                     {"idle_timeout_ms", 100}}}});
  CHECK(site.ask("POST", "/api/ticker/change", {}, std::string(100, ' ')).status == 200);
  auto long_body = site.ask("POST", "/api/ticker/change", {}, std::string(101, ' '));
  CHECK(long_body.status == 413);
  CHECK(long_body.body.find("100 bytes") != std::string::npos);
  CHECK(site.get("/api/kernel/status", {{"X-Long", std::string(1024, 'x')}}).status == 431);

  auto slow = site.connect(), idle = site.connect();
  slow->write("GET /api/kernel/status HTTP/1.1\r\nHost: ");
  REQUIRE(site.world.run_until([&] { return slow->ended && idle->ended; }, 5'000));
  CHECK(slow->text().starts_with("HTTP/1.1 408 "));
  CHECK(idle->text().empty());
  slow.reset();
  idle.reset();
  REQUIRE(site.world.run_until([&] { return site.status_number("connections") == 0; }, 5'000));

  int64_t refused = site.status_number("connections_refused");
  std::vector<std::unique_ptr<StreamUser>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(site.connect());
  REQUIRE(
      site.world.run_until([&] { return site.status_number("connections_refused") == refused + 1; }, 5'000));
  CHECK(site.status_number("timeouts") >= 1);
}

}  // namespace visor::test
