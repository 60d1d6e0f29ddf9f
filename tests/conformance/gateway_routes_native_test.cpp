// The gateway on a real port: what other plugins mount on it.
#include "lib/http/dial.hpp"
#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

TEST_CASE("plugins mount routes; the longest prefix answers", "[gateway]") {
  Site site;
  auto* server = site.node.find<visor_http>(VISOR_HTTP_1);
  REQUIRE(server);
  Host host = site.node.host();
  auto mount = [&](Route& route, std::string_view prefix, uint32_t flags, std::string answer) {
    return route.mount(host, server, prefix, flags, [answer](visor_exchange* exchange) {
      respond(exchange, 200, "text/plain",
              answer + " " + std::string(text(exchange->api->request(exchange)->path)));
    });
  };
  Route open, inner, closed, second;
  REQUIRE(mount(open, "/metrics", VISOR_HTTP_PUBLIC, "outer").has_value());
  REQUIRE(mount(inner, "/metrics/deep/", VISOR_HTTP_PUBLIC, "inner").has_value());
  REQUIRE(mount(closed, "/closed", 0, "closed").has_value());
  CHECK(mount(second, "/metrics", 0, "again").error().status == VISOR_EEXIST);
  CHECK(mount(second, "/metrics/", 0, "again").error().status == VISOR_EEXIST);
  CHECK(mount(second, "/api", 0, "mine").error().status == VISOR_EEXIST);
  CHECK(mount(second, "metrics", 0, "no path").error().status == VISOR_EINVAL);
  CHECK(mount(second, "/a?b", 0, "no path").error().status == VISOR_EINVAL);

  CHECK(site.get("/metrics").body == "outer /metrics");
  CHECK(site.get("/metrics/x?y").body == "outer /metrics/x");
  CHECK(site.get("/metrics/deep/er").body == "inner /metrics/deep/er");
  CHECK(site.get("/metrics/deeper").body == "outer /metrics/deeper");
  CHECK(site.get("/metricsx").status == 404);
  CHECK(site.get("/none").body.find("/metrics, /metrics/deep") != std::string::npos);

  auto foreign = site.get("/metrics", {{"Origin", "http://elsewhere"}, {"Sec-Fetch-Site", "cross-site"}});
  CHECK(foreign.status == 200);
  CHECK(foreign.headers.find("access-control-allow-origin") == "*");
  CHECK(foreign.headers.find("cross-origin-resource-policy") == "cross-origin");
  auto preflight = site.ask("OPTIONS", "/metrics",
                            {{"Origin", "http://elsewhere"},
                             {"Access-Control-Request-Method", "POST"},
                             {"Access-Control-Request-Private-Network", "true"}});
  CHECK(preflight.status == 204);
  CHECK(preflight.headers.find("access-control-allow-methods").find("POST") != std::string_view::npos);
  CHECK(preflight.headers.find("access-control-allow-private-network") == "true");
  CHECK(site.get("/closed").status == 200);
  auto turned = site.get("/closed", {{"Origin", "http://elsewhere"}});
  CHECK(turned.status == 403);
  CHECK(turned.headers.find("access-control-allow-origin").empty());

  auto routes = json::parse(*site.node.call("gateway", "routes")).as_object().at("routes").as_array();
  CHECK(routes.size() == 5);
  inner = Route();
  CHECK(site.get("/metrics/deep/er").body == "outer /metrics/deep/er");
  open = Route();
  CHECK(site.get("/metrics").status == 404);
}

TEST_CASE("a WebSocket on a mounted route", "[gateway]") {
  Site site;
  Host host = site.node.host();
  std::unique_ptr<StreamUser> inside, outside;
  Route route;
  REQUIRE(route
              .mount(host, site.node.find<visor_http>(VISOR_HTTP_1), "/skywire", VISOR_HTTP_PUBLIC,
                     [&](visor_exchange* exchange) {
                       visor_stream* raw = exchange->api->upgrade(exchange);
                       if (raw) inside = std::make_unique<StreamUser>(host, raw);
                     })
              .has_value());
  CHECK(site.get("/skywire").status == 426);
  auto dial =
      http::dial_websocket(site.clients.host(), site.sockets(), "ws" + site.address.substr(4) + "/skywire",
                           5'000, [&](Result<visor_stream*> result) {
                             REQUIRE(result.has_value());
                             outside = std::make_unique<StreamUser>(site.clients.host(), *result);
                           });
  REQUIRE(site.world.run_until([&] { return inside && outside; }, 5'000));
  CHECK(inside->stream.origin().starts_with("127.0.0.1:"));
  CHECK(outside->stream.origin() == site.address.substr(7));

  /* More than every queue on the way holds, both ways at once. */
  std::string sent;
  for (int i = 0; sent.size() < 20'000'000; ++i) sent += std::to_string(i) + ",";
  size_t at[2] = {0, 0};
  auto pump = [&](int which) {
    StreamUser& user = which ? *inside : *outside;
    while (at[which] < sent.size()) {
      std::string_view piece = std::string_view(sent).substr(at[which], 70'000);
      if (user.write(piece) != VISOR_OK) return;
      at[which] += piece.size();
    }
  };
  inside->on_ready = [&] { pump(1); };
  outside->on_ready = [&] { pump(0); };
  pump(0);
  pump(1);
  REQUIRE(site.world.run_until(
      [&] { return inside->data.size() == sent.size() && outside->data.size() == sent.size(); }, 30'000));
  CHECK(inside->text() == sent);
  CHECK(outside->text() == sent);
  CHECK(inside->readies > 0);

  CHECK(site.status_number("websockets") == 1);
  outside->stream.end();
  REQUIRE(site.world.run_until([&] { return inside->closed && outside->closed; }, 10'000));
  CHECK(inside->closed->status == VISOR_OK);
  CHECK(outside->closed->status == VISOR_OK);
  CHECK(site.world.run_until([&] { return site.status_number("websockets") == 0; }, 5'000));
}

}  // namespace visor::test
