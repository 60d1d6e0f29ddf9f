/* A node of the feeds' protocol: all connections and feeds of one port (specification cxo.md, section 8).
 * Feeds of one owner differ by port, so nodes share nothing but the store of objects. */
#ifndef VISOR_FEEDS_NODE_HPP
#define VISOR_FEEDS_NODE_HPP
#include "feed.hpp"
#include "link.hpp"

namespace visor::feeds {

struct NodeSettings {
  ConnectionOptions connection;
  FeedSettings feed;
  LinkOptions link;
  size_t max_connections = 10000;
  size_t max_pending = 1000;  // in their handshake
  bool is_public = false;     // tells anybody which feeds it has
  uint64_t check_ms = 15000;
  uint64_t release_ms = 10000;  // how long a feed of somebody else is kept that nobody uses any more
};

class Node final : private ConnectionUser, private Feed::Members, private Link::Owner {
 public:
  /* Where the node finds networks. */
  class Networks {
   public:
    virtual ~Networks() = default;
    virtual visor_net* network(const std::string& name) = 0;
  };
  using PeerChanged = void (*)(void* ctx, const visor_addr* peer, bool here);
  struct PeerInfo {
    const Connection& connection;
    const std::string& network;
    size_t feeds;
  };
  struct Counters {
    uint64_t accepted = 0, dialed = 0, refused = 0, closed = 0;
    std::string last_closed;
  };

  Node(Host host, Networks& networks, visor_identity* identity, uint16_t port, const NodeSettings& settings);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() override;

  uint16_t port() const { return port_; }

  /* One use of a feed, which ends with close(): the node keeps a connection to its owner, on `network` if
   * none is there ("": it does not dial).  The feed of our own key is ours to write.  After the last use of
   * somebody else's feed all stays for release_ms as if it were used, for who comes back at once. */
  std::shared_ptr<Feed> open(std::shared_ptr<Store> store, const visor_key& owner, const std::string& network,
                             std::optional<uint64_t> batch_ms);
  void close(const std::shared_ptr<Feed>& feed, const std::string& network);
  /* Whether the Root of that id is the one that counts. */
  bool has(const FeedId& id) const {
    const Feed* feed = find(id.feed);
    return feed && feed->id() == id;
  }

  visor_handle* announce(const std::string& network, const visor_key& peer, Link::State state, void* ctx);
  /* Listens as soon as the network is there. */
  Result<visor_handle*> serve(const std::string& network, PeerChanged fn, void* ctx);
  void network_changed(const std::string& name, bool here);

  /* A stream that somebody opened to this port. */
  void accept(const std::string& network, visor_stream* stream);
  /* What an instance that stops must do: publish what is gathered, say goodbye. */
  void stop();
  /* No use of it is left. */
  bool idle() const { return feeds_.empty() && links_.empty() && served_.size() == 0; }

  std::vector<PeerInfo> peers() const;
  std::vector<Feed*> feeds() const;
  const std::map<visor_key, std::unique_ptr<Link>>& links() const { return links_; }
  const Counters& counters() const { return counters_; }
  const NodeSettings& settings() const { return settings_; }
  size_t pending() const { return pending_; }
  size_t unfinished_bytes() const { return unfinished_bytes_; }
  /* Objects of 64 KiB and more that are being sent, each held once, and to how many. */
  struct LargeObjects {
    size_t objects = 0, readers = 0;
  };
  LargeObjects large_objects() const;

 private:
  struct Peer {
    std::unique_ptr<Connection> connection;
    std::string network;
    std::vector<Feed*> feeds;
    std::map<uint32_t, Feed*> followed;  // by the number that we gave
    bool previewed = false;
    bool was_ready = false;
  };
  struct Used {
    std::shared_ptr<Feed> feed;
    size_t uses = 0;
    std::string network;  // without uses: wanted by the last one
    Timer release;        // likewise
  };
  struct Told {
    PeerChanged fn;
    void* ctx;
  };
  struct Listening {
    size_t uses = 0;
    Listener listener;
  };

  visor_net* network(const std::string& name) override { return networks_.network(name); }
  void dialed(const std::string& network, visor_stream* stream) override;
  void joined(Connection& connection, Feed& feed) override;
  void left(Connection& connection, Feed& feed) override;
  void admitted(Feed& feed, const std::set<visor_key>& keys) override;
  uint32_t follow(Connection& connection, Feed& feed) override;
  void connection_ready(Connection& connection) override;
  void connection_closed(Connection& connection, const Error& why) override;
  void connection_message(Connection& connection, uint32_t seq, const Message& message) override;
  void connection_extended(Connection& connection) override;
  void connection_extension(Connection& connection, ByteView message) override;
  Result<std::optional<ByteView>> connection_object(Connection& connection, uint32_t seq,
                                                    const Hash& hash) override;
  std::shared_ptr<const Bytes> connection_large_object(const Hash& hash, ByteView object) override;
  size_t connection_unfinished(ptrdiff_t change) override;

  void add(const std::string& network, visor_stream* stream, bool dialed);
  void unwant(const visor_key& owner, const std::string& network);
  void release(const visor_key& owner);
  void handshake_over(const Connection& connection);
  bool settle_collision(Connection& connection, Connection& before);
  void tell(const visor_key& peer, bool here);
  void requested_list(Connection& connection, uint32_t seq);
  void requested_preview(Connection& connection, uint32_t seq, const visor_key& owner);
  Feed* find(const visor_key& owner) const;
  Peer& peer_of(const Connection& connection);
  Connection* connection_to(const visor_key& peer) const;
  Link& link_to(const visor_key& peer);
  void drop_link_later(const visor_key& peer);
  Result<void> listen(const std::string& network, Listening& listening);
  void check();
  void find_sources(Feed& feed);

  Host host_;
  Tasks tasks_;
  Networks& networks_;
  visor_identity* identity_;
  uint16_t port_;
  NodeSettings settings_;
  std::vector<std::shared_ptr<Store>> stores_;  // of all feeds there were
  std::map<visor_key, Used> feeds_;
  std::map<uint64_t, Peer> peers_;                 // in the order in which they came
  std::map<const Connection*, uint64_t> numbers_;  // looked up in, never gone over
  uint64_t last_number_ = 0;
  uint32_t last_follow_ = 0;
  std::map<visor_key, Connection*> ready_;  // one a peer
  std::map<visor_key, std::unique_ptr<Link>> links_;
  std::map<std::string, Listening> listening_;
  Registrations<Told> served_;
  std::map<Hash, std::weak_ptr<const Bytes>> large_;
  size_t pending_ = 0, unfinished_bytes_ = 0;
  std::map<visor_key, size_t> handshakes_;  // of those pending, by peer
  size_t asked_from_ = 0;                   // whom the search for sources asked last
  Counters counters_;
  bool stopping_ = false;
  Timer check_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_NODE_HPP
