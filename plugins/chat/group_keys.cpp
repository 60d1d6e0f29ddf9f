// A private group's key changes when somebody is removed, so that what is said later is closed to them even
// if they get hold of it, and from time to time (specification chat.md, 10.6 and lesson 24).
#include <algorithm>
#include <array>

#include "group_session.hpp"
#include "lib/codec/endian.hpp"

namespace visor::chat {
namespace {

constexpr size_t kMaxRing = 32;
constexpr size_t kMaxParkedKeys = 64;

}  // namespace

GroupSession::KeyList GroupSession::key_list() const {
  KeyList keys;
  auto add = [&](const Bytes& key) {
    if (key.size() == kGroupKeyBytes) keys.emplace_back(std::span<const uint8_t, kGroupKeyBytes>(key));
  };
  add(record().key);
  for (const GroupRecord::Key& earlier : record().key_ring) add(earlier.key);
  return keys;
}

bool GroupSession::open_with(GroupMessage& message, const KeyList& keys) {
  if (!message.sealed()) return true;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!open(message, &keys[i])) continue;
    if (i == 0) ++sealed_;
    return true;
  }
  return false;
}

/* A new one for everybody but `without`. */
Result<void> GroupSession::rotate(const visor_key* without) {
  GroupRecord next = record();
  std::set<visor_key> to(next.members.begin(), next.members.end());
  to.insert(next.admins.begin(), next.admins.end());
  if (without) to.erase(*without);
  Bytes key(kGroupKeyBytes);
  host_.random(key);
  const std::vector<visor_key> recipients(to.begin(), to.end());
  return publish_key(next.key_epoch + 1, key, recipients);
}

/* When it is due, for an admin.  Not before our feed is open: others may have changed it. */
void GroupSession::renew_key() {
  const GroupRecord& group = record();
  const visor_key& self = *identity_->api->key(identity_);
  if (group.mode != Mode::kPrivate || group.over() || !own_.is_open() || !group.is_admin(self)) return;
  const int64_t since_ns =
      group.key_since_ns > 0 ? group.key_since_ns : std::max(group.created_ns, group.joined_ns);
  const auto age_ms = static_cast<uint64_t>(std::max<int64_t>(0, host_.unix_ns() - since_ns) / 1'000'000);
  if (age_ms < options_.key_ms && sealed_ < options_.key_messages) return;
  const crypto::Hash mine = crypto::sha256(bytes(self));
  const uint64_t draw = codec::load_be<uint32_t>(mine.bytes.data());
  auto with_jitter = [draw](uint64_t window) { return window + draw % (window / 4 + 1); };
  if (age_ms < with_jitter(options_.key_ms) && sealed_ < with_jitter(options_.key_messages)) return;
  if (Result<void> rotated = rotate(nullptr); !rotated) host_.warn("chat: " + rotated.error().text);
}

/* Who is admitted with an invitation from before the key changed has another one. */
Result<void> GroupSession::give_key(const visor_key& to) {
  if (record().key_epoch == 0) return {};
  const std::array<visor_key, 2> both{to, *identity_->api->key(identity_)};
  const Bytes key = record().key;  // the record changes with it
  return publish_key(record().key_epoch, key, both);
}

Result<void> GroupSession::publish_key(uint64_t epoch, ByteView key, std::span<const visor_key> to) {
  KeyMutation mutation;
  mutation.group = id_;
  mutation.epoch = epoch;
  mutation.issued_ns = std::max(host_.unix_ns(), record().key_issued_ns + 1);
  mutation.issuer = *identity_->api->key(identity_);
  Result<std::vector<KeyWrap>> wraps =
      wrap_for(to, key, [this](std::span<uint8_t> out) { host_.random(out); });
  if (!wraps) return std::unexpected(wraps.error());
  mutation.wraps = std::move(*wraps);
  if (Result<void> signed_it = sign(mutation, signer()); !signed_it) return signed_it;
  if (!take_key(mutation)) return failure(VISOR_EIO, "the group's new key is not kept, and so not used");
  const std::string leaf = to_leaf(mutation);
  relay("keys", bytes(leaf), epoch);
  return {};
}

