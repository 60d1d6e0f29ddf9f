// Who is in a group, and who decides about it: decisions that admins sign, each passed on by everybody as it
// is (specification chat.md, section 10).
#include <algorithm>

#include "group_session.hpp"
#include "lib/codec/endian.hpp"

namespace visor::chat {
namespace {

constexpr uint64_t kAgainMs = 3000;
constexpr size_t kMaxParked = 256, kMaxParkedLeaf = 4096;

std::string decision_key(Domain domain, const visor_key& peer) {
  return (domain == Domain::kRoster ? "r:" : "a:") + to_hex(peer);
}

void insert(std::vector<visor_key>& keys, const visor_key& key) {
  if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
}

}  // namespace

/* One that no admin signed, as far as we know, waits and is passed on to nobody: anybody may sign anything.
 */
void GroupSession::heard_decision(Domain domain, ByteView leaf) {
  const crypto::Hash hash = crypto::sha256(leaf);
  if (decisions_known_.contains(hash)) return;
  Result<Mutation> mutation = parse_mutation(domain, leaf);
  if (!mutation || mutation->group != id_ || mutation->issued_ns > host_.unix_ns() + kFutureNs) {
    ++counters_.decisions_refused;
    return;
  }
  if (!record().is_admin(mutation->issuer)) return park(domain, leaf);
  if (decisions_known_.size() >= kMaxDecisions || !verify(*mutation)) {
    ++counters_.decisions_refused;
    return;
  }
  decisions_known_.insert(hash);
  pass_on(domain, leaf);
  Result<bool> applied = apply(*mutation);
  if (!applied || !*applied) return;
  if (mutation->domain == Domain::kAdmin && mutation->op == Op::kAdd) has_become_admin();
  if (mutation->domain == Domain::kAdmin && mutation->op == Op::kRemove) sign_again_soon();
}

/* Whoever decided may turn out to be an admin by a decision that is still to come. */
void GroupSession::park(Domain domain, ByteView leaf) {
  const std::string_view words = text(leaf);
  if (leaf.size() > kMaxParkedLeaf) return;
  if (std::ranges::find(parked_, words, &Parked::leaf) != parked_.end()) return;
  if (parked_.size() >= kMaxParked) parked_.pop_front();
  parked_.push_back({domain, std::string(words)});
}

/* Who has become an admin may have decided before, and what waited may be gone: the feeds have it still. */
void GroupSession::has_become_admin() {
  for (const Bytes& leaf : std::exchange(parked_keys_, {})) {
    Result<KeyMutation> mutation = parse_key_mutation(leaf);
    if (mutation && record().is_admin(mutation->issuer)) {
      take_key(*mutation);
    } else {
      parked_keys_.push_back(leaf);
    }
  }
  for (const Parked& parked : std::exchange(parked_, {})) heard_decision(parked.domain, bytes(parked.leaf));
  // A feed is told of changes just now.
  tasks_.post([this] {
    for (const auto& [member, feed] : followed_) {
      for (const char* branch : {"admin", "roster"}) {
        feed->each(branch, [this](std::string_view path, ByteView leaf) {
          if (const auto domain = mutation_domain(path)) heard_decision(*domain, leaf);
        });
      }
    }
  });
}

/* Gives whether it changed anything.  VISOR_EPERM: its issuer is no admin. */
Result<bool> GroupSession::apply(const Mutation& mutation) {
  GroupRecord next = record();
  if (!next.is_admin(mutation.issuer)) return failure(VISOR_EPERM, "the issuer of this decision is no admin");
  const bool takes = mutation.op == Op::kRemove;
  if (takes && mutation.peer == next.owner)
    return failure(VISOR_EINVAL, "the founder of a group stays its admin");
  int64_t& decided = next.decided[decision_key(mutation.domain, mutation.peer)];
  if (mutation.issued_ns <= decided) return false;
  decided = mutation.issued_ns;
  ++counters_.decisions;
  if (mutation.domain == Domain::kAdmin) {
    const auto removed = next.removed.find(mutation.peer);
    if (takes) {
      std::erase(next.admins, mutation.peer);
    } else if (removed == next.removed.end() || removed->second < mutation.issued_ns) {
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

/* Those in our feed from before. */
void GroupSession::read_decisions() {
  std::vector<Mutation> newer;
  for (const char* branch : {"admin", "roster"}) {
    own_.each(branch, [&](std::string_view path, ByteView leaf) {
      decisions_known_.insert(crypto::sha256(leaf));
      const std::string number(path.substr(path.rfind('/') + 1));
      decisions_published_ =
          std::max<uint64_t>(decisions_published_, std::strtoull(number.c_str(), nullptr, 10));
      const auto domain = mutation_domain(path);
      Result<Mutation> decision = domain ? parse_mutation(*domain, leaf) : failure(VISOR_EPROTO, "none");
      if (decision && record().is_admin(decision->issuer)) newer.push_back(*decision);
    });
  }
  // A crash may have come between the feed and the record; most are known.
  for (const Mutation& decision : newer) (void)apply(decision);
}

/* A decision counts for whoever hears of it while its issuer is an admin.  So that those who come later know
 * the same members, an admin signs again, as of its own time, what stands and no admin of now has signed:
 * because who did is none any more, or because a crash came between the record and the feed. */
void GroupSession::sign_again() {
  const GroupRecord& group = record();
  const visor_key self = *identity_->api->key(identity_);
  if (!own_.is_open() || group.over() || !group.is_admin(self)) return;
  std::set<std::pair<std::string, int64_t>> signed_by_admins;
  for (const char* branch : {"admin", "roster"}) {
    own_.each(branch, [&](std::string_view path, ByteView leaf) {
      const auto domain = mutation_domain(path);
      Result<Mutation> decision = domain ? parse_mutation(*domain, leaf) : failure(VISOR_EPROTO, "none");
      if (decision && group.is_admin(decision->issuer))
        signed_by_admins.emplace(decision_key(*domain, decision->peer), decision->issued_ns);
    });
  }
  for (const auto& [key, issued_ns] : group.decided) {
    Mutation mutation;
    Result<visor_key> peer = key_from_hex(std::string_view(key).substr(2));
    if (!peer || signed_by_admins.contains({key, issued_ns})) continue;
    mutation.domain = key.starts_with("r:") ? Domain::kRoster : Domain::kAdmin;
    const bool stands = mutation.domain == Domain::kRoster ? group.is_member(*peer) : group.is_admin(*peer);
    mutation.group = id_;
    mutation.op = stands ? Op::kAdd : Op::kRemove;
    mutation.peer = *peer;
    mutation.issued_ns = issued_ns;
    mutation.issuer = self;
    if (Result<void> signed_it = sign(mutation, signer()); !signed_it) {
      return host_.warn("chat: a decision about a group is not signed again: " + signed_it.error().text);
    }
    const std::string leaf = to_leaf(mutation);
    // One that was written just now may not be in the feed yet.
    if (decisions_known_.insert(crypto::sha256(bytes(leaf))).second) pass_on(mutation.domain, bytes(leaf));
  }
}

void GroupSession::sign_again_soon() {
  if (!record().is_admin(*identity_->api->key(identity_))) return;
  // Not all admins at once: what one has signed the others pass on.
  const auto draw = codec::load_be<uint16_t>(identity_->api->key(identity_)->bytes + 1);
  again_ = Timer::once(host_, kAgainMs + draw % kAgainMs, [this] { sign_again(); });
}

/* Everybody passes every decision on, as it is. */
void GroupSession::pass_on(Domain domain, ByteView leaf) {
  const std::string path = mutation_path(domain, ++decisions_published_);
  if (Result<void> written = own_.write({{path, std::string(text(leaf))}}); !written) {
    host_.warn("chat: a decision about a group is not passed on: " + written.error().text);
  }
}

}  // namespace visor::chat
