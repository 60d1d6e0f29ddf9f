#include "messages.hpp"

#include "lib/codec/endian.hpp"
#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::feeds {
namespace {

using codec::Reader;
using codec::Writer;

/* Bodies without fields. */
template <class Empty>
void write(Writer&, const Empty&) {}
template <class Empty>
void read(Reader&, Empty&) {}

void write(Writer& out, const Syn& m) {
  out.u16(m.protocol);
  out.key(m.node);
}
void read(Reader& in, Syn& m) {
  m.protocol = in.u16();
  m.node = in.key();
}

void write(Writer& out, const Ack& m) {
  out.key(m.node);
}
void read(Reader& in, Ack& m) {
  m.node = in.key();
}

void write(Writer& out, const Err& m) {
  out.text(m.text);
}
void read(Reader& in, Err& m) {
  m.text = in.text();
}

void write(Writer& out, const Sub& m) {
  out.key(m.feed);
}
void read(Reader& in, Sub& m) {
  m.feed = in.key();
}

void write(Writer& out, const Unsub& m) {
  out.key(m.feed);
}
void read(Reader& in, Unsub& m) {
  m.feed = in.key();
}

void write(Writer& out, const FeedList& m) {
  out.count(m.feeds.size());
  for (const visor_key& feed : m.feeds) out.key(feed);
}
void read(Reader& in, FeedList& m) {
  for (size_t left = in.count(); left > 0 && in.ok(); --left) m.feeds.push_back(in.key());
}

void write(Writer& out, const RootPush& m) {
  out.key(m.feed);
  out.u64(m.nonce);
  out.u64(m.seq);
  out.bytes(m.value);
  out.raw(m.signature);
}
void read(Reader& in, RootPush& m) {
  m.feed = in.key();
  m.nonce = in.u64();
  m.seq = in.u64();
  m.value = in.bytes();
  in.raw(m.signature.bytes);
}

void write(Writer& out, const RqObject& m) {
  out.raw(m.key);
}
void read(Reader& in, RqObject& m) {
  in.raw(m.key.bytes);
}

void write(Writer& out, const ObjectReply& m) {
  out.bytes(m.value);
}
void read(Reader& in, ObjectReply& m) {
  m.value = in.bytes();
}

void write(Writer& out, const RqPreview& m) {
  out.key(m.feed);
}
void read(Reader& in, RqPreview& m) {
  m.feed = in.key();
}

void write(Writer& out, const RqPeers& m) {
  out.key(m.feed);
}
void read(Reader& in, RqPeers& m) {
  m.feed = in.key();
}

void write(Writer& out, const Peers& m) {
  out.key(m.feed);
  out.count(m.peers.size());
  for (const Peer& peer : m.peers) {
    out.key(peer.key);
    out.bytes(peer.metadata);
    out.text(peer.tcp_address);
    out.text(peer.udp_address);
  }
}
void read(Reader& in, Peers& m) {
  m.feed = in.key();
  for (size_t left = in.count(); left > 0 && in.ok(); --left) {
    Peer peer;
    peer.key = in.key();
    peer.metadata = in.bytes();
    peer.tcp_address = in.text();
    peer.udp_address = in.text();
    m.peers.push_back(peer);
  }
}

/* The message of the type that stands at Index in the variant. */
template <size_t Index = 0>
Result<Message> decode(size_t index, ByteView body) {
  if constexpr (Index == std::variant_size_v<Message>) {
    return failure(VISOR_EPROTO, "a message of type " + std::to_string(index + 1) + "; expected 1 to 16");
  } else {
    if (index != Index) return decode<Index + 1>(index, body);
    std::variant_alternative_t<Index, Message> message;
    Reader in(body);
    read(in, message);
    if (Result<void> whole = in.finish(); !whole) return std::unexpected(whole.error());
    return Message(std::in_place_index<Index>, std::move(message));
  }
}

}  // namespace

void append(Bytes& to, const Message& message) {
  Writer out(to);
  out.u8(static_cast<uint8_t>(message.index() + 1));
  std::visit([&](const auto& m) { write(out, m); }, message);
}

Bytes encode(const Message& message) {
  Bytes out;
  append(out, message);
  return out;
}

Result<Message> decode_message(ByteView encoded) {
  if (encoded.empty()) return failure(VISOR_EPROTO, "an empty message");
  if (encoded[0] == 0) return failure(VISOR_EPROTO, "a message of type 0; expected 1 to 16");
  return decode(encoded[0] - 1u, encoded.subspan(1));
}

std::string_view name_of(const Message& message) {
  static constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames = {
      "Ping",   "Pong", "Syn",  "Ack",      "Ok",     "Err",       "Sub",     "Unsub",
      "RqList", "List", "Root", "RqObject", "Object", "RqPreview", "RqPeers", "Peers"};
  return kNames[message.index()];
}

std::string printable(std::string_view text) {
  constexpr size_t kShown = 200;
  std::string out;
  for (char c : text.substr(0, kShown)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::array<uint8_t, kFrameHeadBytes> frame_head(uint32_t seq, uint32_t rseq, size_t message_bytes) {
  std::array<uint8_t, kFrameHeadBytes> head;
  codec::store_be<uint32_t>(head.data(), static_cast<uint32_t>(message_bytes + 8));
  codec::store_le<uint32_t>(head.data() + 4, seq);
  codec::store_le<uint32_t>(head.data() + 8, rseq);
  return head;
}

Frame decode_frame(ByteView body) {
  return {codec::load_le<uint32_t>(body.data()), codec::load_le<uint32_t>(body.data() + 4), body.subspan(8)};
}

}  // namespace visor::feeds
