#include "tests/unit/noise/peers.hpp"

using namespace visor;
using namespace visor::noise;
using test::Identity;
using test::Peers;

namespace {

constexpr Pattern kPatterns[] = {Pattern::kXX, Pattern::kXK, Pattern::kKK};

/* One handshake, repeatable up to each of its messages: the same seed gives the same bytes. */
struct Scene {
  explicit Scene(Pattern chosen) : pattern(chosen), seeded(31), initiator(seeded), responder(seeded) {}

  Peers before_message(size_t index) {
    Peers peers(pattern, initiator, responder, test::always(Bytes(32, 1)), test::always(Bytes(32, 2)));
    for (size_t i = 0; i < index; ++i) peers.step();
    return peers;
  }
  size_t message_count() const { return table_of(pattern).messages.size(); }

  Pattern pattern;
  test::Seeded seeded;
  Identity initiator, responder;
};

/* A peer that meets `message` as its next one must refuse it and be finished with.  In the first message of
 * XX there is nothing to check but the key; there, damage shows at the latest when the next message is read.
 */
void check_refused(Peers peers, ByteView message) {
  Handshake &from = peers.writer(), &to = peers.reader();
  REQUIRE(from.write_message());
  Result<Bytes> read = to.read_message(message);
  if (read) {
    Result<Bytes> answer = to.write_message();
    REQUIRE(answer);
    read = from.read_message(*answer);
    REQUIRE_FALSE(read);
    CHECK(from.write_message().error().status == VISOR_EINVAL);
  } else {
    CHECK(to.read_message(message).error().status == VISOR_EINVAL);
    CHECK(to.write_message().error().status == VISOR_EINVAL);
    CHECK(to.finish().error().status == VISOR_EINVAL);
  }
  CHECK(read.error().status == VISOR_EPROTO);
}

void check_damage(Scene& scene, size_t index, Bytes (*damage)(Bytes message, size_t step),
                  size_t steps_a_byte) {
  Bytes message = *scene.before_message(index).writer().write_message();
  for (size_t step = 0; step < message.size() * steps_a_byte; ++step) {
    CAPTURE(step);
    check_refused(scene.before_message(index), damage(message, step));
  }
}

}  // namespace

TEST_CASE("every truncation of every handshake message is refused", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    for (size_t index = 0; index < scene.message_count(); ++index) {
      CAPTURE(table_of(pattern).protocol_name, index);
      check_damage(
          scene, index,
          [](Bytes message, size_t step) {
            message.resize(step);
            return message;
          },
          1);
    }
  }
}

TEST_CASE("every flipped bit of every handshake message is noticed", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    for (size_t index = 0; index < scene.message_count(); ++index) {
      CAPTURE(table_of(pattern).protocol_name, index);
      check_damage(
          scene, index,
          [](Bytes message, size_t step) {
            message[step / 8] ^= static_cast<uint8_t>(1 << step % 8);
            return message;
          },
          8);
    }
  }
}

TEST_CASE("bytes after a handshake message are a payload, and noticed unless genuine", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    for (size_t index = 0; index < scene.message_count(); ++index) {
      Bytes message = *scene.before_message(index).writer().write_message();
      for (size_t more : {1, 16, 33, 1000}) {
        message.resize(message.size() + more);
        check_refused(scene.before_message(index), message);
      }
    }
  }
}

TEST_CASE("a handshake message over the limit is refused", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    Peers peers = scene.before_message(0);
    Bytes message = *peers.initiator.write_message();
    message.resize(kMaxMessageBytes + 1);
    CHECK(peers.responder.read_message(message).error().status == VISOR_EPROTO);
  }
}

TEST_CASE("messages of another handshake are refused", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    test::Seeded seeded(32);
    Peers other(pattern, scene.initiator, scene.responder, seeded.source(), seeded.source());
    other.step();
    for (size_t index = 1; index < scene.message_count(); ++index) {
      check_refused(scene.before_message(index), other.step());
    }
  }
}

TEST_CASE("ephemeral keys that are no points are refused", "[noise]") {
  for (Pattern pattern : kPatterns) {
    Scene scene(pattern);
    for (size_t index : {0, 1}) {
      Bytes message = *scene.before_message(index).writer().write_message();
      for (uint8_t fill : Bytes{0x00, 0xff}) {
        for (uint8_t first : Bytes{0, 2, 3, 4}) {
          std::fill_n(message.begin(), sizeof(visor_key), fill);
          message[0] = first;
          Peers peers = scene.before_message(index);
          CHECK(peers.reader().read_message(message).error().status == VISOR_EPROTO);
        }
      }
    }
  }
}

