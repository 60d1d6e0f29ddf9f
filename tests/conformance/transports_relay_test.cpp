// Transports of type dmsg, by a server of the relay network, and skynet where there is no other transport.
#include "tests/conformance/dmsg_server_by_hand.hpp"
#include "tests/conformance/transports_user.hpp"

namespace visor::test::transports {
namespace {

/* A server by hand, and visors that are connected with it. */
struct Net {
  explicit Net(uint64_t seed)
      : world(seed), machine(world.add("10.0.0.1", R"({"plugins":[]})")), server(machine) {}

  std::string config(const std::string& transports) const {
    return R"({"plugins":[{"plugin":"transports","config":{"relay":true,)" + transports +
           R"(}},{"plugin":"dmsg","config":{"servers":[)" + server.row() + "]}}]}";
  }
  Node& visor(const std::string& address, const std::string& transports = kListening) {
    Node& node = world.add(address, config(transports));
    REQUIRE(dmsg::wait_connected(node));
    world.run_for(50); /* the server knows of it a little later */
    return node;
  }
  int64_t skynet_number(Node& node, const std::string& name) const {
    auto status = node.call("transports", "status");
    REQUIRE(status);
    return member(member(json(*status), "skynet"), name).to_number<int64_t>();
  }

  SimWorld world;
  Node& machine;
  dmsg::ServerByHand server;
};

}  // namespace

TEST_CASE("a transport by the relay network is one like others", "[transports][relay]") {
  Net net(1);
  Node &a = net.visor("10.0.1.1"), &b = net.visor("10.0.1.2");
  Row made = save(a, b.key(), "dmsg", "");
  CHECK(made.raw.state == VISOR_TRANSPORT_SERVING);
  CHECK(made.id == codec::transport_id(a.key(), b.key(), "dmsg"));
  net.world.run_for(2000);
  for (Node* node : {&a, &b}) {
    auto all = serving(*node);
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == made.id);
    CHECK(all[0].type == "dmsg");
    CHECK(all[0].raw.latency_avg_ms > 0);
    CHECK(all[0].raw.sent_bytes == all[0].raw.received_bytes);
  }
  Echo echo(b, 50);
  Client client(a.host(), dial(a, b.key(), 50));
  Bytes data = pattern(10000);
  REQUIRE(client.stream.write(data) == VISOR_OK);
  REQUIRE(net.world.run_until([&] { return client.received.size() == data.size(); }));
  CHECK(client.received == data);
  CHECK(client.stream.peer()->key == b.key());
  CHECK(save(b, a.key(), "dmsg", "dmsg://" + to_hex(a.key()) + ":45").id == made.id); /* the live one */
  CHECK(serving(a).size() == 1);
}

TEST_CASE("skynet goes by the relay where there is no transport, and by a direct one when there is",
          "[transports][relay]") {
  Net net(2);
  Node &a = net.visor("10.0.1.1"), &b = net.visor("10.0.1.2");
  Echo echo(b, 50);
  {
    Client client(a.host(), dial(a, b.key(), 50));
    REQUIRE(client.stream.write(bytes(std::string_view("by a relay"))) == VISOR_OK);
    REQUIRE(net.world.run_until([&] { return client.received.size() == 10; }));
  }
  CHECK(net.skynet_number(a, "relayed") == 1);
  REQUIRE(serving(a).size() == 1);
  CHECK(serving(a)[0].type == "dmsg");
  CHECK(serving(a)[0].label == "automatic");
  visor_stream* more = dial(a, b.key(), 50); /* over the one that is there */
  more->api->close(more);
  CHECK(net.skynet_number(a, "relayed") == 1);

  save(a, b.key(), "stcpr", at(b));
  net.world.run_for(2000);
  uint64_t before = 0;
  for (const Row& row : serving(a)) {
    if (row.type == "stcpr") before = row.raw.sent_bytes;
  }
  Client direct(a.host(), dial(a, b.key(), 50));
  REQUIRE(direct.stream.write(Bytes(5000, 1)) == VISOR_OK);
  REQUIRE(net.world.run_until([&] { return direct.received.size() == 5000; }));
  for (const Row& row : serving(a)) {
    if (row.type == "stcpr") CHECK(row.raw.sent_bytes >= before + 5000);
  }
}

TEST_CASE("many dials at once to one key make one transport", "[transports][relay]") {
  Net net(3);
  Node &a = net.visor("10.0.1.1"), &b = net.visor("10.0.1.2");
  Echo at_a(a, 50), at_b(b, 50);
  std::vector<std::unique_ptr<Request<visor_stream>>> requests;
  std::vector<Stream> streams;
  auto begin = [&](Node& from, Node& to) {
    visor_addr address{to.key(), 50};
    visor_net* skynet = skynet_of(from);
    auto& request = requests.emplace_back(std::make_unique<Request<visor_stream>>());
    visor_status status =
        request->start([&](visor_done done) { return skynet->api->dial(skynet, &address, done); },
                       [&, host = from.host()](visor_status result, visor_stream* stream) {
                         CHECK(result == VISOR_OK);
                         if (result == VISOR_OK) streams.emplace_back(host, stream);
                       },
                       [skynet](void* ctx) { skynet->api->cancel(skynet, ctx); });
    CHECK(status == VISOR_OK);
  };
  for (int i = 0; i < 20; ++i) {
    begin(a, b);
    begin(b, a); /* and the other way, at the same moment */
  }
  REQUIRE(net.world.run_until([&] { return streams.size() == 40; }));
  net.world.run_for(1000);
  CHECK(serving(a).size() == 1);
  CHECK(serving(b).size() == 1);
  streams.clear();
}

