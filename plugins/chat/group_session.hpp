/* A group that is open here: our feed of it, those of others that we follow, and what comes out of them
 * (specification chat.md, sections 8 and 10).
 *
 * Everybody publishes what they say in a feed of their own, and who is in the group as they know it: each
 * signed decision is passed on by everybody, byte for byte, so that a group finds together whoever is away.
 * Up to eight members all follow each other; beyond, who is no admin follows the admins and the two next on
 * the ring of sorted keys, and these pass messages on. */
#ifndef VISOR_CHAT_GROUP_SESSION_HPP
#define VISOR_CHAT_GROUP_SESSION_HPP
#include <set>

#include "group_feeds.hpp"
#include "group_key.hpp"
#include "group_mutation.hpp"
#include "group_record.hpp"

namespace visor::chat {

struct GroupOptions {
  std::vector<std::string> networks{"skynet", "dmsg"};
  uint32_t batch_ms = 0;      /* how long messages are gathered before they are published */
  size_t mesh = 8;            /* members that all follow each other */
  size_t feed_messages = 500; /* of ours, and passed on, kept in our feed; all are in the history */
  uint64_t feed_ms = 600'000; /* what is younger stays, for who was away for a moment, or reads slowly */
  size_t most_feed_messages = 50'000; /* but never more */
  size_t relayed_leaves = 1024, relayed_bytes = 1u << 20;
  size_t strangers = 16; /* who say that they are members, and are asked for proof */
  uint64_t stranger_ms = 30'000;
  /* How often it is said how far we have read those who keep more than feed_messages for somebody. */
  uint64_t reading_ms = 10'000;
  uint64_t reread_ms = 5'000;   /* after which what the drive did not take is read again */
  uint64_t farewell_ms = 2'000; /* for who is removed to learn of it, before our feed is closed to them */
  size_t auto_members = 256;    /* whom a public group takes in by itself */
  /* A private group has a new key when its key is so old or has sealed so many messages; up to a quarter
   * later, differently for each admin, so that not all change it at once. */
  uint64_t key_ms = 7ull * 24 * 3600 * 1000, key_messages = 4096;
};

class GroupSession {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void group_said(const codec::Uuid& group, const StoredGroupMessage& message) = 0;
    virtual void group_took_back(const codec::Uuid& group, const MessagePath& path) = 0;
    /* Its record is another now. */
    virtual void group_changed(const codec::Uuid& group) = 0;
  };
  struct Counters {
    uint64_t sent = 0, received = 0, passed_on = 0;
    uint64_t repeated = 0, refused = 0; /* refused: malformed, forged, not of a member */
    uint64_t unreadable = 0;            /* sealed with a key that is not here (yet) */
    uint64_t decisions = 0, decisions_refused = 0;
    uint64_t relayed = 0; /* leaves of mod/ and keys/ that we pass on */
    uint64_t keys = 0;    /* new keys of the group that came, or were made here */
  };

  /* The record is in the store; feeds, identity and store must outlive the session. */
  GroupSession(Host host, visor_feeds* feeds, visor_identity* identity, GroupStore& store,
               const codec::Uuid& id, const GroupOptions& options, Owner& owner);
  GroupSession(const GroupSession&) = delete;
  GroupSession& operator=(const GroupSession&) = delete;

  Result<void> start();

  /* Says it: in our history at once, with the others as soon as they are reached. */
  Result<StoredGroupMessage> send(std::string_view text, const std::optional<Answered>& answers);
  /* Takes a message of ours back: a message that says so, and the leaf goes. */
  Result<void> take_back(const MessagePath& path);
  /* Decides, as an admin: VISOR_EPERM if we are none.  What is so already changes nothing. */
  Result<void> decide(Domain domain, Op op, const visor_key& peer);

  const Counters& counters() const { return counters_; }
  size_t following() const { return followed_.size(); }
  /* How many of these are reached. */
  size_t attached() const;
  /* In our feed, and at most. */
  size_t feed_messages() const { return published_.size(); }
  size_t most_feed_messages() const { return options_.most_feed_messages; }
  bool reached(const visor_key& member) const;

 private:
  struct Stranger {
    std::unique_ptr<MemberFeed> feed;
    Timer limit;
  };

  /* One that is new, and as it should be. */
  struct Heard {
    StoredGroupMessage stored;
    std::optional<int64_t> takes_back;
    OwnFeed::Leaf leaf; /* to be passed on, if it is */
    bool here = false;  /* it is in the history already, and is passed on alone */
  };

  const GroupRecord& record() const { return *store_.find(id_); }
  Sign signer() const;
  bool passes_on() const;

  void serve();
  void opened(const Result<void>& opened);
  void follow_all();
  void admit_all();
  Result<void> remember();
  void publish_lost();
  Result<std::string> leaf_of(const StoredGroupMessage& message) const;
  static void on_peer(void* ctx, const visor_addr* peer, bool here);
  void met(const visor_key& peer);
  void note_reach(const visor_key& member);

