// The relay with clients by hand: streams, refusals, sessions that replace one another.
#include "lib/session/capabilities.hpp"
#include "tests/conformance/dmsg_server_user.hpp"
#include "tests/support/native_world.hpp"

namespace visor::test::dmsg_server {
namespace {

struct Pair {
  explicit Pair(World& world, const std::string& members = kListening)
      : hub(relay(world, "10.0.0.1", members)),
        alice(machine(world, "10.0.0.2"), url(), hub.key()),
        bob(machine(world, "10.0.0.3"), url(), hub.key()) {
    /* A client has said its last word of the handshake before the relay has heard it. */
    for (int i = 0; i < 100 && number(hub, "sessions/now") < 2; ++i) world.run_for(1);
  }
  static std::string url() { return "tcp://10.0.0.1:8081"; }
  const visor_key& bobs() { return bob.node.key(); }
  const visor_key& alices() { return alice.node.key(); }
  World& world() { return hub.world(); }

  Node& hub;
  Caller alice, bob;
};

Bytes pattern(size_t size, uint8_t seed) {
  Bytes data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 31 + (i >> 8) + seed);
  return data;
}

// Writes all of it, as fast as the stream takes it.
void pump(End& end, ByteView data, size_t& sent) {
  while (sent < data.size()) {
    size_t size = std::min<size_t>(40000, data.size() - sent);
    if (end.stream.write(data.subspan(sent, size)) != VISOR_OK) return;
    sent += size;
  }
}

}  // namespace

TEST_CASE("a relay connects two clients and passes bytes on, both ways", "[dmsg_server]") {
  SimWorld world(1);
  Pair pair(world);
  auto announced = session::decode_capabilities(pair.alice.payload);
  REQUIRE(announced);
  CHECK(announced->has(session::kKeepsTrailingBytes));

  pair.bob.greeting = pattern(10, 0);
  auto end = pair.alice.dial(pair.bobs(), 7);
  REQUIRE(pair.bob.requests.size() == 1);
  CHECK(pair.bob.requests[0].source.key == pair.alices());
  CHECK(pair.bob.requests[0].destination.port == 7);
  CHECK(dmsg::object_hash(pair.bob.objects[0]) == pair.alice.asked); /* byte for byte */
  CHECK(end->received == pair.bob.greeting);

  End& other = *pair.bob.accepted[0];
  Bytes forth = pattern(1500000, 1), back = pattern(900000, 2);
  size_t forth_sent = 0, back_sent = 0;
  end->received.clear();
  REQUIRE(world.run_until([&] {
    pump(*end, forth, forth_sent);
    pump(other, back, back_sent);
    return other.received.size() == forth.size() && end->received.size() == back.size();
  }));
  CHECK(other.received == forth);
  CHECK(end->received == back);
  CHECK(number(pair.hub, "streams/connected_now") == 1);
  CHECK(number(pair.hub, "streams/relayed_bytes") == int64_t(forth.size() + back.size() + 10));

  /* When either side ends, both do. */
  other.stream.end();
  REQUIRE(world.run_until([&] { return end->ended && other.ended; }, 1000));
  end->stream.end();
  REQUIRE(world.run_until([&] { return end->closed && other.closed; }, 1000));
  CHECK(end->closed->status == VISOR_OK);
  CHECK(other.closed->status == VISOR_OK);
  world.run_for(10);
  CHECK(number(pair.hub, "streams/connected_now") == 0);
  CHECK(number(pair.hub, "streams/ending_now") == 0);
}

