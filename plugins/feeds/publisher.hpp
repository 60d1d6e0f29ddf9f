/* The owner's side of a feed (specification cxo.md, 10.1): changes are gathered for a while and signed as one
 * Root; the same tree is signed again now and then, so that subscribers know a quiet feed from a dead one. */
#ifndef VISOR_FEEDS_PUBLISHER_HPP
#define VISOR_FEEDS_PUBLISHER_HPP
#include <visor/plugin.hpp>

#include "extension.hpp"
#include "new_objects.hpp"
#include "store.hpp"
#include "tree.hpp"
#include "tree_diff.hpp"

namespace visor::feeds {

struct PublisherOptions {
  uint64_t batch_ms = 1000;  // from the first change on; 0: the next turn
  uint64_t heartbeat_ms = 45000;
};

class Publisher {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /* The Root is stored, and is the feed's current one.  Never inside a call on the publisher. */
    virtual void published(Difference difference) = 0;
    virtual bool wants_difference() = 0;
  };
  struct Counters {
    uint64_t writes = 0, roots = 0, heartbeats = 0, failures = 0;
  };

  /* Takes up the tree that is stored. */
  Publisher(Host host, Store& store, visor_identity* identity, const FeedId& id,
            const PublisherOptions& options, Owner& owner);
  ~Publisher() { store_.settle(); }

  /* `done` completes when the Root with it is durable, or with the reason why it is not stored; then it is
   * tried again by itself. */
  Result<void> write(std::span<const visor_op> ops, Done done);
  void set_batch_ms(uint64_t batch_ms) { options_.batch_ms = std::min(options_.batch_ms, batch_ms); }

  /* A Root of this feed that we signed and somebody else still has, verified: our store was lost.  The
   * numbers go on from there. */
  void observe(const SignedRoot& root);

  /* Takes up the tree that was stored meanwhile; while ours is empty. */
  void reload() {
    taken_up_ = false;
    if (Result<void> loaded = take_up(); !loaded) host_.warn(loaded.error().text);
  }

  /* The difference of the current Root to the one before it, as ops of the extension with their places, where
   * few leaves were written and it is known without reading; null: it is not. */
  const Bytes* latest_ops(const Hash& before, const Hash& current) const {
    const bool known = latest_ && latest_->before == before && latest_->root == current;
    return known ? &latest_->ops : nullptr;
  }

  /* Publishes what is gathered, now. */
  void flush();

  bool dirty() const { return dirty_; }
  /* Why the latest attempt failed; empty: it did not. */
  const std::string& last_error() const { return last_error_; }
  bool frozen() const { return (dirty_ || !taken_up_) && !last_error_.empty(); }
  uint64_t published_ms() const { return published_ms_; }
  size_t leaves() const { return tree_.leaves(); }
  size_t pending_bytes() const { return tree_.pending_bytes(); }
  size_t waiting() const { return waiting_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Last {
    uint64_t nonce = 1;
    std::optional<uint64_t> seq;
    Hash hash;
    int64_t time_ns = 0;
  };
  struct Latest {
    Hash before, root;
    Bytes ops;
  };
  struct Written {
    std::string path;
    Bytes value;  // empty: deleted
  };
  void note(const visor_op& op);
  void sort_written();
  void tell_latest(const Hash& before, const Hash& root);
  Result<void> take_up();
  void schedule(uint64_t after_ms);
  void publish();
  bool publish_few();
  void store_told(const NewObjects& encoded, const SignedRoot& root);
  Result<bool> save(bool again, Changes::Others others, Difference& difference);
  Result<SignedRoot> sign(const Hash& top);
  void settled();
  void failed(const Error& why);
  void check_heartbeat();

  Host host_;
  Tasks tasks_;
  Store& store_;
  visor_identity* identity_;
  FeedId id_;
  PublisherOptions options_;
  Owner& owner_;
  Tree tree_;
  Last last_;
  std::vector<Written> written_;  // since the last Root, each leaf once
  bool written_all_ = true;       // nothing else was
  std::optional<Latest> latest_;
  std::vector<Done> waiting_;
  bool dirty_ = false;
  bool taken_up_ = false;  // what is stored
  bool scheduled_ = false;
  bool announced_again_ = false;          // the next Root is due even if nothing changed
  std::optional<uint64_t> overtaken_ms_;  // when somebody had a Root of ours that we did not know
  uint64_t published_ms_;
  uint64_t retry_ms_ = 0;
  std::string last_error_;
  Counters counters_;
  Timer batch_, heartbeat_, store_soon_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_PUBLISHER_HPP
