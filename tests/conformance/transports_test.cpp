// Transports between real kernels on the simulated network.
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

TEST_CASE("a hub with 300 transports", "[transports]") {
  SimWorld world(17);
  Node& hub = visor(world, "10.0.0.1", std::string(kListening) + R"(,"interval_ms":5000)");
  std::vector<Node*> spokes;
  for (int i = 0; i < 300; ++i) {
    std::string machine = "10.1." + std::to_string(i / 100) + "." + std::to_string(i % 100 + 1);
    spokes.push_back(&visor(world, machine,
                            R"("interval_ms":5000,"peers":[{"pk":")" + to_hex(hub.key()) +
                                R"(","type":"stcpr","address":"tcp://10.0.0.1:7000"}])"));
  }
  REQUIRE(world.run_until([&] { return serving(hub).size() == 300; }, 20000));
  world.run_for(12000);
  auto all = serving(hub);
  CHECK(all.size() == 300);
  CHECK(std::ranges::is_sorted(all, {}, [](const Row& row) { return row.id; }));
  CHECK(std::ranges::all_of(all, [](const Row& row) {
    return row.raw.latency_avg_ms > 0 && row.raw.sent_bytes > 0 &&
           row.raw.sent_bytes == row.raw.received_bytes;
  }));
  auto list = hub.call("transports", "list");
  REQUIRE(list.has_value());
  CHECK(array(json(*list)).size() == 300);
  // Whoever reports their bytes sees each of them once more, however many close at once.
  world.network().drop("10.0.0.1");
  REQUIRE(world.run_until([&] { return serving(hub).empty(); }, 1000));
  CHECK(std::ranges::count_if(rows(hub),
                              [](const Row& row) { return row.raw.state == VISOR_TRANSPORT_CLOSED; }) == 300);

  REQUIRE(world.run_until([&] { return serving(hub).size() == 300; }, 10000));
  for (int i = 0; i < 100; ++i) world.remove(*spokes[static_cast<size_t>(i)]);
  REQUIRE(world.run_until([&] { return serving(hub).size() == 200; }, 1000));
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
  boost::json::error_code no_number;
  CHECK(member(array(last)[0], "latency_ms").to_number<double>(no_number) > 0);
  CHECK_FALSE(no_number);

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