TEST_CASE("a slow reader stalls its own stream only, and loses nothing", "[dmsg_server]") {
  SimWorld world(2);
  Pair pair(world);
  auto slow = pair.alice.dial(pair.bobs()), quick = pair.alice.dial(pair.bobs());
  End &slow_end = *pair.bob.accepted[0], &quick_end = *pair.bob.accepted[1];
  slow_end.stream.pause(true);
  Bytes data = pattern(3000000, 3);
  size_t slow_sent = 0, quick_sent = 0;
  REQUIRE(world.run_until([&] {
    pump(*slow, data, slow_sent);
    pump(*quick, data, quick_sent);
    return quick_end.received.size() == data.size();
  }));
  CHECK(quick_end.received == data);
  CHECK(slow_sent < 1300000); /* two windows, two queues */
  CHECK(number(pair.hub, "held_bytes") < 700000);
  slow_end.stream.pause(false);
  REQUIRE(world.run_until([&] {
    pump(*slow, data, slow_sent);
    return slow_end.received.size() == data.size();
  }));
  CHECK(slow_end.received == data);
  world.run_for(1000);
  CHECK(number(pair.hub, "held_bytes") == 0);
}

TEST_CASE("what was sent before an end still arrives, also where it waits for a slow reader",
          "[dmsg_server]") {
  SimWorld world(3);
  Pair pair(world);
  auto end = pair.alice.dial(pair.bobs());
  End& other = *pair.bob.accepted[0];
  other.stream.pause(true);
  Bytes data = pattern(600000, 4);
  size_t sent = 0;
  REQUIRE(world.run_until([&] {
    pump(*end, data, sent);
    return sent == data.size();
  }));
  end->stream.end();
  world.run_for(5000);
  other.stream.pause(false);
  REQUIRE(world.run_until([&] { return other.ended; }, 5000));
  CHECK(other.received == data);
}

TEST_CASE("who cannot be reached is refused at once, with the stream's end", "[dmsg_server]") {
  SimWorld world(4);
  Pair pair(world);
  auto refused_within = [&](const visor_key& to, uint64_t ms) {
    auto end = pair.alice.open(pair.alice.sealed(pair.alice.request(to)));
    REQUIRE(world.run_until([&] { return end->ended; }, ms));
    CHECK(end->received.empty());
    end->stream.end();
    world.run_until([&] { return end->closed.has_value(); }, 1000);
    REQUIRE(end->closed);
    CHECK(end->closed->status == VISOR_OK);
  };
  SECTION("no session") {
    refused_within(machine(world, "10.0.0.4").key(), 100);
    CHECK(number(pair.hub, "streams/unreachable") == 1);
  }
  SECTION("the relay itself") {
    refused_within(pair.hub.key(), 100);
  }
  SECTION("the acceptor ends the stream") {
    pair.bob.manner = Caller::Manner::kEnds;
    refused_within(pair.bobs(), 100);
    CHECK(number(pair.hub, "streams/unanswered") == 1);
  }
  SECTION("the acceptor is silent") {
    pair.bob.manner = Caller::Manner::kIsSilent;
    auto end = pair.alice.open(pair.alice.sealed(pair.alice.request(pair.bobs())));
    world.run_for(4500);
    CHECK_FALSE(end->ended);
    world.run_for(1000);
    CHECK(end->ended);
    CHECK(pair.bob.accepted[0]->ended);
  }
  SECTION("the acceptor answers another request") {
    pair.bob.manner = Caller::Manner::kLies;
    refused_within(pair.bobs(), 100);
    CHECK(number(pair.hub, "streams/unanswered") == 1);
  }
  SECTION("the acceptor leaves meanwhile") {
    pair.bob.manner = Caller::Manner::kIsSilent;
    auto end = pair.alice.open(pair.alice.sealed(pair.alice.request(pair.bobs())));
    REQUIRE(world.run_until([&] { return !pair.bob.requests.empty(); }, 1000));
    pair.bob.session.reset();
    REQUIRE(world.run_until([&] { return end->ended; }, 100));
  }
  CHECK(number(pair.hub, "sessions/now") >= 1);
  CHECK_FALSE(pair.alice.closed);
}

