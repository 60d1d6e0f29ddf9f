#include "node.hpp"

#include <algorithm>

namespace visor::feeds {
namespace {

constexpr uint64_t kTogetherMs = 10000;  // two connections that both sides opened at one time
constexpr uint64_t kUselessMs = 60000;
constexpr size_t kMaxHandshakesOfOne = 8;  // one key must not take the room of all others

}  // namespace

Node::Node(Host host, Networks& networks, visor_identity* identity, uint16_t port,
           const NodeSettings& settings)
    : host_(host),
      tasks_(host),
      networks_(networks),
      identity_(identity),
      port_(port),
      settings_(settings),
      served_(host) {
  check_ = Timer::every(host_, settings_.check_ms, [this] { check(); });
}

Node::~Node() {
  while (!peers_.empty()) peers_.begin()->second.connection->close({VISOR_ECANCELED, "the node stops"});
}

void Node::stop() {
  stopping_ = true;
  std::vector<visor_key> unused;
  for (const auto& [owner, used] : feeds_) {
    if (used.uses == 0) unused.push_back(owner);
  }
  for (const visor_key& owner : unused) release(owner);
  for (auto& [owner, used] : feeds_) {
    if (used.feed->publisher()) used.feed->publisher()->flush();
    used.feed->end({VISOR_ECANCELED, "feeds stop"});
  }
}

// --- uses ---

std::shared_ptr<Feed> Node::open(std::shared_ptr<Store> store, const visor_key& owner,
                                 const std::string& network, std::optional<uint64_t> batch_ms) {
  const bool own = owner == *identity_->api->key(identity_);
  if (std::ranges::find(stores_, store) == stores_.end()) stores_.push_back(store);
  auto kept = feeds_.find(owner);
  if (kept != feeds_.end() && kept->second.uses == 0 && kept->second.feed->store() != store) release(owner);
  Used& used = feeds_[owner];
  if (!used.feed) {
    FeedSettings settings = settings_.feed;
    if (batch_ms) settings.publisher.batch_ms = *batch_ms;
    used.feed = std::make_shared<Feed>(host_, static_cast<Feed::Members&>(*this), std::move(store),
                                       FeedId{port_, owner}, own ? identity_ : nullptr, settings);
  } else if (own && batch_ms) {
    used.feed->publisher()->set_batch_ms(*batch_ms);
  }
  ++used.uses;
  if (own) return used.feed;
  used.release.cancel();
  if (!network.empty()) link_to(owner).want(network);
  unwant(owner, std::exchange(used.network, {}));
  if (Connection* connection = connection_to(owner); connection && used.feed->may_ask(owner)) {
    used.feed->subscribe_on(*connection);
  } else if (!connection && network.empty()) {
    find_sources(*used.feed);  // nobody is dialed who could answer later
  }
  return used.feed;
}

void Node::close(const std::shared_ptr<Feed>& feed, const std::string& network) {
  const visor_key owner = feed->id().feed;
  auto at = feeds_.find(owner);
  if (at == feeds_.end()) return;
  Used& used = at->second;
  const bool last = --used.uses == 0;
  // Of branches that nobody follows nothing is fetched, so there is nothing to keep up.
  const bool keep = !feed->own() && !feed->of_branches() && settings_.release_ms > 0 && !stopping_;
  if (!last || !keep) {
    if (!feed->own()) unwant(owner, network);
    if (last) release(owner);
    return;
  }
  used.network = network;
  used.release = Timer::once(host_, settings_.release_ms, [this, owner] { release(owner); });
}

void Node::unwant(const visor_key& owner, const std::string& network) {
  if (network.empty()) return;
  link_to(owner).unwant(network);
  drop_link_later(owner);
}

/* Lets go of a feed that nobody uses. */
void Node::release(const visor_key& owner) {
  auto at = feeds_.find(owner);
  std::shared_ptr<Feed> feed = std::move(at->second.feed);
  unwant(owner, at->second.network);
  if (feed->publisher()) feed->publisher()->flush();
  feed->leave();
  feeds_.erase(at);
  // One of its own functions may be under way.
  tasks_.post([feed] {});
}

Link& Node::link_to(const visor_key& peer) {
  std::unique_ptr<Link>& link = links_[peer];
  if (!link) {
    link = std::make_unique<Link>(host_, static_cast<Link::Owner&>(*this), visor_addr{peer, port_},
                                  settings_.link);
    if (connection_to(peer)) link->up();
  }
  return *link;
}

void Node::drop_link_later(const visor_key& peer) {
  tasks_.post([this, peer] {
    auto at = links_.find(peer);
    if (at != links_.end() && !at->second->wanted()) links_.erase(at);
  });
}

visor_handle* Node::announce(const std::string& network, const visor_key& peer, Link::State state,
                             void* ctx) {
  Link& link = link_to(peer);
  link.want(network);
  return link.announce(state, ctx, [this, peer, network] {
    link_to(peer).unwant(network);
    drop_link_later(peer);
  });
}

Result<visor_handle*> Node::serve(const std::string& network, PeerChanged fn, void* ctx) {
  Listening& listening = listening_[network];
  if (listening.uses == 0 && networks_.network(network)) {
    if (Result<void> begun = listen(network, listening); !begun) {
      listening_.erase(network);
      return std::unexpected(begun.error());
    }
  }
  ++listening.uses;
  visor_handle* handle = served_.add({fn, ctx}, [this, network] {
    auto at = listening_.find(network);
    if (at != listening_.end() && --at->second.uses == 0) listening_.erase(at);
  });
  for (const auto& [peer, connection] : ready_) {
    // Those who are here already; the new one alone has not heard of them.
    tasks_.post([this, fn, ctx, key = peer] {
      bool listens = false;
      served_.each([&](const Told& told) { listens = listens || (told.fn == fn && told.ctx == ctx); });
      const visor_addr address{key, port_};
      if (listens && fn && connection_to(key)) fn(ctx, &address, true);
    });
  }
  return handle;
}

Result<void> Node::listen(const std::string& network, Listening& listening) {
  visor_net* net = networks_.network(network);
  return listening.listener.listen(host_, net, port_,
                                   [this, network](visor_stream* stream) { accept(network, stream); });
}

void Node::network_changed(const std::string& name, bool here) {
  auto at = listening_.find(name);
  if (at != listening_.end()) {
    at->second.listener.close();
    if (here) {
      if (Result<void> begun = listen(name, at->second); !begun) {
        host_.warn("feeds cannot listen on port " + std::to_string(port_) + " of '" + name +
                   "': " + begun.error().text);
      }
    }
  }
  for (auto& [peer, link] : links_) link->network_changed(name, here);
}

// --- connections ---

void Node::accept(const std::string& network, visor_stream* stream) {
  Stream owned(host_, stream);
  const bool full = peers_.size() >= settings_.max_connections || pending_ >= settings_.max_pending;
  if (full || !owned.peer()) {
    ++counters_.refused;
    counters_.last_closed = full ? "refused: too many connections" : "refused: a stream that proves no key";
    return;
  }
  auto of_peer = handshakes_.find(owned.peer()->key);
  if (of_peer != handshakes_.end() && of_peer->second >= kMaxHandshakesOfOne) {
    ++counters_.refused;
    counters_.last_closed = "refused: too many handshakes of one peer";
    return;
  }
  ++counters_.accepted;
  add(network, owned.release(), false);
}

void Node::dialed(const std::string& network, visor_stream* stream) {
  ++counters_.dialed;
  add(network, stream, true);
}

void Node::add(const std::string& network, visor_stream* stream, bool we_dialed) {
  const uint64_t number = ++last_number_;
  Peer& peer = peers_[number];
  peer.network = network;
  peer.connection = std::make_unique<Connection>(host_, stream, *identity_->api->key(identity_), we_dialed,
                                                 settings_.connection, static_cast<ConnectionUser&>(*this));
  numbers_[peer.connection.get()] = number;
  ++pending_;
  ++handshakes_[peer.connection->peer()];
}

void Node::handshake_over(const Connection& connection) {
  --pending_;
  auto of_peer = handshakes_.find(connection.peer());
  if (--of_peer->second == 0) handshakes_.erase(of_peer);
}

Node::Peer& Node::peer_of(const Connection& connection) {
  return peers_.at(numbers_.at(&connection));
}

Connection* Node::connection_to(const visor_key& peer) const {
  auto at = ready_.find(peer);
  return at == ready_.end() ? nullptr : at->second;
}

/* The newest connection to a peer is kept, but when both sides dialed at one time: then both keep the one
 * that the greater key dialed, lest each closes the other's.  Gives whether the new one is kept. */
bool Node::settle_collision(Connection& connection, Connection& before) {
  const bool together =
      before.dialed() != connection.dialed() && host_.now_ms() - before.ready_since_ms() < kTogetherMs;
  if (!together) return true;
  const bool ours = *identity_->api->key(identity_) > connection.peer();
  return connection.dialed() == ours;
}

void Node::connection_ready(Connection& connection) {
  Peer& peer = peer_of(connection);
  peer.was_ready = true;
  handshake_over(connection);
  const visor_key key = connection.peer();
  Connection* before = connection_to(key);
  if (before && !settle_collision(connection, *before)) {
    return connection.close({VISOR_EEXIST, "both sides dialed; the other connection is kept"});
  }
  ready_[key] = &connection;
  // Who follows a feed there goes on here before the other connection ends, so that a fill keeps a source.
  if (Feed* feed = find(key); feed && !feed->own()) feed->subscribe_on(connection);
  if (before) {
    for (Feed* feed : std::vector<Feed*>(peer_of(*before).feeds)) {
      if (!feed->own()) feed->subscribe_on(connection);
    }
    before->close({VISOR_EEXIST, "a newer connection to the same peer is there"});
  }
  if (auto link = links_.find(key); link != links_.end()) link->second->up();
  if (!before) tell(key, true);
}

void Node::connection_closed(Connection& connection, const Error& why) {
  ++counters_.closed;
  counters_.last_closed = to_hex(connection.peer()).substr(0, 8) + ": " + why.text;
  Peer& peer = peer_of(connection);
  if (!peer.was_ready) handshake_over(connection);
  for (Feed* feed : std::vector<Feed*>(peer.feeds)) feed->connection_closed(connection);
  const visor_key key = connection.peer();
  const bool last = connection_to(key) == &connection;
  if (last) ready_.erase(key);
  if (auto link = links_.find(key); link != links_.end() && !connection_to(key)) {
    // A peer's failed attempt says nothing about ours.
    if (last || connection.dialed()) link->second->down(why);
  }
  if (last) tell(key, false);
  const uint64_t number = numbers_.at(&connection);
  numbers_.erase(&connection);
  auto gone = std::make_shared<std::unique_ptr<Connection>>(std::move(peer.connection));
  peers_.erase(number);
  visor::post(host_, [gone] {});  // one of its own functions is under way
}

void Node::tell(const visor_key& key, bool here) {
  const visor_addr address{key, port_};
  tasks_.post([this, address, here] {
    served_.each([&](const Told& told) {
      if (told.fn) told.fn(told.ctx, &address, here);
    });
  });
}

void Node::joined(Connection& connection, Feed& feed) {
  peer_of(connection).feeds.push_back(&feed);
}

/* Whoever asked before was refused, and does not ask again for a while.  A subscription goes both ways, so we
 * ask. */
void Node::admitted(Feed& feed, const std::set<visor_key>& keys) {
  for (const visor_key& key : keys) {
    if (Connection* connection = connection_to(key)) feed.subscribe_on(*connection);
  }
}

void Node::left(Connection& connection, Feed& feed) {
  auto number = numbers_.find(&connection);
  if (number == numbers_.end()) return;
  Peer& peer = peers_.at(number->second);
  std::erase(peer.feeds, &feed);
  std::erase_if(peer.followed, [&](const auto& entry) { return entry.second == &feed; });
}

uint32_t Node::follow(Connection& connection, Feed& feed) {
  Peer& peer = peer_of(connection);
  std::erase_if(peer.followed, [&](const auto& entry) { return entry.second == &feed; });
  peer.followed[++last_follow_] = &feed;
  return last_follow_;
}

size_t Node::connection_unfinished(ptrdiff_t change) {
  unfinished_bytes_ = static_cast<size_t>(static_cast<ptrdiff_t>(unfinished_bytes_) + change);
  return unfinished_bytes_;
}

// --- now and then ---

void Node::check() {
  std::erase_if(large_, [](const auto& entry) { return entry.second.expired(); });
  std::vector<Connection*> connections;
  connections.reserve(peers_.size());
  for (auto& [number, peer] : peers_) connections.push_back(peer.connection.get());
  const uint64_t now_ms = host_.now_ms();
  for (Connection* connection : connections) {
    if (!numbers_.contains(connection)) continue;  // closed by what another one did
    const Peer& peer = peer_of(*connection);
    const bool useless = connection->ready() && connection->dialed() && peer.feeds.empty() &&
                         !links_.contains(connection->peer()) &&
                         now_ms - connection->ready_since_ms() > kUselessMs;
    if (useless) {
      connection->close({VISOR_ECLOSED, "the connection is of no more use"});
    } else {
      connection->check();
    }
  }
  for (Feed* feed : feeds()) {
    feed->check();
    if (!feed->own() && !feed->has_source()) find_sources(*feed);
  }
}

/* The owner may have changed its mind since it refused; while it cannot be reached, others who follow the
 * feed may have it. */
void Node::find_sources(Feed& feed) {
  constexpr size_t kAtATime = 4;
  if (Connection* owner = connection_to(feed.id().feed)) {
    if (feed.may_ask(owner->peer())) feed.subscribe_on(*owner);
    return;
  }
  std::vector<Connection*> all;
  all.reserve(ready_.size());
  for (const auto& [key, connection] : ready_) all.push_back(connection);
  size_t asked = 0;
  for (size_t i = 0; i < all.size() && asked < kAtATime; ++i) {
    Connection& connection = *all[++asked_from_ % all.size()];
    if (!connection.ready() || !feed.may_ask(connection.peer())) continue;
    feed.subscribe_on(connection);
    ++asked;
  }
}

std::vector<Node::PeerInfo> Node::peers() const {
  std::vector<PeerInfo> all;
  all.reserve(peers_.size());
  for (const auto& [number, peer] : peers_)
    all.push_back({*peer.connection, peer.network, peer.feeds.size()});
  return all;
}

Node::LargeObjects Node::large_objects() const {
  LargeObjects all;
  for (const auto& [hash, held] : large_) {
    all.objects += held.expired() ? 0 : 1;
    all.readers += static_cast<size_t>(held.use_count());
  }
  return all;
}

std::vector<Feed*> Node::feeds() const {
  std::vector<Feed*> all;
  all.reserve(feeds_.size());
  for (const auto& [owner, used] : feeds_) all.push_back(used.feed.get());
  return all;
}

Feed* Node::find(const visor_key& owner) const {
  auto at = feeds_.find(owner);
  return at == feeds_.end() ? nullptr : at->second.feed.get();
}

}  // namespace visor::feeds
