#include "lib/http/client.hpp"

#include <catch2/catch.hpp>

#include "lib/http/dial.hpp"
#include "tests/unit/http/native/server_fixture.hpp"

using namespace visor;
using namespace visor::http;
using test::ServerFixture;
using test::SocketsTo;
using test::StreamUser;

namespace {

struct Fetched {
  std::optional<Result<ClientResponse>> result;
  ClientCall call;
};

std::unique_ptr<Fetched> start_fetch(ServerFixture& fixture, SocketsTo& sockets,
                                     const ClientRequest& request) {
  auto out = std::make_unique<Fetched>();
  auto call = fetch(fixture.memory.host(), &sockets, request,
                    [raw = out.get()](Result<ClientResponse> result) { raw->result = std::move(result); });
  if (call) {
    out->call = std::move(*call);
  } else {
    out->result = std::unexpected(call.error());
  }
  return out;
}

/* Answers every connection with these bytes, whatever it asks, then ends it if `end`. */
struct RawServer : SocketsProvider {
  RawServer(test::MemoryHost& memory, std::string answer, bool end)
      : SocketsProvider(memory.host(), VISOR_SOCKETS_TCP), answer_(std::move(answer)), end_(end) {}
  visor_status connect(visor_span, visor_done done) override {
    post(host(), [this, done] {
      auto [ours, theirs] = test::PipeEnd::make(host(), manners);
      user = std::make_unique<StreamUser>(host(), ours);
      user->write(answer_);
      if (end_) user->stream.end();
      done.fn(done.ctx, VISOR_OK, static_cast<visor_stream*>(theirs));
    });
    return VISOR_OK;
  }
  visor_status listen(visor_span, void (*)(void*, visor_stream*), void*, visor_handle**) override {
    return VISOR_ENOSYS;
  }
  void cancel(void*) override {}
  std::shared_ptr<test::PipeManners> manners = std::make_shared<test::PipeManners>();
  std::unique_ptr<StreamUser> user;

 private:
  std::string answer_;
  bool end_;
};

}  // namespace

TEST_CASE("a request and its answer", "[http][client]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture);
  ClientRequest request;
  request.method = "POST";
  request.url = "http://127.0.0.1:8080/a?b";
  request.headers = {{"Content-Type", "text/plain"}};
  request.body = "hello";
  auto fetched = start_fetch(fixture, sockets, request);
  CHECK_FALSE(fetched->result.has_value());
  fixture.memory.run();
  REQUIRE(fetched->result.has_value());
  REQUIRE(fetched->result->has_value());
  CHECK((*fetched->result)->status == 200);
  CHECK((*fetched->result)->headers.find("content-type") == "text/plain");
  CHECK((*fetched->result)->body == "POST /a b hello");
  CHECK(sockets.asked == std::vector<std::string>{"tcp://127.0.0.1:8080"});
  CHECK(fixture.server.counters().open_connections == 0);
}

TEST_CASE("answers in chunks, by the connection's end, without a body, after 100", "[http][client]") {
  test::MemoryHost memory;
  auto ask = [&](std::string answer, bool end, size_t piece, std::string method = "GET") {
    RawServer server(memory, std::move(answer), end);
    server.manners->piece = piece;
    ClientRequest request;
    request.url = "http://h/";
    request.method = method;
    std::optional<Result<ClientResponse>> result;
    auto call =
        fetch(memory.host(), &server, request, [&](Result<ClientResponse> r) { result = std::move(r); });
    memory.run();
    REQUIRE(result.has_value());
    return *result;
  };
  size_t piece = GENERATE(1u, 7u, 10000u);
  CHECK(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false,
            piece)
            ->body == "abcde");
  CHECK(ask("HTTP/1.1 200 OK\r\n\r\nabcde", true, piece)->body == "abcde");
  CHECK(ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false, piece)->status == 204);
  CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, piece, "HEAD")->status == 200);
  CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, piece).error().status == VISOR_EPROTO);
  CHECK(ask("SSH-2.0-x\r\n\r\n", false, piece).error().status == VISOR_EPROTO);
  CHECK(ask("", true, piece).error().status == VISOR_EPROTO);
  CHECK(
      ask("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", false, piece).error().text.find("8388608") !=
      std::string::npos);
}

