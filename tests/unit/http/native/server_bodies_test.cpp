// The server: bodies that are streamed, and clients that are slow or leave.
#include "lib/http/server.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/http/native/server_fixture.hpp"

using namespace visor;
using namespace visor::http;
using test::body_of;
using test::count;
using test::get;
using test::ServerFixture;
using test::StreamUser;

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
