// WebSocket transports over the gateway, on the simulated network and on this machine's own.
#include "tests/conformance/transports_user.hpp"
#include "tests/support/native_world.hpp"

namespace visor::test::transports {
namespace {

std::string with_gateway(const std::string& listen, const std::string& transports) {
  return R"({"plugins":[{"plugin":"gateway","config":{"token":"0123456789abcdef","listen":")" + listen +
         R"("}},{"plugin":"transports","config":{)" + transports + "}}]}";
}

std::string listening_of(Node& node, const std::string& type) {
  auto status = node.call("transports", "status");
  REQUIRE(status.has_value());
  auto value = json(*status);
  return words(member(member(value, "listening"), type));
}

// Writes a request and gives what comes back until the connection ends.
std::string exchange(Node& node, const std::string& url, const std::string& request) {
  Client client(node.host(), connect(node, url));
  client.stream.write(bytes(std::string_view(request)));
  node.world().run_until([&] { return client.ended || client.closed; }, 5000);
  return std::string(text(ByteView(client.received)));
}

}  // namespace

TEST_CASE("a WebSocket transport is made at the gateway's /skywire and carries streams",
          "[transports][gateway]") {
  SimWorld world(1, fixed_latency(9));
  Node& b = world.add("10.0.0.2", with_gateway("tcp://0.0.0.0:8080", ""));
  Node& a = visor(world, "10.0.0.1", "");
  CHECK(listening_of(b, "swsr") == "/skywire");
  CHECK(listening_of(a, "swsr").empty());
  Echo echo(b, 50);
  Row made = save(a, b.key(), "ws", "ws://10.0.0.2:8080");  // the usual path, the type's old name
  CHECK(made.type == "swsr");
  CHECK(made.id == codec::transport_id(a.key(), b.key(), "swsr"));
  world.run_for(1000);
  CHECK(serving(a)[0].raw.latency_avg_ms == Approx(18));
  CHECK(serving(b)[0].raw.latency_avg_ms == Approx(18));

  Client client(a.host(), dial(a, b.key(), 50));
  Bytes data = pattern(500000);
  size_t sent = 0;
  REQUIRE(world.run_until([&] {
    while (sent < data.size()) {
      size_t size = std::min<size_t>(50000, data.size() - sent);
      if (client.stream.write(ByteView(data).subspan(sent, size)) != VISOR_OK) break;
      sent += size;
    }
    return client.received.size() == data.size();
  }));
  CHECK(client.received == data);
  world.run_for(500);
  CHECK(serving(a)[0].raw.sent_bytes == serving(b)[0].raw.received_bytes);
  CHECK(serving(a)[0].raw.received_bytes == serving(b)[0].raw.sent_bytes);
  CHECK(serving(a)[0].raw.sent_bytes == 2 * 4 * 8 + 2 + data.size());
}

TEST_CASE("transports of both types stand side by side, and skynet takes the quicker one",
          "[transports][gateway]") {
  SimWorld world(2, fixed_latency(50));
  std::string listening = kListening;
  Node& b = world.add("10.0.0.2", with_gateway("tcp://0.0.0.0:8080", listening));
  Node& a = visor(world, "10.0.0.1", "");
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", at(b));
  world.run_for(1000);
  world.network().options() = fixed_latency(3);
  save(a, b.key(), "swsr", "ws://10.0.0.2:8080/skywire");
  world.run_for(1000);
  REQUIRE(serving(a).size() == 2);
  Client client(a.host(), dial(a, b.key(), 50));
  client.stream.write(pattern(1000));
  REQUIRE(world.run_until([&] { return client.received.size() == 1000; }));
  for (const Row& row : serving(a)) {
    INFO(row.type);
    CHECK(row.raw.sent_bytes == (row.type == "swsr" ? 64u + 2 + 1000 : 64u));
  }

  // When it goes, the other one is there.
  auto quicker = codec::to_uuid(codec::transport_id(a.key(), b.key(), "swsr"));
  REQUIRE(a.call("transports", "remove", R"({"id":")" + quicker + "\"}").has_value());
  Client again(a.host(), dial(a, b.key(), 50));
  again.stream.write(pattern(10));
  REQUIRE(world.run_until([&] { return again.received.size() == 10; }));
}

