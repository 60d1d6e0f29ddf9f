/* How the rows of a history (history.hpp) are named, and those that are written together. */
#ifndef VISOR_CHAT_HISTORY_BATCH_HPP
#define VISOR_CHAT_HISTORY_BATCH_HPP
#include <array>

#include "history.hpp"
#include "lib/codec/endian.hpp"

namespace visor::chat {

inline constexpr uint8_t kMessage = 'm', kId = 'i', kOwed = 'o', kPeer = 'p';
inline constexpr size_t kConversationSize = 40;

inline Bytes peer_key(uint8_t range, const visor_key& peer) {
  Bytes key;
  key.reserve(64);
  key.push_back(range);
  codec::append(key, bytes(peer));
  return key;
}

inline Bytes number_key(uint8_t range, const visor_key& peer, uint64_t number) {
  Bytes key = peer_key(range, peer);
  codec::append_be<uint64_t>(key, number);
  return key;
}

inline Bytes id_key(const visor_key& peer, Direction direction, std::string_view id) {
  Bytes key = peer_key(kId, peer);
  key.push_back(static_cast<uint8_t>(direction));
  codec::append(key, bytes(id));
  return key;
}

inline uint64_t number_in(ByteView key) {
  return codec::load_be<uint64_t>(key.data() + key.size() - 8);
}

/* What is written together. */
struct History::Batch {
  /* Where a row's key and value are in `held`, which moves as it grows. */
  struct Row {
    bool is_put;
    size_t key, value, end;
  };
  std::vector<Row> rows;
  Bytes held;

  Batch() {
    rows.reserve(4);
    held.reserve(512);
  }
  bool empty() const { return rows.empty(); }
  void put(ByteView key, ByteView value) { add(true, key, value); }
  void erase(ByteView key) { add(false, key, {}); }
  void put(const visor_key& peer, const Message& message) {
    put(number_key(kMessage, peer, message.number), encode_stored(message));
  }
  void erase(const visor_key& peer, const Message& message) {
    erase(number_key(kMessage, peer, message.number));
    erase(id_key(peer, message.direction, message.id));
  }
  void put(const Conversation& conversation) {
    std::array<uint8_t, kConversationSize> value{};
    codec::store_be(value.data(), conversation.last);
    codec::store_be(value.data() + 8, conversation.read);
    codec::store_be(value.data() + 16, conversation.messages);
    codec::store_be(value.data() + 24, conversation.unread);
    codec::store_be(value.data() + 32, conversation.bytes);
    put(peer_key(kPeer, conversation.peer), value);
  }
  void put_id(const visor_key& peer, const Message& message) {
    std::array<uint8_t, 8> number{};
    codec::store_be(number.data(), message.number);
    put(id_key(peer, message.direction, message.id), number);
  }
  void owe(const visor_key& peer, uint64_t number, Errand errand) {
    const auto byte = static_cast<uint8_t>(errand);
    put(number_key(kOwed, peer, number), ByteView(&byte, 1));
  }
  std::vector<visor_op> ops() const {
    std::vector<visor_op> all;
    all.reserve(rows.size());
    const ByteView from = held;
    for (const Row& row : rows) {
      const ByteView key = from.subspan(row.key, row.value - row.key);
      all.push_back(row.is_put ? visor::put(key, from.subspan(row.value, row.end - row.value))
                               : visor::erase(key));
    }
    return all;
  }

 private:
  void add(bool is_put, ByteView key, ByteView value) {
    const size_t at = held.size();
    codec::append(held, key);
    codec::append(held, value);
    rows.push_back({is_put, at, at + key.size(), held.size()});
  }
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_HISTORY_BATCH_HPP
