/* A message to or from a peer, and how it is stored:
 *
 *   01 | flags (u8): out 1, deleted 2 | state (u8) | Unix ns (i64) | id | text | reply_to | network
 *
 * little-endian, texts behind a u32. */
#ifndef VISOR_CHAT_STORED_MESSAGE_HPP
#define VISOR_CHAT_STORED_MESSAGE_HPP
#include <visor/value.hpp>

namespace visor::chat {

enum class Direction : uint8_t { kIn = 0, kOut = 1 };

/* Of a message of ours; one that came has none but kReceived and kRead (by our people). */
enum class State : uint8_t {
  kPending,  /* kept, to be sent as soon as the peer is reached */
  kSent,     /* written to a line; not stored, since after a restart it is pending again */
  kReceived, /* acknowledged */
  kRead,     /* seen by a person */
  kFailed,   /* given up: the peer was not reached in time */
};
std::string_view name_of(State state);

struct Message {
  uint64_t number = 0;
  Direction direction = Direction::kIn;
  std::string id;
  std::string text;
  std::string reply_to;
  std::string network; /* the line's; what the sender asked for until there is one */
  int64_t time_ns = 0; /* Unix, by our clock */
  State state = State::kReceived;
  bool deleted = false; /* taken back by its author; the text is gone */
};

Bytes encode_stored(const Message& message);
/* VISOR_ECORRUPT */
Result<Message> decode_stored(ByteView stored, uint64_t number);

}  // namespace visor::chat
#endif  // VISOR_CHAT_STORED_MESSAGE_HPP
