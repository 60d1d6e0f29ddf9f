// How long our feed of a group keeps what was said: the latest, what is young, and all that some follower has
// not read yet (specification chat.md, lesson 33, and what must not be lost by it).
//
//   reading/count         how many messages ever were in this feed, decimal; there once it holds many
//   reading/<owner, hex>  of the feed of that owner we have read so many
//
// Others know neither and lose nothing by it.  While a feed holds few messages neither is written.
#include <algorithm>
#include <charconv>

#include "group_ring.hpp"
#include "group_session.hpp"

namespace visor::chat {
namespace {

constexpr std::string_view kBranch = "reading/";
constexpr std::string_view kCount = "reading/count";

std::optional<uint64_t> decimal(ByteView value) {
  const std::string_view digits = text(value);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

void GroupSession::put_messages(std::vector<OwnFeed::Leaf> leaves) {
  for (const OwnFeed::Leaf& leaf : leaves) published_.push_back(leaf.path);
  published_count_ += leaves.size();
  if (Result<void> written = own_.write(std::move(leaves)); !written) {
    host_.warn("chat: what was said in a group is not published: " + written.error().text);
  }
  trim();
}

void GroupSession::heard_reading(const visor_key& feed, std::string_view path, ByteView value) {
  const auto count = decimal(value);
  if (!count) return;
  if (path == kCount) readings_[feed] = *count;
  if (path.substr(kBranch.size()) == to_hex(*identity_->api->key(identity_))) read_counts_[feed] = *count;
}

/* Only what is durable here is said to be read. */
void GroupSession::tell_reading() {
  if (published_.size() > options_.feed_messages && told_count_ != published_count_) {
    told_count_ = published_count_;
    (void)own_.write({{std::string(kCount), std::to_string(told_count_)}});
  }
  trim();
  // A key may still come for what could not be read.
  if (readings_.empty() || syncing_.pending() || unkept_ || host_.now_ms() < unreadable_until_ms_) return;
  auto said = std::make_shared<std::vector<OwnFeed::Leaf>>();
  for (const auto& [owner, count] : std::exchange(readings_, {})) {
    said->push_back({std::string(kBranch) + to_hex(owner), std::to_string(count)});
  }
  visor_kv* kv = store_.kv();
  (void)syncing_.start([kv](visor_done done) { return kv->api->sync(kv, done); },
                       [this, said](visor_status synced, void*) {
                         if (synced == VISOR_OK) (void)own_.write(std::move(*said));
                       });
}

uint64_t GroupSession::read_by_all() const {
  uint64_t least = published_count_;
  for (const visor_key& follower : followers_of(record(), *identity_->api->key(identity_), options_.mesh)) {
    auto at = read_counts_.find(follower);
    least = std::min(least, at == read_counts_.end() ? 0 : at->second);
  }
  return least;
}

void GroupSession::trim() {
  const int64_t old_ns = host_.unix_ns() - static_cast<int64_t>(options_.feed_ms) * 1'000'000;
  auto is_old = [&](const std::string& path) {
    const auto parsed = parse_message_path(path);
    return !parsed || parsed->time_ns < old_ns;
  };
  std::optional<uint64_t> read;
  std::vector<OwnFeed::Leaf> gone;
  while (published_.size() > options_.feed_messages) {
    if (published_.size() <= options_.most_feed_messages) {
      if (!is_old(published_.front())) break;
      if (!read) read = read_by_all();
      if (published_count_ - published_.size() >= *read) break;
    }
    gone.push_back({std::move(published_.front()), {}});
    published_.pop_front();
  }
  if (!gone.empty()) (void)own_.write(std::move(gone));
}

}  // namespace visor::chat
