#include "lib/noise/handshake.hpp"

#include "lib/noise/frames.hpp"
#include "tests/unit/noise/peers.hpp"

using namespace visor;
using namespace visor::noise;
using test::Identity;
using test::Peers;

namespace {

/* Checks both directions of a finished handshake against the keys of the vector. */
void check_keys(Peers& peers, const std::string& initiator_sends, const std::string& responder_sends) {
  Result<TransportKeys> i = peers.initiator.finish(), r = peers.responder.finish();
  REQUIRE((i && r));
  CHECK(to_hex(i->send.bytes()) == initiator_sends);
  CHECK(to_hex(r->receive.bytes()) == initiator_sends);
  CHECK(to_hex(r->send.bytes()) == responder_sends);
  CHECK(to_hex(i->receive.bytes()) == responder_sends);
}

void check_sealed(const boost::json::array& cases, ByteView key) {
  Sealer sealer(crypto::CipherKey(key.first<32>()));
  Opener opener(crypto::CipherKey(key.first<32>()));
  for (const boost::json::value& v : cases) {
    Bytes sealed, plain;
    REQUIRE(sealer.seal(bytes(test::text(v, "plaintext")), sealed));
    CHECK(to_hex(sealed) == test::text(v, "sealed"));
    REQUIRE(opener.open(sealed, plain));
    CHECK(text(ByteView(plain)) == test::text(v, "plaintext"));
  }
}

}  // namespace

TEST_CASE("XX gives the bytes of the vectors", "[noise]") {
  boost::json::value vectors = test::load_vectors("cxo_noise.json");
  for (const boost::json::value& v : test::array(vectors, "xx")) {
    INFO(test::text(v, "name"));
    Identity initiator(test::hex(v, "initiator_static_sk")), responder(test::hex(v, "responder_static_sk"));
    CHECK(to_hex(initiator.key()) == test::text(v, "initiator_static_pk"));
    CHECK(table_of(Pattern::kXX).protocol_name == test::text(v, "protocol_name"));
    Peers peers(Pattern::kXX, initiator, responder, test::always(test::hex(v, "initiator_ephemeral_sk")),
                test::always(test::hex(v, "responder_ephemeral_sk")));
    CHECK(to_hex(peers.initiator.hash()) == test::text(v, "h_after_prologue"));

    CHECK_FALSE(peers.responder.remote_static());
    Bytes message = peers.step(test::hex(v, "payload1"));
    CHECK(to_hex(message) == test::text(v, "msg1"));
    CHECK(to_hex(frame_message(message)) == test::text(v, "wire1_initiator_to_responder"));
    CHECK(to_hex(peers.initiator.hash()) == test::text(v, "h_after_msg1"));

    message = peers.step(test::hex(v, "payload2"));
    CHECK(to_hex(message) == test::text(v, "msg2"));
    CHECK(to_hex(frame_message(message)) == test::text(v, "wire2_responder_to_initiator"));
    CHECK(to_hex(peers.initiator.hash()) == test::text(v, "h_after_msg2"));
    CHECK(peers.initiator.remote_static() == responder.key());

    message = peers.step(test::hex(v, "payload3"));
    CHECK(to_hex(message) == test::text(v, "msg3"));
    CHECK(to_hex(frame_message(message)) == test::text(v, "wire3_initiator_to_responder"));
    CHECK(to_hex(peers.initiator.hash()) == test::text(v, "handshake_hash"));
    CHECK(peers.responder.remote_static() == initiator.key());

    CHECK(peers.initiator.finished());
    CHECK(peers.responder.finished());
    check_keys(peers, test::text(v, "split_k2"), test::text(v, "split_k1"));
  }
}

TEST_CASE("XK and KK give the bytes of the vectors", "[noise]") {
  boost::json::value vectors = test::load_vectors("dmsg_noise.json");
  struct Case {
    const char* name;
    Pattern pattern;
    bool swapped;
  };
  for (Case c : {Case{"noise_xk", Pattern::kXK, true}, Case{"noise_kk", Pattern::kKK, false}}) {
    INFO(c.name);
    const boost::json::value& v = test::at(vectors, c.name);
    auto secret = [&](const char* whose) { return test::hex(test::at(v, whose), "sk"); };
    CHECK(table_of(c.pattern).protocol_name == test::text(v, "protocol_name"));
    Peers peers(c.pattern, Identity(secret("initiator_static")), Identity(secret("responder_static")),
                test::always(secret("initiator_eph")), test::always(secret("responder_eph")));
    if (c.swapped) {
      CHECK(to_hex(peers.initiator.hash()) == test::text(test::array(v, "steps")[1], "h"));
    }
    for (const boost::json::value& message : test::array(v, "messages")) {
      CHECK(to_hex(peers.step()) == test::text(message));
    }
    CHECK(peers.initiator.finished());
    CHECK(to_hex(peers.responder.hash()) == test::text(v, "handshake_hash"));
    std::string first = test::text(v, "split_k1"), second = test::text(v, "split_k2");
    if (c.swapped) std::swap(first, second);
    check_keys(peers, first, second);
    check_sealed(test::array(v, "i2r"), test::from_hex(first));
    check_sealed(test::array(v, "r2i"), test::from_hex(second));
  }
}

TEST_CASE("each pattern carries payloads in each message", "[noise]") {
  test::Seeded seeded(21);
  for (Pattern pattern : {Pattern::kXX, Pattern::kXK, Pattern::kKK}) {
    for (size_t size : {1, 100, 3900}) {
      Identity initiator(seeded), responder(seeded);
      Peers peers(pattern, initiator, responder, seeded.source(), seeded.source());
      while (!peers.initiator.finished()) peers.step(seeded.bytes(size));
      CHECK(peers.initiator.remote_static() == responder.key());
      CHECK(peers.responder.remote_static() == initiator.key());
      Result<TransportKeys> i = peers.initiator.finish(), r = peers.responder.finish();
      REQUIRE((i && r));
      CHECK(to_hex(i->send.bytes()) == to_hex(r->receive.bytes()));
      CHECK(to_hex(r->send.bytes()) == to_hex(i->receive.bytes()));
      CHECK(to_hex(r->send.bytes()) != to_hex(i->send.bytes()));
    }
  }
}

