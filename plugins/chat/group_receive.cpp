// What comes out of members' feeds: one pipeline for what is live and what was there before.
#include <algorithm>

#include "group_session.hpp"
#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

/* As a group's owner of the first chats says it, in a leaf of its own every 30 s (7.6). */
constexpr std::string_view kHeartbeat = "__skychat_group_heartbeat__";

}  // namespace

void GroupSession::changed(const visor_key& feed, std::span<const visor_op> ops) {
  // Keys before decisions: who passes a removal on has passed the key on that it comes with.
  for (const visor_op& op : ops) {
    if (op.kind == VISOR_PUT && text(op.key).starts_with("keys/")) {
      relay("keys", bytes(op.value), heard_key(bytes(op.value)));
    }
  }
  // Decisions before messages: one may be of somebody who has just been added.
  for (const visor_op& op : ops) {
    const auto domain = mutation_domain(text(op.key));
    if (domain && op.kind == VISOR_PUT) heard_decision(*domain, bytes(op.value));
  }
  if (!store_.find(id_)) return;
  std::vector<Heard> heard;
  const KeyList keys = key_list();
  for (const visor_op& op : ops) {
    const std::string_view path = text(op.key);
    // That a leaf is gone means nothing: feeds are bounded, and a visor may lose its drive.
    if (op.kind != VISOR_PUT) continue;
    if (path.starts_with("mod/")) relay("mod", bytes(op.value));
    if (path.starts_with("msgs/")) hear_message(feed, path, bytes(op.value), keys, heard);
  }
  keep(heard);
  for (const visor_op& op : ops) {
    if (op.kind == VISOR_PUT && text(op.key).starts_with("reading/")) {
      heard_reading(feed, text(op.key), bytes(op.value));
    }
  }
  note_reach(feed);
  if (record().status != GroupStatus::kPending) return;
  GroupRecord active = record();
  active.status = GroupStatus::kActive;
  if (store_.put(active)) owner_.group_changed(id_);
}

void GroupSession::hear_message(const visor_key& feed, std::string_view text_path, ByteView leaf,
                                const KeyList& keys, std::vector<Heard>& heard) {
  const auto path = parse_message_path(text_path);
  // Feeds bring again and again what is here already: that is told before anything else is read.
  const auto newest = path ? newest_.find(path->sender) : newest_.end();
  const bool later = path && newest != newest_.end() && path->time_ns > newest->second;
  bool here = false;
  if (path && !later) {
    Result<bool> found = store_.contains(id_, *path);
    here = !found || *found;
    if (here && !(passes_on() && unpassed_.contains(*path))) {
      ++counters_.repeated;
      return;
    }
  }
  Result<GroupMessage> message =
      path ? parse_group_message(leaf) : failure(VISOR_EPROTO, "not a message's path");
  const GroupRecord& group = record();
  const bool named = message && message->sender == path->sender && message->time_ns == path->time_ns;
  const bool member = named && (group.is_member(message->sender) || group.is_admin(message->sender));
  const auto removed = named ? group.removed.find(message->sender) : group.removed.end();
  const bool before = removed != group.removed.end() && path->time_ns < removed->second;
  if (!named || !(member || before)) {
    ++counters_.refused;
    return;
  }
  // In its author's own feed the Root stands for it.
  const bool proved = feed == message->sender || verify(*message).has_value();
  const bool sealed_as_it_should_be = message->sealed() == (group.mode == Mode::kPrivate);
  const bool of_this_group = !message->bound || message->nonce == binding_of(id_, path->number);
  if (!proved || !sealed_as_it_should_be || !of_this_group) {
    ++counters_.refused;
    return;
  }
  if (!open_with(*message, keys) || message->text.empty()) {
    unreadable_ = true;
    unreadable_until_ms_ = host_.now_ms() + options_.feed_ms;
    ++counters_.unreadable;
    return;
  }
  if (message->text == kHeartbeat) return;
  if (!later && !here && is_copy(*path, message->text, heard)) {
    ++counters_.repeated;
    return;
  }
  newest_[path->sender] = std::max(newest_[path->sender], path->time_ns);
  Heard& one = heard.emplace_back();
  one.here = here;
  one.takes_back = parse_take_back(message->text);
  one.stored = {*path, host_.unix_ns(), false, one.takes_back.has_value(), codec::repair_utf8(message->text)};
  one.stored.answers = parse_answer(one.stored.text);
  if (passes_on()) one.leaf = {std::string(text_path), std::string(text(leaf))};
}

