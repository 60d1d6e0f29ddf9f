// Clients of a relay that break the rules, and the limits that bound them.  Beside each attack two others go
// on talking.
#include "lib/codec/endian.hpp"
#include "lib/noise/handshake.hpp"
#include "lib/noise/sealed.hpp"
#include "tests/conformance/dmsg_server_user.hpp"

namespace visor::test::dmsg_server {
namespace {

const std::string kUrl = "tcp://10.0.0.1:8081";

// A relay, two clients that mean well, and the stream between them.
struct Scene {
  Scene(World& in, const std::string& limits = "")
      : world(in),
        hub(relay(in, "10.0.0.1",
                  std::string(kListening) + (limits.empty() ? "" : R"(,"limits":{)" + limits + "}"))),
        alice(machine(in, "10.0.0.2"), kUrl, hub.key()),
        bob(machine(in, "10.0.0.3"), kUrl, hub.key()),
        mallory(machine(in, "10.0.0.9")) {
    for (int i = 0; i < 200 && number(hub, "sessions/now") < 2; ++i) world.run_for(1);
    stream = alice.dial(bob.node.key());
  }
  // The two still talk, as quickly as ever, over the old stream and a new one.
  void still_serves() {
    End& far = *bob.accepted[0];
    far.received.clear();
    REQUIRE(stream->write("still there?") == VISOR_OK);
    REQUIRE(world.run_until([&] { return far.text() == "still there?"; }, 100));
    auto another = alice.dial(bob.node.key());
    CHECK_FALSE(another->over());
    CHECK_FALSE(alice.closed);
    CHECK_FALSE(bob.closed);
  }

  World& world;
  Node& hub;
  Caller alice, bob;
  Node& mallory;
  std::unique_ptr<End> stream;
};

// A session whose multiplexer is the test: the handshake by hand, then any bytes.
class Raw {
 public:
  Raw(Node& node, const visor_key& relay_key) : end(node.host(), connect(node, kUrl)) {
    auto* identity = node.find<visor_identity>(VISOR_IDENTITY_1);
    auto made = noise::Handshake::start(
        {.pattern = noise::Pattern::kXK,
         .role = noise::Role::kInitiator,
         .local_static = node.key(),
         .remote_static = relay_key,
         .agree = [identity](const visor_key& key) -> Result<crypto::SharedSecret> {
           crypto::SharedSecret secret;
           if (identity->api->agree(identity, &key, secret.data()) != VISOR_OK) {
             return failure(VISOR_EIO, "no agreement");
           }
           return secret;
         },
         .random = [host = node.host()](std::span<uint8_t> out) { host.random(out); }});
    REQUIRE(made);
    noise::Handshake& handshake = *made;
    send(noise::frame_message(*handshake.write_message()));
    auto whole = [&] {
      return end.received.size() >= 2 &&
             end.received.size() >= size_t{2} + codec::load_be<uint16_t>(end.received.data());
    };
    REQUIRE(node.world().run_until(whole, 1000));
    REQUIRE(handshake.read_message(ByteView(end.received).subspan(2)));
    send(noise::frame_message(*handshake.write_message()));
    auto keys = handshake.finish();
    REQUIRE(keys);
    sealer.emplace(std::move(keys->send));
    end.received.clear();
  }
  void send(ByteView data) { REQUIRE(end.stream.write(data) == VISOR_OK); }
  void frame(uint8_t type, uint16_t flags, uint32_t stream, uint32_t length, ByteView body = {}) {
    Bytes wire{0, type};
    codec::append_be<uint16_t>(wire, flags);
    codec::append_be<uint32_t>(wire, stream);
    codec::append_be<uint32_t>(wire, length);
    codec::append(wire, body);
    send(wire);
  }
  Bytes sealed(ByteView object) {
    Bytes wire;
    codec::append_be<uint16_t>(wire, static_cast<uint16_t>(object.size() + noise::kSealBytes));
    REQUIRE(sealer->seal(object, wire));
    return wire;
  }

