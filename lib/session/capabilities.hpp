/* What we announce of ourselves in our handshake payloads (message 2 of a responder, message 3 of an
 * initiator: where they are encrypted). Peers that know nothing of it ignore it, as the specification of
 * every Noise peer demands; a peer that announces nothing gets only what the specifications say.
 *
 *   4  "VSR1"
 *   4  flags, u32 big-endian; bits that a reader does not know mean nothing to it
 *   .. anything: room for later fields, ignored by readers of today
 *
 * Flags are assigned here, where each extension is written. */
#ifndef VISOR_SESSION_CAPABILITIES_HPP
#define VISOR_SESSION_CAPABILITIES_HPP
#include <optional>
#include <visor/value.hpp>

namespace visor::session {

/* It answers pings of type 8 on its transports (specification telemetry.md, 1.6), so that its silence means
 * that it has gone. */
inline constexpr uint32_t kAnswersPings = 1u << 0;

/* A responder whose bytes after the initiator's last handshake message may follow it at once.  Old relays
 * drop a session where they come in the same read (specification dmsg.md, 4), so an initiator that meets none
 * of this waits for Options::quiet_ms. */
inline constexpr uint32_t kKeepsTrailingBytes = 1u << 1;

struct Capabilities {
  uint32_t flags = 0;
  bool has(uint32_t flag) const { return (flags & flag) == flag; }
};

/* The payload that announces them. */
Bytes encode(Capabilities capabilities);

/* What a peer's payload announces; nothing when it is not of this format (an old peer, another program). */
std::optional<Capabilities> decode_capabilities(ByteView payload);

}  // namespace visor::session
#endif  // VISOR_SESSION_CAPABILITIES_HPP
