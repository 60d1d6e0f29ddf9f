/* One feed of one node: who follows it on which connection, the Root that is being fetched and the one that
 * waits for its turn (specification cxo.md, 5, 8.4, 8.6 and 10). */
#ifndef VISOR_FEEDS_FEED_HPP
#define VISOR_FEEDS_FEED_HPP
#include <set>

#include "connection.hpp"
#include "fill.hpp"
#include "publisher.hpp"
#include "root_stream.hpp"
#include "subscription.hpp"

namespace visor::feeds {

class FeedImport;

struct FeedSettings {
  FillOptions fill;
  PublisherOptions publisher;
  uint64_t quiet_ms = 60000;  // without a Root: ask again
  uint64_t max_quiet_ms = 900000;
  uint64_t retry_ms = 2000;  // after the second fill that broke; the first is tried again at once
  uint64_t max_retry_ms = 60000;
};

class Feed final : public RootSource, public Requester, private Fill::Owner, private Publisher::Owner {
 public:
  /* Which feeds a connection belongs to is the node's to know. */
  class Members {
   public:
    virtual ~Members() = default;
    virtual void joined(Connection& connection, Feed& feed) = 0;
    virtual void left(Connection& connection, Feed& feed) = 0;
    /* Who may follow the feed from now on, and could not before. */
    virtual void admitted(Feed& feed, const std::set<visor_key>& keys) = 0;
    /* A new number under which differences will come from there. */
    virtual uint32_t follow(Connection& connection, Feed& feed) = 0;
  };
  /* Somebody here who has opened it. */
  class User {
   public:
    virtual ~User() = default;
    /* Beside what its subscriptions want. */
    virtual bool wants_whole() const = 0;
  };
  struct Counters {
    uint64_t roots_received = 0, roots_refused = 0, fills = 0, fills_broken = 0, refused_subscribers = 0;
    uint64_t objects_received = 0, bytes_received = 0, objects_reused = 0;
  };

  /* identity: for a feed of our own; null: somebody else's. */
  Feed(Host host, Members& node, std::shared_ptr<Store> store, const FeedId& id, visor_identity* identity,
       const FeedSettings& settings);
  ~Feed() override;

  const FeedId& id() const { return id_; }
  bool own() const { return publisher_ != nullptr; }
  Publisher* publisher() { return publisher_.get(); }
  const std::shared_ptr<Store>& store() const { return store_; }
  const StoredRoot* current() const { return store_->current(id_); }

  /* --- the network's side --- */

  /* Asks a peer for the feed; it may be asked already. */
  void subscribe_on(Connection& connection);
  /* The peer asks us, with the message `seq`. */
  void subscribed(Connection& connection, uint32_t seq);
  void unsubscribed(Connection& connection);
  void root_arrived(Connection& connection, const RootPush& push);
  void connection_closed(Connection& connection);
  /* --- with visors that speak our extension --- */
  void connection_extended(Connection& connection);
  void follow_asked(Connection& connection, const Follow& follow);
  void stream_arrived(Connection& connection, const StreamMessage& message);
  /* Leaves all connections, saying so. */
  void leave();
  /* Now and then: whether the feed is quiet for too long. */
  void check();

  /* nullopt: anybody. */
  void admit(std::optional<std::set<visor_key>> keys);
  bool admits(const visor_key& peer) const { return !admitted_ || admitted_->contains(peer); }
  /* Whether somebody is there to get Roots from. */
  bool has_source() const;
  /* Whether asking this peer is of any use: it is not asked already, and has not refused lately. */
  bool may_ask(const visor_key& peer) const;

  Fill* fill() { return fill_.get(); }
  std::shared_ptr<const Bytes> root_message(Connection& connection, bool* more) override;
  /* The push of the Root that is fetched (unless it may not be that one) or, when none is, stored; encoded
   * once for all who get it. */
  std::shared_ptr<const Bytes> root_push(bool fetched = true);

  /* Makes the Root of a file the current one, and tells everybody.  VISOR_EAGAIN while another one is being
   * fetched; VISOR_EEXIST for a feed of our own of which something is here. */
  Result<void> import(FeedImport& from);

  /* --- those who follow it here --- */

  void attach(const User& user);
  void detach(const User& user) { std::erase(users_, &user); }
  size_t users() const { return users_.size(); }
  /* Only branches of it are fetched and here. */
  bool of_branches() const { return id_.branches; }
  const std::vector<std::string>& covered() const { return covered_; }
  void follow(const std::shared_ptr<Subscription>& subscription);
  /* Tells all that it ends. */
  void end(const Error& why);

