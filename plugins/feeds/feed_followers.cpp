// Those who follow a feed here.
#include <algorithm>

#include "feed.hpp"

namespace visor::feeds {

/* What is stored of somebody else's feed and is not whole is fetched again, once somebody wants it. */
void Feed::mend() {
  if (publisher_ || !store_->is_damaged(id_)) return;
  host_.warn("the feed " + to_hex(id_.feed) + " is not whole in its store, and is fetched again");
  end({VISOR_ECORRUPT, "the feed is not whole in its store, and is fetched again"});
  if (fill_) supersede_fill();
  if (Result<void> discarded = store_->discard(id_); !discarded) {
    return host_.warn("what is left of it is not taken away: " + discarded.error().text);
  }
  message_.reset();
  for (Member& m : members_) m.announced = {};
  if (following_) follow_objects(*following_);
  ask_again();
}

void Feed::follow(const std::shared_ptr<Subscription>& subscription) {
  mend();
  std::erase_if(followers_, [](const auto& weak) { return weak.expired(); });
  followers_.push_back(subscription);
  reconsider();
  subscription->move(id_);
  subscription->set_here(covers(subscription->prefix()));
  subscription->start();
  widen();
}

std::vector<std::shared_ptr<Subscription>> Feed::followers() {
  std::vector<std::shared_ptr<Subscription>> all;
  for (const auto& weak : followers_) {
    if (auto subscription = weak.lock()) all.push_back(std::move(subscription));
  }
  return all;
}

bool Feed::wants_difference() {
  return std::ranges::any_of(followers(), [](const auto& subscription) { return subscription->live(); });
}

void Feed::fall_behind() {
  for (const auto& subscription : followers()) subscription->fall_behind();
}

std::vector<std::string> Feed::wants_partial() {
  std::vector<std::string> prefixes;
  for (const auto& subscription : followers()) {
    if (subscription->wants_partial()) prefixes.push_back(subscription->prefix());
  }
  return prefixes;
}

void Feed::tell(const Difference& difference) {
  const uint64_t seq = current()->record.seq;
  for (const auto& subscription : followers()) subscription->root(difference, seq);
}

void Feed::partial(Difference leaves) {
  const uint64_t seq = fill_ ? fill_->root().root.seq : 0;
  for (const auto& subscription : followers()) subscription->partial(leaves, seq);
}

void Feed::published(Difference difference) {
  push_to_all(current()->record.hash);
  tell(difference);
}

void Feed::end(const Error& why) {
  for (const auto& subscription : followers()) subscription->closed(why);
}

}  // namespace visor::feeds