TEST_CASE("a relay that goes takes its transports with it, and skynet comes back with it",
          "[transports][relay]") {
  Net net(4);
  Node &a = net.visor("10.0.1.1"), &b = net.visor("10.0.1.2");
  Echo echo(b, 50);
  Client client(a.host(), dial(a, b.key(), 50));
  net.world.network().drop(net.machine.machine()); /* every connection breaks */
  REQUIRE(
      net.world.run_until([&] { return client.closed && serving(a).empty() && serving(b).empty(); }, 5000));
  REQUIRE(dmsg::wait_connected(a));
  REQUIRE(dmsg::wait_connected(b));
  net.world.run_for(50);
  Client again(a.host(), dial(a, b.key(), 50));
  REQUIRE(again.stream.write(bytes(std::string_view("again"))) == VISOR_OK);
  REQUIRE(net.world.run_until([&] { return again.received.size() == 5; }));
}

TEST_CASE("a peer that is kept by the relay network needs no address", "[transports][relay]") {
  Net net(5);
  Node& b = net.visor("10.0.1.2");
  Node& a = net.visor("10.0.1.1",
                      R"("interval_ms":1000,"peers":[{"pk":")" + to_hex(b.key()) + R"(","type":"dmsg"}])");
  REQUIRE(net.world.run_until([&] { return serving(a).size() == 1; }, 10'000));
  CHECK(serving(a)[0].type == "dmsg");
  net.world.network().drop(net.machine.machine()); /* every connection breaks */
  REQUIRE(net.world.run_until([&] { return serving(a).empty(); }, 5000));
  REQUIRE(net.world.run_until([&] { return serving(a).size() == 1; }, 30'000));
}

TEST_CASE("what cannot be reached by the relay network either is told so", "[transports][relay]") {
  Net net(6);
  Node& a = net.visor("10.0.1.1");
  auto dial_error = [&](Node& from, const visor_key& to) {
    visor_addr address{to, 50};
    visor_net* skynet = skynet_of(from);
    auto stream = from.world().await<visor_stream>(
        from, [&](visor_done done) { return skynet->api->dial(skynet, &address, done); });
    REQUIRE_FALSE(stream);
    return stream.error();
  };
  SECTION("a key that is not there") {
    Error error = dial_error(a, net.machine.key());
    INFO(error.text);
    CHECK(error.text.find("by the relay network") != std::string::npos);
    CHECK(net.skynet_number(a, "unreachable") == 1);
  }
  SECTION("addresses that are none") {
    for (const char* address : {"tcp://10.0.0.1:45", "dmsg://", "dmsg://02", "dmsg://nobody:45"}) {
      CHECK(save_fails(a, net.machine.key(), "dmsg", address).status == VISOR_EINVAL);
    }
    CHECK(save_fails(a, net.machine.key(), "dmsg", "dmsg://" + to_hex(net.machine.key()) + ":0").status ==
          VISOR_EINVAL);
    CHECK(save_fails(a, net.machine.key(), "stcpr", "").status == VISOR_EINVAL);
  }
  SECTION("a visor without the relay network") {
    Node& plain = visor(net.world, "10.0.2.1");
    Error error = dial_error(plain, a.key());
    CHECK(error.status == VISOR_ENOENT);
    CHECK(error.text.find("make one first") != std::string::npos);
    CHECK(save_fails(plain, a.key(), "dmsg", "").text.find("plugin dmsg") != std::string::npos);
  }
  SECTION("a visor that is not to use it for skynet") {
    Node& other = net.world.add(
        "10.0.2.2", R"({"plugins":[{"plugin":"transports"},{"plugin":"dmsg","config":{"servers":[)" +
                        net.server.row() + "]}}]}");
    REQUIRE(dmsg::wait_connected(other));
    CHECK(dial_error(other, a.key()).status == VISOR_ENOENT);
    CHECK(serving(other).empty());
    CHECK(save(other, a.key(), "dmsg", "").type == "dmsg"); /* asked for, it is made */
  }
  SECTION("a dial that is canceled, or under way when the visor stops") {
    net.world.network().set_silent(net.machine.machine(), true);
    visor_addr address{net.machine.key(), 50};
    visor_net* skynet = skynet_of(a);
    Request<visor_stream> canceled;
    std::optional<visor_status> left;
    CHECK(canceled.start([&](visor_done done) { return skynet->api->dial(skynet, &address, done); },
                         [](visor_status, visor_stream*) { FAIL("it was canceled"); },
                         [skynet](void* ctx) { skynet->api->cancel(skynet, ctx); }) == VISOR_OK);
    Request<visor_stream> stays;
    CHECK(stays.start([&](visor_done done) { return skynet->api->dial(skynet, &address, done); },
                      [&](visor_status status, visor_stream*) { left = status; }) == VISOR_OK);
    net.world.run_for(10);
    canceled = Request<visor_stream>();
    net.world.run_for(10);
    CHECK_FALSE(left);
    a.stop();
    REQUIRE(left);
    CHECK(*left == VISOR_ECANCELED);
  }
}

}  // namespace visor::test::transports
