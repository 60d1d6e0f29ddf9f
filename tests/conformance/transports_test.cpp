// Transports between real kernels on the simulated network.
#include "lib/session/session.hpp"
#include "tests/conformance/transports_user.hpp"

namespace visor::test::transports {
namespace {

// What each end counts for its first pings, when nothing else has passed: 4 pings and 4 pongs of 8 bytes.
constexpr uint64_t kQuickBytes = 2 * 4 * 8;

}  // namespace

TEST_CASE("a TCP transport is the same to both ends, and measured by the network's latency", "[transports]") {
  SimWorld world(1, fixed_latency(7));
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  Row made = save(a, b.key(), "stcpr", at(b));
  CHECK(made.raw.state == VISOR_TRANSPORT_SERVING);
  CHECK(made.id == codec::transport_id(a.key(), b.key(), "stcpr"));
  world.run_for(1000);

  auto at_a = serving(a), at_b = serving(b);
  REQUIRE(at_a.size() == 1);
  REQUIRE(at_b.size() == 1);
  for (const Row& row : {at_a[0], at_b[0]}) {
    CHECK(row.id == made.id);
    CHECK(row.edges == codec::sorted_edges(a.key(), b.key()));
    CHECK(row.type == "stcpr");
    CHECK(row.label == "user");
    CHECK(row.raw.latency_min_ms == 14);
    CHECK(row.raw.latency_max_ms == 14);
    CHECK(row.raw.latency_avg_ms == Approx(14));
    CHECK(row.raw.epoch != 0);
    CHECK(row.raw.since >= kernel::sim::SimLoop::kStartUnixNs);
    CHECK(row.raw.sent_bytes == kQuickBytes);
    CHECK(row.raw.received_bytes == kQuickBytes);
  }
  CHECK(at_a[0].raw.epoch != at_b[0].raw.epoch);

  CHECK(save(a, b.key(), "stcpr", at(b)).raw.epoch == at_a[0].raw.epoch);  // the live one
  CHECK(save(b, a.key(), "stcpr", at(a)).raw.epoch == at_b[0].raw.epoch);
}

TEST_CASE("latency is there within a second and follows the network on the rhythm", "[transports]") {
  SimWorld world(2, fixed_latency(40));
  std::string config = std::string(kListening) + R"(,"interval_ms":1000)";
  Node &a = visor(world, "10.0.0.1", config), &b = visor(world, "10.0.0.2", config);
  save(a, b.key(), "stcpr", at(b));
  REQUIRE(world.run_until([&] { return serving(a)[0].raw.latency_avg_ms > 0; }, 1000));
  world.network().options() = fixed_latency(100);
  world.run_for(3000);
  CHECK(serving(a)[0].raw.latency_min_ms == 80);
  CHECK(serving(a)[0].raw.latency_max_ms == 200);
  uint64_t before = serving(a)[0].raw.sent_bytes;
  world.run_for(30000);
  CHECK(serving(a)[0].raw.latency_min_ms == 200);              // the window forgets
  CHECK(serving(a)[0].raw.sent_bytes == before + 30 * 2 * 8);  // an idle transport's counters move
  CHECK(serving(a)[0].raw.throughput_bytes_per_s > 0);
}

TEST_CASE("counters are exact to the byte, at both ends", "[transports]") {
  SimWorld world(3);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", at(b));
  world.run_for(1000);
  Bytes data = pattern(777777);
  {
    Client client(a.host(), dial(a, b.key(), 50));
    size_t sent = 0;
    REQUIRE(world.run_until([&] {
      while (sent < data.size()) {
        size_t size = std::min<size_t>(10000, data.size() - sent);
        if (client.stream.write(ByteView(data).subspan(sent, size)) != VISOR_OK) break;
        sent += size;
      }
      return client.received.size() == data.size();
    }));
    CHECK(client.received == data);
    client.stream.end();
    REQUIRE(world.run_until([&] { return client.closed.has_value(); }));
    CHECK(client.closed->status == VISOR_OK);
  }
  world.run_for(100);
  uint64_t out = kQuickBytes + 2 + data.size(), back = kQuickBytes + data.size();
  CHECK(serving(a)[0].raw.sent_bytes == out);
  CHECK(serving(a)[0].raw.received_bytes == back);
  CHECK(serving(b)[0].raw.sent_bytes == back);
  CHECK(serving(b)[0].raw.received_bytes == out);
  world.run_for(5000);
  CHECK(serving(a)[0].raw.throughput_bytes_per_s > 100000);
}

TEST_CASE("skynet: who is at the other end, back-pressure, order", "[transports]") {
  SimWorld world(4);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", at(b));
  Client client(a.host(), dial(a, b.key(), 50));
  CHECK(client.stream.peer()->key == b.key());
  CHECK(client.stream.peer()->port == 50);

  client.stream.pause(true);
  Bytes data = pattern(16000);
  size_t accepted = 0;
  world.run_until(
      [&] {
        while (accepted < 10'000'000 && client.stream.write(data) == VISOR_OK) accepted += data.size();
        return false;
      },
      60000);
  INFO("accepted " << accepted);
  CHECK(accepted < 2'000'000);  // nobody holds more than windows and queues
  CHECK(accepted > 200'000);
  CHECK(client.received.empty());
  REQUIRE(echo.peers.size() == 1);
  CHECK(echo.peers[0].key == a.key());

  client.stream.pause(false);
  REQUIRE(world.run_until([&] { return client.received.size() == accepted; }));
  CHECK(client.readies > 0);
  bool same = true;
  for (size_t i = 0; i < accepted; i += data.size()) {
    same = same && std::equal(data.begin(), data.end(), client.received.begin() + static_cast<ptrdiff_t>(i));
  }
  CHECK(same);
}

TEST_CASE("skynet: what cannot be reached says why", "[transports]") {
  SimWorld world(5);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  visor_net* net = skynet_of(a);
  visor_addr to{b.key(), 50};
  auto unreachable =
      world.await<visor_stream>(a, [&](visor_done done) { return net->api->dial(net, &to, done); });
  REQUIRE_FALSE(unreachable.has_value());
  CHECK(unreachable.error().status == VISOR_ENOENT);
  CHECK(unreachable.error().text.find("make one first") != std::string::npos);

  save(a, b.key(), "stcpr", at(b));
  Client client(a.host(), dial(a, b.key(), 51));  // nobody listens
  REQUIRE(world.run_until([&] { return client.closed.has_value(); }, 1000));
  CHECK(client.closed->status != VISOR_OK);

  Echo echo(b, 50);
  Listener second;
  auto taken =
      second.listen(b.host(), skynet_of(b), 50, [](visor_stream* stream) { stream->api->close(stream); });
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().status == VISOR_EEXIST);
  CHECK_FALSE(
      second.listen(b.host(), skynet_of(b), 0, [](visor_stream* stream) { stream->api->close(stream); }));

  Client open(a.host(), dial(a, b.key(), 50));
  REQUIRE(open.stream.write(pattern(100)) == VISOR_OK);
  REQUIRE(world.run_until([&] { return open.received.size() == 100; }));
  b.stop();
  REQUIRE(world.run_until([&] { return open.closed && serving(a).empty(); }, 1000));
  CHECK(open.closed->status == VISOR_ECLOSED);
}

TEST_CASE("a dial that is given up never hands out its stream", "[transports]") {
  SimWorld world(6);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", at(b));
  visor_net* net = skynet_of(a);
  visor_addr to{b.key(), 50};
  struct Heard {
    int times = 0;
    visor_status status = VISOR_OK;
    void* result = nullptr;
  } heard;
  visor_done done{[](void* ctx, visor_status status, void* result) {
                    auto* to_heard = static_cast<Heard*>(ctx);
                    ++to_heard->times;
                    to_heard->status = status;
                    to_heard->result = result;
                  },
                  &heard};
  REQUIRE(net->api->dial(net, &to, done) == VISOR_OK);
  net->api->cancel(net, &heard);
  CHECK(heard.times == 0);
  world.run_for(1000);
  CHECK(heard.times == 1);
  CHECK(heard.status == VISOR_ECANCELED);
  CHECK(heard.result == nullptr);
}

TEST_CASE("saves that cannot succeed say why and leave nothing behind", "[transports]") {
  SimWorld world(7);
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2"), &c = visor(world, "10.0.0.3");
  CHECK(save_fails(a, a.key(), "stcpr", at(a)).status == VISOR_EINVAL);
  CHECK(save_fails(a, visor_key{}, "stcpr", at(b)).status == VISOR_EINVAL);
  CHECK(save_fails(a, b.key(), "sudph", at(b)).status == VISOR_ENOSYS);
  CHECK(save_fails(a, b.key(), "stcpr", "").status == VISOR_EINVAL);
  CHECK(save_fails(a, b.key(), "stcpr", "ws://10.0.0.2:7000").status == VISOR_EINVAL);
  CHECK(save_fails(a, b.key(), "swsr", "tcp://10.0.0.2:7000").status == VISOR_EINVAL);
  CHECK(save_fails(a, b.key(), "stcpr", "tcp://10.0.0.9:7000").status == VISOR_ECLOSED);

  // Somebody else than the key that was asked for.
  Error wrong = save_fails(a, c.key(), "stcpr", at(b));
  CHECK(wrong.status == VISOR_EPROTO);
  INFO(wrong.text);
  world.run_for(1000);
  CHECK(rows(a).empty());
  CHECK(rows(b).empty());

  world.network().set_silent("10.0.0.2", true);
  CHECK(save_fails(a, b.key(), "stcpr", at(b)).status == VISOR_ETIMEDOUT);
  world.network().set_silent("10.0.0.2", false);
  save(a, b.key(), "stcpr", at(b));
}

TEST_CASE("a save that is canceled gives its dial up, unless somebody else waits for it", "[transports]") {
  SimWorld world(8, fixed_latency(50));
  Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
  {
    Save first(a, b.key(), "stcpr", at(b));
    world.run_for(120);
  }
  world.run_for(5000);
  CHECK(rows(a).empty());
  CHECK(rows(b).empty());

  auto first = std::make_unique<Save>(a, b.key(), "stcpr", at(b));
  Save second(a, b.key(), "stcpr", at(b));
  world.run_for(120);
  first.reset();
  REQUIRE(world.run_until([&] { return second.done(); }));
  CHECK(second.row.has_value());
  CHECK(status_number(a, "dialed") == 2);
}

TEST_CASE("two visors that dial each other at once end with one transport", "[transports]") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    SimWorld world(seed, {.latency_min_ms = 1,
                          .latency_max_ms = 60,
                          .split = true,
                          .lost_per_million = 0,
                          .cut_per_million = 0});
    Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
    Save by_a(a, b.key(), "stcpr", at(b));
    world.run_for(world.loop().below(200));
    Save by_b(b, a.key(), "stcpr", at(a));
    REQUIRE(world.run_until([&] { return by_a.done() && by_b.done(); }));
    CHECK((by_a.row && by_b.row));
    world.run_for(25000);
    REQUIRE(serving(a).size() == 1);
    REQUIRE(serving(b).size() == 1);
    CHECK(rows(a).size() == 1);
    CHECK(rows(b).size() == 1);
    CHECK(world.network().connections() == 1);
    CHECK(serving(a)[0].raw.latency_avg_ms > 0);
  }
}