TEST_CASE("what cannot begin is said at once, what fails later", "[http][client]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture);
  ClientRequest request;
  auto status = [&](std::string url) {
    request.url = std::move(url);
    auto fetched = start_fetch(fixture, sockets, request);
    fixture.memory.run();
    REQUIRE(fetched->result.has_value());
    return fetched->result->error().status;
  };
  CHECK(status("nonsense") == VISOR_EINVAL);
  CHECK(status("https://h/") == VISOR_ENOSYS);
  request.headers = {{"X", "a\r\nY: b"}};
  CHECK(status("http://h/") == VISOR_EINVAL);
  request.headers.clear();
  sockets.refuse = true;
  CHECK(status("http://h/") == VISOR_EIO);
  sockets.refuse = false;
  sockets.hang = true;
  request.url = "http://h/";
  auto hanging = start_fetch(fixture, sockets, request);
  fixture.memory.advance_ms(30'000);
  REQUIRE(hanging->result.has_value());
  CHECK(hanging->result->error().status == VISOR_ETIMEDOUT);
  CHECK(hanging->result->error().text.find("30000 ms") != std::string::npos);
}

TEST_CASE("a server that stops talking is given up", "[http][client]") {
  test::MemoryHost memory;
  RawServer server(memory, "HTTP/1.1 200 OK\r\n\r\npart", false);
  ClientRequest request;
  request.url = "http://h/";
  std::string body;
  std::optional<Result<void>> done;
  ClientCall call;
  REQUIRE(call.start(memory.host(), &server, request,
                     {.head = {},
                      .body = [&](ByteView piece) { body += text(piece); },
                      .done = [&](Result<void> result) { done = std::move(result); }}));
  memory.advance_ms(29'000);
  CHECK(body == "part");
  CHECK_FALSE(done.has_value());
  server.user->write("more");
  memory.advance_ms(29'000);
  CHECK_FALSE(done.has_value());
  memory.advance_ms(2'000);
  REQUIRE(done.has_value());
  CHECK(done->error().status == VISOR_ETIMEDOUT);
}

TEST_CASE("a body as it comes, with pressure, and the server hears the end", "[http][client]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture);
  std::unique_ptr<StreamUser> events;
  fixture.handler = [&](Exchange& exchange) {
    events = std::make_unique<StreamUser>(fixture.memory.host(), exchange.stream(200, nullptr, 0));
  };
  ClientRequest request;
  request.url = "http://h/events";
  int32_t status = 0;
  std::string body;
  std::optional<bool> done;
  ClientCall call;
  REQUIRE(call.start(fixture.memory.host(), &sockets, request,
                     {.head = [&](const ResponseHead& head) { status = head.status; },
                      .body = [&](ByteView piece) { body += text(piece); },
                      .done = [&](Result<void>) { done = true; }}));
  fixture.memory.run();
  CHECK(status == 200);
  events->write("one\n");
  fixture.memory.run();
  CHECK(body == "one\n");
  call.pause(true);
  events->write("two\n");
  fixture.memory.run();
  CHECK(body == "one\n");
  call.pause(false);
  fixture.memory.run();
  CHECK(body == "one\ntwo\n");
  SECTION("the client leaves") {
    call = ClientCall();
    fixture.memory.run();
    CHECK(events->closed);
    CHECK_FALSE(done.has_value());
  }
  SECTION("the server ends") {
    events->stream.end();
    fixture.memory.run();
    CHECK(done.has_value());
  }
}

TEST_CASE("a callback may destroy its call", "[http][client]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture);
  ClientRequest request;
  request.url = "http://h/";
  bool told = false;
  ClientCall call;
  REQUIRE(call.start(fixture.memory.host(), &sockets, request,
                     {.head = [&](const ResponseHead&) { call = ClientCall(); },
                      .body = [&](ByteView) { told = true; },
                      .done = [&](Result<void>) { told = true; }}));
  fixture.memory.run();
  CHECK_FALSE(told);
}

TEST_CASE("dialing a WebSocket over TCP", "[http][dial]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture);
  std::unique_ptr<StreamUser> server, client;
  fixture.handler = [&](Exchange& exchange) {
    if (exchange.path() != "/skywire") return exchange.respond_error(404, VISOR_ENOENT, "nothing is here");
    server = std::make_unique<StreamUser>(fixture.memory.host(), exchange.upgrade());
    server->write("welcome");
  };
  std::optional<Error> error;
  auto dial = [&](std::string_view url) {
    return dial_websocket(fixture.memory.host(), &sockets, url, 5'000, [&](Result<visor_stream*> result) {
      if (result)
        client = std::make_unique<StreamUser>(fixture.memory.host(), *result);
      else
        error = result.error();
    });
  };
  SECTION("bytes go both ways") {
    fixture.manners->piece = GENERATE(1u, 1000u);
    auto dialing = dial("ws://127.0.0.1:8080/skywire");
    fixture.memory.run();
    REQUIRE(client);
    CHECK(client->text() == "welcome");
    client->write("thanks");
    fixture.memory.run();
    CHECK(server->text() == "thanks");
    client->stream.end();
    fixture.memory.run();
    CHECK(client->closed->status == VISOR_OK);
    CHECK(server->closed->status == VISOR_OK);
  }
  SECTION("no WebSocket there") {
    auto dialing = dial("ws://127.0.0.1:8080/other");
    fixture.memory.run();
    REQUIRE(error);
    CHECK(error->status == VISOR_EPROTO);
    CHECK(error->text.find("it answered 404") != std::string::npos);
  }
  SECTION("no answer") {
    sockets.hang = true;
    auto dialing = dial("ws://127.0.0.1:8080/skywire");
    fixture.memory.advance_ms(5'000);
    REQUIRE(error);
    CHECK(error->status == VISOR_ETIMEDOUT);
  }
  SECTION("no address") {
    auto dialing = dial("http://127.0.0.1:8080/skywire");
    CHECK_FALSE(error);
    fixture.memory.run();
    REQUIRE(error);
    CHECK(error->status == VISOR_EINVAL);
  }
  SECTION("no connection") {
    sockets.refuse = true;
    auto dialing = dial("ws://127.0.0.1:8080/skywire");
    fixture.memory.run();
    REQUIRE(error);
    CHECK(error->status == VISOR_EIO);
  }
  SECTION("given up") {
    auto dialing = dial("ws://127.0.0.1:8080/skywire");
    fixture.memory.turn();
    dialing.reset();
    fixture.memory.run();
    CHECK_FALSE(client);
    CHECK_FALSE(error);
  }
}

TEST_CASE("a host's own WebSockets go before", "[http][dial]") {
  ServerFixture fixture;
  SocketsTo sockets(fixture, VISOR_SOCKETS_WEBSOCKET);
  std::unique_ptr<StreamUser> client;
  auto dialing =
      dial_websocket(fixture.memory.host(), &sockets, "ws://h:1/p", 5'000, [&](Result<visor_stream*> result) {
        REQUIRE(result.has_value());
        client = std::make_unique<StreamUser>(fixture.memory.host(), *result);
      });
  fixture.memory.run();
  CHECK(client);
  CHECK(sockets.asked == std::vector<std::string>{"ws://h:1/p"});
}