  size_t members() const { return members_.size(); }
  /* "own", "subscribed", "asked", "alone". */
  std::string_view state() const;
  const std::string& last_error() const { return last_error_; }
  const Counters& counters() const { return counters_; }
  uint64_t root_ms() const { return root_ms_; }

 private:
  /* A peer to which Roots go as differences. */
  struct Followed {
    uint32_t number = 0;
    std::optional<KnownRoot> base;  // nothing: it has one that is not known here
    std::optional<Resumed> resumed;
    std::unique_ptr<RootStream> stream;  // on its way
    std::vector<std::string> branches;   // it wants no differences but these, object by object
    std::optional<Hash> told;            // their tree in the Root that was pushed last
  };
  struct Member {
    Connection* connection;
    bool they = false;   // asked us
    bool we = false;     // asked it, and it agreed
    bool asked = false;  // asked it just now
    bool plain = false;  // its differences do not fit what we have: until the next Root by requests
    Hash announced;      // its newest Root
    Hash sent;           // the Root pushed last
    std::unique_ptr<Followed> followed;  // it wants differences
  };

  void replied(Connection& connection, const Hash& object, const Message* reply) override;
  void filled(Difference difference) override;
  void broken(const Error& why) override;
  void lost(const Error& why) override;
  void partial(Difference leaves) override;
  std::vector<std::string> wants_partial() override;
  bool wants_difference() override;
  void fall_behind() override;
  void published(Difference difference) override;

  Member* member(const Connection& connection);
  Member& join(Connection& connection);
  void remove(Connection& connection);
  bool outdated(uint64_t nonce, uint64_t seq);
  bool newer(const Root& root, const Root& than) const;
  std::optional<KnownRoot> known_root(const Hash& hash);
  std::shared_ptr<const Bytes> latest_message(Followed& followed, const StoredRoot& stored);
  std::shared_ptr<const Bytes> stream_message(Member& m, bool* more);
  void follow_on(Connection& connection);
  void follow_somebody();
  void follow_no_more(Connection& connection, bool plain);
  void follow_objects(Connection& connection);
  void update_arrived(Member& m, const StreamMessage& message);
  Result<SignedRoot> draft(const StreamHead& head);
  void stream_failed(Connection& connection, const Error& why);
  void end_of_stream();
  void replace_fill(std::unique_ptr<Fill> fill);
  void supersede_fill();
  void start_fill(SignedRoot root);
  void start_pending();
  void push_to_all(const Hash& root);
  void ask_again_later();
  void ask_again();
  void mend();
  std::vector<std::shared_ptr<Subscription>> followers();
  bool wants_whole();
  std::vector<std::string> wanted_branches();
  bool covers_wanted();
  bool covers(const std::string& wanted) const;
  void learn_covered();
  void reconsider();
  void widen();
  void follow_branches(Connection& connection);
  std::shared_ptr<const Bytes> branch_push(Followed& followed);
  void tell(const Difference& difference);

  Host host_;
  Tasks tasks_;
  Members& node_;
  std::shared_ptr<Store> store_;
  FeedId id_;
  FeedSettings settings_;
  std::unique_ptr<Publisher> publisher_;
  std::vector<Member> members_;
  std::map<visor_key, uint64_t> refused_;  // until when
  std::optional<std::set<visor_key>> admitted_;
  std::unique_ptr<Fill> fill_, over_;  // over_: may still be on the stack
  std::optional<SignedRoot> pending_;
  Connection* following_ = nullptr;  // tells us Roots as differences
  uint32_t follow_number_ = 0;
  bool leaving_ = false, streamed_ = false;  // streamed_: the Root being stored came from following_
  Timer patience_;
  Hash bad_root_;  // of a Root that cannot be read, whoever sends it
  Hash message_root_;
  std::shared_ptr<const Bytes> message_;
  std::vector<std::weak_ptr<Subscription>> followers_;
  std::vector<const User*> users_;
  bool began_whole_ = false;
  std::vector<std::string> covered_;  // branches of the Root that is stored
  ObjectMap way_;                     // to them
  uint64_t quiet_ms_, root_ms_;
  uint64_t retry_ms_ = 0;
  Timer retry_;
  std::string last_error_;
  Counters counters_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_FEED_HPP