TEST_CASE("a connection from the same visor replaces the one that was there", "[transports]") {
  SimWorld world(10);
  NodeOptions same;
  same.secret = std::array<uint8_t, 32>{7, 7, 7};
  Node& b = visor(world, "10.0.0.2");
  Node& first = visor(world, "10.0.0.1", kListening, same);
  save(first, b.key(), "stcpr", at(b));
  uint64_t before = serving(b)[0].raw.epoch;
  Node& second = visor(world, "10.0.0.3", kListening, same);
  save(second, b.key(), "stcpr", at(b));
  REQUIRE(world.run_until([&] { return serving(first).empty(); }, 1000));
  auto now = serving(b);
  REQUIRE(now.size() == 1);
  CHECK(now[0].raw.epoch != before);
  CHECK(status_number(b, "replaced") == 1);
  world.run_for(2000);
  CHECK(rows(b).size() == 1);  // the closed one is no longer shown
}

TEST_CASE("a peer that has gone without a word is noticed after three pings", "[transports]") {
  SimWorld world(11, fixed_latency(5));
  std::string config = std::string(kListening) + R"(,"interval_ms":2000)";
  Node &a = visor(world, "10.0.0.1", config), &b = visor(world, "10.0.0.2", config);
  save(a, b.key(), "stcpr", at(b));
  int changes = 0;
  visor_transports* transports = transports_of(a);
  visor_handle* raw = nullptr;
  REQUIRE(transports->api->watch(
              transports, [](void* ctx) { ++*static_cast<int*>(ctx); }, &changes, &raw) == VISOR_OK);
  Owned<visor_handle> watch(raw);
  world.run_for(5000);
  REQUIRE(serving(a).size() == 1);

  world.network().options() = fixed_latency(3'600'000);  // whatever leaves now arrives in an hour
  world.run_for(5000);
  CHECK(serving(a).size() == 1);
  changes = 0;
  world.run_for(5000);
  CHECK(serving(a).empty());
  CHECK(changes > 0);
  CHECK(a.logged("nothing came from the peer"));
}