/* Who passes a message on may give it another number, which not every author has signed: it stays the same
 * message. */
bool GroupSession::is_copy(const MessagePath& path, std::string_view said,
                           std::span<const Heard> heard) const {
  std::string plain = codec::repair_utf8(said);
  (void)parse_answer(plain);
  auto same = [&](const StoredGroupMessage& other) {
    return other.path.sender == path.sender && other.path.time_ns == path.time_ns &&
           (other.deleted || other.text == plain);
  };
  if (std::ranges::any_of(heard, [&](const Heard& one) { return same(one.stored); })) return true;
  Result<std::vector<StoredGroupMessage>> at = store_.at(id_, path.sender, path.time_ns);
  return at && std::ranges::any_of(*at, same);
}

/* What came together is stored together, and passed on together. */
void GroupSession::keep(std::span<const Heard> heard) {
  if (heard.empty()) return;
  std::vector<StoredGroupMessage> messages;
  messages.reserve(heard.size());
  for (const Heard& one : heard) {
    if (!one.here) messages.push_back(one.stored);
  }
  if (Result<void> kept = store_.add(id_, messages); !kept) {
    host_.warn("chat: a group's messages are not kept, and are read again: " + kept.error().text);
    return read_again_later();
  }
  counters_.received += messages.size();
  renew_key();
  std::vector<OwnFeed::Leaf> passed;
  for (const Heard& one : heard) {
    if (one.leaf.path.empty()) continue;
    ++counters_.passed_on;
    passed.push_back(one.leaf);
    unpassed_.erase(one.stored.path);
  }
  if (!passed.empty()) put_messages(std::move(passed));
  auto stored = messages.begin();
  for (const Heard& one : heard) {
    if (one.here) continue;
    const StoredGroupMessage& message = *stored++;
    if (one.takes_back) {
      heard_take_back(message.path.sender, *one.takes_back);
    } else {
      owner_.group_said(id_, message);
    }
  }
}

void GroupSession::heard_take_back(const visor_key& sender, int64_t time_ns) {
  Result<std::optional<MessagePath>> taken = store_.take_back(id_, sender, time_ns);
  if (!taken) return host_.warn("chat: " + taken.error().text);
  if (!*taken) return;
  const std::string path = to_text(**taken);
  if (std::ranges::find(published_, path) != published_.end()) (void)own_.write({{path, {}}});
  owner_.group_took_back(id_, **taken);
}

// --- what is not for us to read ---

/* Others moderate by leaves that we do not act on, and keys are for each who finds theirs; members who know
 * of them only through us must have them all.  Those that no admin is known to have signed are few. */
void GroupSession::relay(std::string_view branch, ByteView leaf, std::optional<uint64_t> epoch) {
  const crypto::Hash hash = crypto::sha256(leaf);
  Relayed& relayed = relayed_[std::string(branch)];
  const bool little =
      relayed.unproved < options_.relayed_leaves && relayed_bytes_ + leaf.size() <= options_.relayed_bytes;
  const bool room = epoch ? decisions_known_.size() < kMaxDecisions && !is_outdated(*epoch) : little;
  if (leaf.empty() || !room || !decisions_known_.insert(hash).second) return;
  std::string digits = std::to_string(++relayed.last_number);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  const std::string path = std::string(branch) + "/" + digits;
  if (epoch) {
    key_leaves_[path] = {*epoch, hash};
  } else {
    ++relayed.unproved;
    relayed_bytes_ += leaf.size();
  }
  ++counters_.relayed;
  if (Result<void> written = own_.write({{path, std::string(text(leaf))}}); !written) {
    host_.warn("chat: a leaf of a group is not passed on: " + written.error().text);
  }
}

/* One that is in our feed from before. */
void GroupSession::read_relayed(std::string_view branch, std::string_view path, ByteView leaf) {
  Relayed& relayed = relayed_[std::string(branch)];
  const std::string number(path.substr(path.rfind('/') + 1));
  relayed.last_number = std::max<uint64_t>(relayed.last_number, std::strtoull(number.c_str(), nullptr, 10));
  // A key may have waited for its issuer.
  const std::optional<uint64_t> epoch = branch == "keys" ? heard_key(leaf) : std::nullopt;
  const crypto::Hash hash = crypto::sha256(leaf);
  decisions_known_.insert(hash);
  if (epoch) {
    key_leaves_[std::string(path)] = {*epoch, hash};
  } else {
    ++relayed.unproved;
    relayed_bytes_ += leaf.size();
  }
}

}  // namespace visor::chat
