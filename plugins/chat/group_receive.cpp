// What comes out of members' feeds: one pipeline for what is live and what was there before.
#include <algorithm>

#include "group_session.hpp"
#include "lib/codec/utf8.hpp"

namespace visor::chat {
namespace {

constexpr int64_t kFutureNs = 5ll * 60 * 1'000'000'000;
constexpr size_t kMaxParked = 256;
constexpr size_t kMaxDecisions = 16384;

std::string decision_key(const Mutation& mutation) {
  return (mutation.domain == Domain::kRoster ? "r:" : "a:") + to_hex(mutation.peer);
}

void insert(std::vector<visor_key>& keys, const visor_key& key) {
  if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
}

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
  if (keep(heard)) {
    for (const visor_op& op : ops) {
      if (op.kind == VISOR_PUT && text(op.key).starts_with("reading/")) {
        heard_reading(feed, text(op.key), bytes(op.value));
      }
    }
  }
  if (record().status != GroupStatus::kPending) return;
  GroupRecord active = record();
  active.status = GroupStatus::kActive;
  if (store_.put(active)) owner_.group_changed(id_);
}

void GroupSession::hear_message(const visor_key& feed, std::string_view text_path, ByteView leaf,
                                const KeyList& keys, std::vector<Heard>& heard) {
  const auto path = parse_message_path(text_path);
  // Feeds bring again and again what is here already: that is told before anything else is read.
  if (path) {
    Result<bool> here = store_.contains(id_, *path);
    if (!here || *here) {
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
  if (!proved || !sealed_as_it_should_be) {
    ++counters_.refused;
    return;
  }
  if (!open_with(*message, keys) || message->text.empty()) {
    unreadable_ = true;
    unreadable_until_ms_ = host_.now_ms() + options_.feed_ms;
    ++counters_.unreadable;
    return;
  }
  Heard& one = heard.emplace_back();
  one.takes_back = parse_take_back(message->text);
  one.stored = {*path, host_.unix_ns(), false, one.takes_back.has_value(), codec::repair_utf8(message->text)};
  one.stored.answers = parse_answer(one.stored.text);
  if (passes_on()) one.leaf = {std::string(text_path), std::string(text(leaf))};
}

/* What came together is stored together, and passed on together. */
bool GroupSession::keep(std::span<const Heard> heard) {
  if (heard.empty()) return true;
  std::vector<StoredGroupMessage> messages;
  messages.reserve(heard.size());
  for (const Heard& one : heard) messages.push_back(one.stored);
  if (Result<void> kept = store_.add(id_, messages); !kept) {
    host_.warn("chat: a group's messages are not kept: " + kept.error().text);
    return false;
  }
  counters_.received += heard.size();
  renew_key();
  std::vector<OwnFeed::Leaf> passed;
  for (const Heard& one : heard) {
    if (one.leaf.path.empty()) continue;
    ++counters_.passed_on;
    passed.push_back(one.leaf);
  }
  if (!passed.empty()) put_messages(std::move(passed));
  for (size_t i = 0; i < heard.size(); ++i) {
    if (heard[i].takes_back) {
      heard_take_back(messages[i].path.sender, *heard[i].takes_back);
    } else {
      owner_.group_said(id_, messages[i]);
    }
  }
  return true;
}

void GroupSession::heard_take_back(const visor_key& sender, int64_t time_ns) {
  Result<std::optional<MessagePath>> taken = store_.take_back(id_, sender, time_ns);
  if (!taken) return host_.warn("chat: " + taken.error().text);
  if (!*taken) return;
  const std::string path = to_text(**taken);
  if (std::ranges::find(published_, path) != published_.end()) (void)own_.write({{path, {}}});
  owner_.group_took_back(id_, **taken);
}

// --- decisions ---

void GroupSession::heard_decision(Domain domain, ByteView leaf) {
  const crypto::Hash hash = crypto::sha256(leaf);
  if (decisions_known_.contains(hash) || decisions_known_.size() >= kMaxDecisions) return;
  Result<Mutation> mutation = parse_mutation(domain, leaf);
  const bool sound = mutation && mutation->group == id_ && verify(*mutation) &&
                     mutation->issued_ns <= host_.unix_ns() + kFutureNs;
  if (!sound) {
    ++counters_.decisions_refused;
    return;
  }
  decisions_known_.insert(hash);
  pass_on(domain, leaf);
  Result<bool> applied = apply(*mutation);
  if (applied && *applied) return retry_parked();
  if (applied || applied.error().status != VISOR_EPERM) return;
  // Whoever decided may turn out to be an admin by a decision that is still to come.
  if (parked_.size() >= kMaxParked) parked_.pop_front();
  parked_.push_back(*mutation);
}

/* Gives whether it changed anything.  VISOR_EPERM: its issuer is no admin. */
Result<bool> GroupSession::apply(const Mutation& mutation) {
  GroupRecord next = record();
  if (!next.is_admin(mutation.issuer)) return failure(VISOR_EPERM, "the issuer of this decision is no admin");
  const bool takes = mutation.op == Op::kRemove;
  if (takes && mutation.peer == next.owner)
    return failure(VISOR_EINVAL, "the founder of a group stays its admin");
  int64_t& decided = next.decided[decision_key(mutation)];
  if (mutation.issued_ns <= decided) return false;
  decided = mutation.issued_ns;
  ++counters_.decisions;
  if (mutation.domain == Domain::kAdmin) {
    if (takes) {
      std::erase(next.admins, mutation.peer);
    } else {
      insert(next.admins, mutation.peer);
    }
  } else if (takes) {
    std::erase(next.members, mutation.peer);
    std::erase(next.admins, mutation.peer);
    next.removed[mutation.peer] = mutation.issued_ns;
  } else {
    insert(next.members, mutation.peer);
    next.removed.erase(mutation.peer);
  }
  const bool out =
      takes && mutation.domain == Domain::kRoster && mutation.peer == *identity_->api->key(identity_);
  if (out) next.status = GroupStatus::kRevoked;
  if (Result<void> kept = store_.put(next); !kept) return std::unexpected(kept.error());
  // Whoever decided closes their feed a little later, so that it is heard.
  if (!(takes && mutation.issuer == *identity_->api->key(identity_))) admit_all();
  // Feeds come and go with it, and this may be called by one of them.
  tasks_.post([this] { follow_all(); });
  owner_.group_changed(id_);
  return true;
}

void GroupSession::retry_parked() {
  for (const Bytes& leaf : std::exchange(parked_keys_, {})) {
    Result<KeyMutation> mutation = parse_key_mutation(leaf);
    if (mutation && record().is_admin(mutation->issuer)) {
      take_key(*mutation);
    } else {
      parked_keys_.push_back(leaf);
    }
  }
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < parked_.size(); ++i) {
      Result<bool> applied = apply(parked_[i]);
      if (!applied && applied.error().status == VISOR_EPERM) continue;
      parked_.erase(parked_.begin() + static_cast<ptrdiff_t>(i));
      again = true;
      break;
    }
  }
}

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

/* Everybody passes every decision on, as it is. */
void GroupSession::pass_on(Domain domain, ByteView leaf) {
  const std::string path = mutation_path(domain, ++decisions_published_);
  if (Result<void> written = own_.write({{path, std::string(text(leaf))}}); !written) {
    host_.warn("chat: a decision about a group is not passed on: " + written.error().text);
  }
}

}  // namespace visor::chat