  End end;
  std::optional<noise::Sealer> sealer;
};

}  // namespace

TEST_CASE("a thousand connections from one address leave room for others", "[dmsg_server]") {
  SimWorld world(1);
  Scene scene(world);
  std::vector<std::unique_ptr<End>> held;
  for (int i = 0; i < 1000; ++i) {
    held.push_back(std::make_unique<End>(scene.mallory.host(), connect(scene.mallory, kUrl)));
    if (i % 2 == 0) held.back()->stream.write(Bytes{0x00, 0x31, 2}); /* half of a handshake */
  }
  world.run_for(20);
  CHECK(number(scene.hub, "sessions/handshaking") <= 64);
  CHECK(number(scene.hub, "entrance/waiting") <= 512);
  scene.still_serves();
  Caller newcomer(machine(world, "10.0.0.4"), kUrl, scene.hub.key());
  CHECK(newcomer.ready);
  world.run_for(6000);
  CHECK(std::ranges::all_of(held, [](const auto& each) { return each->over(); }));
  CHECK(number(scene.hub, "sessions/handshaking") == 0);
  CHECK(number(scene.hub, "entrance/waiting") == 0);
  scene.still_serves();
}

TEST_CASE("who connects and says nothing takes nobody's place", "[dmsg_server]") {
  SimWorld world(7);
  Scene scene(world, R"("handshakes":100)");
  std::vector<std::unique_ptr<End>> held;
  auto connects = [&](Node& from, int count) {
    for (int i = 0; i < count; ++i) {
      held.push_back(std::make_unique<End>(from.host(), connect(from, kUrl)));
    }
  };
  auto open = [&] { return std::ranges::count_if(held, [](const auto& each) { return !each->over(); }); };
  connects(scene.mallory, 300);
  world.run_for(20);
  CHECK(number(scene.hub, "entrance/waiting") == 64); /* of one address */
  CHECK(open() == 64);
  for (int i = 0; i < 5; ++i) connects(machine(world, "10.0.2." + std::to_string(i + 1)), 60);
  world.run_for(20);
  CHECK(number(scene.hub, "entrance/waiting") == 100); /* of all: the latest */
  Caller newcomer(machine(world, "10.0.0.4"), kUrl, scene.hub.key());
  CHECK(newcomer.ready);
  scene.still_serves();
  world.run_for(6000);
  CHECK(number(scene.hub, "entrance/waiting") == 0);
  CHECK(open() == 0);
}

TEST_CASE("who was put out for breaking the rules is not back at once", "[dmsg_server]") {
  SimWorld world(8);
  Scene scene(world, R"("handshakes_burst":80,"handshakes_per_s":1)");
  auto breaks_in = [&] {
    End end(scene.mallory.host(), connect(scene.mallory, kUrl));
    world.run_for(5);
    if (end.over()) return false;
    Raw raw(scene.mallory, scene.hub.key());
    raw.send(Bytes(12, 0xff));
    return world.run_until([&] { return raw.end.over(); }, 2000);
  };
  int times = 0;
  for (; times < 50; ++times) {
    if (number(scene.hub, "sessions/expelled") == 3) break;
    CHECK(breaks_in());
  }
  CHECK(times == 3); /* each has cost 33 handshakes of 80 */
  End end(scene.mallory.host(), connect(scene.mallory, kUrl));
  end.stream.write(Bytes{0x00, 0x31, 2});
  CHECK(world.run_until([&] { return end.over(); }, 100));
  world.run_for(40000);
  CHECK(breaks_in());
  scene.still_serves();
}

TEST_CASE("all clients of one address together may ask for so many streams", "[dmsg_server]") {
  SimWorld world(9);
  Scene scene(world, R"("address_requests_burst":30,"address_requests_per_s":1)");
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 4; ++i) {
    Node& key = world.add("10.0.0.9", R"({"plugins":[]})");
    callers.push_back(std::make_unique<Caller>(key, connect(scene.mallory, kUrl), scene.hub.key()));
    world.run_for(150);
  }
  for (int i = 0; i < 80; ++i) {
    Caller& caller = *callers[static_cast<size_t>(i) % callers.size()];
    auto end = caller.open(caller.sealed(caller.request(scene.hub.key())));
    CHECK(world.run_until([&] { return end->over(); }, 1000));
  }
  CHECK(number(scene.hub, "streams/over_limit") >= 45);
  CHECK(number(scene.hub, "sessions/expelled") == 0);
  scene.still_serves();
}

