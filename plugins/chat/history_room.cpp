// How much is kept: of each peer, of how many, and of all together.
#include <algorithm>

#include "history_batch.hpp"

namespace visor::chat {
namespace {

constexpr uint64_t kRowBytes = 64; /* a row and its index beside its texts, about */

/* Does not depend on the message's state, so that what is added is what is taken off again. */
uint64_t bytes_of(const Message& message) {
  return kRowBytes + message.id.size() + message.text.size() + message.reply_to.size();
}

bool on_the_way(const Message& message) {
  return message.direction == Direction::kOut && message.state <= State::kSent;
}

}  // namespace

Result<void> History::read_all_conversations() {
  bool sound = true;
  visor_status status = scan(kv_.get(), ByteView(&kPeer, 1), [&](ByteView key, ByteView value) {
    sound = key.size() == 34 && value.size() == kConversationSize;
    if (!sound) return false;
    Conversation read;
    std::ranges::copy(key.subspan(1), read.peer.bytes);
    read.last = codec::load_be<uint64_t>(value.data());
    read.read = codec::load_be<uint64_t>(value.data() + 8);
    read.messages = codec::load_be<uint64_t>(value.data() + 16);
    read.unread = codec::load_be<uint64_t>(value.data() + 24);
    read.bytes = codec::load_be<uint64_t>(value.data() + 32);
    bytes_ += read.bytes;
    conversations_[read.peer] = read;
    return true;
  });
  if (status == VISOR_OK) {
    status = scan(kv_.get(), ByteView(&kOwed, 1), [&](ByteView key, ByteView) {
      sound = sound && key.size() == 42;
      if (!sound) return false;
      visor_key peer{};
      std::ranges::copy(key.subspan(1, 33), peer.bytes);
      ++owing_[peer];
      return true;
    });
  }
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  if (!sound)
    return failure(VISOR_ECORRUPT, "the chat's map holds what is not a history; give it another name");
  return {};
}

Result<Conversation*> History::conversation(const visor_key& peer) {
  auto at = conversations_.find(peer);
  if (at != conversations_.end()) return &at->second;
  if (conversations_.size() >= limits_.peers) {
    return failure(VISOR_ENOSPC, "there are " + std::to_string(limits_.peers) +
                                     " conversations already; forget one of them first");
  }
  Conversation& made = conversations_[peer];
  made.peer = peer;
  return &made;
}

/* The oldest messages go until there is room, but none that is on the way. */
Result<void> History::shorten(Conversation& conversation, Batch& batch, const std::function<bool()>& fits) {
  if (fits()) return {};
  Result<void> read;
  const Bytes prefix = peer_key(kMessage, conversation.peer);
  const visor_status status = scan(kv_.get(), prefix, [&](ByteView key, ByteView value) {
    Result<Message> oldest = decode_stored(value, number_in(key));
    if (!oldest) read = std::unexpected(oldest.error());
    if (!oldest || on_the_way(*oldest)) return false;
    batch.erase(conversation.peer, *oldest);
    conversation.messages -= std::min<uint64_t>(conversation.messages, 1);
    conversation.bytes -= std::min(conversation.bytes, bytes_of(*oldest));
    return !fits();
  });
  if (status != VISOR_OK) return std::unexpected(error(status, "read"));
  return read;
}

const Conversation* History::longest_conversation() const {
  const auto by_bytes = [](const auto& entry) { return entry.second.bytes; };
  return &std::ranges::max_element(conversations_, {}, by_bytes)->second;
}

/* One peer has a share of the room.  Where all of it is taken, the longest conversation becomes shorter: who
 * wants to drown others drowns in what is theirs. */
Result<std::optional<Conversation>> History::add(Conversation& next, const Message& message, Batch& batch) {
  const uint64_t size = bytes_of(message), before = next.bytes;
  const Conversation* longest = bytes_ + size > limits_.bytes ? longest_conversation() : nullptr;
  const bool is_longest = longest && longest->peer == next.peer;
  std::optional<Conversation> other;
  const auto all_fit = [&] {
    const uint64_t freed = before - next.bytes + (other ? longest->bytes - other->bytes : 0);
    return bytes_ - freed + size <= limits_.bytes;
  };
  Result<void> made = shorten(next, batch, [&] {
    return next.messages < limits_.per_peer && next.bytes + size <= limits_.bytes / kShares &&
           (!is_longest || all_fit());
  });
  if (made && longest && !is_longest && !all_fit()) {
    other = *longest;
    made = shorten(*other, batch, all_fit);
    batch.put(*other);
  }
  if (!made) return std::unexpected(made.error());
  if (!all_fit()) {
    return failure(VISOR_ENOSPC, "the chat keeps " + std::to_string(limits_.bytes) +
                                     " bytes, and all that is left is on its way; forget a conversation");
  }
  ++next.messages;
  next.bytes += size;
  batch.put(next.peer, message);
  batch.put(next);
  return other;
}

/* The state of a message, or that its text is gone. */
std::optional<Conversation> History::put_changed(const visor_key& peer, const Message& message,
                                                 Batch& batch) {
  batch.put(peer, message);
  auto at = conversations_.find(peer);
  if (!message.deleted || at == conversations_.end()) return std::nullopt;
  Result<Message> before = load(peer, message.number);
  if (!before || bytes_of(*before) <= bytes_of(message)) return std::nullopt;
  Conversation next = at->second;
  next.bytes -= std::min(next.bytes, bytes_of(*before) - bytes_of(message));
  batch.put(next);
  return next;
}

void History::take_over(const Conversation& next) {
  Conversation& now = conversations_[next.peer];
  bytes_ = bytes_ - now.bytes + next.bytes;
  now = next;
}

}  // namespace visor::chat