TEST_CASE("a refusal of the acceptor reaches the dialer as it was signed", "[dmsg_server]") {
  SimWorld world(5);
  Pair pair(world);
  pair.bob.manner = Caller::Manner::kRejects;
  auto end = pair.alice.open(pair.alice.sealed(pair.alice.request(pair.bobs())));
  REQUIRE(world.run_until([&] { return end->ended; }, 1000));
  auto answer = pair.alice.answer(*end, pair.bobs());
  REQUIRE(answer);
  CHECK_FALSE(answer->accepted);
  CHECK(answer->error_code == dmsg::ErrorCode::kNoListener);
  CHECK(number(pair.hub, "streams/rejected") == 1);
}

TEST_CASE("a client asks for its own address", "[dmsg_server]") {
  SimWorld world(6);
  Pair pair(world);
  dmsg::StreamRequest request = pair.alice.request(pair.hub.key(), 1);
  request.ip_info = true;
  request.noise_message.clear();
  auto end = pair.alice.open(pair.alice.sealed(request));
  REQUIRE(world.run_until([&] { return end->ended; }, 1000));
  auto answer = pair.alice.answer(*end, pair.hub.key());
  REQUIRE(answer);
  CHECK(answer->accepted);
  CHECK(answer->ip == Bytes{10, 0, 0, 2});
}

TEST_CASE("a ping marker is echoed", "[dmsg_server]") {
  SimWorld world(7);
  Pair pair(world);
  auto end = pair.alice.open(Bytes{0, 0});
  REQUIRE(world.run_until([&] { return end->ended; }, 1000));
  CHECK(end->received == Bytes{0, 0});
}

TEST_CASE("objects are as large as their length can say, and what is not whole yet is bounded",
          "[dmsg_server]") {
  SimWorld world(11);
  Pair pair(world);
  dmsg::StreamRequest request = pair.alice.request(pair.bobs());
  /* Relays do not look into the Noise message: with it, the object gets any size. */
  const size_t overhead = dmsg::sign_object(request, pair.alice.sign)->size() - request.noise_message.size();
  SECTION("above 16 KiB, the largest included") {
    for (size_t size : {20000u, 40000u, 65535u - 24u}) {
      request.noise_message = Bytes(size - overhead - 8, 0x33);
      auto object = dmsg::sign_object(request, pair.alice.sign);
      while (object && object->size() < size) {
        request.noise_message.push_back(0x33);
        object = dmsg::sign_object(request, pair.alice.sign);
      }
      REQUIRE(object);
      CHECK(object->size() == size);
      size_t before = pair.bob.requests.size();
      auto end = pair.alice.open(pair.alice.sealed(*object));
      std::optional<dmsg::StreamResponse> response;
      REQUIRE(world.run_until(
          [&] { return end->over() || (response = pair.alice.answer(*end, pair.bobs())).has_value(); },
          5000));
      REQUIRE(response);
      CHECK(response->accepted);
      CHECK(pair.bob.requests.size() == before + 1);
      CHECK(pair.bob.requests.back().noise_message == request.noise_message);
    }
  }
  SECTION("halves of them, more than a client may keep here") {
    Bytes half(60000, 0x44);
    half[0] = half[1] = 0xff;
    std::vector<std::unique_ptr<End>> ends;
    for (int i = 0; i < 20; ++i) {
      ends.push_back(pair.alice.open(half));
      world.run_for(100);
    }
    CHECK(std::ranges::count_if(ends, [](const auto& each) { return !each->over(); }) == 8); /* 512 KiB */
    CHECK(number(pair.hub, "streams/over_limit") == 12);
    CHECK_FALSE(pair.alice.closed);
    world.run_for(6000);
    CHECK(std::ranges::all_of(ends, [](const auto& each) { return each->over(); }));
    auto again = pair.alice.open(half); /* what they held is free again */
    world.run_for(100);
    CHECK_FALSE(again->over());
  }
}

