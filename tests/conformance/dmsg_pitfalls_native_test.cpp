// The pitfalls that the specification lists (dmsg.md, section 16), and the test that each has:
//
//    1 the key swap of XK, not of KK      unit: XK and KK give the bytes of the vectors; a session with a
//    relay has
//                                         the captured bytes, both ways
//    2 the agreed secret                  unit: key agreement gives the values of the vectors, from both ends
//    3 counters                           unit: frames have the bytes of the vectors; nonces only grow
//    4 silence after message 3            unit: an initiator is quiet after its last handshake message; and
//    here 5 handshake payloads                 unit: each pattern carries payloads in each message; and here
//    6 the order of signed JSON           unit: entries: of later years, the protocol behind the signature
//    7 times in nanoseconds               unit: entries: built and read as the vectors have them; and here
//    8 sequences                          unit: discovery: sequences grow, gaps are fine; registration: a
//    stored
//                                         entry is counted on from
//    9 ids of gob, two-byte elements      unit: gob: every shape of later years; stream objects: responses
//    are written
//                                         and opened as the vectors have them; and here
//   10 hashes of bytes as received        unit: a signed request is opened and its hash covers all of it; and
//   here 11 no refusals                        whatever a server does with a request, the dial ends, and says
//   why; limits
//                                         of time
//   12 one FIN                            unit: closing tells the peer by RST, or by FIN where nothing is
//   lost; a peer
//                                         that breaks the protocol ends the session
//   13 pings and acknowledgements         unit: pings are answered with their number; a stream that the peer
//   opens has
//                                         the captured frames; refused at once: acknowledged all the same
//   14 windows for what was consumed      unit: the window is granted again once half of it was read
//   15 one session a key and server       unit: one session with each server at most; the newest session of a
//   key wins 16 no half close                      a relay connects two clients and passes bytes on, both
//   ways 17 4070 bytes a frame                 unit: the frame's limits are exact 18 empty frames unit: empty
//   frames are skipped and break the silence 19 low s, recovery id                 unit: signatures are
//   deterministic, low in s, and refused after any change
#include "lib/codec/endian.hpp"
#include "lib/codec/gob.hpp"
#include "lib/noise/handshake.hpp"
#include "tests/conformance/dmsg_server_user.hpp"
#include "tests/conformance/dmsg_user.hpp"