/* Its epoch, if an admin has signed it, or if it serves nobody any more. */
std::optional<uint64_t> GroupSession::heard_key(ByteView leaf) {
  if (record().mode != Mode::kPrivate || decisions_known_.contains(crypto::sha256(leaf))) return std::nullopt;
  Result<KeyMutation> mutation = parse_key_mutation(leaf);
  const bool named = mutation && mutation->group == id_;
  if (named && is_outdated(mutation->epoch)) return mutation->epoch;
  if (!named || !verify(*mutation)) return std::nullopt;  // of a later version, perhaps: passed on, unread
  if (record().is_admin(mutation->issuer)) {
    take_key(*mutation);
    return mutation->epoch;
  }
  if (parked_keys_.size() >= kMaxParkedKeys) parked_keys_.pop_front();
  parked_keys_.emplace_back(leaf.begin(), leaf.end());
  return std::nullopt;
}

/* What was sealed with it, feeds have no more. */
bool GroupSession::is_outdated(uint64_t epoch) const {
  return record().key_epoch >= kMaxRing && epoch <= record().key_epoch - kMaxRing;
}

/* Who has been away so long that they lack the key before has not lost more than feeds have. */
void GroupSession::prune_keys() {
  std::vector<OwnFeed::Leaf> gone;
  std::erase_if(key_leaves_, [&](const auto& entry) {
    if (!is_outdated(entry.second.epoch)) return false;
    decisions_known_.erase(entry.second.hash);
    gone.push_back({entry.first, {}});
    return true;
  });
  if (!gone.empty()) (void)own_.write(std::move(gone));
}

/* Whether there is a key for us in it, and it is kept.  Of two of one epoch the later is used, and both are
 * kept; so is one from a clock that is far ahead, for reading, but nothing is sealed with it yet. */
bool GroupSession::take_key(const KeyMutation& mutation) {
  const auto agree = [this](const visor_key& peer) -> Result<crypto::SharedSecret> {
    crypto::SharedSecret shared;
    const visor_status status = identity_->api->agree(identity_, &peer, shared.data());
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
    return shared;
  };
  std::optional<Bytes> key = unwrap(mutation, *identity_->api->key(identity_), agree);
  if (!key) return false;
  GroupRecord next = record();
  const bool ours = mutation.issuer == *identity_->api->key(identity_);
  const bool due = ours || mutation.issued_ns <= host_.unix_ns() + kFutureNs;
  const bool newer = due && (mutation.epoch > next.key_epoch ||
                             (mutation.epoch == next.key_epoch && mutation.issued_ns > next.key_issued_ns));
  const bool known =
      *key == next.key ||
      std::ranges::any_of(next.key_ring, [&](const GroupRecord::Key& each) { return each.key == *key; });
  if (!newer && known) return true;
  const bool changed = newer && next.key != *key;
  GroupRecord::Key earlier{mutation.epoch, *key};
  if (newer) {
    earlier = {next.key_epoch, next.key};
    std::erase_if(next.key_ring, [&](const GroupRecord::Key& each) { return each.key == *key; });
    if (changed) next.key_since_ns = mutation.issued_ns;
    next.key = *key;
    next.key_epoch = mutation.epoch;
    next.key_issued_ns = mutation.issued_ns;
  }
  if (earlier.key != next.key) {
    next.key_ring.push_back(std::move(earlier));
    std::ranges::sort(next.key_ring, std::greater{}, &GroupRecord::Key::epoch);
    if (next.key_ring.size() > kMaxRing) next.key_ring.resize(kMaxRing);
  }
  if (Result<void> kept = store_.put(next); !kept) {
    host_.warn("chat: a group's new key is not kept: " + kept.error().text);
    return false;
  }
  ++counters_.keys;
  if (changed) sealed_ = 0;
  prune_keys();
  if (std::exchange(unreadable_, false)) tasks_.post([this] { read_again(); });
  return true;
}

/* What could not be read, or was not kept, may be now; the feeds have it still. */
void GroupSession::read_again() {
  unkept_ = false;
  for (const auto& [member, feed] : followed_) {
    std::vector<Heard> heard;
    const KeyList keys = key_list();
    feed->each("msgs",
               [&](std::string_view path, ByteView leaf) { hear_message(member, path, leaf, keys, heard); });
    keep(heard);
  }
}

void GroupSession::read_again_later() {
  if (std::exchange(unkept_, true)) return;
  reread_ = Timer::once(host_, options_.reread_ms, [this] { read_again(); });
}

}  // namespace visor::chat
