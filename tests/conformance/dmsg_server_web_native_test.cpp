// The relay's one port: WebSocket and PROXY headers told from sessions; /dmsg on the gateway.
#include "lib/http/dial.hpp"
#include "tests/conformance/dmsg_server_user.hpp"

namespace visor::test::dmsg_server {
namespace {

Result<visor_stream*> dial_web(Node& node, const std::string& url) {
  std::optional<Result<visor_stream*>> dialed;
  auto dial = http::dial_websocket(node.host(), node.find<visor_sockets>(VISOR_SOCKETS_1), url, 5000,
                                   [&](Result<visor_stream*> stream) { dialed = std::move(stream); });
  REQUIRE(node.world().run_until([&] { return dialed.has_value(); }));
  return *dialed;
}

void await_sessions(Node& relay, int64_t count) {
  for (int i = 0; i < 200 && number(relay, "sessions/now") != count; ++i) relay.world().run_for(1);
  REQUIRE(number(relay, "sessions/now") == count);
}

// What a server answers to this, until it ends or nothing more comes.
std::string ask(Node& node, const std::string& url, const std::string& request) {
  End end(node.host(), connect(node, url));
  end.write(request);
  node.world().run_until([&] { return end.over(); }, 500);
  return end.text();
}

// A client's bytes behind a header that no client writes.
class Proxied {
 public:
  Proxied(Node& node, const std::string& url, const Bytes& header) : stream_(connect(node, url)) {
    visor_span part = to_span(ByteView(header));
    REQUIRE(stream_->api->write(stream_, &part, 1) == VISOR_OK);
  }
  visor_stream* stream() { return stream_; }

 private:
  visor_stream* stream_;
};

Bytes own_address(Caller& caller, const visor_key& relay_key) {
  dmsg::StreamRequest request = caller.request(relay_key, 1);
  request.ip_info = true;
  request.noise_message.clear();
  auto end = caller.open(caller.sealed(request));
  REQUIRE(caller.node.world().run_until([&] { return end->ended; }, 1000));
  auto answer = caller.answer(*end, relay_key);
  REQUIRE(answer);
  return answer->ip;
}

const std::string kUrl = "tcp://10.0.0.1:8081";

}  // namespace

TEST_CASE("clients come by WebSocket to the relay's own port, and meet those of TCP", "[dmsg_server]") {
  SimWorld world(1);
  Node& hub = relay(world, "10.0.0.1");
  Node& a = machine(world, "10.0.0.2");
  auto carrier = dial_web(a, "ws://10.0.0.1:8081/dmsg");
  REQUIRE(carrier);
  Caller web(a, *carrier, hub.key()), tcp(machine(world, "10.0.0.3"), kUrl, hub.key());
  await_sessions(hub, 2);
  auto there = web.dial(tcp.node.key()), back = tcp.dial(web.node.key());
  Bytes data(300000, 7);
  REQUIRE(there->stream.write(data) == VISOR_OK);
  REQUIRE(back->stream.write(data) == VISOR_OK);
  REQUIRE(world.run_until([&] {
    return tcp.accepted[0]->received.size() == data.size() && web.accepted[0]->received.size() == data.size();
  }));
  CHECK(own_address(web, hub.key()) == Bytes{10, 0, 0, 2});
  auto rows = hub.call("dmsg_server", "sessions");
  REQUIRE(rows);
  CHECK(rows->find(R"("carrier":"ws")") != std::string::npos);
  CHECK(rows->find(R"("carrier":"tcp")") != std::string::npos);
  CHECK(number(hub, "web/open_websockets") == 1);
  web.session.reset();
  await_sessions(hub, 1);
  world.run_for(3000);
  CHECK(number(hub, "web/open_websockets") == 0);
}

TEST_CASE("the relay's port answers HTTP that is no WebSocket at /dmsg", "[dmsg_server]") {
  SimWorld world(2);
  Node& hub = relay(world, "10.0.0.1");
  Node& a = machine(world, "10.0.0.2");
  CHECK(ask(a, kUrl, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404 "));
  CHECK(ask(a, kUrl, "GET /dmsg/ HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404 "));
  CHECK(ask(a, kUrl, "GET /dmsg HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 426 "));
  CHECK(ask(a, kUrl, "NONSENSE\r\n\r\n").starts_with("HTTP/1.1 400 "));
  auto wrong = dial_web(a, "ws://10.0.0.1:8081/skywire");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().status == VISOR_EPROTO);

  /* Slowly, a byte a second: five seconds, and no more. */
  End slow(a.host(), connect(a, kUrl));
  for (int i = 0; i < 7 && !slow.over(); ++i) {
    slow.write("G");
    world.run_for(1000);
  }
  CHECK(slow.over());
  CHECK(number(hub, "sessions/handshaking") == 0);
}

TEST_CASE("the gateway has /dmsg as long as the relay runs", "[dmsg_server][gateway]") {
  SimWorld world(3);
  Node& hub = world.add("10.0.0.1", R"({"plugins":[
    {"plugin":"dmsg_server","config":{}},
    {"plugin":"gateway","config":{"token":"0123456789abcdef","listen":"tcp://0.0.0.0:8080"}}]})");
  Node &a = machine(world, "10.0.0.2"), &b = machine(world, "10.0.0.3");
  auto first = dial_web(a, "ws://10.0.0.1:8080/dmsg"), second = dial_web(b, "ws://10.0.0.1:8080/dmsg");
  REQUIRE(first);
  REQUIRE(second);
  Caller alice(a, *first, hub.key()), bob(b, *second, hub.key());
  await_sessions(hub, 2);
  auto end = alice.dial(bob.node.key());
  CHECK(end->write("through the gateway") == VISOR_OK);
  REQUIRE(world.run_until([&] { return bob.accepted[0]->text() == "through the gateway"; }, 1000));
  CHECK(own_address(bob, hub.key()) == Bytes{10, 0, 0, 3});
  hub.stop();
  CHECK_FALSE(hub.logged("behind when it stopped"));
}