namespace visor::test::dmsg_server {
namespace {

namespace gob = codec::gob;

const std::string kUrl = "tcp://10.0.0.1:8081";

Node& client(World& world, const std::string& machine, const visor_key& server) {
  return world.add(machine,
                   test::dmsg::client_config(R"("servers":[)" + test::dmsg::server_row(server, kUrl) + "]"));
}

noise::Handshake handshake(Node& node, noise::Pattern pattern, const visor_key& with) {
  auto* identity = node.find<visor_identity>(VISOR_IDENTITY_1);
  auto made =
      noise::Handshake::start({.pattern = pattern,
                               .role = noise::Role::kInitiator,
                               .local_static = node.key(),
                               .remote_static = with,
                               .agree = [identity](const visor_key& key) -> Result<crypto::SharedSecret> {
                                 crypto::SharedSecret secret;
                                 if (identity->api->agree(identity, &key, secret.data()) != VISOR_OK)
                                   return failure(VISOR_EIO, "no agreement");
                                 return secret;
                               },
                               .random = [host = node.host()](std::span<uint8_t> out) { host.random(out); }});
  REQUIRE(made);
  return std::move(*made);
}

/* A server that only makes sessions, and notes when. */
struct Sessions {
  Sessions(Node& at, Bytes payload) : node(at) {
    auto listening = listener.listen(
        node.host(), node.find<visor_sockets>(VISOR_SOCKETS_1), "tcp://0.0.0.0:8081",
        [this, payload](visor_stream* stream) {
          session = std::make_unique<session::Session>(
              node.host(), node.find<visor_identity>(VISOR_IDENTITY_1), stream,
              session::Options{.pattern = noise::Pattern::kXK, .payload = payload, .seal_mux = false},
              session::Events{.ready = [this](const visor_key&, ByteView) { ready_ms = now(); },
                              .accept =
                                  [this](visor_stream* raw) {
                                    if (first_ms == 0) first_ms = now();
                                    raw->api->close(raw);
                                  },
                              .closed = {}});
        });
    REQUIRE(listening.has_value());
  }
  uint64_t now() const { return node.host().now_ms(); }
  Node& node;
  uint64_t ready_ms = 0, first_ms = 0;
  std::unique_ptr<session::Session> session;
  Listener listener;
};

/* A request as nobody writes it yet: other ids, fields in another order, one that nobody knows. */
Bytes later_request(Caller& from, const visor_addr& to, ByteView noise_message, size_t unknown_bytes) {
  constexpr int64_t kRequest = 90, kAddress = 77, kKey = 81;
  const gob::FieldType fields[] = {{"NoiseMsg", gob::kByteSlice}, {"Later", gob::kByteSlice},
                                   {"DstAddr", kAddress},         {"GeoInfo", gob::kBool},
                                   {"SrcAddr", kAddress},         {"Timestamp", gob::kInt}};
  const gob::FieldType address[] = {{"Port", gob::kUint}, {"PK", kKey}};
  Bytes document, value;
  gob::define_marshaler(document, kKey, "PubKey");
  gob::define_struct(document, kAddress, "Addr", address);
  gob::define_struct(document, kRequest, "StreamRequest", fields);
  auto put = [&value](const visor_addr& of) {
    gob::StructWriter inner(value);
    inner.natural(0, of.port);
    inner.bytes(1, bytes(of.key));
    inner.end();
  };
  gob::put_int(value, kRequest);
  gob::StructWriter writer(value);
  writer.bytes(0, noise_message);
  writer.bytes(1, Bytes(unknown_bytes, 0x55));
  writer.begin(2);
  put(to);
  writer.boolean(3, true);
  writer.begin(4);
  put({from.node.key(), 50000});
  writer.integer(5, from.node.host().unix_ns());
  writer.end();
  gob::put_message(document, value);
  auto signature = from.sign(crypto::sha256(document));
  REQUIRE(signature);
  Bytes object(std::begin(signature->bytes), std::end(signature->bytes));
  object.insert(object.end(), document.begin(), document.end());
  return object;
}

}  // namespace

TEST_CASE("pitfall 4: a client says nothing for 100 ms after its handshake", "[dmsg][pitfalls]") {
  SimWorld world(1, {.latency_min_ms = 3, .latency_max_ms = 3});
  Node& machine_of_server = machine(world, "10.0.0.1");
  Sessions server(machine_of_server, {});
  Node& a = client(world, "10.0.1.1", machine_of_server.key());
  auto dialing = test::dmsg::begin_dial(a, machine_of_server.key(), 80); /* at once, as soon as it can */
  REQUIRE(world.run_until([&] { return server.first_ms > 0; }, 5000));
  CHECK(server.first_ms - server.ready_ms >= 100);
  CHECK(server.first_ms - server.ready_ms < 150);
}

TEST_CASE("pitfall 5: handshakes with payloads that nobody knows are handshakes", "[dmsg][pitfalls]") {
  SimWorld world(2);
  SECTION("a client's, in its first and its last message") {
    Node& hub = relay(world, "10.0.0.1");
    Node& from = machine(world, "10.0.0.2");
    End end(from.host(), connect(from, kUrl));
    noise::Handshake with = handshake(from, noise::Pattern::kXK, hub.key());
    REQUIRE(end.stream.write(noise::frame_message(*with.write_message(Bytes(1184, 0x66)))) == VISOR_OK);
    auto whole = [&] {
      return end.received.size() >= 2 &&
             end.received.size() >= size_t{2} + codec::load_be<uint16_t>(end.received.data());
    };
    REQUIRE(world.run_until(whole, 1000));
    REQUIRE(with.read_message(ByteView(end.received).subspan(2)));
    REQUIRE(end.stream.write(noise::frame_message(*with.write_message(Bytes(700, 0x77)))) == VISOR_OK);
    world.run_for(50);
    CHECK(number(hub, "sessions/now") == 1);
    CHECK_FALSE(end.over());
  }
  SECTION("a server's") {
    Node& machine_of_server = machine(world, "10.0.0.1");
    Sessions server(machine_of_server, Bytes(1024, 0x88));
    Node& a = client(world, "10.0.1.1", machine_of_server.key());
    CHECK(test::dmsg::wait_connected(a));
  }
}

TEST_CASE("pitfalls 7, 9 and 10: requests of any shape are answered for the bytes that came",
          "[dmsg][pitfalls]") {
  SimWorld world(3);
  Node& hub = relay(world, "10.0.0.1");
  Caller alice(machine(world, "10.0.0.2"), kUrl, hub.key());
  Node& bob = client(world, "10.0.1.1", hub.key());
  REQUIRE(test::dmsg::wait_connected(bob));
  world.run_for(200);
  test::dmsg::Echo echo(bob, 80);
  for (size_t unknown_bytes : {1u, 20000u, 64000u}) {
    noise::Handshake with = handshake(alice.node, noise::Pattern::kKK, bob.key());
    Bytes object = later_request(alice, {bob.key(), 80}, *with.write_message(), unknown_bytes);
    auto end = alice.open(alice.sealed(object));
    std::optional<visor::dmsg::StreamResponse> response; /* answer() checks its hash */
    REQUIRE(world.run_until(
        [&] { return end->over() || (response = alice.answer(*end, bob.key())).has_value(); }, 5000));
    REQUIRE(response);
    CHECK(response->accepted);
    REQUIRE(with.read_message(response->noise_message));
    CHECK(with.finish());
    CHECK(echo.peers.back().port == 50000);
  }
  auto dialing = test::dmsg::begin_dial(bob, alice.node.key(), 7); /* who answers by hand: not to the end */
  REQUIRE(world.run_until([&] { return !alice.requests.empty(); }, 1000));
  const int64_t age_ns = world.loop().unix_ns() - alice.requests[0].timestamp_ns;
  CHECK(age_ns >= 0);
  CHECK(age_ns < 1'000'000'000);
}

}  // namespace visor::test::dmsg_server