TEST_CASE("sessions of one address, and all of them, have a limit", "[dmsg_server]") {
  SimWorld world(2);
  Scene scene(world, R"("sessions_per_address":3,"sessions":7)");
  std::vector<std::unique_ptr<Caller>> callers;
  std::vector<Node*> keys;
  for (int i = 0; i < 5; ++i) {
    /* Several visors of one address: each its key. */
    keys.push_back(&world.add("10.0.0.9", R"({"plugins":[]})"));
    callers.push_back(std::make_unique<Caller>(*keys.back(), connect(scene.mallory, kUrl), scene.hub.key()));
    world.run_for(50);
  }
  CHECK(number(scene.hub, "sessions/now") == 5);
  CHECK(std::ranges::count_if(callers, [](const auto& each) { return each->closed.has_value(); }) == 2);
  for (int i = 0; i < 4; ++i) {
    Node& other = machine(world, "10.0.1." + std::to_string(i));
    callers.push_back(std::make_unique<Caller>(other, connect(other, kUrl), scene.hub.key()));
    world.run_for(50);
  }
  CHECK(number(scene.hub, "sessions/now") == 7);
  CHECK(number(scene.hub, "entrance/refused") == 2); /* of the one address */
  CHECK(number(scene.hub, "sessions/refused") == 2); /* of all */
  scene.still_serves();
}

TEST_CASE("window overruns, and whatever else yamux forbids, end the session", "[dmsg_server]") {
  SimWorld world(3);
  Scene scene(world);
  auto ends = [&](const std::function<void(Raw&)>& attack) {
    Raw raw(scene.mallory, scene.hub.key());
    attack(raw);
    CHECK(world.run_until([&] { return raw.end.over(); }, 2000));
    scene.still_serves();
  };
  ends([](Raw& raw) { raw.frame(0, 1, 1, 300000); }); /* a frame beyond every window */
  ends([](Raw& raw) {
    raw.frame(1, 1, 1, 0);
    for (int i = 0; i < 5; ++i) raw.frame(0, 0, 1, 65536, Bytes(65536, 1)); /* the window, and more */
  });
  ends([](Raw& raw) { raw.frame(1, 1, 2, 0); }); /* a number that is the relay's */
  ends([](Raw& raw) {
    raw.frame(1, 1, 1, 0);
    raw.frame(1, 1, 1, 0); /* again */
  });
  ends([](Raw& raw) { raw.frame(9, 0, 1, 0); });
  ends([](Raw& raw) { raw.send(Bytes(12, 0xff)); });
  CHECK(number(scene.hub, "sessions/now") == 2);
}

TEST_CASE("floods of streams cost their client, and nobody else", "[dmsg_server]") {
  SimWorld world(4);
  Scene scene(
      world, R"("setups_per_session":100,"streams_per_session":300,"requests_burst":150,"requests_per_s":1)");
  Raw raw(scene.mallory, scene.hub.key());
  for (uint32_t id = 1; id < 700; id += 2) raw.frame(1, 1, id, 0);
  world.run_for(100);
  CHECK_FALSE(raw.end.closed);
  CHECK(number(scene.hub, "streams/connecting_now") <= 101);
  scene.still_serves();
  world.run_for(6000);
  CHECK(number(scene.hub, "streams/connecting_now") == 0);

  /* And who never stops is put out. */
  for (uint32_t id = 701; id < 12000 && !raw.end.over(); id += 2) {
    raw.frame(1, 1, id, 0);
    if (id % 200 == 1) world.run_for(5);
  }
  CHECK(raw.end.over());
  CHECK(number(scene.hub, "sessions/expelled") == 1);
  scene.still_serves();

  /* Requests that are good, one after another: beyond the rate, refused unread. */
  Caller eager(machine(world, "10.0.0.10"), kUrl, scene.hub.key());
  auto nobody = eager.request(scene.hub.key());
  for (int i = 0; i < 200; ++i) {
    auto end = eager.open(eager.sealed(nobody));
    world.run_until([&] { return end->over(); }, 1000);
    CHECK(end->over());
  }
  CHECK(number(scene.hub, "streams/over_limit") >= 40);
  CHECK_FALSE(eager.closed);
  scene.still_serves();
}