  /* group_receive.cpp */
  void changed(const visor_key& feed, std::span<const visor_op> ops);
  void heard_take_back(const visor_key& sender, int64_t time_ns);
  void say_farewell();
  Result<StoredGroupMessage> publish(std::string_view text, bool hidden);
  /* epoch: of a key that an admin has signed. */
  void relay(std::string_view branch, ByteView leaf, std::optional<uint64_t> epoch = std::nullopt);
  void read_relayed(std::string_view branch, std::string_view path, ByteView leaf);

  /* group_decisions.cpp: who is in the group, and who decides */
  struct Parked {
    Domain domain;
    std::string leaf;
  };
  static constexpr size_t kMaxDecisions = 16384;
  void heard_decision(Domain domain, ByteView leaf);
  void park(Domain domain, ByteView leaf);
  void has_become_admin();
  Result<bool> apply(const Mutation& mutation);
  void read_decisions();
  void sign_again();
  void sign_again_soon();
  void pass_on(Domain domain, ByteView leaf);

  /* group_keys.cpp: keys change */
  using KeyList = std::vector<crypto::AesKey>; /* the one of now, then earlier ones */
  KeyList key_list() const;
  bool open_with(GroupMessage& message, const KeyList& keys);
  Result<void> rotate(const visor_key* without);
  void renew_key();
  Result<void> give_key(const visor_key& to);
  Result<void> publish_key(uint64_t epoch, ByteView key, std::span<const visor_key> to);
  void hear_message(const visor_key& feed, std::string_view path, ByteView leaf, const KeyList& keys,
                    std::vector<Heard>& heard);
  bool is_copy(const MessagePath& path, std::string_view said, std::span<const Heard> heard) const;
  void keep(std::span<const Heard> heard);
  std::optional<uint64_t> heard_key(ByteView leaf);
  bool take_key(const KeyMutation& mutation);
  bool is_outdated(uint64_t epoch) const;
  void prune_keys();
  void read_again();
  void read_again_later();

  /* group_kept.cpp: how long our feed keeps what was said */
  void put_messages(std::vector<OwnFeed::Leaf> leaves);
  void heard_reading(const visor_key& feed, std::string_view path, ByteView value);
  void tell_reading();
  uint64_t read_by_all() const;
  void trim();

  Host host_;
  Tasks tasks_;
  visor_identity* identity_;
  GroupStore& store_;
  const codec::Uuid id_;
  GroupOptions options_;
  Owner& owner_;
  GroupPlace place_;
  uint64_t last_number_ = 0;
  uint64_t decisions_published_ = 0;
  std::map<visor_key, int64_t> newest_;    /* the time of the latest message of each: later ones are new */
  std::set<crypto::Hash> decisions_known_; /* by their leaf */
  std::deque<Parked> parked_;              /* of issuers who are no admins as far as we know */
  struct Relayed {
    uint64_t last_number = 0;
    size_t unproved = 0; /* that no admin is known to have signed */
  };
  std::map<std::string, Relayed, std::less<>> relayed_; /* of mod/ and keys/, in our feed */
  size_t relayed_bytes_ = 0;                            /* of those unproved */
  struct KeyLeaf {
    uint64_t epoch = 0;
    crypto::Hash hash;
  };
  std::map<std::string, KeyLeaf> key_leaves_; /* in our feed, signed by admins, by path */
  uint64_t sealed_ = 0;                       /* messages with the key of now, as far as we know */
  std::vector<StoredGroupMessage> before_;    /* what was here at the start, until the feed is open */
  std::deque<std::string> published_;         /* paths of messages in our feed, the oldest first */
  uint64_t published_count_ = 0;              /* messages that ever were in it */
  uint64_t told_count_ = 0;                   /* as our feed says */
  std::map<visor_key, uint64_t> read_counts_; /* how many of these each follower has, as their feeds say */
  std::map<visor_key, uint64_t> readings_;    /* what we have of others' feeds, not yet said */
  Request<void> syncing_;
  Timer reading_;
  std::deque<Bytes> parked_keys_; /* leaves of keys/ of issuers who are no admins as far as we know */
  bool unreadable_ = false;       /* something came that a key to come may open */
  uint64_t unreadable_until_ms_ = 0;
  bool unkept_ = false;            /* something came that the drive did not take: it is heard again */
  std::set<MessagePath> unpassed_; /* what is here, and was not passed on before a crash */
  Counters counters_;
  OwnFeed own_;
  std::map<visor_key, std::unique_ptr<MemberFeed>> followed_;
  std::map<visor_key, Stranger> strangers_;
  std::set<visor_key> connected_, reached_; /* on the group's port; and of these, those we have a Root of */
  std::vector<Owned<visor_handle>> served_;
  Timer farewell_, again_, reread_;
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_SESSION_HPP