TEST_CASE("requests at /skywire that are no WebSockets, and WebSockets that are no visors",
          "[transports][gateway]") {
  SimWorld world(3);
  Node& b = world.add("10.0.0.2", with_gateway("tcp://0.0.0.0:8080", R"("limits":{"settling":2})"));
  Node& a = visor(world, "10.0.0.1", "");
  save(a, b.key(), "swsr", "ws://10.0.0.2:8080/skywire");
  std::string plain =
      exchange(a, "tcp://10.0.0.2:8080", "GET /skywire HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
  CHECK(plain.starts_with("HTTP/1.1 426"));

  const std::string upgrade =
      "GET /skywire HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  std::string garbage =
      exchange(a, "tcp://10.0.0.2:8080", upgrade + std::string("\x82\x84zzzz\x01\x02\x03\x04"));
  CHECK(garbage.starts_with("HTTP/1.1 101"));

  // Full: the third is told so, and what is there goes on.
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(std::make_unique<Client>(a.host(), connect(a, "tcp://10.0.0.2:8080")));
    held.back()->stream.write(bytes(std::string_view(upgrade)));
  }
  world.run_for(200);
  REQUIRE(status_number(b, "settling") == 2);
  CHECK(exchange(a, "tcp://10.0.0.2:8080", upgrade).starts_with("HTTP/1.1 503"));
  world.run_for(25000);
  CHECK(status_number(b, "settling") == 0);
  CHECK(serving(a).size() == 1);
  CHECK(serving(b).size() == 1);
}

TEST_CASE("a WebSocket transport whose connection is cut is gone at both ends", "[transports][gateway]") {
  SimWorld world(4);
  Node& b = world.add("10.0.0.2", with_gateway("tcp://0.0.0.0:8080", ""));
  Node& a = visor(world, "10.0.0.1", "");
  save(a, b.key(), "swsr", "ws://10.0.0.2:8080/skywire");
  world.network().drop("10.0.0.1");
  REQUIRE(world.run_until([&] { return serving(a).empty() && serving(b).empty(); }, 1000));
  CHECK(save_fails(a, b.key(), "swsr", "ws://10.0.0.2:8080/nothing").status != VISOR_OK);
  save(a, b.key(), "swsr", "ws://10.0.0.2:8080/skywire");
}

TEST_CASE("on real sockets: TCP and WebSocket transports, garbage, a port in use", "[transports][gateway]") {
  NativeWorld world;
  Node& b =
      world.add("b", with_gateway("tcp://127.0.0.1:0", R"("listen":"tcp://127.0.0.1:0","interval_ms":200)"));
  Node& a = visor(world, "a", R"("interval_ms":200)");
  std::string address = listening_of(b, "stcpr");
  REQUIRE(address.starts_with("tcp://127.0.0.1:"));
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", address);
  REQUIRE(world.run_until([&] { return serving(a)[0].raw.latency_avg_ms > 0; }, 1000));
  CHECK(serving(a)[0].raw.latency_avg_ms < 1000);

  Client client(a.host(), dial(a, b.key(), 50));
  Bytes data = pattern(5'000'000);
  size_t sent = 0;
  REQUIRE(world.run_until([&] {
    while (sent < data.size()) {
      size_t size = std::min<size_t>(60000, data.size() - sent);
      if (client.stream.write(ByteView(data).subspan(sent, size)) != VISOR_OK) break;
      sent += size;
    }
    return client.received.size() == data.size();
  }));
  CHECK(client.received == data);

  for (int i = 0; i < 20; ++i) {
    Client intruder(a.host(), connect(a, address));
    Bytes garbage(1000);
    world.loop().random(garbage);
    garbage[0] |= 0x80;  // a message longer than any
    intruder.stream.write(garbage);
    REQUIRE(world.run_until([&] { return intruder.closed || intruder.ended; }, 5000));
  }
  CHECK(serving(a).size() == 1);

  Node& second = world.make("c", transports_config(R"("listen":")" + address + "\""));
  auto started = second.start();
  REQUIRE_FALSE(started.has_value());
  INFO(started.error().text);
  CHECK(started.error().text.find(address.substr(6)) != std::string::npos);
}

}  // namespace visor::test::transports
