// Peers of transports who break the rules, and the limits that bound them.
#include "lib/session/session.hpp"
#include "tests/conformance/transports_user.hpp"

namespace visor::test::transports {
namespace {

// Somebody with a key and a session, who then does not do what a visor does.
struct Intruder {
  std::unique_ptr<session::Session> session;
  std::optional<Client> control;
  std::vector<std::unique_ptr<Client>> accepted;
  bool ready = false;
  std::optional<Error> closed;

  Intruder(Node& from, const std::string& url) {
    auto* identity = from.find<visor_identity>(VISOR_IDENTITY_1);
    session::Options options;
    options.initiator = true;
    session = std::make_unique<session::Session>(
        from.host(), identity, connect(from, url), options,
        session::Events{.ready = [this](const visor_key&, ByteView) { ready = true; },
                        .accept =
                            [this, host = from.host()](visor_stream* stream) {
                              accepted.push_back(std::make_unique<Client>(host, stream));
                            },
                        .closed = [this](const Error& error) { closed = error; }});
    REQUIRE(from.world().run_until([this] { return ready; }));
    auto stream = session->open();
    REQUIRE(stream.has_value());
    control.emplace(from.host(), *stream);
  }
};

Bytes proposal(Node& from, const visor_key& to, std::string type, bool sign = true) {
  codec::SignedEntry entry{codec::make_transport_entry(from.key(), to, type, "user"), {}, 0};
  auto* identity = from.find<visor_identity>(VISOR_IDENTITY_1);
  crypto::Hash hash = codec::signing_hash(entry.entry);
  if (!sign) hash.bytes[0] ^= 1;
  auto& signature = entry.signatures[codec::edge_of(entry.entry, from.key())];
  REQUIRE(identity->api->sign(identity, hash.bytes.data(), signature.bytes.data()) == VISOR_OK);
  std::string json_text = codec::to_json(entry);
  Bytes out{0, 0, static_cast<uint8_t>(json_text.size() >> 8), static_cast<uint8_t>(json_text.size())};
  out.insert(out.end(), json_text.begin(), json_text.end());
  return out;
}

}  // namespace

TEST_CASE("limits: settling connections, of one address, and transports in all", "[transports]") {
  SimWorld world(14);
  Node& hub =
      visor(world, "10.0.0.1",
            std::string(kListening) +
                R"(,"limits":{"transports":3,"settling":5,"settling_per_address":2,"per_address":10})");
  Node& mute = visor(world, "10.0.0.9");
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 6; ++i) held.push_back(std::make_unique<Client>(mute.host(), connect(mute, at(hub))));
  world.run_for(1000);
  CHECK(status_number(hub, "settling") == 2);
  CHECK(status_number(hub, "refused") == 4);

  std::vector<Node*> peers;
  for (int i = 0; i < 4; ++i) peers.push_back(&visor(world, "10.0.1." + std::to_string(i)));
  for (int i = 0; i < 3; ++i) save(*peers[static_cast<size_t>(i)], hub.key(), "stcpr", at(hub));
  CHECK(save_fails(*peers[3], hub.key(), "stcpr", at(hub)).status == VISOR_EPERM);
  CHECK(save_fails(hub, peers[3]->key(), "stcpr", at(*peers[3])).status == VISOR_ENOSPC);
  CHECK(serving(hub).size() == 3);

  // Those who never say who they are cost themselves their connection.
  world.run_for(21000);
  CHECK(status_number(hub, "settling") == 0);
  CHECK(serving(hub).size() == 3);
  world.run_for(1000);
  CHECK(std::ranges::all_of(held, [](const auto& each) { return each->closed || each->ended; }));
}

TEST_CASE("garbage on the port costs its sender the connection and nobody else anything", "[transports]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimWorld world(seed);
    Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
    save(a, b.key(), "stcpr", at(b));
    for (int i = 0; i < 10; ++i) {
      Client client(a.host(), connect(a, at(b)));
      Bytes garbage(1 + static_cast<size_t>(world.loop().below(2000)));
      world.loop().random(garbage);
      if (i % 3 == 0) garbage[0] = garbage[1] = 0;  // a plausible length
      if (i % 3 == 1) garbage = Bytes(garbage.size(), 0xff);
      client.stream.write(garbage);
      world.run_for(21000);
      CHECK((client.closed || client.ended));
    }
    CHECK(status_number(b, "settling") == 0);
    CHECK(serving(a).size() == 1);
    CHECK(serving(b).size() == 1);
  }
}