TEST_CASE("a payload may fill a message and no more", "[noise]") {
  test::Seeded seeded(22);
  for (Pattern pattern : {Pattern::kXX, Pattern::kXK, Pattern::kKK}) {
    Peers peers(pattern, Identity(seeded), Identity(seeded), seeded.source(), seeded.source());
    Peers sizes(pattern, Identity(seeded), Identity(seeded), seeded.source(), seeded.source());
    while (!peers.initiator.finished()) {
      Bytes largest = seeded.bytes(kMaxMessageBytes - sizes.step().size());
      Bytes too_large = seeded.bytes(largest.size() + 1);
      CHECK(peers.writer().write_message(too_large).error().status == VISOR_EINVAL);
      CHECK(peers.step(largest).size() == kMaxMessageBytes);
    }
  }
}

TEST_CASE("calls out of turn change nothing", "[noise]") {
  test::Seeded seeded(23);
  Peers peers(Pattern::kXX, Identity(seeded), Identity(seeded), seeded.source(), seeded.source());
  while (!peers.initiator.finished()) {
    CHECK(peers.reader().write_message().error().status == VISOR_EINVAL);
    CHECK(peers.writer().read_message(seeded.bytes(98)).error().status == VISOR_EINVAL);
    CHECK(peers.initiator.finish().error().status == VISOR_EINVAL);
    peers.step();
  }
  CHECK(peers.initiator.write_message().error().status == VISOR_EINVAL);
  CHECK(peers.initiator.read_message({}).error().status == VISOR_EINVAL);
  CHECK(peers.initiator.finish());
  CHECK(peers.initiator.finish().error().status == VISOR_EINVAL);
}

TEST_CASE("a handshake does not start without what it needs", "[noise]") {
  test::Seeded seeded(24);
  Identity own(seeded), peer(seeded);
  auto status = [](HandshakeOptions from) { return Handshake::start(std::move(from)).error().status; };
  for (Pattern pattern : {Pattern::kXX, Pattern::kXK, Pattern::kKK}) {
    for (Role role : {Role::kInitiator, Role::kResponder}) {
      auto good = [&] { return test::options(pattern, role, own, peer, seeded.source()); };
      REQUIRE(Handshake::start(good()));
      HandshakeOptions bad = good();
      bad.agree = nullptr;
      CHECK(status(std::move(bad)) == VISOR_EINVAL);
      bad = good();
      bad.random = nullptr;
      CHECK(status(std::move(bad)) == VISOR_EINVAL);
      bad = good();
      bad.local_static = visor_key{};
      CHECK(status(std::move(bad)) == VISOR_EINVAL);
      bad = good();
      bad.remote_static = visor_key{};
      CHECK(status(std::move(bad)) == VISOR_EINVAL);
      bad = good();
      if (bad.remote_static) {
        bad.remote_static.reset();
        CHECK(status(std::move(bad)) == VISOR_EINVAL);
      }
    }
  }
}

TEST_CASE("the stream behind a framed handshake begins where its last message ends", "[noise]") {
  boost::json::value vectors = test::load_vectors("cxo_noise.json");
  Bytes wire;
  for (const char* name : {"msg1", "msg3"}) {
    Bytes message = frame_message(test::hex(test::array(vectors, "xx")[0], name));
    wire.insert(wire.end(), message.begin(), message.end());
  }
  Bytes following = {1, 2, 3};
  wire.insert(wire.end(), following.begin(), following.end());
  codec::LengthPrefixedReader reader = message_reader();
  ByteView input(wire);
  CHECK(to_hex(**reader.read(input)) == test::text(test::array(vectors, "xx")[0], "msg1"));
  CHECK(to_hex(**reader.read(input)) == test::text(test::array(vectors, "xx")[0], "msg3"));
  CHECK(std::ranges::equal(input, following));
}

TEST_CASE("wire sizes are those of a live run of another program", "[noise]") {
  boost::json::value vectors = test::load_vectors("cxo_noise.json");
  const boost::json::value& live = test::at(vectors, "live_sizes");
  test::Seeded seeded(25);
  Peers peers(Pattern::kXX, Identity(seeded), Identity(seeded), seeded.source(), seeded.source());
  std::vector<size_t> initiator_sizes, responder_sizes;
  initiator_sizes.push_back(frame_message(peers.step()).size());
  responder_sizes.push_back(frame_message(peers.step()).size());
  initiator_sizes.push_back(frame_message(peers.step()).size());
  FrameWriter writer(std::move(peers.initiator.finish()->send));
  Bytes wire;
  REQUIRE(writer.write(Bytes(10000), wire));
  CHECK(wire.size() == framed_size(10000));
  for (size_t at = 0; at < wire.size();) {
    size_t size = 2 + (size_t(wire[at]) << 8 | wire[at + 1]);
    initiator_sizes.push_back(size);
    at += size;
  }
  auto expected = [&](const char* name) {
    std::vector<size_t> sizes;
    for (const boost::json::value& size : test::array(live, name)) {
      sizes.push_back(static_cast<size_t>(*size.if_int64()));
    }
    return sizes;
  };
  CHECK(initiator_sizes == expected("initiator_wire_write_sizes"));
  CHECK(responder_sizes == expected("responder_wire_write_sizes"));
}