TEST_CASE("a static key that is no point is refused by who reads it", "[noise]") {
  test::Seeded seeded(33);
  Identity honest(seeded), liar(seeded);
  // A liar needs a handshake that starts: it claims its own key until it writes.
  HandshakeOptions lying = test::options(Pattern::kXX, Role::kInitiator, liar, honest, seeded.source());
  Handshake reader =
      Peers::start(test::options(Pattern::kXX, Role::kResponder, honest, liar, seeded.source()));
  crypto::KeyPair ephemeral = *crypto::random_key_pair(seeded.source());
  SymmetricState symmetric(table_of(Pattern::kXX).protocol_name);
  Bytes first;
  symmetric.mix_hash(bytes(ephemeral.key));
  first.insert(first.end(), ephemeral.key.bytes, ephemeral.key.bytes + sizeof ephemeral.key.bytes);
  symmetric.encrypt_and_hash({}, first);
  REQUIRE(reader.read_message(first));
  Bytes second = *reader.write_message();
  auto mix = [&](const visor_key& peer, const crypto::SecretKey& secret) {
    Bytes material(33);
    std::ranges::copy(crypto::ecdh(peer, secret)->bytes(), material.begin());
    symmetric.mix_key(material);
  };
  visor_key remote_ephemeral{};
  std::copy_n(second.begin(), 33, remote_ephemeral.bytes);
  symmetric.mix_hash(bytes(remote_ephemeral));
  mix(remote_ephemeral, ephemeral.secret);
  Bytes remote_static;
  REQUIRE(symmetric.decrypt_and_hash(ByteView(second).subspan(33, 49), remote_static));
  CHECK(to_hex(remote_static) == to_hex(honest.key()));
  mix(honest.key(), ephemeral.secret);
  Bytes payload;
  REQUIRE(symmetric.decrypt_and_hash(ByteView(second).subspan(82), payload));

  visor_key beyond_the_field;
  std::ranges::fill(beyond_the_field.bytes, uint8_t(0xff));
  beyond_the_field.bytes[0] = 2;
  Bytes third;
  symmetric.encrypt_and_hash(bytes(beyond_the_field), third);
  third.resize(third.size() + 16);
  Result<Bytes> read = reader.read_message(third);
  REQUIRE_FALSE(read);
  CHECK(read.error().status == VISOR_EPROTO);
  CHECK(read.error().text.find("not a point") != std::string::npos);
}

TEST_CASE("a peer other than the one expected is refused", "[noise]") {
  test::Seeded seeded(34);
  Identity own(seeded), met(seeded), expected(seeded);
  HandshakeOptions dialer = test::options(Pattern::kXX, Role::kInitiator, own, met, seeded.source());
  dialer.remote_static = expected.key();
  Handshake initiator = Peers::start(std::move(dialer));
  Handshake responder =
      Peers::start(test::options(Pattern::kXX, Role::kResponder, met, own, seeded.source()));
  REQUIRE(responder.read_message(*initiator.write_message()));
  Result<Bytes> read = initiator.read_message(*responder.write_message());
  REQUIRE_FALSE(read);
  CHECK(read.error().status == VISOR_EPROTO);
  CHECK(read.error().text.find(to_hex(expected.key())) != std::string::npos);
  CHECK_FALSE(initiator.remote_static());

  // XK: the responder's key is fixed before the first byte, so that a stranger cannot even read it.
  HandshakeOptions client = test::options(Pattern::kXK, Role::kInitiator, own, expected, seeded.source());
  Handshake server = Peers::start(test::options(Pattern::kXK, Role::kResponder, met, own, seeded.source()));
  CHECK(server.read_message(*Peers::start(std::move(client)).write_message()).error().status == VISOR_EPROTO);
}

TEST_CASE("a failure to agree or to draw random numbers ends the handshake with its error", "[noise]") {
  test::Seeded seeded(35);
  Identity own(seeded), peer(seeded);
  HandshakeOptions refusing = test::options(Pattern::kKK, Role::kInitiator, own, peer, seeded.source());
  refusing.agree = [](const visor_key&) -> Result<crypto::SharedSecret> {
    return failure(VISOR_EPERM, "no");
  };
  Handshake handshake = Peers::start(std::move(refusing));
  CHECK(handshake.write_message().error().status == VISOR_EPERM);
  CHECK(handshake.write_message().error().status == VISOR_EINVAL);

  handshake =
      Peers::start(test::options(Pattern::kXX, Role::kInitiator, own, peer, test::always(Bytes(32, 0))));
  CHECK(handshake.write_message().error().status == VISOR_EIO);
}

TEST_CASE("any bytes as handshake messages do no harm", "[noise]") {
  test::Seeded seeded(36);
  Identity own(seeded), peer(seeded);
  crypto::KeyPair valid = *crypto::random_key_pair(seeded.source());
  for (int round = 0; round < 500; ++round) {
    Pattern pattern = kPatterns[seeded.below(3)];
    Handshake handshake = Peers::start(test::options(pattern, Role::kResponder, own, peer, seeded.source()));
    Bytes message = seeded.bytes(seeded.below(300));
    if (round % 2 == 0 && message.size() >= 33) std::copy_n(valid.key.bytes, 33, message.begin());
    Result<Bytes> read = handshake.read_message(message);
    // Only XX has a first message without a secret in it.
    if (read) CHECK(pattern == Pattern::kXX);
  }
}
