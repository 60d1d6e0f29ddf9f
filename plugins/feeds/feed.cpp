#include "feed.hpp"

#include <algorithm>
#include <iterator>

namespace visor::feeds {
namespace {

constexpr uint64_t kRefusedMs = 60000;
constexpr uint64_t kPatienceMs = 200;  // for a Root that whoever we follow will tell, too
constexpr size_t kMaxRefused = 1024;

}  // namespace

Feed::Feed(Host host, Members& node, std::shared_ptr<Store> store, const FeedId& id, visor_identity* identity,
           const FeedSettings& settings)
    : host_(host),
      tasks_(host),
      node_(node),
      store_(std::move(store)),
      id_(id),
      settings_(settings),
      quiet_ms_(settings.quiet_ms),
      root_ms_(host.now_ms()) {
  if (identity) {
    publisher_ = std::make_unique<Publisher>(host_, *store_, identity, id_, settings_.publisher,
                                             static_cast<Publisher::Owner&>(*this));
  }
}

Feed::~Feed() {
  for (const Member& m : members_) {
    m.connection->forget(static_cast<Requester&>(*this));
    m.connection->forget(static_cast<RootSource&>(*this));
  }
}

// --- members ---

Feed::Member* Feed::member(const Connection& connection) {
  auto found = std::ranges::find(members_, &connection, &Member::connection);
  return found == members_.end() ? nullptr : &*found;
}

Feed::Member& Feed::join(Connection& connection) {
  if (Member* m = member(connection)) return *m;
  members_.emplace_back().connection = &connection;
  node_.joined(connection, *this);
  return members_.back();
}

void Feed::remove(Connection& connection) {
  if (!member(connection)) return;
  std::erase_if(members_, [&](const Member& m) { return m.connection == &connection; });
  connection.forget(static_cast<Requester&>(*this));
  connection.forget(static_cast<RootSource&>(*this));
  node_.left(connection, *this);
  if (fill_) fill_->drop_source(connection);
  if (following_ == &connection) {
    following_ = nullptr;
    follow_somebody();
  }
}

void Feed::connection_closed(Connection& connection) {
  remove(connection);
}

void Feed::leave() {
  leaving_ = true;
  while (!members_.empty()) {
    Connection& connection = *members_.back().connection;
    connection.send(Unsub{id_.feed});
    remove(connection);
  }
}

bool Feed::has_source() const {
  return std::ranges::any_of(members_, [](const Member& m) { return m.we || m.asked; });
}

bool Feed::may_ask(const visor_key& peer) const {
  auto refused = refused_.find(peer);
  if (refused != refused_.end() && host_.now_ms() < refused->second) return false;
  return std::ranges::none_of(
      members_, [&](const Member& m) { return m.connection->peer() == peer && (m.we || m.asked); });
}

std::string_view Feed::state() const {
  if (publisher_) return "own";
  if (std::ranges::any_of(members_, &Member::we)) return "subscribed";
  return has_source() ? "asked" : "alone";
}

void Feed::subscribe_on(Connection& connection) {
  // Registered first: the Root may come together with the answer.
  Member& m = join(connection);
  if (m.asked) return;
  m.asked = true;
  connection.request(Sub{id_.feed}, *this);
  if (connection.extended() && !m.plain && (!following_ || following_ == &connection)) follow_on(connection);
}

void Feed::replied(Connection& connection, const Hash&, const Message* reply) {
  Member* m = member(connection);
  if (!m) return;
  m->asked = false;
  if (reply && std::holds_alternative<Ok>(*reply)) {
    m->we = true;
    refused_.erase(connection.peer());
    // So a subscription goes both ways: an owner who lost its store gets its own Root back.
    if (current()) connection.push(*this);
    return;
  }
  const auto* err = reply ? std::get_if<Err>(reply) : nullptr;
  last_error_ = err ? "the peer refused the subscription: " + printable(err->text)
                    : "the peer did not answer the subscription";
  if (refused_.size() >= kMaxRefused) refused_.clear();
  refused_[connection.peer()] = host_.now_ms() + kRefusedMs;
  m->we = false;
  if (following_ == &connection) follow_no_more(connection, true);
  if (!m->they) remove(connection);
}

void Feed::subscribed(Connection& connection, uint32_t seq) {
  if (!admits(connection.peer())) {
    ++counters_.refused_subscribers;
    connection.send(Err{"subscribe rejected"}, seq);
    return;
  }
  Member& m = join(connection);
  m.they = true;
  if (m.followed) m.followed->told.reset();
  connection.send(Ok{}, seq);
  // Again for one that is subscribed: it may have lost what was sent.
  if (current() || fill_) connection.push(*this);
}

void Feed::unsubscribed(Connection& connection) {
  remove(connection);
}

void Feed::admit(std::optional<std::set<visor_key>> keys) {
  std::set<visor_key> fresh;
  if (keys && admitted_) {
    std::ranges::set_difference(*keys, *admitted_, std::inserter(fresh, fresh.end()));
  }
  admitted_ = std::move(keys);
  std::vector<Connection*> out;
  for (const Member& m : members_) {
    // Of our own feed all who are connected for it are readers, whoever asked whom.
    if ((m.they || own()) && !admits(m.connection->peer())) out.push_back(m.connection);
  }
  for (Connection* connection : out) {
    connection->send(Unsub{id_.feed});
    remove(*connection);
  }
  if (!fresh.empty()) node_.admitted(*this, fresh);
}

// --- Roots ---

std::shared_ptr<const Bytes> Feed::root_message(Connection& connection, bool* more) {
  if (id_.branches) return nullptr;
  Member* m = member(connection);
  const bool branches = m && m->followed && !m->followed->branches.empty();
  if (m && m->followed && !branches) return stream_message(*m, more);
  auto message = branches ? branch_push(*m->followed) : root_push();
  if (m && message) m->sent = message_root_;
  return message;
}

std::shared_ptr<const Bytes> Feed::root_push(bool fetched) {
  const StoredRoot* stored = current();
  fetched = fetched && fill_;
  if (!fetched && !stored) return nullptr;
  const Hash wanted = fetched ? fill_->root().hash : stored->record.hash;
  if (message_ && message_root_ == wanted) return message_;
  auto encode_push = [&](const SignedRoot& root) {
    message_ = std::make_shared<const Bytes>(
        encode(Message(RootPush{id_.feed, root.root.nonce, root.root.seq, root.encoded, root.signature})));
    message_root_ = root.hash;
    return message_;
  };
  if (fetched) return encode_push(fill_->root());
  Result<SignedRoot> root = store_->load(id_);
  return root ? encode_push(*root) : nullptr;
}

void Feed::push_to_all(const Hash& root) {
  for (const Member& m : members_) {
    if (m.announced != root && (m.followed || m.sent != root)) m.connection->push(*this);
  }
}

/* Whether a Root of these numbers is one that we have, or had. */
bool Feed::outdated(uint64_t nonce, uint64_t seq) {
  const StoredRoot* stored = current();
  if (!stored || stored->nonce != nonce || seq > stored->record.seq) return false;
  return seq < stored->record.seq || !id_.branches || covers_wanted();
}

/* Roots of one chain go by their number, of two chains by their time. */
bool Feed::newer(const Root& root, const Root& than) const {
  return root.nonce == than.nonce ? root.seq > than.seq : root.time_ns > than.time_ns;
}

void Feed::root_arrived(Connection& connection, const RootPush& push) {
  Member* m = member(connection);
  if (!m) return;
  ++counters_.roots_received;
  root_ms_ = host_.now_ms();
  quiet_ms_ = settings_.quiet_ms;
  reconsider();
  const Hash hash = crypto::sha256(push.value);
  // An owner that lost its store may have given a number a second time.
  const StoredRoot* ours = publisher_ ? current() : nullptr;
  const bool given_twice = ours && push.seq == ours->record.seq && hash != ours->record.hash;
  if (!given_twice && outdated(push.nonce, push.seq)) return;
  if (id_.branches && wanted_branches().empty()) return;

  if (fill_ && fill_->root().hash == hash) {
    m->announced = hash;
    return fill_->add_source(connection);
  }
  if (pending_ && pending_->hash == hash) {
    m->announced = hash;
    return;
  }
  if (hash == bad_root_) return;

  bool bad_signature = false;
  Result<SignedRoot> root =
      open_root(id_.feed, push.nonce, push.seq, push.value, push.signature, &bad_signature);
  if (!root) {
    ++counters_.roots_refused;
    last_error_ = root.error().text;
    host_.debug("a Root of the feed " + to_hex(id_.feed) + " from " + to_hex(connection.peer()) +
                " is refused: " + root.error().text);
    // Whoever forwards a Root has checked its signature.
    if (bad_signature) connection.close(root.error());
    return;
  }
  if (publisher_) return publisher_->observe(*root);
  if (following_ == &connection) {
    m->announced = hash;  // sent before it knew that we follow; the difference comes behind it
    return;
  }
  const StoredRoot* stored = current();
  if (stored && stored->nonce != root->root.nonce && root->root.time_ns <= stored->record.time_ns) return;
  const bool older =
      fill_ && (!newer(root->root, fill_->root().root) || (pending_ && !newer(root->root, pending_->root)));
  if (older) return;  // what the peer announced before, it still has
  m->announced = hash;
  const bool wait = following_ != nullptr;  // it will be told by whoever we follow, with less to ask for
  if (!fill_ && !wait) return start_fill(std::move(*root));
  pending_ = std::move(*root);
  if (!fill_) patience_ = Timer::once(host_, kPatienceMs, [this] { start_pending(); });
}

void Feed::start_fill(SignedRoot root) {
  const Hash hash = root.hash;
  ++counters_.fills;
  retry_.cancel();
  patience_.cancel();
  fill_ = std::make_unique<Fill>(host_, *store_, id_, std::move(root), settings_.fill,
                                 static_cast<Fill::Owner&>(*this));
  if (id_.branches) {
    fill_->cut_to(wanted_branches(), std::exchange(way_, {}));
  } else {
    began_whole_ = true;
  }
  for (const Member& m : members_) {
    if (m.announced == hash) fill_->add_source(*m.connection);
  }
  fill_->start();
  push_to_all(hash);
}

void Feed::start_pending() {
  if (!pending_ || fill_) return;
  SignedRoot next = std::move(*std::exchange(pending_, std::nullopt));
  if (!outdated(next.root.nonce, next.root.seq)) start_fill(std::move(next));
}

void Feed::filled(Difference difference) {
  over_ = std::move(fill_);
  const bool streamed = std::exchange(streamed_, false);
  for (Member& m : members_) m.plain = false;
  counters_.objects_received += over_->counters().objects;
  counters_.bytes_received += over_->counters().bytes;
  counters_.objects_reused += over_->counters().reused;
  tasks_.post([this] { over_.reset(); });
  retry_ms_ = 0;
  last_error_.clear();
  if (id_.branches) {
    covered_ = over_->branches();
    way_ = over_->take_way();
    for (const auto& subscription : followers()) subscription->set_here(covers(subscription->prefix()));
  }
  // Whoever we follow knows what we have, unless it came from somebody else.
  if (!streamed) follow_somebody();
  push_to_all(current()->record.hash);
  start_pending();
  tell(difference);
  widen();
}

void Feed::broken(const Error& why) {
  over_ = std::move(fill_);
  streamed_ = false;
  tasks_.post([this] { over_.reset(); });
  ++counters_.fills_broken;
  counters_.objects_received += over_->counters().objects;
  counters_.bytes_received += over_->counters().bytes;
  counters_.objects_reused += over_->counters().reused;
  last_error_ = "the Root " + std::to_string(over_->root().root.seq) + " was not fetched: " + why.text;
  host_.debug("feed " + to_hex(id_.feed) + ": " + last_error_);
  if (why.status == VISOR_EPROTO) bad_root_ = over_->root().hash;
  if (pending_) return start_pending();
  ask_again_later();
}

/* Whoever follows it here was told of another tree than the one that is stored. */
void Feed::lost(const Error& why) {
  last_error_ = "a Root was not stored: " + why.text;
  host_.warn("feed " + to_hex(id_.feed) + ": " + last_error_);
  end(why);
  retry_ms_ = settings_.retry_ms;
  ask_again_later();
}

/* A peer that is asked again sends its Root again. */
void Feed::ask_again_later() {
  const uint64_t after_ms = retry_ms_;
  retry_ms_ = retry_ms_ == 0 ? settings_.retry_ms : std::min(retry_ms_ * 2, settings_.max_retry_ms);
  retry_ = Timer::once(host_, after_ms, [this] { ask_again(); });
}

void Feed::ask_again() {
  if (fill_) return;
  std::vector<Connection*> asked;
  for (const Member& m : members_) {
    if (m.we) asked.push_back(m.connection);
  }
  for (Connection* connection : asked) subscribe_on(*connection);
}

void Feed::check() {
  const uint64_t now_ms = host_.now_ms();
  std::erase_if(refused_, [&](const auto& refused) { return refused.second <= now_ms; });
  if (fill_) fill_->expire_waiting(now_ms - std::min<uint64_t>(now_ms, 59000));
  if (publisher_ || now_ms - root_ms_ < quiet_ms_) return;
  root_ms_ = now_ms;
  quiet_ms_ = std::min(quiet_ms_ * 2, settings_.max_quiet_ms);
  ask_again();
}

}  // namespace visor::feeds
