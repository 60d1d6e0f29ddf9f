// The server: its limits, its end, and whatever may come.
#include "lib/http/server.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/http/native/server_fixture.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::http;
using test::body_of;
using test::get;
using test::post;
using test::ServerFixture;
using test::status_of;
using test::StreamUser;

TEST_CASE("slow requests and idle connections end in time", "[http][server]") {
  ServerFixture fixture;
  auto silent = fixture.connect(), slow = fixture.connect(), idle = fixture.connect();
  idle->write(get("/"));
  for (int second = 0; second < 40; ++second) {
    slow->write(second == 0 ? "GET / HTTP/1.1\r\n" : "X: y\r\n"); /* each byte comes in time, the whole not */
    fixture.memory.advance_ms(1000);
    if (second == 28) {
      CHECK_FALSE(slow->ended);
      CHECK_FALSE(silent->closed);
    }
  }
  CHECK(status_of(slow->text()) == 408);
  CHECK(slow->closed);
  CHECK(silent->closed);
  CHECK(silent->data.empty());
  CHECK_FALSE(idle->closed);
  idle->write(get("/"));
  fixture.memory.advance_ms(59'000);
  CHECK_FALSE(idle->closed);
  fixture.memory.advance_ms(2'000);
  CHECK(idle->closed);
  CHECK(fixture.server.counters().timeouts == 1);
}

TEST_CASE("connections are limited, all together and of one address", "[http][server]") {
  ServerLimits limits;
  limits.connections = 2;
  ServerFixture all(limits);
  auto one = all.connect(), two = all.connect(), three = all.connect();
  all.memory.run();
  CHECK(status_of(three->text()) == 503);
  CHECK(three->closed);
  CHECK(all.server.counters().refused == 1);
  one->stream.close();
  all.memory.run();
  CHECK(status_of(all.ask(get("/"))) == 200);

  limits.connections = 100;
  limits.connections_per_address = 1;
  ServerFixture each(limits);
  auto first = each.connect(), second = each.connect();
  each.memory.run();
  CHECK(second->text().find("this address") != std::string::npos);
}

TEST_CASE("an answer cannot be cut in two by its own headers", "[http][server]") {
  ServerFixture fixture;
  fixture.handler = [](Exchange& exchange) {
    visor_span headers[] = {VISOR_TEXT("x"), VISOR_TEXT("a\r\nset-cookie: b")};
    exchange.respond(200, headers, 2, {});
  };
  std::string answer = fixture.ask(get("/"));
  CHECK(status_of(answer) == 500);
  CHECK(answer.find("cookie") == std::string::npos);
  CHECK(fixture.memory.log().size() == 1);
}

TEST_CASE("what a gateway adds is on every kind of answer", "[http][server]") {
  ServerFixture fixture;
  std::unique_ptr<StreamUser> body;
  auto answer = [&](Exchange& exchange) {
    exchange.add_header("X-Added", "yes");
    if (exchange.path() == "/stream") {
      body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
    } else if (exchange.path() == "/shared") {
      exchange.respond_shared(200, {}, std::make_shared<std::string>(100'000, 's'));
    } else if (exchange.path() == "/upgrade") {
      CHECK(exchange.upgrade() == nullptr);
    } else {
      exchange.respond_error(404, VISOR_ENOENT, "nothing is here");
    }
  };
  fixture.handler = answer;
  for (std::string_view path : {"/stream", "/shared", "/upgrade", "/other"}) {
    CHECK(fixture.ask(get(path)).find("X-Added: yes\r\n") != std::string::npos);
  }
  CHECK(body_of(fixture.ask(get("/shared"))) == std::string(100'000, 's'));
  std::string upgrade = fixture.ask(get("/upgrade"));
  CHECK(status_of(upgrade) == 426);
  CHECK(upgrade.find("Upgrade: websocket\r\n") != std::string::npos);
}

TEST_CASE("stop waits for what others hold", "[http][server]") {
  ServerFixture fixture;
  std::vector<Exchange*> waiting;
  std::unique_ptr<StreamUser> body;
  fixture.handler = [&](Exchange& exchange) {
    if (exchange.path() == "/wait") {
      waiting.push_back(&exchange);
    } else {
      body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
    }
  };
  auto one = fixture.connect(), two = fixture.connect(), three = fixture.connect();
  one->write(get("/wait"));
  two->write(get("/stream"));
  fixture.memory.run();
  bool stopped = false;
  fixture.server.stop([&] { stopped = true; });
  fixture.memory.run();
  CHECK(one->closed);
  CHECK(two->closed);
  CHECK(three->closed);
  CHECK(body->closed);
  CHECK_FALSE(stopped);
  waiting[0]->respond(200, nullptr, 0, {});
  fixture.memory.run();
  CHECK(stopped);
  CHECK(fixture.server.counters().open_connections == 0);
}

TEST_CASE("a WebSocket over the server, and the end of both", "[http][server][websocket]") {
  ServerFixture fixture;
  std::unique_ptr<StreamUser> socket;
  fixture.handler = [&](Exchange& exchange) {
    visor_stream* raw = exchange.upgrade();
    if (raw) socket = std::make_unique<StreamUser>(fixture.memory.host(), raw);
  };
  auto client = fixture.connect();
  std::string_view hello("\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  client->write(get("/",
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") +
                std::string(hello));
  fixture.memory.run();
  CHECK(client->text() ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  REQUIRE(socket);
  CHECK(socket->text() == "Hello");
  CHECK(fixture.server.counters().open_websockets == 1);
  CHECK(fixture.server.counters().open_connections == 1);
  SECTION("the client leaves") {
    client->stream.close();
    fixture.memory.run();
    CHECK(socket->closed);
  }
  SECTION("the server stops") {
    bool stopped = false;
    fixture.server.stop([&] { stopped = true; });
    fixture.memory.run();
    REQUIRE(socket->closed);
    CHECK(socket->closed->status == VISOR_ECANCELED);
    CHECK(client->text().find(std::string("\x88\x12\x03\xe9", 4)) != std::string::npos); /* 1001 */
    CHECK(stopped);
  }
  CHECK(fixture.server.counters().open_websockets == 0);
  CHECK(fixture.server.counters().open_connections == 0);
}

TEST_CASE("whatever comes, others are served", "[http][server][fuzz]") {
  test::Seeded random(17);
  ServerLimits limits;
  limits.message = {400, 100};
  limits.read_ahead_bytes = 500;
  ServerFixture fixture(limits);
  std::vector<std::unique_ptr<StreamUser>> bodies;
  auto echo = fixture.handler;
  fixture.handler = [&](Exchange& exchange) {
    if (exchange.path().starts_with("/s")) {
      bodies.push_back(std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0)));
      bodies.back()->write("piece");
      if (random.below(2)) bodies.back()->stream.end();
    } else if (exchange.path().starts_with("/u")) {
      if (visor_stream* raw = exchange.upgrade()) {
        bodies.push_back(std::make_unique<StreamUser>(fixture.memory.host(), raw));
      }
    } else {
      echo(exchange);
    }
  };
  for (int round = 0; round < 2000; ++round) {
    std::string input;
    for (size_t parts = 1 + random.below(6); parts > 0; --parts) {
      switch (random.below(5)) {
        case 0:
          input += get("/a");
          break;
        case 1:
          input += get("/s");
          break;
        case 2:
          input += post("/p", std::string(random.below(120), 'b'));
          break;
        case 3:
          input += get("/u",
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
          break;
        default:
          input += text(random.bytes(random.below(60)));
          break;
      }
    }
    for (size_t changes = random.below(4); changes > 0; --changes) {
      input[random.below(input.size())] = static_cast<char>(random.number());
    }
    auto client = fixture.connect();
    for (size_t at = 0; at < input.size();) {
      size_t size = 1 + random.below(200);
      client->write(std::string_view(input).substr(at, size));
      at += size;
      if (random.below(2)) fixture.memory.run();
    }
    if (random.below(2)) client->stream.end();
    fixture.memory.run();
    if (round % 16 == 0) {
      REQUIRE(body_of(fixture.ask(get("/well"))) == "GET /well  ");
      bodies.clear();
    }
  }
  bodies.clear();
  fixture.memory.advance_ms(100'000);
  CHECK(fixture.server.counters().open_connections == 0);
  CHECK(fixture.server.counters().open_exchanges == 0);
  CHECK(fixture.server.counters().open_streams == 0);
}
