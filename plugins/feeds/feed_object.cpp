#include "feed_object.hpp"

#include <algorithm>

namespace visor::feeds {

constexpr visor_cursor_api FeedCursor::kApi = {sizeof(visor_cursor_api), 0, thunk<&FeedCursor::seek>,
                                               thunk<&FeedCursor::step>, thunk<&FeedCursor::close>};

FeedCursor::FeedCursor(FeedObject& owner, std::shared_ptr<Store> store, Store::Pin pin, const Hash& top,
                       std::string prefix)
    : Object<visor_cursor>(owner.host(), &kApi),
      owner_(owner),
      store_(std::move(store)),
      pin_(std::move(pin)),
      cursor_(*store_, top, prefix) {}

visor_status FeedCursor::show(Result<bool> found) {
  placed_ = found && *found;
  key = value = {};
  if (!found) return host().fail(found.error());
  if (!*found) return host().fail(VISOR_ENOENT, "there is no leaf there");
  key = to_span(cursor_.path());
  value = to_span(ByteView(cursor_.value()));
  return VISOR_OK;
}

visor_status FeedCursor::seek(visor_span path, int32_t how) {
  switch (how) {
    case VISOR_FIRST:
      return show(cursor_.first());
    case VISOR_LAST:
      return show(cursor_.last());
    case VISOR_AT_OR_AFTER:
      return show(cursor_.at_or_after(text(path)));
    case VISOR_AT_OR_BEFORE:
      return show(cursor_.at_or_before(text(path)));
    default:
      return host().fail(VISOR_EINVAL,
                         "a cursor is placed at a key, first or last; got " + std::to_string(how));
  }
}

visor_status FeedCursor::step(int32_t direction) {
  if (direction != 1 && direction != -1) {
    return host().fail(VISOR_EINVAL, "a cursor steps by +1 or -1; got " + std::to_string(direction));
  }
  if (!placed_) return host().fail(VISOR_EINVAL, "the cursor stands nowhere; place it with seek first");
  return show(direction > 0 ? cursor_.next() : cursor_.previous());
}

void FeedCursor::close() {
  owner_.drop(*this);
}

FeedObject::FeedObject(Host host, Owner& owner, Node& node, std::shared_ptr<Feed> feed, std::string network)
    : FeedProvider(host),
      owner_(owner),
      node_(node),
      feed_(std::move(feed)),
      network_(std::move(network)),
      subscriptions_(host) {
  feed_->attach(*this);
}

FeedObject::~FeedObject() {
  feed_->detach(*this);
  subscriptions_.each([](const std::shared_ptr<Subscription>& subscription) { subscription->end(); });
  cursors_.clear();
  node_.close(feed_, network_);
}

void FeedObject::drop(FeedCursor& cursor) {
  std::erase_if(cursors_, [&](const auto& owned) { return owned.get() == &cursor; });
}

visor_status FeedObject::write(const visor_op* ops, size_t count, visor_done done) {
  if (!feed_->own()) {
    return host().fail(VISOR_EPERM, "the feed " + to_hex(feed_->id().feed) + " is not ours to write");
  }
  Result<void> written = feed_->publisher()->write({ops, count}, Done(host(), done));
  return written ? VISOR_OK : host().fail(written.error());
}

visor_status FeedObject::get(visor_span path, visor_span* value) {
  const StoredRoot* root = feed_->current();
  if (!root) return host().fail(VISOR_ENOENT, "the feed has no Root yet");
  Result<Found> found = find(*feed_->store(), root->top, text(path));
  if (!found) return host().fail(found.error());
  if (found->what != Found::kLeaf) {
    return host().fail(VISOR_ENOENT, "there is no leaf '" + std::string(text(path)) + "'");
  }
  value_.assign(found->leaf.begin(), found->leaf.end());
  *value = to_span(ByteView(value_));
  return VISOR_OK;
}

visor_status FeedObject::cursor(visor_span prefix, visor_cursor** cursor) {
  if (Result<std::vector<std::string_view>> names = split_path(text(prefix)); !names) {
    return host().fail(names.error());
  }
  const StoredRoot* root = feed_->current();
  cursors_.push_back(std::make_unique<FeedCursor>(*this, feed_->store(), feed_->store()->pin(feed_->id()),
                                                  root ? root->top : Hash{}, std::string(text(prefix))));
  *cursor = cursors_.back().get();
  return VISOR_OK;
}

visor_status FeedObject::subscribe(visor_span prefix, uint32_t flags, const visor_feed_events* events,
                                   void* ctx, visor_handle** handle) {
  if (Result<std::vector<std::string_view>> names = split_path(text(prefix)); !names) {
    return host().fail(names.error());
  }
  if (!events) return host().fail(VISOR_EINVAL, "a subscription needs its events");
  auto subscription = std::make_shared<Subscription>(
      host(), feed_->store(), feed_->id(), static_cast<visor_feed*>(this),
      SubscriptionOptions{std::string(trim_path(text(prefix))), flags, events, ctx});
  if (paused_) subscription->pause(true);
  *handle = subscriptions_.add(subscription, [weak = std::weak_ptr(subscription)] {
    if (auto closing = weak.lock()) closing->end();
  });
  subscribed_ = true;
  feed_->follow(subscription);
  return VISOR_OK;
}

void FeedObject::pause(bool paused) {
  paused_ = paused;
  subscriptions_.each(
      [&](const std::shared_ptr<Subscription>& subscription) { subscription->pause(paused); });
}

visor_status FeedObject::admit(const visor_key* keys, size_t count) {
  std::optional<std::set<visor_key>> admitted;
  if (keys) admitted.emplace(keys, keys + count);
  feed_->admit(std::move(admitted));
  return VISOR_OK;
}

}  // namespace visor::feeds
