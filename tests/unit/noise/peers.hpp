/* Two ends of a handshake, with keys that a test chooses. */
#ifndef VISOR_TESTS_UNIT_NOISE_PEERS_HPP
#define VISOR_TESTS_UNIT_NOISE_PEERS_HPP
#include <memory>

#include "lib/noise/handshake.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::test {

/* A static key, kept as the kernel keeps it: others may only ask it to agree. */
class Identity {
 public:
  explicit Identity(std::span<const uint8_t> secret) : pair_(std::make_shared<crypto::KeyPair>()) {
    std::ranges::copy(secret, pair_->secret.data());
    Result<visor_key> key = crypto::public_key_of(pair_->secret);
    REQUIRE(key);
    pair_->key = *key;
  }
  explicit Identity(Seeded& seeded) : Identity(seeded.bytes(32)) {}

  const visor_key& key() const { return pair_->key; }
  noise::Agree agree() const {
    return [pair = pair_](const visor_key& peer) { return crypto::ecdh(peer, pair->secret); };
  }

 private:
  std::shared_ptr<crypto::KeyPair> pair_;
};

inline crypto::Random always(Bytes secret) {
  return [secret = std::move(secret)](std::span<uint8_t> out) { std::ranges::copy(secret, out.begin()); };
}

inline noise::HandshakeOptions options(noise::Pattern pattern, noise::Role role, const Identity& own,
                                       const Identity& peer, crypto::Random random) {
  const noise::PatternTable& table = noise::table_of(pattern);
  bool known = role == noise::Role::kInitiator ? table.responder_static_known : table.initiator_static_known;
  noise::HandshakeOptions made{.pattern = pattern,
                               .role = role,
                               .local_static = own.key(),
                               .remote_static = {},
                               .agree = own.agree(),
                               .random = std::move(random)};
  if (known) made.remote_static = peer.key();
  return made;
}

/* An initiator and a responder who may not have met. */
struct Peers {
  Peers(noise::Pattern pattern, const Identity& initiator_identity, const Identity& responder_identity,
        crypto::Random initiator_random, crypto::Random responder_random)
      : initiator(start(options(pattern, noise::Role::kInitiator, initiator_identity, responder_identity,
                                std::move(initiator_random)))),
        responder(start(options(pattern, noise::Role::kResponder, responder_identity, initiator_identity,
                                std::move(responder_random)))) {}

  static noise::Handshake start(noise::HandshakeOptions from) {
    Result<noise::Handshake> handshake = noise::Handshake::start(std::move(from));
    REQUIRE(handshake);
    return std::move(*handshake);
  }

  noise::Handshake& writer() { return initiator.writes_next() ? initiator : responder; }
  noise::Handshake& reader() { return initiator.writes_next() ? responder : initiator; }

  /* Passes one message on, and gives it. */
  Bytes step(ByteView payload = {}) {
    noise::Handshake &from = writer(), &to = reader();
    Result<Bytes> message = from.write_message(payload);
    REQUIRE(message);
    Result<Bytes> read = to.read_message(*message);
    REQUIRE(read);
    CHECK(std::ranges::equal(*read, payload));
    CHECK(initiator.hash() == responder.hash());
    return *message;
  }

  void run() {
    while (!initiator.finished()) step();
  }

  noise::Handshake initiator, responder;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_NOISE_PEERS_HPP
