#include "reporter.hpp"

#include <algorithm>

namespace visor::transport_discovery {

const visor_feed_events Reporter::kListEvents = {
    sizeof(visor_feed_events), 0,
    [](void* ctx, visor_feed*, uint64_t, uint32_t flags, const visor_op* ops, size_t count) {
      auto* self = static_cast<Reporter*>(ctx);
      if (flags & VISOR_FEED_PARTIAL) self->ingest_->early({ops, count}, self->now());
    },
    [](void*, visor_feed*, visor_status) {}};

const visor_feed_events Reporter::kLeafEvents = {
    sizeof(visor_feed_events), 0,
    [](void* ctx, visor_feed*, uint64_t sequence, uint32_t flags, const visor_op* ops, size_t count) {
      if (!(flags & VISOR_FEED_PARTIAL)) static_cast<Reporter*>(ctx)->take_root(sequence, {ops, count});
    },
    [](void* ctx, visor_feed*, visor_status status) { static_cast<Reporter*>(ctx)->on_closed(status); }};

Reporter::Reporter(Host host, visor_feeds* feeds, const Config& config, const visor_key& key,
                   Aggregator& aggregator, IngestCounters& counters)
    : host_(host),
      feeds_(feeds),
      config_(config),
      key_(key),
      aggregator_(aggregator),
      counters_(counters),
      ingest_(std::make_unique<ReporterFeed>(aggregator, counters, key)),
      seen_ms_(host.now_ms()) {}

Moment Reporter::now() const {
  return {static_cast<int64_t>(host_.now_ms()), host_.unix_ns() / 1'000'000'000};
}

void Reporter::arrived() {
  ++connections_;
  if (state_ == State::kWaiting) open();
}

void Reporter::left() {
  if (connections_ > 0) --connections_;
  seen_ms_ = host_.now_ms();
}

bool Reporter::reconcile(uint64_t now_ms) {
  if (connections_ > 0) {
    seen_ms_ = now_ms;
    if (state_ == State::kWaiting) open();
  }
  return now_ms - seen_ms_ < config_.reclaim_ms();
}

// The feeds dial back where the visor's own connection has gone, so that a Root that was begun arrives.
void Reporter::open() {
  visor_feed_options options{};
  options.size = sizeof options;
  options.owner = &key_;
  options.network = to_span(std::string_view(config_.network));
  options.port = config_.port;
  options.drive = to_span(std::string_view(config_.drive));
  state_ = State::kOpening;
  visor_status status =
      opening_.start([&](visor_done done) { return feeds_->api->open(feeds_, &options, done); },
                     [this](visor_status opened, visor_feed* feed) { on_opened(opened, feed); },
                     [feeds = feeds_](void* ctx) { feeds->api->cancel(feeds, ctx); });
  if (status == VISOR_OK) return;
  problem_ = host_.error(status).text;
  state_ = State::kWaiting;
}

void Reporter::on_opened(visor_status status, visor_feed* feed) {
  if (status != VISOR_OK) {
    problem_ = host_.error(status).text;
    state_ = State::kWaiting;
    return;
  }
  feed_.reset(feed);
  state_ = State::kFollowing;
  whole_ = false;
  stored_ = has_leaves();
  ingest_ = std::make_unique<ReporterFeed>(aggregator_, counters_, key_);
  if (Result<void> subscribed = subscribe(); !subscribed) {
    problem_ = subscribed.error().text;
    drop();
  }
}

bool Reporter::has_leaves() const {
  visor_cursor* raw = nullptr;
  if (feed_->api->cursor(feed_.get(), visor_span{}, &raw) != VISOR_OK) return false;
  Owned<visor_cursor> cursor(raw);
  return raw->api->seek(raw, visor_span{}, VISOR_FIRST) == VISOR_OK;
}

// Two subscriptions: the list is fetched first, and told of before the rest of its Root has come.
Result<void> Reporter::subscribe() {
  visor_handle* handle = nullptr;
  visor_status status = feed_->api->subscribe(feed_.get(), to_span(codec::kListPath), VISOR_FEED_PARTIAL,
                                              &kListEvents, this, &handle);
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  list_.reset(handle);
  status = feed_->api->subscribe(feed_.get(), visor_span{}, 0, &kLeafEvents, this, &handle);
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  leaves_.reset(handle);
  return {};
}

void Reporter::take_root(uint64_t sequence, std::span<const visor_op> ops) {
  sequence_ = sequence;
  // It may be as old as our last life, and says nothing of now.
  if (std::exchange(stored_, false)) {
    return with_all_leaves([&](std::span<const visor_op> leaves) { ingest_->stored(leaves, now()); });
  }
  auto read = [this](std::string_view path) -> std::optional<ByteView> {
    visor_span value{};
    if (feed_->api->get(feed_.get(), to_span(path), &value) != VISOR_OK) return std::nullopt;
    return bytes(value);
  };
  if (whole_) {
    ingest_->root(ops, read, now());
  } else {
    whole_ = true;
    with_all_leaves([&](std::span<const visor_op> leaves) {
      ingest_->root(leaves, [](std::string_view) { return std::optional<ByteView>(); }, now());
    });
  }
  keep_pace();
}

// Roots that come faster are merged by the feed, and none is lost.  Whoever keeps to the rhythm is never
// paused, which costs the feed a Root kept beside the newest.
void Reporter::keep_pace() {
  uint64_t now_ms = host_.now_ms();
  bool early = now_ms < next_root_ms_;
  next_root_ms_ = std::max(now_ms, next_root_ms_) + config_.pace_ms();
  if (!early) return;
  feed_->api->pause(feed_.get(), true);
  pace_ = Timer::once(host_, next_root_ms_ - now_ms, [this] {
    if (feed_) feed_->api->pause(feed_.get(), false);
  });
}

// The first Root since the feed was opened: of leaves that it kept from before, only differences would be
// told.
void Reporter::with_all_leaves(const std::function<void(std::span<const visor_op>)>& take) {
  std::vector<std::pair<std::string, Bytes>> leaves;
  auto add = [&](visor_span path, visor_span value) {
    ByteView view = bytes(value);
    leaves.emplace_back(text(path), Bytes(view.begin(), view.end()));
  };
  visor_span list{};
  if (feed_->api->get(feed_.get(), to_span(codec::kListPath), &list) == VISOR_OK)
    add(to_span(codec::kListPath), list);
  visor_cursor* raw = nullptr;
  if (feed_->api->cursor(feed_.get(), VISOR_TEXT("transports"), &raw) == VISOR_OK) {
    Owned<visor_cursor> cursor(raw);
    visor_status status = raw->api->seek(raw, visor_span{}, VISOR_FIRST);
    for (; status == VISOR_OK; status = raw->api->step(raw, +1)) add(raw->key, raw->value);
  }
  std::vector<visor_op> ops;
  ops.reserve(leaves.size());
  for (const auto& [path, value] : leaves) {
    ops.push_back({VISOR_PUT, 0, to_span(std::string_view(path)), to_span(ByteView(value))});
  }
  take(ops);
}

void Reporter::on_closed(visor_status status) {
  if (status != VISOR_OK) problem_ = host_.error(status).text;
  drop();  // opened again by the next reconcile()
}

void Reporter::drop() {
  pace_.cancel();
  list_.reset();
  leaves_.reset();
  feed_.reset();
  state_ = State::kWaiting;
}

}  // namespace visor::transport_discovery
