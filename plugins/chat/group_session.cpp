#include "group_session.hpp"

#include <algorithm>

#include "group_ring.hpp"

namespace visor::chat {
namespace {

constexpr int64_t kSameClockNs = 1'000'000;          /* a clock that is further back was put back */
constexpr int64_t kLateKeyNs = 60ll * 1'000'000'000; /* clocks of admins differ */

}  // namespace

GroupSession::GroupSession(Host host, visor_feeds* feeds, visor_identity* identity, GroupStore& store,
                           const codec::Uuid& id, const GroupOptions& options, Owner& owner)
    : host_(host),
      tasks_(host),
      identity_(identity),
      store_(store),
      id_(id),
      options_(options),
      owner_(owner),
      place_{feeds, options.networks, store.find(id)->port, options.batch_ms},
      own_(host, place_) {}

Sign GroupSession::signer() const {
  return [this](const crypto::Hash& digest) -> Result<crypto::Signature> {
    crypto::Signature signature;
    const visor_status status = identity_->api->sign(identity_, digest.bytes.data(), signature.bytes.data());
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
    return signature;
  };
}

Result<void> GroupSession::start() {
  if (Result<void> known = remember(); !known) return known;
  admit_all();
  return own_.open([this](const Result<void>& result) { opened(result); });
}

/* Only once our feed is there: who asks before is told that there is none, and asks again a minute later. */
void GroupSession::serve() {
  for (const std::string& network : options_.networks) {
    visor_handle* handle = nullptr;
    const visor_status status = place_.feeds->api->serve(place_.feeds, to_span(std::string_view(network)),
                                                         place_.port, &GroupSession::on_peer, this, &handle);
    if (status == VISOR_OK) {
      served_.emplace_back(handle);
    } else {
      host_.warn("chat: nobody reaches the group " + codec::to_text(id_) + " over " + network + ": " +
                 host_.error(status).text);
    }
  }
}

void GroupSession::opened(const Result<void>& result) {
  if (!result)
    return host_.warn("chat: the group " + codec::to_text(id_) + " is not open: " + result.error().text);
  own_.each("msgs", [this](std::string_view path, ByteView) { published_.emplace_back(path); });
  published_count_ = published_.size();
  std::ranges::sort(published_, {}, [](const std::string& path) {
    const auto parsed = parse_message_path(path);
    return parsed ? parsed->time_ns : 0;
  });
  read_decisions();
  for (const char* branch : {"mod", "keys"}) {
    own_.each(branch,
              [this, branch](std::string_view path, ByteView leaf) { read_relayed(branch, path, leaf); });
  }
  prune_keys();
  own_.each("reading", [this](std::string_view path, ByteView value) {
    uint64_t count = 0;
    if (path == "reading/count") count = std::strtoull(std::string(text(value)).c_str(), nullptr, 10);
    // Those written after it was said are counted again, which keeps them longer.
    published_count_ = std::max(published_count_, count + published_.size());
  });
  publish_lost();
  serve();
  follow_all();
  sign_again_soon();
  const bool removed_since = std::ranges::any_of(
      record().removed, [&](const auto& each) { return each.second > record().key_issued_ns + kLateKeyNs; });
  const bool our_turn = record().is_admin(*identity_->api->key(identity_)) && !record().over();
  if (record().mode == Mode::kPrivate && our_turn && removed_since) {
    // Whoever removed them did not get so far.
    if (Result<void> rotated = rotate(nullptr); !rotated) host_.warn("chat: " + rotated.error().text);
  }
  const uint64_t every_ms = std::clamp<uint64_t>(options_.feed_ms / 20, 1000, options_.reading_ms);
  reading_ = Timer::every(host_, every_ms, [this] {
    tell_reading();
    renew_key();
  });
}

/* What was said before, for our numbers to go on from there whatever the clock says now. */
Result<void> GroupSession::remember() {
  Result<std::vector<StoredGroupMessage>> all = store_.messages(id_);
  if (!all) return std::unexpected(all.error());
  const visor_key self = *identity_->api->key(identity_);
  for (const StoredGroupMessage& message : *all) {
    int64_t& newest = newest_[message.path.sender];
    newest = std::max(newest, message.path.time_ns);
    if (message.path.sender == self) last_number_ = std::max(last_number_, message.path.number);
  }
  sealed_ = static_cast<uint64_t>(std::ranges::count_if(
      *all, [&](const StoredGroupMessage& message) { return message.path.time_ns > record().key_since_ns; }));
  before_ = std::move(*all);
  return {};
}

/* A crash may come between the history and the feed: what is in the one and not in the other is said again,
 * on its path, and what is others' is passed on when it is heard again. */
void GroupSession::publish_lost() {
  const visor_key self = *identity_->api->key(identity_);
  std::set<MessagePath> published;
  uint64_t newest = 0;
  for (const std::string& text_path : published_) {
    const auto path = parse_message_path(text_path);
    if (path) published.insert(*path);
    if (path && path->sender == self) newest = std::max(newest, path->number);
  }
  const auto oldest = published_.empty() ? std::nullopt : parse_message_path(published_.front());
  std::vector<StoredGroupMessage> ours;
  for (StoredGroupMessage& message : std::exchange(before_, {})) {
    if (message.deleted) continue;
    if (message.path.sender == self) {
      if (message.path.number > newest) ours.push_back(std::move(message));
      continue;
    }
    // What is older than all that is in the feed was in it, and is there no more.
    const bool was_there = oldest && message.path.time_ns < oldest->time_ns;
    if (passes_on() && !was_there && !published.contains(message.path)) unpassed_.insert(message.path);
  }
  std::ranges::sort(ours, {}, [](const StoredGroupMessage& message) { return message.path.number; });
  if (ours.size() > options_.most_feed_messages) {
    ours.erase(ours.begin(), ours.end() - static_cast<ptrdiff_t>(options_.most_feed_messages));
  }
  for (const StoredGroupMessage& message : ours) {
    Result<std::string> leaf = leaf_of(message);
    if (!leaf) return host_.warn("chat: what was said before is not published: " + leaf.error().text);
    put_messages({{to_text(message.path), std::move(*leaf)}});
  }
}

/* Sealed and signed as of its own time. */
Result<std::string> GroupSession::leaf_of(const StoredGroupMessage& stored) const {
  GroupMessage message;
  message.sender = stored.path.sender;
  message.time_ns = stored.path.time_ns;
  message.text = stored.answers ? answer_text(*stored.answers, stored.text) : stored.text;
  const Bytes& group_key = record().key;
  std::optional<crypto::AesKey> key;
  if (!group_key.empty()) key.emplace(std::span<const uint8_t, 32>(group_key));
  crypto::AesNonce nonce = binding_of(id_, stored.path.number);
  if (key) host_.random(nonce);
  if (Result<void> done = finish(message, key ? &*key : nullptr, nonce, signer()); !done) {
    return std::unexpected(done.error());
  }
  return to_leaf(message);
}

// --- who follows whom ---

bool GroupSession::passes_on() const {
  return record().members.size() > options_.mesh;
}

void GroupSession::follow_all() {
  const std::set<visor_key> wanted = followed_by(record(), *identity_->api->key(identity_), options_.mesh);
  for (auto at = followed_.begin(); at != followed_.end();) {
    if (wanted.contains(at->first)) {
      ++at;
      continue;
    }
    // One of its functions may be under way.
    post(host_, [gone = std::shared_ptr<MemberFeed>(std::move(at->second))] {});
    at = followed_.erase(at);
  }
  for (const visor_key& member : wanted) {
    auto& feed = followed_[member];
    if (feed) continue;
    strangers_.erase(member);
    feed = std::make_unique<MemberFeed>(
        host_, place_, member, MemberFeed::Events{.changed = [this, member](std::span<const visor_op> ops) {
          changed(member, ops);
        }});
  }
}

void GroupSession::admit_all() {
  const GroupRecord& group = record();
  if (group.mode == Mode::kPublic) return own_.admit(std::nullopt);
  own_.admit(group.members);
}

/* Somebody is connected on the group's port: a member whom we do not know yet, who then proves it, or a
 * newcomer to a public group. */
void GroupSession::on_peer(void* ctx, const visor_addr* peer, bool here) {
  auto* self = static_cast<GroupSession*>(ctx);
  if (here) {
    self->connected_.insert(peer->key);
    self->met(peer->key);
  } else {
    self->connected_.erase(peer->key);
  }
  self->note_reach(peer->key);
}

void GroupSession::met(const visor_key& peer) {
  const GroupRecord& group = record();
  const visor_key self = *identity_->api->key(identity_);
  if (peer == self || followed_.contains(peer) || strangers_.contains(peer) || group.is_member(peer)) return;
  const bool welcome = group.mode == Mode::kPublic && group.is_admin(self) && !group.removed.contains(peer) &&
                       group.members.size() < options_.auto_members;
  if (welcome) {
    if (Result<void> added = decide(Domain::kRoster, Op::kAdd, peer); !added) {
      host_.warn("chat: a newcomer is not added: " + added.error().text);
    }
    return;
  }
  if (strangers_.size() >= options_.strangers) return;
  Stranger& stranger = strangers_[peer];
  stranger.feed = std::make_unique<MemberFeed>(
      host_, place_, peer, MemberFeed::Events{.changed = [this](std::span<const visor_op> ops) {
        // Nothing but decisions, which prove themselves.
        for (const visor_op& op : ops) {
          const auto domain = mutation_domain(text(op.key));
          if (domain && op.kind == VISOR_PUT) heard_decision(*domain, bytes(op.value));
        }
      }});
  stranger.limit = Timer::once(host_, options_.stranger_ms,
                               [this, peer] { tasks_.post([this, peer] { strangers_.erase(peer); }); });
}

size_t GroupSession::attached() const {
  return static_cast<size_t>(
      std::ranges::count_if(followed_, [this](const auto& entry) { return reached(entry.first); }));
}

/* The one measure of it: a connection that stands, on which a whole Root has come. */
bool GroupSession::reached(const visor_key& member) const {
  auto at = followed_.find(member);
  return at != followed_.end() && at->second->attached() && connected_.contains(member);
}

/* Who watches is told. */
void GroupSession::note_reach(const visor_key& member) {
  const bool now = reached(member);
  if (now == reached_.contains(member)) return;
  if (now) reached_.insert(member);
  if (!now) reached_.erase(member);
  owner_.group_changed(id_);
}

// --- what we say ---

Result<StoredGroupMessage> GroupSession::send(std::string_view text, const std::optional<Answered>& answers) {
  Result<StoredGroupMessage> said =
      answers && !text.empty() ? publish(answer_text(*answers, text), false) : publish(text, false);
  if (said) owner_.group_said(id_, *said);
  return said;
}

/* hidden: not shown, as what takes another back. */
Result<StoredGroupMessage> GroupSession::publish(std::string_view text, bool hidden) {
  const GroupRecord& group = record();
  if (group.over()) {
    return failure(VISOR_EPERM, "the group is over for us (" + std::string(name_of(group.status)) + ")");
  }
  if (text.empty() || text.size() > kMaxGroupText) {
    return failure(VISOR_EINVAL, "a message to a group has 1 to " + std::to_string(kMaxGroupText) +
                                     " bytes; got " + std::to_string(text.size()));
  }
  if (!own_.has_room()) {
    return failure(VISOR_EAGAIN, "the group's feed is not open, and too much waits for it; try again later");
  }
  // What is taken back or answered is named by its time, so no two have the same.
  int64_t& newest = newest_[*identity_->api->key(identity_)];
  const int64_t now_ns = host_.unix_ns();
  const int64_t time_ns = now_ns > newest || now_ns + kSameClockNs < newest ? now_ns : newest + 1;
  newest = std::max(newest, time_ns);
  // Never the same again, also after a restart with a clock that was put back: a path is not reused.
  last_number_ = std::max(last_number_ + 1, static_cast<uint64_t>(time_ns));
  StoredGroupMessage stored{
      {*identity_->api->key(identity_), time_ns, last_number_}, time_ns, false, hidden, std::string(text)};
  stored.answers = parse_answer(stored.text);
  Result<std::string> leaf = leaf_of(stored);
  if (!leaf) return std::unexpected(leaf.error());
  if (Result<bool> kept = store_.add(id_, stored); !kept) return std::unexpected(kept.error());
  ++counters_.sent;
  ++sealed_;
  put_messages({{to_text(stored.path), std::move(*leaf)}});
  renew_key();
  return stored;
}

Result<void> GroupSession::take_back(const MessagePath& path) {
  if (path.sender != *identity_->api->key(identity_)) {
    return failure(VISOR_EPERM, "only its author takes a message back");
  }
  Result<std::optional<MessagePath>> taken = store_.take_back(id_, path.sender, path.time_ns);
  if (!taken) return std::unexpected(taken.error());
  if (!*taken) return failure(VISOR_ENOENT, "the group has no such message");
  owner_.group_took_back(id_, path);
  if (Result<StoredGroupMessage> said = publish(take_back_text(path.time_ns), true); !said) {
    return std::unexpected(said.error());
  }
  return own_.write({{to_text(path), {}}});
}

Result<void> GroupSession::decide(Domain domain, Op op, const visor_key& peer) {
  const visor_key self = *identity_->api->key(identity_);
  const GroupRecord& group = record();
  if (!group.is_admin(self))
    return failure(VISOR_EPERM, "only an admin of the group decides about its members");
  if (!crypto::valid_public_key(peer)) return failure(VISOR_EINVAL, "the member's key is not a public key");
  const bool removes = domain == Domain::kRoster && op == Op::kRemove;
  const bool was_admin = op == Op::kRemove && group.is_admin(peer);
  if (removes && was_admin && peer != group.owner && peer != self) {
    // A decision of its own, so that nobody who hears of the two in another order takes them for an admin.
    if (Result<void> demoted = decide(Domain::kAdmin, Op::kRemove, peer); !demoted) return demoted;
  }
  Mutation mutation;
  mutation.domain = domain;
  mutation.group = id_;
  mutation.op = op;
  mutation.peer = peer;
  mutation.issued_ns = host_.unix_ns();
  mutation.issuer = self;
  if (Result<void> signed_it = sign(mutation, signer()); !signed_it) return signed_it;
  if (removes && group.mode == Mode::kPrivate && group.is_member(peer) && peer != group.owner) {
    // First, so that nobody knows of the one and not of the other.
    if (Result<void> rotated = rotate(&peer); !rotated) return rotated;
  }
  const std::string leaf = to_leaf(mutation);
  decisions_known_.insert(crypto::sha256(bytes(leaf)));
  Result<bool> applied = apply(mutation);
  if (!applied) return std::unexpected(applied.error());
  if (!*applied) return {};
  pass_on(domain, bytes(leaf));
  if (was_admin) sign_again();
  if (removes) say_farewell();
  return domain == Domain::kRoster && op == Op::kAdd ? give_key(peer) : Result<void>{};
}

/* Who was removed should learn of it, and of nothing else: what we say waits until our feed is closed to
 * them. */
void GroupSession::say_farewell() {
  own_.hold();
  farewell_ = Timer::once(host_, options_.farewell_ms, [this] {
    admit_all();
    own_.release();
  });
}

}  // namespace visor::chat
