/* What is said over a chat stream (specification chat.md, sections 2 and 3).
 *
 *   frame     u32 big-endian length, 1 to 65536 | payload
 *   payload   plain UTF-8, a whole message; or an envelope, a JSON object:
 *             {"type":"chat-msg","id":"..","body":"..","ack":true,"reply_to":".."}
 *
 * A payload that is not a JSON object of a known type is text, so that what people write about JSON is shown.
 */
#ifndef VISOR_CHAT_ENVELOPE_HPP
#define VISOR_CHAT_ENVELOPE_HPP
#include <optional>
#include <visor/value.hpp>

namespace visor::chat {

inline constexpr size_t kMaxPayloadBytes = 65536;
inline constexpr size_t kFrameHeadBytes = 4;
/* Ours are 16 hex digits; a peer's may be any text of so many bytes. */
inline constexpr size_t kMaxIdBytes = 128;

struct Envelope {
  enum class Type : uint8_t {
    kMessage, /* chat-msg */
    kAck,     /* chat-ack: `id` has been accepted, and will not be lost */
    kRead,    /* chat-read: a person has seen it */
    kDelete,  /* chat-delete: its author takes it back */
  };
  Type type = Type::kMessage;
  std::string id;       /* the sender's choice; of the message that it is about */
  std::string body;     /* kMessage */
  bool ack = false;     /* an acknowledgement is expected */
  std::string reply_to; /* the message that is answered */
};

/* Empty members are left out, as others do. */
std::string encode(const Envelope& envelope);

/* Nothing when the payload is text.  An envelope's body is valid UTF-8. */
std::optional<Envelope> parse_envelope(std::string_view payload);

/* The payload behind its length.  VISOR_EINVAL when it is empty or has more than 65536 bytes. */
Result<void> append_frame(Bytes& to, std::string_view payload);

}  // namespace visor::chat
#endif  // VISOR_CHAT_ENVELOPE_HPP
