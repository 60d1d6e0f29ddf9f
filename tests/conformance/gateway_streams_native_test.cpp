// The gateway on a real port: commands that give many values, slow clients and clients that leave.
#include "lib/http/lines.hpp"
#include "tests/conformance/gateway_site.hpp"

namespace visor::test {

TEST_CASE("streaming commands come as events or lines", "[gateway]") {
  Site site;
  auto events = site.get("/api/ticker/count?limit=2", {{"Accept", "text/event-stream"}});
  CHECK(events.headers.find("content-type") == "text/event-stream");
  CHECK(events.body ==
        "data: {\"n\":0, \"pad\":\"\"}\n\ndata: {\"n\":1, \"pad\":\"\"}\n\nevent: end\ndata: {}\n\n");
  auto lines = site.get("/api/ticker/count?limit=2");
  CHECK(lines.headers.find("content-type") == "application/x-ndjson");
  CHECK(lines.body == "{\"n\":0, \"pad\":\"\"}\n{\"n\":1, \"pad\":\"\"}\n");
  CHECK(site.ask("HEAD", "/api/ticker/count?limit=0").status == 200);
  auto failed = site.get("/api/ticker/count?limit=-1");
  CHECK(failed.status == 507); /* at once: the status still tells it */
  CHECK(error_status(failed) == "ENOSPC");
  std::string why = R"({"error":{"status":"ENOSPC","message":"no more \"numbers\""}})";
  auto late = site.get("/api/ticker/count?limit=1&fail", {{"Accept", "text/event-stream"}});
  CHECK(late.status == 200);
  CHECK(late.body == "data: {\"n\":0, \"pad\":\"\"}\n\nevent: failed\ndata: " + why + "\n\n");
  CHECK(site.get("/api/ticker/count?limit=1&fail").body == "{\"n\":0, \"pad\":\"\"}\n" + why + "\n");
  auto large = site.get("/api/ticker/count?limit=2&size=3000000");
  CHECK(large.body.size() > 6'000'000);
}

TEST_CASE("a stream of events that has nothing to say says so", "[gateway]") {
  SimWorld world(1);
  Node& server =
      world.add("10.0.0.1", Site::text_of({{"listen", "tcp://0.0.0.0:80"}, {"token", "0123456789abcdef"}}),
                Site::options());
  Node& client = world.add("10.0.0.2", R"({"plugins":[]})");
  http::ClientRequest request;
  request.url = "http://10.0.0.1/api/ticker/count?limit=0";
  request.headers = {{"Accept", "text/event-stream"}, {"Authorization", "Bearer 0123456789abcdef"}};
  std::string body;
  bool done = false;
  http::ClientCall call;
  REQUIRE(call.start(client.host(), client.find<visor_sockets>(VISOR_SOCKETS_1), request,
                     {.head = [](const http::ResponseHead& head) { CHECK(head.status == 200); },
                      .body = [&](ByteView piece) { body += text(piece); },
                      .done = [&](Result<void>) { done = true; }})
              .has_value());
  world.run_for(14'000);
  CHECK(body.empty());
  world.run_for(32'000);
  CHECK(body == ": still here\n\n: still here\n\n: still here\n\n");
  CHECK_FALSE(done);
  call = http::ClientCall();
  world.run_for(1'000);
  CHECK(server.call("ticker", "seen")->find("\"canceled\":1") != std::string::npos);
}

TEST_CASE("a client that leaves cancels its call", "[gateway]") {
  Site site;
  auto client = site.connect();
  client->write("GET /api/ticker/count?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(site.world.run_until([&] { return site.status_number("calls") == 1; }, 5'000));
  client->stream.close();
  CHECK(site.world.run_until([&] { return site.seen("canceled") == 1; }, 5'000));
  CHECK(site.world.run_until([&] { return site.status_number("calls") == 0; }, 5'000));
}

TEST_CASE("a slow client slows the command", "[gateway]") {
  Site site;
  http::ClientRequest request;
  request.url = site.address + "/api/ticker/count?limit=100000&size=10000";
  request.max_body_bytes = 2'000'000'000;
  http::Lines lines;
  int64_t received = 0;
  bool done = false;
  http::ClientCall call;
  REQUIRE(call.start(site.clients.host(), site.sockets(), request,
                     {.head = {},
                      .body =
                          [&](ByteView piece) {
                            REQUIRE(lines
                                        .feed(piece,
                                              [&](std::string_view line) {
                                                CHECK(
                                                    line.starts_with("{\"n\":" + std::to_string(received++)));
                                              })
                                        .has_value());
                          },
                      .done = [&](Result<void>) { done = true; }})
              .has_value());
  REQUIRE(site.world.run_until([&] { return received > 10; }, 5'000));
  call.pause(true);
  int64_t before = -1;
  REQUIRE(site.world.run_until(
      [&] {
        int64_t now = site.seen("emitted");
        return std::exchange(before, now) == now;
      },
      20'000));
  CHECK(before < 10'000); /* sockets hold some megabytes, the command's queue one more */
  call.pause(false);
  CHECK(site.world.run_until([&] { return site.seen("emitted") > before + 1'000; }, 20'000));
  CHECK_FALSE(done);
}

TEST_CASE("a gateway stops while clients are there", "[gateway]") {
  Site site;
  auto streaming = site.connect(), waiting = site.connect(), idle = site.connect();
  streaming->write("GET /api/ticker/count?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  waiting->write("GET /api/ticker/wait?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(site.world.run_until([&] { return site.status_number("calls") == 2; }, 5'000));
  site.node.stop();
  CHECK(site.node.kernel().state() == kernel::Kernel::State::kStopped);
}

}  // namespace visor::test