TEST_CASE("an authenticated peer that breaks the settlement is answered and put out", "[transports]") {
  SimWorld world(15);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2"), &c = visor(world, "10.0.0.3");
  struct Attempt {
    Bytes bytes;
    uint8_t answer;
  };
  Bytes twice = proposal(a, b.key(), "stcpr");
  for (const Attempt& attempt :
       {Attempt{proposal(a, b.key(), "stcpr", false), 2}, Attempt{proposal(a, c.key(), "stcpr"), 3},
        Attempt{proposal(a, b.key(), "swsr"), 3}, Attempt{Bytes(100, 'x'), 3},
        Attempt{Bytes{0, 0, 0, 2, '{', '}'}, 3}, Attempt{Bytes{0xff, 0xff, 0xff, 0xff}, 3}}) {
    Intruder intruder(a, at(b));
    intruder.control->stream.write(attempt.bytes);
    REQUIRE(world.run_until([&] { return intruder.closed.has_value(); }, 25000));
    CHECK(intruder.control->received == Bytes{attempt.answer});
    world.run_for(100);
    CHECK(rows(b).empty());
  }
  SECTION("with nothing said, the time is over") {
    Intruder intruder(a, at(b));
    CHECK_FALSE(world.run_until([&] { return intruder.closed.has_value(); }, 15000));
    CHECK(world.run_until([&] { return intruder.closed.has_value(); }, 10000));
  }
  SECTION("application streams before the settlement are reset") {
    Intruder intruder(a, at(b));
    auto early = intruder.session->open();
    REQUIRE(early.has_value());
    Client client(a.host(), *early);
    client.stream.write(Bytes{0, 50});
    REQUIRE(world.run_until([&] { return client.closed.has_value(); }, 1000));
    CHECK(client.closed->status != VISOR_OK);
  }
}

TEST_CASE("a settled peer's streams need a port in time, and its packets are judged by their types",
          "[transports]") {
  SimWorld world(16);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  Echo echo(b, 50);
  Intruder intruder(a, at(b));
  intruder.control->stream.write(proposal(a, b.key(), "stcpr"));
  REQUIRE(world.run_until([&] { return serving(b).size() == 1; }, 1000));
  REQUIRE(world.run_until([&] { return intruder.control->received.size() > 400; }, 1000));
  CHECK(intruder.control->received[0] == 1);
  world.run_for(100);

  auto portless = intruder.session->open();
  REQUIRE(portless.has_value());
  Client client(a.host(), *portless);
  client.stream.write(Bytes{0});
  CHECK_FALSE(world.run_until([&] { return client.closed.has_value(); }, 8000));
  CHECK(world.run_until([&] { return client.closed.has_value(); }, 4000));

  auto slow = intruder.session->open();
  REQUIRE(slow.has_value());
  Client in_pieces(a.host(), *slow);
  in_pieces.stream.write(Bytes{0});
  world.run_for(500);
  in_pieces.stream.write(Bytes{50, 'h', 'i'});
  REQUIRE(world.run_until([&] { return in_pieces.received.size() == 2; }, 1000));

  // Too many without a port: the later ones are refused, the transport lives.
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 100; ++i) {
    auto stream = intruder.session->open();
    REQUIRE(stream.has_value());
    many.push_back(std::make_unique<Client>(a.host(), *stream));
    many.back()->stream.write(Bytes{0});
  }
  world.run_for(1000);
  auto refused = std::ranges::count_if(many, [](const auto& each) { return each->closed.has_value(); });
  CHECK(refused == 100 - 64);
  CHECK(serving(b).size() == 1);

  // Unknown packets, pongs that nobody asked for, a ping that is answered.
  intruder.control->received.clear();
  Bytes packets{200, 0, 0, 0, 1, 0, 3, 'a', 'b', 'c'};
  Bytes pong{9, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}, ping = pong;
  ping[0] = 8;
  packets.insert(packets.end(), pong.begin(), pong.end());
  packets.insert(packets.end(), ping.begin(), ping.end());
  intruder.control->stream.write(packets);
  REQUIRE(world.run_until([&] { return intruder.control->received.size() >= pong.size(); }, 1000));
  CHECK(intruder.control->received == pong);
  CHECK(serving(b)[0].raw.latency_avg_ms == 0);

  intruder.control->stream.end();
  CHECK(world.run_until([&] { return serving(b).empty(); }, 1000));
}

}  // namespace visor::test::transports