TEST_CASE("a slow transport that carries data is not taken for a dead one", "[transports]") {
  SimWorld world(12, fixed_latency(5));
  std::string config = std::string(kListening) + R"(,"interval_ms":500)";
  Node &a = visor(world, "10.0.0.1", config), &b = visor(world, "10.0.0.2", config);
  Echo echo(b, 50);
  save(a, b.key(), "stcpr", at(b));
  Client client(a.host(), dial(a, b.key(), 50));
  // The way gets longer all the time, until a ping's answer takes many intervals; but something comes in
  // each.
  for (uint64_t ms = 5; ms <= 4000; ms += 50) {
    world.network().options() = fixed_latency(ms);
    client.stream.write(pattern(100));
    world.run_for(100);
  }
  for (int i = 0; i < 200; ++i) {
    client.stream.write(pattern(100));
    world.run_for(100);
  }
  REQUIRE(serving(a).size() == 1);
  CHECK(serving(b).size() == 1);
  CHECK(serving(a)[0].raw.latency_max_ms == 2 * 3955);
  CHECK(status_number(a, "closed") == 0);
}

TEST_CASE("persistent peers are dialled at the start and whenever they are not there", "[transports]") {
  SimWorld world(13);
  NodeOptions known;
  known.secret = std::array<uint8_t, 32>{9, 9, 9};
  std::string key;
  {
    Node& once = visor(world, "10.0.0.2", kListening, known);
    key = to_hex(once.key());
    world.remove(once);
  }
  Node& a = visor(world, "10.0.0.1",
                  R"("peers":[{"pk":")" + key + R"(","type":"stcpr","address":"tcp://10.0.0.2:7000"}])");
  world.run_for(30000);
  CHECK(serving(a).empty());
  CHECK(a.logged("it is tried again"));
  auto told = std::ranges::count_if(
      a.log(), [](const auto& record) { return record.text.find("it is tried again") != std::string::npos; });
  CHECK(told == 1);  // not once each time

  Node& b = visor(world, "10.0.0.2", kListening, known);
  REQUIRE(world.run_until([&] { return serving(a).size() == 1; }, 11000));
  world.run_for(20000);
  world.remove(b);
  REQUIRE(world.run_until([&] { return serving(a).empty(); }, 1000));
  visor(world, "10.0.0.2", kListening, known);
  REQUIRE(world.run_until([&] { return serving(a).size() == 1; }, 11000));

  // Removed by hand, it stays away.
  std::string id = codec::to_uuid(serving(a)[0].id);
  REQUIRE(a.call("transports", "remove", R"({"id":")" + id + "\"}").has_value());
  world.run_for(30000);
  CHECK(serving(a).empty());
  auto again = a.call("transports", "remove", R"({"id":")" + id + "\"}");
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().status == VISOR_ENOENT);
}

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