TEST_CASE("the newest session of a key wins", "[dmsg_server]") {
  SimWorld world(8);
  Pair pair(world);
  auto end = pair.alice.dial(pair.bobs());
  Caller newer(pair.bob.node, Pair::url(), pair.hub.key());
  REQUIRE(world.run_until([&] { return pair.bob.closed.has_value(); }, 1000));
  CHECK(pair.bob.closed->status == VISOR_ECLOSED);
  REQUIRE(world.run_until([&] { return end->ended; }, 1000));
  CHECK(number(pair.hub, "sessions/now") == 2);
  CHECK(number(pair.hub, "sessions/replaced") == 1);

  auto again = pair.alice.dial(newer.node.key());
  CHECK(newer.accepted.size() == 1);
  CHECK(again->write("words") == VISOR_OK);
  REQUIRE(world.run_until([&] { return newer.accepted[0]->text() == "words"; }, 1000));
}

TEST_CASE("limits of time: handshakes, requests, idle streams", "[dmsg_server]") {
  SimWorld world(9);
  Pair pair(world);
  auto before = number(pair.hub, "sessions/now");
  SECTION("a connection that says nothing, or half of a handshake") {
    End mute(pair.alice.node.host(), connect(pair.alice.node, Pair::url()));
    End half(pair.alice.node.host(), connect(pair.alice.node, Pair::url()));
    half.stream.write(Bytes{0x00, 0x31, 2, 3});
    world.run_for(4900);
    CHECK_FALSE(mute.over());
    CHECK_FALSE(half.over());
    world.run_for(300);
    CHECK(mute.over());
    CHECK(half.over());
    CHECK(number(pair.hub, "entrance/silent") == 1);
    CHECK(number(pair.hub, "sessions/failed") == 1);
  }
  SECTION("a stream without a request") {
    Bytes sealed = pair.alice.sealed(pair.alice.request(pair.bobs()));
    auto end = pair.alice.open(ByteView(sealed).first(100));
    world.run_for(4900);
    CHECK_FALSE(end->ended);
    world.run_for(300);
    CHECK(end->ended);
    CHECK(number(pair.hub, "streams/abandoned") == 1);
  }
  SECTION("a connected stream that nobody uses") {
    auto end = pair.alice.dial(pair.bobs());
    world.run_for(200000);
    CHECK(end->write("a sign of life") == VISOR_OK);
    world.run_for(299000);
    CHECK_FALSE(end->over());
    world.run_for(3000);
    CHECK(end->over());
    CHECK(pair.bob.accepted[0]->over());
    CHECK(number(pair.hub, "streams/idle") == 1);
  }
  CHECK(number(pair.hub, "sessions/now") == before);
}

TEST_CASE("a relay that stops ends its sessions, and starts again", "[dmsg_server]") {
  SimWorld world(10);
  Pair pair(world);
  auto end = pair.alice.dial(pair.bobs());
  pair.hub.stop();
  REQUIRE(world.run_until([&] { return pair.alice.closed && pair.bob.closed && end->closed; }, 1000));
  CHECK_FALSE(pair.hub.logged("behind when it stopped"));
}

TEST_CASE("a relay on this machine's own network", "[dmsg_server]") {
  NativeWorld world;
  Node& hub = relay(world, "hub", R"("listen":"tcp://127.0.0.1:0")");
  auto listening = status(hub).at("listening").get_string();
  std::string url(listening.data(), listening.size());
  Caller alice(machine(world, "a"), url, hub.key()), bob(machine(world, "b"), url, hub.key());
  for (int i = 0; i < 100 && number(hub, "sessions/now") < 2; ++i) world.run_for(1);
  auto end = alice.dial(bob.node.key());
  Bytes data = pattern(4000000, 5);
  size_t sent = 0;
  REQUIRE(world.run_until([&] {
    pump(*end, data, sent);
    return bob.accepted[0]->received.size() == data.size();
  }));
  CHECK(bob.accepted[0]->received == data);
}

}  // namespace visor::test::dmsg_server