TEST_CASE("behind a proxy, clients are where it says", "[dmsg_server]") {
  SimWorld world(4);
  Node& hub =
      relay(world, "10.0.0.1",
            std::string(kListening) + R"(,"proxy_protocol":true,"limits":{"sessions_per_address":1})");
  Node &a = machine(world, "10.0.0.2"), &b = machine(world, "10.0.0.3");
  std::string line = "PROXY TCP4 192.0.2.1 10.0.0.1 4242 8081\r\n";
  Proxied one(a, kUrl, Bytes(line.begin(), line.end()));
  Caller alice(a, one.stream(), hub.key());
  await_sessions(hub, 1);
  CHECK(own_address(alice, hub.key()) == Bytes{192, 0, 2, 1});

  /* Limits are those of the address behind the proxy. */
  Proxied same(b, kUrl, Bytes(line.begin(), line.end()));
  Caller refused(b, same.stream(), hub.key());
  REQUIRE(world.run_until([&] { return refused.closed.has_value(); }, 1000));
  Caller bob(b, kUrl, hub.key()); /* without a header: as it is */
  await_sessions(hub, 2);
  CHECK(own_address(bob, hub.key()) == Bytes{10, 0, 0, 3});

  std::string request = "PROXY TCP4 192.0.2.9 10.0.0.1 4242 8081\r\nGET /dmsg HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(ask(a, kUrl, request).starts_with("HTTP/1.1 426 "));
  CHECK(ask(a, kUrl, "PROXY nonsense\r\n").empty());
  CHECK(number(hub, "entrance/broken") == 1);
}

TEST_CASE("without the setting, a PROXY header is nothing but a bad request", "[dmsg_server]") {
  SimWorld world(5);
  Node& hub = relay(world, "10.0.0.1");
  Node& a = machine(world, "10.0.0.2");
  std::string answer = ask(a, kUrl, "PROXY TCP4 192.0.2.1 10.0.0.1 4242 8081\r\n\r\n");
  INFO(answer);
  CHECK((answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")));
  CHECK(number(hub, "entrance/broken") == 0);
}

}  // namespace visor::test::dmsg_server
