#include "feed.hpp"

#include "lib/codec/telemetry_path.hpp"

namespace visor::telemetry {

void OwnFeed::open(std::function<void(Result<void>)> ready) {
  visor_feed_options options{};
  options.size = sizeof options;
  options.network = to_span(std::string_view(config_.network));
  options.port = config_.port;
  options.batch_ms = config_.batch_ms();
  visor_status status =
      opening_.start([&](visor_done done) { return feeds_->api->open(feeds_, &options, done); },
                     [this, ready](visor_status opened, visor_feed* feed) {
                       if (opened != VISOR_OK) return ready(std::unexpected(host_.error(opened)));
                       feed_.reset(feed);
                       if (Result<void> admitted = admit(); !admitted) return ready(std::move(admitted));
                       inherit();
                       ready({});
                     },
                     [feeds = feeds_](void* ctx) { feeds->api->cancel(feeds, ctx); });
  if (status != VISOR_OK) ready(std::unexpected(host_.error(status)));
}

Result<void> OwnFeed::admit() {
  if (!config_.subscribers) return {};
  // Not null for nobody: null is everybody.
  static constexpr visor_key kNone{};
  const std::vector<visor_key>& keys = *config_.subscribers;
  visor_status status = feed_->api->admit(feed_.get(), keys.empty() ? &kNone : keys.data(), keys.size());
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  return {};
}

void OwnFeed::inherit() {
  visor_span list{};
  if (feed_->api->get(feed_.get(), to_span(codec::kListPath), &list) == VISOR_OK) {
    publisher_.inherit(codec::kListPath, bytes(list));
  }
  visor_cursor* raw = nullptr;
  if (feed_->api->cursor(feed_.get(), VISOR_TEXT("transports"), &raw) != VISOR_OK) return;
  Owned<visor_cursor> cursor(raw);
  visor_status status = raw->api->seek(raw, visor_span{}, VISOR_FIRST);
  for (; status == VISOR_OK; status = raw->api->step(raw, +1))
    publisher_.inherit(text(raw->key), bytes(raw->value));
}

void OwnFeed::publish() {
  if (writing()) {
    again_ = true;
    return;
  }
  uint64_t revision = tracker_.revision();
  auto changes = std::make_shared<std::vector<LeafChange>>(publisher_.changes(tracker_));
  if (changes->empty()) return tracker_.mark_told(revision);
  std::vector<visor_op> ops;
  for (const LeafChange& change : *changes) {
    ops.push_back({change.value ? VISOR_PUT : VISOR_DELETE, 0, to_span(std::string_view(change.path)),
                   change.value ? to_span(ByteView(*change.value)) : visor_span{}});
  }
  visor_status status = writing_.start(
      [&](visor_done done) { return feed_->api->write(feed_.get(), ops.data(), ops.size(), done); },
      [this, changes, revision](visor_status written, void*) { on_written(written, *changes, revision); });
  if (status != VISOR_OK) on_written(status, *changes, revision);
}

// What could not be written is found changed again by the next publication.
void OwnFeed::on_written(visor_status status, const std::vector<LeafChange>& changes, uint64_t revision) {
  if (status == VISOR_OK) {
    ++counters_.writes;
    problem_.clear();
    publisher_.written(changes);
    tracker_.mark_told(revision);
    for (const LeafChange& change : changes) {
      if (change.path != codec::kListPath) continue;
      ++counters_.list_writes;
      counters_.last_list_ms = host_.now_ms();
    }
  } else {
    ++counters_.failures;
    std::string problem = host_.error(status).text;
    if (problem != problem_) host_.warn("telemetry: the feed takes no changes: " + problem);
    problem_ = std::move(problem);
  }
  if (std::exchange(again_, false) && status == VISOR_OK) publish();
}

}  // namespace visor::telemetry