TEST_CASE("replayed and forged objects are refused, and who goes on sending them is put out",
          "[dmsg_server]") {
  SimWorld world(5);
  Scene scene(world);
  Caller mallory(scene.mallory, kUrl, scene.hub.key());
  const visor_key& bob = scene.bob.node.key();
  size_t before = scene.bob.requests.size();
  auto refused = [&](const Bytes& wire) {
    auto end = mallory.open(wire);
    CHECK(world.run_until([&] { return end->over(); }, 1000));
    CHECK(end->received.empty());
  };
  SECTION("the same sealed bytes twice") {
    Bytes wire = mallory.sealed(mallory.request(bob));
    auto once = mallory.open(wire);
    REQUIRE(world.run_until([&] { return !once->received.empty(); }, 1000));
    refused(wire);
    CHECK(scene.bob.requests.size() == before + 1);
  }
  SECTION("a request of somebody else, seen on the way") {
    REQUIRE(!scene.bob.objects.empty());
    refused(mallory.sealed(scene.bob.objects[0]));
    CHECK(scene.bob.requests.size() == before);
  }
  SECTION("signed by another key than it says") {
    dmsg::StreamRequest request = mallory.request(bob);
    request.source.key = scene.alice.node.key();
    refused(mallory.sealed(request));
    CHECK(scene.bob.requests.size() == before);
  }
  SECTION("a signature that is none, again and again") {
    auto object = dmsg::sign_object(mallory.request(bob), mallory.sign);
    REQUIRE(object);
    (*object)[10] ^= 1;
    for (int i = 0; i < 40 && !mallory.closed; ++i) {
      auto wire = mallory.session->seal(*object);
      if (wire) refused(*wire);
    }
    CHECK(mallory.closed);
    CHECK(number(scene.hub, "sessions/expelled") == 1);
    CHECK(scene.bob.requests.size() == before);
  }
  SECTION("lengths that are none") {
    refused(Bytes{0, 1, 7});
    Bytes just_too_short(2 + 89, 7);
    just_too_short[0] = 0;
    just_too_short[1] = 89;
    refused(just_too_short);
  }
  SECTION("an acceptor's answer that is not to this request") {
    mallory.manner = Caller::Manner::kLies;
    for (int i = 0; i < 20 && !mallory.closed; ++i) {
      auto end = scene.alice.open(scene.alice.sealed(scene.alice.request(scene.mallory.key())));
      CHECK(world.run_until([&] { return end->over(); }, 1000));
    }
    CHECK(mallory.closed);
  }
  scene.still_serves();
}

TEST_CASE("what slow readers let wait is bounded; who holds most goes", "[dmsg_server]") {
  SimWorld world(6);
  Scene scene(world, R"("held_bytes":4194304)");
  Caller flooder(scene.mallory, kUrl, scene.hub.key()),
      deaf(machine(world, "10.0.0.10"), kUrl, scene.hub.key());
  std::vector<std::unique_ptr<End>> streams;
  for (int i = 0; i < 40 && !flooder.closed && !deaf.closed; ++i) {
    streams.push_back(flooder.dial(deaf.node.key()));
    deaf.accepted.back()->stream.pause(true);
    Bytes block(65536, 1);
    for (int n = 0; n < 20; ++n) {
      if (streams.back()->stream.write(block) != VISOR_OK) world.run_for(20);
    }
    CHECK(number(scene.hub, "held_bytes") < 6000000);
    world.run_for(600);
  }
  CHECK((flooder.closed || deaf.closed));
  CHECK(number(scene.hub, "sessions/expelled") >= 1);
  scene.still_serves();
}

TEST_CASE("garbage on the port costs its sender the connection", "[dmsg_server]") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SimWorld world(seed);
    Scene scene(world);
    for (int i = 0; i < 10; ++i) {
      End end(scene.mallory.host(), connect(scene.mallory, kUrl));
      Bytes garbage(1 + static_cast<size_t>(world.loop().below(2000)));
      world.loop().random(garbage);
      if (i % 3 == 0) {
        garbage.resize(std::max<size_t>(garbage.size(), 60));
        garbage[0] = 0;
        garbage[1] = 0x31; /* a plausible length */
      }
      if (i % 3 == 1) garbage[0] = 'G'; /* a plausible request */
      end.stream.write(garbage);
      CHECK(world.run_until([&] { return end.over(); }, 12000));
    }
    CHECK(number(scene.hub, "sessions/now") == 2);
    scene.still_serves();
  }
}

}  // namespace visor::test::dmsg_server
