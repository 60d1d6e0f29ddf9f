#include "stored_message.hpp"

#include <array>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::chat {
namespace {

constexpr uint8_t kVersion = 1, kOut = 1, kDeleted = 2;
constexpr std::array<std::string_view, 5> kStates = {"pending", "sent", "received", "read", "failed"};

}  // namespace

std::string_view name_of(State state) {
  return kStates[static_cast<size_t>(state)];
}

Bytes encode_stored(const Message& message) {
  Bytes out;
  out.reserve(32 + message.id.size() + message.text.size() + message.reply_to.size() +
              message.network.size());
  codec::Writer writer(out);
  writer.u8(kVersion);
  writer.u8(static_cast<uint8_t>((message.direction == Direction::kOut ? kOut : 0) |
                                 (message.deleted ? kDeleted : 0)));
  writer.u8(static_cast<uint8_t>(message.state));
  writer.i64(message.time_ns);
  for (const std::string* text : {&message.id, &message.text, &message.reply_to, &message.network}) {
    writer.text(*text);
  }
  return out;
}

Result<Message> decode_stored(ByteView stored, uint64_t number) {
  Result<Message> message = Message{};
  codec::Reader reader(stored);
  if (reader.u8() != kVersion) reader.fail("it is of another version");
  const uint8_t flags = reader.u8();
  message->direction = (flags & kOut) != 0 ? Direction::kOut : Direction::kIn;
  message->deleted = (flags & kDeleted) != 0;
  message->state = static_cast<State>(reader.u8());
  message->time_ns = reader.i64();
  for (std::string* text : {&message->id, &message->text, &message->reply_to, &message->network}) {
    *text = reader.text();
  }
  if (auto read = reader.finish(); !read) {
    return failure(VISOR_ECORRUPT, "a stored message is damaged: " + read.error().text);
  }
  if (static_cast<size_t>(message->state) >= kStates.size()) {
    return failure(VISOR_ECORRUPT, "a stored message is in no known state");
  }
  message->number = number;
  return message;
}

}  // namespace visor::chat