TEST_CASE("a hub with 200 transports", "[transports]") {
  SimWorld world(17);
  Node& hub = visor(world, "10.0.0.1", std::string(kListening) + R"(,"interval_ms":5000)");
  std::vector<Node*> spokes;
  for (int i = 0; i < 200; ++i) {
    std::string machine = "10.1." + std::to_string(i / 100) + "." + std::to_string(i % 100 + 1);
    spokes.push_back(&visor(world, machine,
                            R"("interval_ms":5000,"peers":[{"pk":")" + to_hex(hub.key()) +
                                R"(","type":"stcpr","address":"tcp://10.0.0.1:7000"}])"));
  }
  REQUIRE(world.run_until([&] { return serving(hub).size() == 200; }, 20000));
  world.run_for(12000);
  auto all = serving(hub);
  CHECK(all.size() == 200);
  CHECK(std::ranges::is_sorted(all, {}, [](const Row& row) { return row.id; }));
  CHECK(std::ranges::all_of(all, [](const Row& row) {
    return row.raw.latency_avg_ms > 0 && row.raw.sent_bytes > 0 &&
           row.raw.sent_bytes == row.raw.received_bytes;
  }));
  auto list = hub.call("transports", "list");
  REQUIRE(list.has_value());
  CHECK(array(json(*list)).size() == 200);
  for (int i = 0; i < 100; ++i) world.remove(*spokes[static_cast<size_t>(i)]);
  REQUIRE(world.run_until([&] { return serving(hub).size() == 100; }, 1000));
}

