/* Messages to and from each peer on one map of a drive, and which of ours still have to reach somebody.  Each
 * change is one batch, so that a crash leaves a message whole or absent, and never one that is kept and not
 * sent on.
 *
 *   'm' peer (33) number (u64 BE)           a message (stored_message.hpp)
 *   'i' peer (33) direction (u8) id         number: where it is; none of ours whose id is its number
 *   'o' peer (33) number (u64 BE)           on the way: what is to be sent, u8 (Errand)
 *   'p' peer (33)                           last number | last number that a person has read | messages |
 *                                           unread | bytes: u64 BE
 *
 * Numbers grow with the time of arrival, so that their order is that of the conversation. */
#ifndef VISOR_CHAT_HISTORY_HPP
#define VISOR_CHAT_HISTORY_HPP
#include <map>
#include <optional>
#include <visor/plugin.hpp>

#include "stored_message.hpp"

namespace visor::chat {

/* What the outbox owes a peer about a message. */
enum class Errand : uint8_t { kMessage = 1, kDelete = 2 };

struct Owed {
  uint64_t number = 0;
  Errand errand = Errand::kMessage;
};

struct Conversation {
  visor_key peer{};
  uint64_t last = 0, read = 0; /* numbers */
  uint64_t messages = 0, unread = 0;
  uint64_t bytes = 0; /* of the messages, about */
};

struct HistoryLimits {
  size_t per_peer = 5000;      /* messages kept of one peer; the oldest go, but none that is on the way */
  size_t owed_per_peer = 1000; /* on the way to one peer */
  size_t peers = 10000;
  uint64_t bytes = 256u << 20; /* of all messages; one peer has a kShares-th of it */
};
inline constexpr uint64_t kShares = 16;

class History {
 public:
  /* VISOR_ECORRUPT when the map is not ours. */
  static Result<std::unique_ptr<History>> open(Host host, Owned<visor_kv> kv, const HistoryLimits& limits);

  /* A message of ours, kPending and owed.  Its number is given to it, and an id if it has none. VISOR_ENOSPC:
   * too many wait for this peer. */
  Result<void> add_out(const visor_key& peer, Message& message);
  /* One that came; false: it was here before, and nothing has changed. */
  Result<bool> add_in(const visor_key& peer, Message& message);

  Result<std::optional<Message>> find(const visor_key& peer, Direction direction, std::string_view id);
  Result<Message> load(const visor_key& peer, uint64_t number);
  /* Of all peers, the newest last, at most `limit`. */
  Result<std::vector<std::pair<visor_key, Message>>> latest(size_t limit);
  /* Newest first below `before` (0: from the end), at most `limit`. */
  Result<std::vector<Message>> list(const visor_key& peer, uint64_t before, size_t limit);

  /* What changed of a message; `settled`: nothing is owed of it any more. */
  Result<void> save(const visor_key& peer, const Message& message, bool settled);
  /* One that is owed was written to a line of this network: kSent, until it is saved. */
  void note_sent(const visor_key& peer, const Message& message);
  /* Owed anew: a message that its author takes back. */
  Result<void> owe(const visor_key& peer, const Message& message, Errand errand);
  /* In the order of their numbers. */
  Result<std::vector<Owed>> owed(const visor_key& peer) const;

  /* All that came until now has been seen; gives those that had not been. */
  Result<std::vector<Message>> read_all(const visor_key& peer);
  /* Everything of a peer. */
  Result<void> forget(const visor_key& peer);

  /* Of all messages that are kept, about. */
  uint64_t kept_bytes() const { return bytes_; }
  const std::map<visor_key, Conversation>& conversations() const { return conversations_; }
  const std::map<visor_key, size_t>& owing() const { return owing_; }
  visor_kv* kv() { return kv_.get(); }
  /* Everything before is durable, as far as the drive is. */
  void sync(std::function<void(visor_status)> done);

 private:
  struct Batch;
  History(Host host, Owned<visor_kv> kv, const HistoryLimits& limits)
      : host_(host), kv_(std::move(kv)), limits_(limits) {}
  Result<void> read_all_conversations();
  Result<Conversation*> conversation(const visor_key& peer);
  const Conversation* longest_conversation() const; /* there is one */
  Result<void> shorten(Conversation& conversation, Batch& batch, const std::function<bool()>& fits);
  /* Into a conversation whose record this becomes; gives another's that had to make room. */
  Result<std::optional<Conversation>> add(Conversation& next, const Message& message, Batch& batch);
  std::optional<Conversation> put_changed(const visor_key& peer, const Message& message, Batch& batch);
  void take_over(const Conversation& next);
  Result<void> write(Batch& batch);
  void add_transient(const visor_key& peer, Message& message) const;
  Error error(visor_status status, const char* what) const;

  Host host_;
  Owned<visor_kv> kv_;
  HistoryLimits limits_;
  std::map<visor_key, Conversation> conversations_;
  uint64_t bytes_ = 0;                                 /* theirs together */
  std::map<visor_key, size_t> owing_;                  /* peers to whom something is owed, and how much */
  std::optional<std::pair<visor_key, Message>> added_; /* the latest of ours: it is sent next */
  std::map<visor_key, std::map<uint64_t, std::string>> sent_; /* of those owed: over which network */
  std::map<uint64_t, Request<void>> syncs_;
  uint64_t last_sync_ = 0;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_HISTORY_HPP
