#include "lib/http/server.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/http/native/server_fixture.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::http;
using test::body_of;
using test::count;
using test::ServerFixture;
using test::StreamUser;

namespace {

std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string(answer.substr(9, 3))) : 0;
}

}  // namespace

TEST_CASE("a request is answered, and the connection stays", "[http][server]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->write(get("/a?b=c"));
  fixture.memory.run();
  std::string first = client->text();
  CHECK(first.starts_with("HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 "));
  CHECK(first.find("content-type: text/plain\r\n") != std::string::npos);
  CHECK(first.find("Content-Length: 11\r\n") != std::string::npos);
  CHECK(first.find("Connection:") == std::string::npos);
  CHECK(body_of(first) == "GET /a b=c ");
  client->write(post("/x", "hello"));
  fixture.memory.run();
  CHECK(client->text().ends_with("POST /x  hello"));
  CHECK_FALSE(client->ended);
  CHECK(fixture.server.counters().requests == 2);
  CHECK(fixture.server.counters().answers[2] == 2);
  CHECK(fixture.server.counters().sent_bytes == client->data.size());
}

TEST_CASE("a request is the same wherever it is cut in two", "[http][server]") {
  std::string input = post("/x?y", "hello") + "GET /z HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    ServerFixture fixture;
    auto client = fixture.connect();
    client->write(std::string_view(input).substr(0, cut));
    fixture.memory.run();
    client->write(std::string_view(input).substr(cut));
    fixture.memory.run();
    REQUIRE(client->text().find("POST /x y hello") != std::string::npos);
    REQUIRE(client->text().ends_with("GET /z  "));
  }
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection, keep-alive keeps it", "[http][server]") {
  ServerFixture fixture;
  auto check = [&](std::string_view input, bool kept) {
    auto client = fixture.connect();
    client->write(input);
    fixture.memory.run();
    CHECK(status_of(client->text()) == 200);
    CHECK(client->ended == !kept);
    CHECK((client->text().find("Connection: close\r\n") != std::string::npos) == !kept);
  };
  check(get("/"), true);
  check(get("/", "Connection: close\r\n"), false);
  check("GET / HTTP/1.0\r\n\r\n", false);
  check("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true);
}

TEST_CASE("pipelined requests are answered one after another, in order", "[http][server]") {
  ServerFixture fixture;
  std::vector<Exchange*> waiting;
  fixture.handler = [&](Exchange& exchange) { waiting.push_back(&exchange); };
  auto client = fixture.connect();
  std::string input;
  for (int i = 0; i < 5; ++i) input += get("/" + std::to_string(i));
  client->write(input);
  fixture.memory.run();
  std::string expected;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(waiting.size() == 1); /* the others wait unread */
    Exchange* exchange = waiting[0];
    waiting.clear();
    expected += exchange->path();
    exchange->respond(200, nullptr, 0, exchange->request()->path);
    fixture.memory.run();
  }
  std::string bodies;
  for (size_t at = client->text().find("\r\n\r\n"); at != std::string::npos;
       at = client->text().find("\r\n\r\n", at + 1)) {
    bodies += client->text().substr(at + 4, 2);
  }
  CHECK(bodies == expected);
}

