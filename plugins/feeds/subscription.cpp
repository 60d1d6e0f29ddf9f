#include "subscription.hpp"

namespace visor::feeds {
namespace {

constexpr uint64_t kStepsATurn = 8192;

}  // namespace

Subscription::Subscription(Host host, std::shared_ptr<Store> store, const FeedId& id, visor_feed* object,
                           SubscriptionOptions options)
    : host_(host),
      tasks_(host),
      store_(std::move(store)),
      id_(id),
      object_(object),
      options_(std::move(options)) {}

void Subscription::end() {
  state_ = State::kEnded;
  diff_.reset();
  told_pin_.release();
  next_pin_.release();
}

void Subscription::pause(bool paused) {
  if (state_ == State::kEnded || paused == (state_ == State::kPaused)) return;
  if (!paused) {
    state_ = State::kCatchingUp;
    return catch_up_later();
  }
  if (state_ == State::kLive) {
    if (const StoredRoot* current = store_->current(id_)) {
      told_ = *current;
      told_pin_ = store_->pin(id_);
    }
  }
  diff_.reset();
  next_pin_.release();
  state_ = State::kPaused;
}

void Subscription::move(const FeedId& id) {
  if (id_ == id) return;
  fall_behind();
  id_ = id;
}

void Subscription::fall_behind() {
  if (state_ != State::kLive) return;
  pause(true);
  pause(false);
}

void Subscription::catch_up_later() {
  tasks_.post([this] { catch_up(); });
}

void Subscription::catch_up() {
  if (state_ != State::kCatchingUp || diff_) return;
  const StoredRoot* current = store_->current(id_);
  if (!current && told_) return;  // of what takes its place nothing has come
  if (!current || (told_ && told_->record.hash == current->record.hash)) {
    state_ = State::kLive;
    told_.reset();
    told_pin_.release();
    return;
  }
  next_ = *current;
  next_pin_ = store_->pin(id_);
  diff_ = std::make_unique<TreeDiff>(*store_, told_ ? told_->top : Hash{}, next_->top, UINT64_MAX);
  run();
}

void Subscription::run() {
  if (!diff_) return;
  Result<bool> done = diff_->run(kStepsATurn);
  if (!done) {
    if (is_damage(done.error())) store_->found_damage(id_);
    return closed(done.error());
  }
  if (!*done) return tasks_.post([this] { run(); });
  const Difference difference = diff_->take();
  diff_.reset();
  told_ = next_;
  told_pin_ = std::move(next_pin_);
  auto keep = shared_from_this();
  catch_up_later();
  tell(difference, told_->record.seq, 0);
}

void Subscription::root(const Difference& difference, uint64_t seq) {
  if (state_ == State::kLive) return tell(difference, seq, 0);
  if (state_ == State::kCatchingUp && !diff_) catch_up_later();
}

void Subscription::partial(const Difference& leaves, uint64_t seq) {
  if (state_ != State::kLive || !wants_partial()) return;
  if (!leaves.under(options_.prefix).empty()) tell(leaves, seq, VISOR_FEED_PARTIAL);
}

void Subscription::tell(const Difference& difference, uint64_t seq, uint32_t flags) {
  const auto ops = difference.under(options_.prefix);
  if (wants_branch() && ops.empty() && (told_any_ || !here_)) return;
  told_any_ = true;
  if (options_.events->changed)
    options_.events->changed(options_.ctx, object_, seq, flags, ops.data(), ops.size());
}

void Subscription::closed(const Error& why) {
  if (state_ == State::kEnded) return;
  auto keep = shared_from_this();
  end();
  if (!options_.events->closed) return;
  options_.events->closed(options_.ctx, object_, host_.fail(why));
}

}  // namespace visor::feeds
