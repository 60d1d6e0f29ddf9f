#include "group_feeds.hpp"

#include <algorithm>
#include <iterator>

namespace visor::chat {
namespace {

visor_feed_options options_of(const GroupPlace& place, const visor_key* owner, std::string_view network) {
  return {.size = sizeof(visor_feed_options),
          .flags = 0,
          .owner = owner,
          .network = to_span(network),
          .port = place.port,
          .batch_ms = place.batch_ms,
          .drive = {}};
}

void each_leaf(visor_feed* feed, std::string_view prefix,
               const std::function<void(std::string_view path, ByteView value)>& fn) {
  visor_cursor* raw = nullptr;
  if (feed->api->cursor(feed, to_span(prefix), &raw) != VISOR_OK) return;
  Owned<visor_cursor> cursor(raw);
  for (visor_status status = raw->api->seek(raw, {}, VISOR_FIRST); status == VISOR_OK;
       status = raw->api->step(raw, +1)) {
    fn(text(raw->key), bytes(raw->value));
  }
}

}  // namespace

// --- ours ---

Result<void> OwnFeed::open(std::function<void(Result<void>)> opened) {
  const visor_feed_options options = options_of(place_, nullptr, {});
  visor_feeds* feeds = place_.feeds;
  const visor_status status =
      opening_.start([&](visor_done done) { return feeds->api->open(feeds, &options, done); },
                     [this, opened = std::move(opened)](visor_status result, visor_feed* feed) {
                       if (result != VISOR_OK) return opened(std::unexpected(host_.error(result)));
                       feed_.reset(feed);
                       admit_now();
                       write_waiting();
                       opened({});
                     },
                     [feeds](void* ctx) { feeds->api->cancel(feeds, ctx); });
  return status == VISOR_OK ? Result<void>{} : std::unexpected(host_.error(status));
}

void OwnFeed::admit(std::optional<std::vector<visor_key>> readers) {
  readers_ = std::move(readers);
  if (feed_) admit_now();
}

void OwnFeed::admit_now() {
  static constexpr visor_key kNobody{};
  const visor_key* keys = readers_ ? (readers_->empty() ? &kNobody : readers_->data()) : nullptr;
  const visor_status status = feed_->api->admit(feed_.get(), keys, readers_ ? readers_->size() : 0);
  if (status != VISOR_OK)
    host_.warn("chat: who may read a group's feed is not set: " + host_.error(status).text);
}

Result<void> OwnFeed::write(std::vector<Leaf> leaves) {
  if (is_going() && !gathers()) {
    write_now(leaves);
    return {};
  }
  if (!has_room()) {
    return failure(VISOR_EAGAIN, "the group's feed is not open, and too much waits for it; try again later");
  }
  std::ranges::move(leaves, std::back_inserter(waiting_));
  if (is_going() && waiting_.size() >= kMaxWaiting) write_waiting();
  return {};
}

void OwnFeed::write_waiting() {
  if (is_going() && !waiting_.empty()) write_now(std::exchange(waiting_, {}));
}

bool OwnFeed::gathers() {
  if (gathering_) return true;
  const uint64_t now_ms = host_.now_ms();
  if (now_ms - counted_from_ms_ >= kGatherMs) {
    counted_from_ms_ = now_ms;
    writes_ = 0;
  }
  if (++writes_ <= kFewWrites) return false;
  gathering_ = true;
  gather_ = Timer::once(host_, kGatherMs, [this] { gathered(); });
  return true;
}

void OwnFeed::gathered() {
  gathering_ = waiting_.size() > kFewWrites;
  write_waiting();
  if (gathering_) gather_ = Timer::once(host_, kGatherMs, [this] { gathered(); });
}

void OwnFeed::release() {
  held_ = false;
  write_waiting();
}

void OwnFeed::write_now(const std::vector<Leaf>& leaves) {
  std::vector<visor_op> ops;
  ops.reserve(leaves.size());
  for (const Leaf& leaf : leaves) {
    ops.push_back(leaf.value.empty() ? erase(bytes(leaf.path)) : put(bytes(leaf.path), bytes(leaf.value)));
  }
  auto at = writing_.emplace(writing_.end());
  const visor_status status =
      at->start([&](visor_done done) { return feed_->api->write(feed_.get(), ops.data(), ops.size(), done); },
                [this, at](visor_status written, void*) {
                  if (written != VISOR_OK) {
                    host_.warn("chat: what was said in a group is not stored, and is tried again: " +
                               host_.error(written).text);
                  }
                  auto gone = std::make_shared<Request<void>>(std::move(*at));
                  writing_.erase(at);
                  post(host_, [gone] {});
                });
  if (status == VISOR_OK) return;
  host_.warn("chat: what was said in a group cannot be published: " + host_.error(status).text);
  writing_.erase(at);
}

void OwnFeed::each(std::string_view prefix,
                   const std::function<void(std::string_view path, ByteView value)>& fn) const {
  if (feed_) each_leaf(feed_.get(), prefix, fn);
}

// --- a member's ---

MemberFeed::MemberFeed(Host host, const GroupPlace& place, const visor_key& member, Events events)
    : host_(host), member_(member), events_(std::move(events)) {
  for (const std::string& network : place.networks) {
    const visor_feed_options options = options_of(place, &member_, network);
    visor_feeds* feeds = place.feeds;
    auto at = opening_.emplace(opening_.end());
    const visor_status status =
        at->start([&](visor_done done) { return feeds->api->open(feeds, &options, done); },
                  [this](visor_status result, visor_feed* feed) {
                    if (result == VISOR_OK) return opened(feed);
                    host_.warn("chat: a member's feed is not followed: " + host_.error(result).text);
                  },
                  [feeds](void* ctx) { feeds->api->cancel(feeds, ctx); });
    if (status != VISOR_OK) opening_.erase(at);
  }
}

void MemberFeed::opened(visor_feed* feed) {
  feeds_.emplace_back(feed);
  if (feeds_.size() == 1) subscribe();
}

void MemberFeed::subscribe() {
  visor_feed* feed = feeds_.front().get();
  visor_handle* handle = nullptr;
  const visor_status status = feed->api->subscribe(feed, {}, 0, &kEvents, this, &handle);
  if (status == VISOR_OK) return subscription_.reset(handle);
  host_.warn("chat: a member's feed is not followed: " + host_.error(status).text);
  subscribe_later();
}

void MemberFeed::subscribe_later() {
  again_ = Timer::once(host_, again_ms_, [this] { subscribe(); });
  again_ms_ = std::min(again_ms_ * 2, kLastAgainMs);
}

void MemberFeed::each(std::string_view prefix,
                      const std::function<void(std::string_view path, ByteView value)>& fn) const {
  if (!feeds_.empty()) each_leaf(feeds_.front().get(), prefix, fn);
}

void MemberFeed::on_changed(void* ctx, visor_feed*, uint64_t, uint32_t, const visor_op* ops, size_t count) {
  auto* self = static_cast<MemberFeed*>(ctx);
  self->attached_ = true;
  self->again_ms_ = kFirstAgainMs;
  self->events_.changed({ops, count});
}

void MemberFeed::on_closed(void* ctx, visor_feed*, visor_status) {
  auto* self = static_cast<MemberFeed*>(ctx);
  self->attached_ = false;
  self->subscribe_later();
}

}  // namespace visor::chat