TEST_CASE("commands: add, list, watch", "[transports]") {
  SimWorld world(18);
  Node &a = visor(world, "10.0.0.1", std::string(kListening) + R"(,"interval_ms":1000)"),
       &b = visor(world, "10.0.0.2");
  struct Watching {
    std::vector<std::string> values;
    std::optional<visor_status> finished;
  } watching;
  static constexpr visor_caller kCaller = {
      sizeof(visor_caller), 0,
      [](void* ctx, visor_span value) -> visor_status {
        static_cast<Watching*>(ctx)->values.emplace_back(text(value));
        return VISOR_OK;
      },
      [](void* ctx, visor_status status, visor_span) { static_cast<Watching*>(ctx)->finished = status; }};
  visor_commands* commands = a.kernel().commands();
  visor_ticket* ticket = nullptr;
  REQUIRE(commands->api->call(commands, "transports", "watch", VISOR_TEXT("{}"), &kCaller, &watching,
                              &ticket) == VISOR_OK);
  REQUIRE(world.run_until([&] { return watching.values.size() == 1; }, 100));
  CHECK(watching.values[0] == "[]");

  auto added =
      a.call("transports", "add",
             R"({"pk":")" + to_hex(b.key()) + R"(","type":"stcpr","address":"tcp://10.0.0.2:7000"})");
  INFO((added ? "" : added.error().text));
  REQUIRE(added.has_value());
  auto row = json(*added);
  CHECK(words(member(row, "state")) == "serving");
  CHECK(words(member(row, "remote")) == to_hex(b.key()));
  CHECK(member(row, "dialed") == true);
  world.run_for(900);
  auto last = json(watching.values.back());
  REQUIRE(array(last).size() == 1);
  const auto& latency = member(array(last)[0], "latency_ms");
  REQUIRE(latency.is_double());
  CHECK(*latency.if_double() > 0);

  size_t before = watching.values.size();
  world.run_for(5000);
  CHECK(watching.values.size() == before + 5);  // each interval

  auto refused = a.call("transports", "add", R"({"pk":"02","type":"stcpr","address":"tcp://10.0.0.2:7000"})");
  REQUIRE_FALSE(refused.has_value());
  auto failed =
      a.call("transports", "add",
             R"({"pk":")" + to_hex(b.key()) + R"(","type":"swsr","address":"ws://10.0.0.2:1/skywire"})");
  REQUIRE_FALSE(failed.has_value());
  CHECK_FALSE(failed.error().text.empty());

  commands->api->cancel(commands, ticket);
  REQUIRE(world.run_until([&] { return watching.finished.has_value(); }, 100));
  CHECK(*watching.finished == VISOR_ECANCELED);
  CHECK(status_number(a, "watchers") == 0);
}

TEST_CASE("a visor stops in the middle of everything", "[transports]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimWorld world(seed);
    Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2");
    Echo echo(b, 50);
    Save call(a, b.key(), "stcpr", at(b));
    world.run_for(world.loop().below(60));
    a.stop();
    world.run_for(2000);
    CHECK(rows(b).empty());
    CHECK_FALSE(a.logged("left"));
  }
}

TEST_CASE("a configuration that cannot be is refused with the reason", "[transports]") {
  SimWorld world(19);
  auto refused = [&](const std::string& members) {
    Node& node = world.make("10.0.0.1", transports_config(members));
    auto started = node.start();
    REQUIRE_FALSE(started.has_value());
    std::string why = started.error().text;
    world.remove(node);
    return why;
  };
  CHECK(refused(R"("listen":"7000")").find("listen") != std::string::npos);
  CHECK(refused(R"("listn":"tcp://0.0.0.0:7000")").find("listn") != std::string::npos);
  CHECK(refused(R"("peers":[{"pk":"02","type":"stcpr","address":"tcp://b:1"}])").find("pk") !=
        std::string::npos);
  CHECK(refused(R"("peers":[{"pk":")" + std::string(66, '0') + R"(","type":"stcpr","address":"tcp://b:1"}])")
            .find("peers[0].pk") != std::string::npos);
  Node& there = visor(world, "10.0.0.1");
  CHECK(refused(kListening).find("in use") != std::string::npos);
  CHECK(rows(there).empty());
}

TEST_CASE("one seed gives one trace", "[transports]") {
  auto trace = [](uint64_t seed) {
    SimWorld world(seed);
    Node &a = visor(world, "10.0.0.1"), &b = visor(world, "10.0.0.2"), &c = visor(world, "10.0.0.3");
    Save one(a, b.key(), "stcpr", at(b)), two(b, c.key(), "stcpr", at(c)), three(c, a.key(), "stcpr", at(a));
    world.run_for(120000);
    return world.loop().trace();
  };
  CHECK(trace(5) == trace(5));
  CHECK(trace(5) != trace(6));
}

}  // namespace visor::test::transports