TEST_CASE("a client that pipelines without end is not read ahead of its answers", "[http][server]") {
  ServerLimits limits;
  limits.read_ahead_bytes = 2000;
  ServerFixture fixture(limits);
  fixture.manners->piece = 500;
  fixture.manners->room = 4000;
  std::vector<Exchange*> waiting;
  fixture.handler = [&](Exchange& exchange) { waiting.push_back(&exchange); };
  auto client = fixture.connect();
  size_t written = 0;
  std::string request = get("/");
  while (client->write(request) == VISOR_OK) {
    written += request.size();
    fixture.memory.run();
    REQUIRE(written < 100'000);
  }
  CHECK(fixture.server.counters().received_bytes <= 2500);
  while (!waiting.empty()) {
    std::exchange(waiting, {})[0]->respond(204, nullptr, 0, {});
    fixture.memory.run();
  }
  CHECK(fixture.server.counters().requests == written / request.size());
}

TEST_CASE("HEAD gets the head that GET would get", "[http][server]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->write("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture.memory.run();
  CHECK(client->text().find("Content-Length: 11\r\n") != std::string::npos);
  CHECK(body_of(client->text()).empty());
  client->write(get("/"));
  fixture.memory.run();
  CHECK(count(client->text(), "HTTP/1.1 200") == 2);
}

TEST_CASE("no body follows 204 and 304", "[http][server]") {
  ServerFixture fixture;
  int status = GENERATE(204, 304);
  fixture.handler = [&](Exchange& exchange) { exchange.respond(status, nullptr, 0, VISOR_TEXT("body")); };
  std::string answer = fixture.ask(get("/"));
  CHECK(status_of(answer) == status);
  CHECK(body_of(answer).empty());
}

TEST_CASE("a body that is announced is waited for", "[http][server]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  fixture.memory.run();
  CHECK(client->text() == "HTTP/1.1 100 Continue\r\n\r\n");
  client->write("hello");
  fixture.memory.run();
  CHECK(count(client->text(), "100 Continue") == 1);
  CHECK(client->text().ends_with("hello"));

  CHECK(status_of(fixture.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: magic\r\n\r\n")) ==
        417);
  CHECK(status_of(fixture.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n"
                              "Expect: 100-continue\r\n\r\n")) == 413);
}

TEST_CASE("targets that name the server again", "[http][server]") {
  ServerFixture fixture;
  CHECK(body_of(fixture.ask(get("http://h/a?b"))) == "GET /a b ");
  CHECK(body_of(fixture.ask(get("http://h"))) == "GET /  ");
  CHECK(status_of(fixture.ask(get("http://other/a"))) == 400);
  CHECK(status_of(fixture.ask("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")) == 400);
  CHECK(body_of(fixture.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")) == "OPTIONS *  ");
}

TEST_CASE("what is no request gets one clear answer, and the connection ends", "[http][server]") {
  ServerFixture fixture;
  for (auto [input, status] : std::initializer_list<std::pair<std::string, int>>{
           {"\x16\x03\x01\x02\x01garbage\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n\r\n", 400},
           {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
           {"GET /" + std::string(20'000, 'a'), 431},
           {get("/", "X: " + std::string(20'000, 'a') + "\r\n"), 431},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n", 413},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501}}) {
    auto client = fixture.connect();
    client->write(get("/before") + input + get("/after"));
    fixture.memory.run();
    INFO(input.substr(0, 60));
    CHECK(count(client->text(), "\r\nDate: ") == 2);
    std::string second = client->text().substr(client->text().find("GET /before  ") + 13);
    CHECK(status_of(second) == status);
    CHECK(second.find("Connection: close\r\n") != std::string::npos);
    CHECK(body_of(second).starts_with("{\"error\":{\"status\":"));
    CHECK(client->ended);
    fixture.memory.advance_ms(2000); /* it never ends its side */
    CHECK(client->closed);
  }
  CHECK(fixture.server.counters().malformed == 7);
  CHECK(fixture.server.counters().open_connections == 0);
}

TEST_CASE("a request that breaks off is told so, a half-closed client still gets its answer",
          "[http][server]") {
  ServerFixture fixture;
  auto cut = fixture.connect();
  cut->write("GET / HTTP/1.1\r\nHo");
  cut->stream.end();
  fixture.memory.run();
  CHECK(status_of(cut->text()) == 400);
  CHECK(cut->text().find("cut short") != std::string::npos);

  auto half = fixture.connect();
  half->write(get("/a") + get("/b"));
  half->stream.end();
  fixture.memory.run();
  CHECK(count(half->text(), "HTTP/1.1 200") == 2);
  CHECK(half->ended);

  std::vector<Exchange*> waiting;
  fixture.handler = [&](Exchange& exchange) { waiting.push_back(&exchange); };
  auto later = fixture.connect();
  later->write(get("/later"));
  later->stream.end();
  fixture.memory.run();
  REQUIRE(waiting.size() == 1);
  waiting[0]->respond(200, nullptr, 0, VISOR_TEXT("late"));
  fixture.memory.run();
  CHECK(later->text().ends_with("late"));
  CHECK(later->ended);
}

TEST_CASE("an answer after the client has left goes nowhere", "[http][server]") {
  ServerFixture fixture;
  std::vector<Exchange*> waiting;
  fixture.handler = [&](Exchange& exchange) { waiting.push_back(&exchange); };
  auto way = GENERATE(0, 1, 2);
  auto client = fixture.connect();
  client->write(get("/", "Upgrade: websocket\r\n"));
  fixture.memory.run();
  REQUIRE(waiting.size() == 1);
  bool left = false;
  waiting[0]->on_left([&] { left = true; });
  client->stream.close();
  fixture.memory.run();
  CHECK(left);
  CHECK(text(waiting[0]->request()->path) == "/");
  CHECK(fixture.server.counters().open_exchanges == 1);
  if (way == 0) {
    waiting[0]->respond(200, nullptr, 0, VISOR_TEXT("late"));
  } else {
    visor_stream* raw = way == 1 ? waiting[0]->stream(200, nullptr, 0) : waiting[0]->upgrade();
    REQUIRE(raw);
    StreamUser body(fixture.memory.host(), raw);
    CHECK(body.write("late") == VISOR_ECLOSED);
    fixture.memory.run();
    REQUIRE(body.closed);
    CHECK(body.closed->status == VISOR_ECLOSED);
  }
  fixture.memory.run();
  CHECK(fixture.server.counters().open_exchanges == 0);
  CHECK(fixture.server.counters().open_streams == 0);
}

TEST_CASE("a streamed body goes in chunks, and another request may follow", "[http][server]") {
  ServerFixture fixture;
  std::unique_ptr<StreamUser> body;
  fixture.handler = [&](Exchange& exchange) {
    visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("text/plain"),
                            VISOR_TEXT("Content-Length"), VISOR_TEXT("7")};
    body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, headers, 4));
  };
  auto client = fixture.connect();
  client->write(get("/") + get("/"));
  fixture.memory.run();
  CHECK(client->text().ends_with("Transfer-Encoding: chunked\r\n\r\n"));
  CHECK(count(client->text(), "Content-Length") == 0);
  body->write("hello");
  fixture.memory.run();
  CHECK(client->text().ends_with("\r\n000005\r\nhello\r\n"));
  body->write(", ");
  body->write("world");
  body->stream.end();
  CHECK(body->write("more") == VISOR_ECLOSED);
  fixture.memory.run();
  CHECK(client->text().find("\r\n000002\r\n, \r\n000005\r\nworld\r\n0\r\n\r\nHTTP/1.1 200 OK") !=
        std::string::npos);
  body->stream.end();
  fixture.memory.run();
  REQUIRE(body->closed);
  CHECK(body->closed->status == VISOR_OK);
  CHECK(client->text().ends_with("\r\n\r\n0\r\n\r\n"));
  CHECK(fixture.server.counters().open_streams == 0);
}

TEST_CASE("a streamed body for HEAD and for HTTP/1.0", "[http][server]") {
  ServerFixture fixture;
  std::unique_ptr<StreamUser> body;
  fixture.handler = [&](Exchange& exchange) {
    body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
    body->write("hello");
    body->stream.end();
  };
  auto head = fixture.connect();
  head->write("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture.memory.run();
  CHECK(body_of(head->text()).empty());
  CHECK_FALSE(head->ended);
  auto old = fixture.connect();
  old->write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  fixture.memory.run();
  CHECK(body_of(old->text()) == "hello");
  CHECK(old->text().find("Connection: close") != std::string::npos);
  CHECK(old->ended);
}

TEST_CASE("a client that leaves ends the body; a body given up cuts the connection", "[http][server]") {
  ServerFixture fixture;
  std::unique_ptr<StreamUser> body;
  fixture.handler = [&](Exchange& exchange) {
    body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
    body->write("some");
  };
  auto client = fixture.connect();
  client->write(get("/"));
  fixture.memory.run();
  SECTION("by closing") {
    client->stream.close();
  }
  SECTION("by ending its side") {
    client->stream.end();
  }
  SECTION("the server gives up") {
    body->stream.close();
    fixture.memory.run();
    CHECK(client->text().ends_with("some\r\n"));
    CHECK(client->closed);
    return;
  }
  fixture.memory.run();
  REQUIRE(body->closed);
  CHECK(body->closed->status == VISOR_ECLOSED);
  CHECK(fixture.server.counters().open_connections == 0);
}

TEST_CASE("a slow client slows the body, and one that takes nothing is left", "[http][server]") {
  ServerLimits limits;
  limits.queued_bytes = 5'000;
  ServerFixture fixture(limits);
  fixture.manners->room = 5'000;
  std::unique_ptr<StreamUser> body;
  fixture.handler = [&](Exchange& exchange) {
    body = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
  };
  auto client = fixture.connect();
  client->write(get("/"));
  fixture.memory.run();
  client->stream.pause(true);
  size_t taken = 0;
  std::string piece(1000, 'x');
  while (body->write(piece) == VISOR_OK) {
    taken += piece.size();
    fixture.memory.run();
    REQUIRE(taken < 50'000);
  }
  SECTION("it goes on") {
    client->stream.pause(false);
    fixture.memory.run();
    CHECK(body->readies == 1);
    CHECK(count(client->text(), piece) >= taken / 1000);
    CHECK(body->write(piece) == VISOR_OK);
  }
  SECTION("it does not") {
    fixture.memory.advance_ms(29'000);
    CHECK_FALSE(body->closed);
    fixture.memory.advance_ms(2'000);
    CHECK(body->closed);
    CHECK(fixture.server.counters().timeouts == 1);
  }
}

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
