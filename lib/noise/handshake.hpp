/* Noise handshakes over secp256k1 (specifications cxo.md, section 9; dmsg.md, sections 2, 4 and 7), without
 * I/O.
 *
 *   Handshake  h = *Handshake::start({.pattern = kXX, .role = kInitiator, ...});
 *   while (!h.finished()) h.writes_next() ? send(h.write_message(payload)) : h.read_message(receive());
 *   TransportKeys keys = *h.finish();
 *
 * Static keys are not here: their agreements are asked from whoever holds them, `agree`.  On a stream each
 * message goes behind its length, u16 big-endian (frame_message(), message_reader()). */
#ifndef VISOR_NOISE_HANDSHAKE_HPP
#define VISOR_NOISE_HANDSHAKE_HPP
#include <functional>
#include <optional>

#include "lib/codec/length_prefixed.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "lib/noise/pattern.hpp"
#include "lib/noise/symmetric_state.hpp"

namespace visor::noise {

/* A whole message, its payload included. */
inline constexpr size_t kMaxMessageBytes = 4094;

enum class Role : uint8_t { kInitiator, kResponder };

/* SHA-256 of the compressed shared point of the local static key and `peer`, as visor.identity/1 gives it.
 * `peer` has been checked to be a point. */
using Agree = std::function<Result<crypto::SharedSecret>(const visor_key& peer)>;

struct HandshakeOptions {
  Pattern pattern = Pattern::kXX;
  Role role = Role::kInitiator;
  visor_key local_static{};
  /* The peer's static key: needed where the pattern has it known before; elsewhere, if given, a peer that
   * turns out to have another is refused. */
  std::optional<visor_key> remote_static;
  Agree agree;
  crypto::Random random; /* for the ephemeral key */
};

/* One key a direction; frames.hpp and sealed.hpp take them. */
struct TransportKeys {
  crypto::CipherKey send;
  crypto::CipherKey receive;
};

/* Any failure ends the handshake for good, save for a call out of turn and a payload that is too big. */
class Handshake {
 public:
  /* VISOR_EINVAL if the options lack a key or hold one that is not a point. */
  static Result<Handshake> start(HandshakeOptions options);

  bool finished() const { return message_ == table().messages.size(); }
  /* Whose turn it is; meaningless once finished. */
  bool writes_next() const { return (message_ % 2 == 0) == (options_.role == Role::kInitiator); }

  /* The next message.  Its payload is in the clear in the first message of XX and encrypted in all others;
   * either way it is only vouched for once the handshake is over, since the hash of all messages is what both
   * ends agree on. VISOR_EINVAL when it is the peer's turn or the message would pass kMaxMessageBytes. */
  Result<Bytes> write_message(ByteView payload = {});

  /* The payload of the peer's next message.  VISOR_EPROTO when it is damaged, holds a key that is not a point
   * or is of another peer than expected; VISOR_EINVAL when it is not the peer's turn. */
  Result<Bytes> read_message(ByteView message);

  /* The peer's static key: known before, or once the message that carries it has been read. */
  const std::optional<visor_key>& remote_static() const { return remote_static_; }

  /* The hash of everything so far; after the end both sides hold the same and nobody else's handshake does.
   */
  const crypto::Hash& hash() const { return symmetric_.hash(); }

  /* Once, after the last message; VISOR_EINVAL otherwise.
   *
   * Which key is whose differs from the Noise specification, for compatibility: the side that wrote the last
   * message sends with the second key.  So XX and XK come out swapped, KK as in Noise. */
  Result<TransportKeys> finish();

 private:
  explicit Handshake(HandshakeOptions options);

  const PatternTable& table() const { return table_of(options_.pattern); }
  bool initiator() const { return options_.role == Role::kInitiator; }
  Result<void> check_turn(bool writing);
  std::unexpected<Error> fail(Error error);
  size_t message_overhead() const;

  Result<void> write_token(Token token, Bytes& out);
  Result<void> read_token(Token token, ByteView& message);
  Result<void> read_ephemeral(ByteView& message);
  Result<void> read_static(ByteView& message);
  Result<void> agree_and_mix(Token token);

  HandshakeOptions options_;
  SymmetricState symmetric_;
  std::optional<crypto::KeyPair> ephemeral_;
  std::optional<visor_key> remote_ephemeral_;
  std::optional<visor_key> remote_static_;
  size_t message_ = 0;  // index of the next message
  bool failed_ = false;
  bool keys_taken_ = false;
};

/* The message behind its length, as it goes over a stream. */
Bytes frame_message(ByteView message);

/* Finds framed messages in a stream; what follows the last one stays in the input, for what comes next. */
codec::LengthPrefixedReader message_reader();

}  // namespace visor::noise
#endif  // VISOR_NOISE_HANDSHAKE_HPP
