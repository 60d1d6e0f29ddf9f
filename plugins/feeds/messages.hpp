/* The messages of node protocol 3 and their frames (specification cxo.md, 8.2).
 *
 *   frame   u32 BE length of the rest | seq u32 | rseq u32 | type u8 | body
 *
 * seq counts what a side has sent, from 1; rseq is the seq of the request that is answered, or 0. */
#ifndef VISOR_FEEDS_MESSAGES_HPP
#define VISOR_FEEDS_MESSAGES_HPP
#include <variant>

#include "root.hpp"

namespace visor::feeds {

struct Ping {};
struct Pong {};
struct Syn {
  uint16_t protocol = 0;
  visor_key node{};
};
struct Ack {
  visor_key node{};
};
struct Ok {};
struct Err {
  std::string_view text;
};
struct Sub {
  visor_key feed{};
};
struct Unsub {
  visor_key feed{};
};
struct RqList {};
struct FeedList {
  std::vector<visor_key> feeds;
};
struct RootPush {
  visor_key feed{};
  uint64_t nonce = 0;
  uint64_t seq = 0;
  ByteView value;  // the encoded Root
  Signature signature;
};
struct RqObject {
  Hash key;
};
struct ObjectReply {
  ByteView value;
};
struct RqPreview {
  visor_key feed{};
};
struct RqPeers {
  visor_key feed{};
};
struct Peer {
  visor_key key{};
  ByteView metadata;
  std::string_view tcp_address, udp_address;
};
struct Peers {
  visor_key feed{};
  std::vector<Peer> peers;
};

/* In the order of their numbers on the wire, from 1. */
using Message = std::variant<Ping, Pong, Syn, Ack, Ok, Err, Sub, Unsub, RqList, FeedList, RootPush, RqObject,
                             ObjectReply, RqPreview, RqPeers, Peers>;

/* Type and body. */
void append(Bytes& to, const Message& message);
Bytes encode(const Message& message);
/* Views into `encoded`.  VISOR_EPROTO for an empty or unknown message, a short body, a tail. */
Result<Message> decode_message(ByteView encoded);
/* "Root", "RqObject" ... for logs. */
std::string_view name_of(const Message& message);

/* A peer's words, cut and made harmless, for our log and status. */
std::string printable(std::string_view text);

inline constexpr size_t kFrameHeadBytes = 12;  // length, seq, rseq
inline constexpr size_t kMinFrameBytes = 9;    // after the length
std::array<uint8_t, kFrameHeadBytes> frame_head(uint32_t seq, uint32_t rseq, size_t message_bytes);

struct Frame {
  uint32_t seq = 0;
  uint32_t rseq = 0;
  ByteView message;
};
/* What follows the length, at least kMinFrameBytes. */
Frame decode_frame(ByteView body);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_MESSAGES_HPP
