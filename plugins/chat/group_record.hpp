/* What a visor knows of a group it is in (specification chat.md, section 6), and its messages; both on the
 * chat's map of a drive.
 *
 *   'g' group (16)                                          the record, JSON
 *   'h' group (16) sender (33) Unix ns (u64 BE) number (u64 BE)   a message: arrival ns u64 BE | flags u8 |
 *                                                                  what it answers: sender (33), Unix ns (u64
 * BE), if flagged | text
 *   't' group (16) sender (33) Unix ns (u64 BE)           the message of that time was taken back
 */
#ifndef VISOR_CHAT_GROUP_RECORD_HPP
#define VISOR_CHAT_GROUP_RECORD_HPP
#include <map>
#include <visor/plugin.hpp>

#include "group_invite.hpp"
#include "group_message.hpp"

namespace visor::chat {

enum class GroupStatus : uint8_t { kPending, kActive, kLeft, kRevoked };
std::string_view name_of(GroupStatus status);

struct GroupRecord {
  codec::Uuid id;
  std::string name;
  visor_key owner{};              /* the founder, for ever */
  std::vector<visor_key> admins;  /* with the founder */
  std::vector<visor_key> members; /* with the founder and us */
  uint16_t port = 0;
  Mode mode = Mode::kPublic;
  std::string topic;   /* for who finds it in a directory */
  bool listed = false; /* we list it there, if it is public and we are an admin */
  struct Key {
    uint64_t epoch = 0;
    Bytes key;
  };
  Bytes key; /* of a private group: what is said now is sealed with it */
  uint64_t key_epoch = 0;
  int64_t key_issued_ns = 0; /* as was said last; 0: the one that the group was made with */
  int64_t key_since_ns = 0;  /* what is said is sealed with it since then; likewise */
  std::vector<Key> key_ring; /* earlier ones, the latest first: for what was said then */
  GroupStatus status = GroupStatus::kPending;
  int64_t created_ns = 0, joined_ns = 0;
  int64_t read_ns = 0; /* a person has seen what arrived until then */
  /* The newest decision about each: "r:<key>", "a:<key>" (10.3). */
  std::map<std::string, int64_t> decided;
  /* When a member was removed: what it wrote later is not shown. */
  std::map<visor_key, int64_t> removed;

  bool is_admin(const visor_key& who) const;
  bool is_member(const visor_key& who) const;
  bool is_listed_by(const visor_key& who) const {
    return listed && mode == Mode::kPublic && status == GroupStatus::kActive && is_admin(who);
  }
  bool over() const { return status == GroupStatus::kLeft || status == GroupStatus::kRevoked; }
};

std::string encode(const GroupRecord& record);
Result<GroupRecord> decode_group(ByteView stored);

struct StoredGroupMessage {
  MessagePath path;
  int64_t arrived_ns = 0;
  bool deleted = false; /* taken back by its author */
  bool hidden = false;  /* takes another back, and is not shown */
  std::string text;
  std::optional<Answered> answers = std::nullopt;
};

/* What is told of a group beside its record. */
struct GroupTally {
  size_t messages = 0;
  size_t unread = 0;       /* of others, shown, arrived after the record's read_ns */
  int64_t arrived_ns = 0;  /* of the latest */
  MessagePath latest = {}; /* of those that are shown */
  size_t taken_back = 0;   /* marks of it */
};

struct GroupLimits {
  size_t groups = 1000;
  size_t members = 1000;   /* of one group */
  size_t messages = 10000; /* kept of one group; the oldest go */
};

class GroupStore {
 public:
  /* The map is the chat's; it must outlive the store. */
  static Result<std::unique_ptr<GroupStore>> open(Host host, visor_kv* kv, const visor_key& own,
                                                  const GroupLimits& limits);

  visor_kv* kv() const { return kv_; }
  const std::map<codec::Uuid, GroupRecord>& groups() const { return groups_; }
  const GroupRecord* find(const codec::Uuid& id) const;
  /* VISOR_ENOSPC: there are too many. */
  Result<void> put(const GroupRecord& record);
  /* With all its messages. */
  Result<void> erase(const codec::Uuid& id);

  GroupTally tally(const codec::Uuid& id) const;
  /* The latest that arrived and is shown, if there is any. */
  std::optional<StoredGroupMessage> latest(const codec::Uuid& id) const;
  /* A person has seen all that arrived until now; gives how many were new. */
  Result<size_t> read(const codec::Uuid& id);

  /* False: it is here already.  What arrives later is noted as later, whatever the clock does. */
  Result<bool> add(const codec::Uuid& id, const StoredGroupMessage& message);
  /* Several that are not here, and differ, in one write; they are changed to what is kept of them. */
  Result<void> add(const codec::Uuid& id, std::span<StoredGroupMessage> messages);
  Result<bool> contains(const codec::Uuid& id, const MessagePath& path) const;
  /* Those of that time. */
  Result<std::vector<StoredGroupMessage>> at(const codec::Uuid& id, const visor_key& sender,
                                             int64_t time_ns) const;
  /* Its author took the message of that time back; its place stays.  Nothing: it is not here, or was taken
   * back already; if it comes later, it comes without its text. */
  Result<std::optional<MessagePath>> take_back(const codec::Uuid& id, const visor_key& sender,
                                               int64_t time_ns);
  /* All of a group, in no particular order. */
  Result<std::vector<StoredGroupMessage>> messages(const codec::Uuid& id) const;

 private:
  GroupStore(Host host, visor_kv* kv, const visor_key& own, const GroupLimits& limits)
      : host_(host), kv_(kv), own_(own), limits_(limits) {}
  Result<void> read_all();
  void count(const codec::Uuid& id, const StoredGroupMessage& message);
  Error error(visor_status status, const char* what) const;
  Result<void> write(std::span<const visor_op> ops);
  Result<std::vector<StoredGroupMessage>> below(ByteView prefix) const;
  Result<void> make_room(const codec::Uuid& id, size_t wanted);

  Host host_;
  visor_kv* kv_;
  const visor_key own_;
  GroupLimits limits_;
  std::map<codec::Uuid, GroupRecord> groups_;
  std::map<codec::Uuid, GroupTally> tallies_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_RECORD_HPP
