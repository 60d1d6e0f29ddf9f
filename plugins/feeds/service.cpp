#include "service.hpp"

#include <algorithm>

#include "lib/crypto/secp256k1.hpp"

namespace visor::feeds {
Service::Service(Host host, visor_identity* identity, const ServiceSettings& settings)
    : FeedsProvider(host),
      identity_(identity),
      settings_(settings),
      stores_(host, settings.stores, *identity->api->key(identity), [this](const FeedId& id) {
        auto at = nodes_.find(id.port);
        return at != nodes_.end() && at->second->has(id);
      }) {}

Service::~Service() {
  feeds_.clear();
}

Result<void> Service::begin() {
  sockets_ = host().find<visor_sockets>(VISOR_SOCKETS_1);
  if (!settings_.listen.empty()) {
    if (!sockets_) return failure(VISOR_ENOSYS, "this host has no sockets to listen on " + settings_.listen);
    direct_ = std::make_unique<DirectNet>(host(), identity_, sockets_, settings_.listen);
    Result<visor_handle*> served = node(settings_.listen_port).serve(std::string(kDirect), nullptr, nullptr);
    if (!served) return std::unexpected(served.error());
    listening_.reset(*served);
  }
  return watch_.open(host(), VISOR_NET_1, [this](std::string_view name, visor_net* net) {
    const std::string network(name);
    if (net) {
      networks_[network] = net;
    } else {
      networks_.erase(network);
    }
    for (auto& [port, node] : nodes_) node->network_changed(network, net != nullptr);
  });
}

void Service::stop(std::function<void()> stopped) {
  for (auto& [port, node] : nodes_) node->stop();
  opening_.clear();  // each done runs with VISOR_ECANCELED
  feeds_.clear();
  watch_.close();
  listening_.reset();
  nodes_.clear();
  direct_peers_.clear();
  direct_.reset();
  stores_.drain(std::move(stopped));
}

Feed* Service::find(const FeedId& id) const {
  auto at = nodes_.find(id.port);
  if (at == nodes_.end()) return nullptr;
  for (Feed* feed : at->second->feeds()) {
    if (feed->id().feed == id.feed) return feed;
  }
  return nullptr;
}

const StoredRoot* Service::current(const FeedId& id) const {
  Feed* feed = find(id);
  return feed ? feed->current() : nullptr;
}

std::optional<Readable> Service::readable(const visor_key& owner, std::optional<uint16_t> port) const {
  for (const auto& [number, node] : nodes_) {
    if (port && *port != number) continue;
    for (Feed* feed : node->feeds()) {
      if (feed->id().feed == owner) return Readable{feed->store(), feed->id()};
    }
  }
  for (const auto& [drive, store] : stores_.all()) {
    for (const auto& [id, root] : store->roots()) {
      if (id.feed == owner && (!port || *port == id.port)) return Readable{store, id};
    }
  }
  return std::nullopt;
}

void Service::read(const visor_key& owner, std::optional<uint16_t> port,
                   std::function<void(Result<Readable>)> read) {
  // As long as nobody has opened a feed, nobody has opened the store.
  stores_.open("", [this, owner, port, read = std::move(read)](const Result<std::shared_ptr<Store>>& store) {
    if (std::optional<Readable> found = readable(owner, port)) return read(std::move(*found));
    if (!store) return read(std::unexpected(store.error()));
    read(failure(VISOR_ENOENT, "no feed of " + to_hex(owner) +
                                   (port ? " on port " + std::to_string(*port) : "") +
                                   " is open or stored here; `list` shows those that are"));
  });
}

std::vector<Readable> Service::only_stored() const {
  std::vector<Readable> all;
  for (const auto& [drive, store] : stores_.all()) {
    for (const auto& [id, root] : store->roots()) {
      auto node = nodes_.find(id.port);
      if (node == nodes_.end() || !node->second->has(id)) all.push_back({store, id});
    }
  }
  return all;
}

visor_net* Service::network(const std::string& name) {
  if (name == kDirect || name.starts_with(kDirectUrl)) return direct(name);
  auto at = networks_.find(name);
  return at == networks_.end() ? nullptr : at->second;
}

/* Each address is a network of its own, as long as somebody uses it. */
visor_net* Service::direct(const std::string& name) {
  constexpr size_t kMany = 1024;
  if (name == kDirect || !sockets_) return direct_.get();
  if (direct_peers_.size() >= kMany) {
    std::erase_if(direct_peers_,
                  [&](const auto& entry) { return entry.first != name && entry.second->idle(); });
  }
  std::unique_ptr<DirectNet>& net = direct_peers_[name];
  if (!net) net = std::make_unique<DirectNet>(host(), identity_, sockets_, name);
  return net.get();
}

Node& Service::node(uint16_t port) {
  std::unique_ptr<Node>& node = nodes_[port];
  if (!node) {
    node =
        std::make_unique<Node>(host(), static_cast<Node::Networks&>(*this), identity_, port, settings_.node);
  }
  return *node;
}

visor_status Service::open(const visor_feed_options* options, visor_done raw) {
  Done done(host(), raw);
  auto refuse = [&](visor_status status, std::string_view why) {
    done.dismiss();
    return host().fail(status, why);
  };
  if (!options || options->size < sizeof(visor_feed_options)) {
    return refuse(VISOR_EINVAL, "the options of a feed are of another size than this release knows");
  }
  const visor_key owner = options->owner ? *options->owner : own();
  if (!crypto::valid_public_key(owner))
    return refuse(VISOR_EINVAL, "the owner of a feed is not a public key");
  if (opening_.size() >= kMaxOpening) return refuse(VISOR_ENOSPC, "too many feeds are being opened at once");
  const uint64_t number = ++last_opening_;
  opening_.push_back({number, std::move(done), owner, std::string(text(options->network)), options->port,
                      options->batch_ms});
  stores_.open(std::string(text(options->drive)),
               [this, number](const Result<std::shared_ptr<Store>>& store) {
                 auto at = std::ranges::find(opening_, number, &Opening::number);
                 if (at != opening_.end()) opened(at, store);
               });
  return VISOR_OK;
}

void Service::opened(std::list<Opening>::iterator at, const Result<std::shared_ptr<Store>>& store) {
  Opening opening = std::move(*at);
  opening_.erase(at);
  if (!store) return opening.done.complete(store.error());
  Node& where = node(opening.port);
  auto feed = where.open(*store, opening.owner, opening.network, opening.batch_ms);
  feeds_.push_back(std::make_unique<FeedObject>(host(), static_cast<FeedObject::Owner&>(*this), where,
                                                std::move(feed), opening.network));
  opening.done.complete(VISOR_OK, static_cast<visor_feed*>(feeds_.back().get()));
}

void Service::cancel(void* done_ctx) {
  // Its done runs on the next turn, as it is destroyed.
  opening_.remove_if([&](const Opening& opening) { return opening.done.is(done_ctx); });
}

void Service::feed_closed(FeedObject& object) {
  std::erase_if(feeds_, [&](const auto& owned) { return owned.get() == &object; });
}

visor_status Service::announce(visor_span network_name, const visor_addr* peer,
                               void (*state)(void* ctx, visor_status), void* ctx, visor_handle** handle) {
  if (!peer || !crypto::valid_public_key(peer->key)) {
    return host().fail(VISOR_EINVAL, "the peer to announce to is not a public key");
  }
  if (peer->key == own()) return host().fail(VISOR_EINVAL, "a visor cannot announce itself to itself");
  if (network_name.size == 0) return host().fail(VISOR_EINVAL, "announcing needs the name of a network");
  *handle = node(peer->port).announce(std::string(text(network_name)), peer->key, state, ctx);
  return VISOR_OK;
}

visor_status Service::serve(visor_span network_name, uint16_t port,
                            void (*fn)(void* ctx, const visor_addr* peer, bool here), void* ctx,
                            visor_handle** handle) {
  if (network_name.size == 0) return host().fail(VISOR_EINVAL, "serving needs the name of a network");
  Result<visor_handle*> served = node(port).serve(std::string(text(network_name)), fn, ctx);
  if (!served) return host().fail(served.error());
  *handle = *served;
  return VISOR_OK;
}

}  // namespace visor::feeds
