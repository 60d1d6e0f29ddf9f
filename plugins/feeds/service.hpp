/* visor.feeds/1: opens feeds, announces us to peers, accepts them. */
#ifndef VISOR_FEEDS_SERVICE_HPP
#define VISOR_FEEDS_SERVICE_HPP
#include <list>

#include "direct_net.hpp"
#include "feed_object.hpp"
#include "stores.hpp"

namespace visor::feeds {

struct ServiceSettings {
  StoresOptions stores;
  NodeSettings node;
  std::string listen;         // "tcp://host:port" for feeds without a relay; empty: not
  uint16_t listen_port = 50;  // whose feeds are served there
};

/* A feed that can be read here: one that is open, or that was once and is stored. */
struct Readable {
  std::shared_ptr<Store> store;
  FeedId id;

  /* Null: nothing has come yet. */
  const StoredRoot* root() const { return store->current(id); }
};

class Service final : public FeedsProvider, private Node::Networks, private FeedObject::Owner {
 public:
  static constexpr size_t kMaxOpening = 65536;

  Service(Host host, visor_identity* identity, const ServiceSettings& settings);
  ~Service() override;

  /* Follows the networks that come and go. */
  Result<void> begin();
  /* Publishes what is gathered and tells everybody that it ends; then `stopped`, on a later turn. */
  void stop(std::function<void()> stopped);

  const std::map<uint16_t, std::unique_ptr<Node>>& nodes() const { return nodes_; }
  const Stores& stores() const { return stores_; }
  /* The one that listens, or null. */
  const DirectNet* direct() const { return direct_.get(); }
  const visor_key& own() const { return *identity_->api->key(identity_); }
  /* The newest whole Root of a feed that is open here, or null; valid until it changes. */
  const StoredRoot* current(const FeedId& id) const;
  /* One that is open here, or null. */
  Feed* find(const FeedId& id) const;
  /* Finds the feed of that owner, on the first port that has one if none is said; `read` runs on a later
   * turn, unless the service goes first. */
  void read(const visor_key& owner, std::optional<uint16_t> port, std::function<void(Result<Readable>)> read);
  /* Those that are stored, and not open. */
  std::vector<Readable> only_stored() const;
  size_t open_feeds() const { return feeds_.size(); }
  size_t opening() const { return opening_.size(); }

 private:
  struct Opening {
    uint64_t number;
    Done done;
    visor_key owner;
    std::string network;
    uint16_t port;
    uint32_t batch_ms;
  };

  visor_status open(const visor_feed_options* options, visor_done done) override;
  void cancel(void* done_ctx) override;
  visor_status announce(visor_span network, const visor_addr* peer, void (*state)(void* ctx, visor_status),
                        void* ctx, visor_handle** handle) override;
  visor_status serve(visor_span network, uint16_t port,
                     void (*fn)(void* ctx, const visor_addr* peer, bool here), void* ctx,
                     visor_handle** handle) override;

  visor_net* network(const std::string& name) override;
  void feed_closed(FeedObject& object) override;
  void opened(std::list<Opening>::iterator opening, const Result<std::shared_ptr<Store>>& store);
  Node& node(uint16_t port);
  visor_net* direct(const std::string& name);
  std::optional<Readable> readable(const visor_key& owner, std::optional<uint16_t> port) const;

  visor_identity* identity_;
  ServiceSettings settings_;
  std::map<std::string, visor_net*> networks_;
  visor_sockets* sockets_ = nullptr;
  std::unique_ptr<DirectNet> direct_;
  std::map<std::string, std::unique_ptr<DirectNet>> direct_peers_;  // by "tcp://host:port"
  Stores stores_;
  std::map<uint16_t, std::unique_ptr<Node>> nodes_;
  std::list<Opening> opening_;
  uint64_t last_opening_ = 0;
  std::vector<std::unique_ptr<FeedObject>> feeds_;
  Watch<visor_net> watch_;
  Owned<visor_handle> listening_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_SERVICE_HPP
