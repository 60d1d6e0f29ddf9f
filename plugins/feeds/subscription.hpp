/* Somebody here who follows a feed: told of each whole Root by its difference to the one told before.  While
 * it is paused, or has not caught up yet, the Root told last stays readable, and later ones are told as one.
 */
#ifndef VISOR_FEEDS_SUBSCRIPTION_HPP
#define VISOR_FEEDS_SUBSCRIPTION_HPP
#include <visor/plugin.hpp>

#include "store.hpp"
#include "tree_diff.hpp"

namespace visor::feeds {

struct SubscriptionOptions {
  std::string prefix;
  uint32_t flags = 0;  // VISOR_FEED_PARTIAL, VISOR_FEED_BRANCH
  const visor_feed_events* events = nullptr;
  void* ctx = nullptr;
};

class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  /* Events name `object` as the feed. */
  Subscription(Host host, std::shared_ptr<Store> store, const FeedId& id, visor_feed* object,
               SubscriptionOptions options);

  const std::string& prefix() const { return options_.prefix; }
  bool wants_partial() const { return (options_.flags & VISOR_FEED_PARTIAL) != 0; }
  /* It wants nothing of the feed but what is under its prefix, and hears of nothing else. */
  bool wants_branch() const { return (options_.flags & VISOR_FEED_BRANCH) != 0 && !options_.prefix.empty(); }
  /* Whether the next Root's difference can be told as it is. */
  bool live() const { return state_ == State::kLive; }

  /* Tells what is there; on later turns. */
  void start() { catch_up_later(); }
  /* From now on that Root of the feed counts (FeedId::branches). */
  void move(const FeedId& id);
  /* Whether its branch is part of what is stored. */
  void set_here(bool here) { here_ = here; }
  void pause(bool paused);
  /* The next Root comes without its difference. */
  void fall_behind();
  /* The feed's current Root is another now. */
  void root(const Difference& difference, uint64_t seq);
  void partial(const Difference& leaves, uint64_t seq);
  /* The feed ends; the last event. */
  void closed(const Error& why);
  /* No event from now on. */
  void end();

 private:
  enum class State : uint8_t { kCatchingUp, kLive, kPaused, kEnded };

  void catch_up_later();
  void catch_up();
  void run();
  void tell(const Difference& difference, uint64_t seq, uint32_t flags);

  Host host_;
  Tasks tasks_;
  std::shared_ptr<Store> store_;
  FeedId id_;
  visor_feed* object_;
  SubscriptionOptions options_;
  State state_ = State::kCatchingUp;
  bool told_any_ = false, here_ = true;
  std::optional<StoredRoot> told_;  // unless live
  Store::Pin told_pin_;
  std::optional<StoredRoot> next_;  // what is being compared with it
  Store::Pin next_pin_;
  std::unique_ptr<TreeDiff> diff_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_SUBSCRIPTION_HPP
