/* A session: one carrier stream -> Noise handshake -> yamux, the same for every carrier. */
#ifndef VISOR_SESSION_SESSION_HPP
#define VISOR_SESSION_SESSION_HPP
#include <functional>
#include <memory>
#include <optional>

#include "lib/noise/pattern.hpp"
#include "lib/yamux/options.hpp"

namespace visor::session {

struct Options {
  bool initiator = false; /* who dialled the carrier */
  /* XX, or XK where the initiator knows expected_peer before (dmsg's relays). */
  noise::Pattern pattern = noise::Pattern::kXX;
  /* The only key that the peer may have; an initiator checks it before it says who it is. */
  std::optional<visor_key> expected_peer{};
  Bytes payload{};      /* our announcement to the peer, capabilities.hpp; at most 1024 bytes */
  bool seal_mux = true; /* false: after the handshake, yamux is plain on the carrier (dmsg's relays) */
  uint64_t handshake_timeout_ms = 5000;
  /* An initiator sends nothing for so long after its last handshake message, unless the responder announces
   * kKeepsTrailingBytes; what is written meanwhile waits.  100 for relays (specification dmsg.md, 4). */
  uint64_t quiet_ms = 0;
  yamux::Limits limits{};
  yamux::Timeouts timeouts{};
  Bytes early{};         /* the first bytes of the carrier, which somebody has read to know what it is */
  size_t head_bytes = 0; /* of an accepted stream, delivered by themselves: yamux/options.hpp */
};

struct Events {
  /* Once, before everything else; the payload (capabilities.hpp) is lent for the call, and empty when the
   * peer announces nothing. */
  std::function<void(const visor_key& peer, ByteView payload)> ready{};
  /* A stream that the peer opened, in the order in which it opened them; whoever takes it attaches or closes
   * it. Without this function, they are closed. */
  std::function<void(visor_stream*)> accept{};
  /* Always last, once: the carrier is closed and the streams end with the same error.  VISOR_OK after
   * shutdown(), VISOR_EPROTO the peer broke the protocol or is not who it should be, VISOR_ETIMEDOUT it was
   * silent, VISOR_ECLOSED it left; the text says what was expected and what came. */
  std::function<void(const Error&)> closed{};
};

/* What seal() takes, so that its length fits the prefix. */
inline constexpr size_t kMaxObjectBytes = 65535 - 24;

struct Counters {
  uint64_t received_bytes = 0, sent_bytes = 0; /* on the carrier, all included */
  size_t waiting_bytes = 0; /* refused by the carrier, waiting for its `ready`: one batch at most */
  yamux::Counters mux{};    /* streams, frames and payload */
};

/* Owns the carrier.  Destroying the session closes the carrier and ends its streams with VISOR_ECANCELED;
 * nothing is called back afterwards, and every callback may destroy the session. */
class Session {
 public:
  /* The identity must outlive the session.  Nothing is called back before the constructor has returned. */
  Session(Host host, visor_identity* identity, visor_stream* carrier, Options options, Events events);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /* A new stream, to be attached or closed by the caller, who may write at once.  `port` is what its
   * peer()->port says, nothing more.  VISOR_EAGAIN: before `ready`, or too many wait for the peer's
   * acknowledgement; VISOR_ENOSPC: the limit on streams; VISOR_ECLOSED: closed, or the peer takes no more. */
  Result<visor_stream*> open(uint16_t port = 0);

  /* Objects that go sealed over plain streams, one counter a direction (specification dmsg.md, 5); only where
   * seal_mux is false, and from `ready` on.
   *
   *   length, u16 big-endian | nonce, u64 big-endian | ciphertext | tag, 16 bytes      length = 24 + object
   *
   * seal() gives all of it, to be sent soon: who opens knows the latest 1024 numbers only.  VISOR_EINVAL: the
   * object is empty or larger than kMaxObjectBytes; VISOR_EAGAIN: before `ready`; VISOR_ECLOSED: over. */
  Result<Bytes> seal(ByteView object);
  /* The object in what follows the length.  VISOR_EPROTO: damaged, forged, repeated or too old, which costs
   * nothing but this object; the others as for seal(). */
  Result<Bytes> open_sealed(ByteView sealed);

  /* The peer's key; null before `ready`. */
  const visor_key* peer() const;

  /* Opens and accepts no more streams, sends what is queued, ends the carrier; `closed` follows when the peer
   * has closed as well, at the latest after the handshake's timeout. */
  void shutdown();

  Counters counters() const;
  /* Payload that waits in memory, both ways: what counters() says of it, at the cost of an addition. */
  size_t held_bytes() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_; /* callbacks under way keep it while they destroy the session */
};

}  // namespace visor::session
#endif  // VISOR_SESSION_SESSION_HPP
