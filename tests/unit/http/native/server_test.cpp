// The server: requests, whole or cut up or wrong, and their answers.
#include "lib/http/server.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/http/native/server_fixture.hpp"

using namespace visor;
using namespace visor::http;
using test::body_of;
using test::count;
using test::get;
using test::post;
using test::ServerFixture;
using test::status_of;
using test::StreamUser;

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

TEST_CASE("what somebody has read of a connection is the server's, wherever it is cut", "[http][server]") {
  std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t early = 1; early <= request.size(); ++early) {
    ServerFixture fixture;
    std::string from;
    fixture.handler = [&](http::Exchange& exchange) {
      from = exchange.origin();
      exchange.respond(200, nullptr, 0, {});
    };
    auto [ours, theirs] = test::PipeEnd::make(fixture.memory.host(), fixture.manners);
    fixture.server.accept(ours, request.substr(0, early), "192.0.2.1:4242");
    test::StreamUser client(fixture.memory.host(), theirs);
    if (early < request.size()) client.write(request.substr(early));
    fixture.memory.run();
    CHECK(client.text().starts_with("HTTP/1.1 200 "));
    CHECK(from == "192.0.2.1:4242");
    CHECK(fixture.requests == 1);
  }
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
