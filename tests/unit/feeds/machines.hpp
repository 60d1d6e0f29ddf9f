/* Nodes of feeds on one wire, each with a store that outlives it; and a peer that speaks the protocol by
 * hand. */
#ifndef VISOR_TESTS_UNIT_FEEDS_MACHINES_HPP
#define VISOR_TESTS_UNIT_FEEDS_MACHINES_HPP
#include <catch2/catch.hpp>
#include <functional>

#include "plugins/feeds/extension.hpp"
#include "plugins/feeds/node.hpp"
#include "plugins/feeds/tree_reader.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/test_identity.hpp"
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/memory_net.hpp"
#include "tests/unit/feeds/memory_objects.hpp"

namespace visor::test {

using namespace visor::feeds;

constexpr uint16_t kPort = 50;

/* Of a peer that knows nothing beyond node protocol 3. */
inline NodeSettings plain() {
  NodeSettings settings;
  settings.connection.streams = false;
  return settings;
}

inline crypto::Signature sign_as(TestIdentity& identity, const Hash& hash) {
  crypto::Signature signature;
  REQUIRE(identity.sign(hash.bytes.data(), signature.bytes.data()) == VISOR_OK);
  return signature;
}

/* All that happened to a follower. */
struct Follower {
  std::map<std::string, std::string> leaves, early;
  std::vector<uint64_t> roots;
  size_t events = 0, ops = 0;
  std::optional<visor_status> closed;
  std::shared_ptr<Subscription> subscription;

  static void on_changed(void* ctx, visor_feed*, uint64_t seq, uint32_t flags, const visor_op* ops,
                         size_t count) {
    auto* self = static_cast<Follower*>(ctx);
    ++self->events;
    self->ops += count;
    if (flags == 0) self->roots.push_back(seq);
    auto& map = flags & VISOR_FEED_PARTIAL ? self->early : self->leaves;
    for (size_t i = 0; i < count; ++i) {
      std::string path(text(ops[i].key));
      if (ops[i].kind == VISOR_PUT) {
        map[path] = text(ops[i].value);
      } else {
        CHECK(map.erase(path) == 1);
      }
    }
  }
  static void on_closed(void* ctx, visor_feed*, visor_status status) {
    static_cast<Follower*>(ctx)->closed = status;
  }
  static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, &on_changed, &on_closed};
};

class Machine : public Node::Networks {
 public:
  /* `durable`: as the drive says of itself. */
  Machine(MemoryHost& host, std::shared_ptr<Wire> wire, uint8_t number, NodeSettings settings = {},
          bool durable = true)
      : identity(host.host(), number), host_(host), wire_(std::move(wire)), settings_(settings) {
    options_.durable = durable;
    start();
  }
  ~Machine() override { stop(); }

  void start() {
    Result<void> started = try_start();
    INFO((started ? std::string() : started.error().text));
    REQUIRE(started);
  }
  /* On a disk that may refuse. */
  Result<void> try_start() {
    auto opened = Store::open(host_.host(), open_disk(host_.host(), disk), options_);
    if (!opened) return std::unexpected(opened.error());
    net = std::make_unique<MemoryNet>(host_.host(), wire_, key());
    store = std::move(*opened);
    node = std::make_unique<Node>(host_.host(), *this, &identity, kPort, settings_);
    return {};
  }
  /* As a process that is killed: nothing is said to anybody. */
  void stop() {
    for (auto& [owner, feed] : feeds_) feed.reset();
    feeds_.clear();
    if (serving_) serving_->api->close(serving_);
    serving_ = nullptr;
    node.reset();
    store.reset();
    net.reset();
  }
  void restart() {
    stop();
    host_.run();
    start();
  }

  void serve() {
    auto served = node->serve("memory", nullptr, nullptr);
    REQUIRE(served);
    serving_ = *served;
  }
  Feed& open(const visor_key& owner, uint64_t batch_ms = 10) {
    auto& feed = feeds_[owner];
    if (!feed) feed = node->open(store, owner, "memory", batch_ms);
    return *feed;
  }
  void close(const visor_key& owner) {
    node->close(feeds_.at(owner), "memory");
    feeds_.erase(owner);
  }
  Feed& own() { return open(key()); }
  void follow(const visor_key& owner, Follower& follower, std::string prefix = "", uint32_t flags = 0) {
    follower.subscription = std::make_shared<Subscription>(
        host_.host(), store, FeedId{kPort, owner}, nullptr,
        SubscriptionOptions{std::move(prefix), flags, &Follower::kEvents, &follower});
    open(owner).follow(follower.subscription);
  }
  using Written = std::shared_ptr<std::optional<visor_status>>;
  /* Writes and gives what became of it, once it did. */
  Written write(Ops ops) {
    Result<Written> written = try_write(std::move(ops));
    INFO((written ? std::string() : written.error().text));
    REQUIRE(written);
    return *written;
  }
  Result<Written> try_write(Ops ops) {
    auto result = std::make_shared<std::optional<visor_status>>();
    auto hold = std::make_unique<Written>(result);
    const visor_done done{[](void* ctx, visor_status status, void*) {
                            std::unique_ptr<Written> owned(static_cast<Written*>(ctx));
                            **owned = status;
                          },
                          hold.get()};
    Result<void> written = own().publisher()->write(ops.view(), Done(host_.host(), done));
    if (!written) return std::unexpected(written.error());
    static_cast<void>(hold.release());  // the callback's
    return result;
  }
  std::map<std::string, std::string> leaves(const visor_key& owner) {
    std::map<std::string, std::string> out;
    const StoredRoot* root = store->current({kPort, owner});
    if (!root) return out;
    TreeCursor cursor(*store, root->top, "");
    for (auto found = cursor.first();; found = cursor.next()) {
      REQUIRE(found);
      if (!*found) return out;
      out[std::string(cursor.path())] = text(ByteView(cursor.value()));
    }
  }
  std::optional<uint64_t> seq(const visor_key& owner) {
    const StoredRoot* root = store->current({kPort, owner});
    return root ? std::optional(root->record.seq) : std::nullopt;
  }
  const visor_key& key() { return *identity.key(); }
  visor_net* network(const std::string& name) override { return name == "memory" ? net.get() : nullptr; }

  TestIdentity identity;
  MemoryDisk disk;
  std::unique_ptr<MemoryNet> net;
  std::shared_ptr<Store> store;
  std::unique_ptr<Node> node;

 private:
  MemoryHost& host_;
  std::shared_ptr<Wire> wire_;
  NodeSettings settings_;
  StoreOptions options_;
  visor_handle* serving_ = nullptr;
  std::map<visor_key, std::shared_ptr<Feed>> feeds_;
};

/* What machines are on. */
struct MemoryWorld {
  explicit MemoryWorld(uint64_t seed = 1) : host(seed) {}
  MemoryHost host;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
};

/* How many objects came because it asked for them, over the connections that it has. */
inline uint64_t objects_asked(Machine& machine) {
  uint64_t objects = 0;
  for (const auto& peer : machine.node->peers()) objects += peer.connection.counters().objects_received;
  return objects;
}

/* Messages said and heard by hand, on a stream that somebody else made. */
class ByHand {
 public:
  struct Heard {
    uint32_t seq, rseq;
    Bytes bytes;
    Message message() const { return *decode_message(bytes); }
  };
  ByHand(MemoryHost& host, visor_stream* raw)
      : stream(host.host(), raw), reader_(codec::Prefix::kU32, kMinFrameBytes, kMaxFrameBytes) {
    stream.attach({.data =
                       [this](ByteView data) {
                         while (true) {
                           auto body = reader_.read(data);
                           REQUIRE(body);
                           if (!*body) return;
                           Frame frame = decode_frame(**body);
                           const bool announced = frame.message[0] == 13 && frame.message.size() > 5 &&
                                                  is_announcement(frame.message.subspan(5));
                           if (frame.message[0] >= 64 || announced) {  // of the extension
                             unknown.emplace_back(frame.message.begin(), frame.message.end());
                             continue;
                           }
                           heard.push_back(
                               {frame.seq, frame.rseq, Bytes(frame.message.begin(), frame.message.end())});
                           if (on_message) on_message(heard.back());
                         }
                       },
                   .end = [this] { ended = true; },
                   .ready = {},
                   .closed = [this](const Error& why) { closed = why; }});
  }
  uint32_t say(const Message& message, uint32_t rseq = 0) { return say_bytes(encode(message), rseq); }
  uint32_t say_bytes(const Bytes& message, uint32_t rseq = 0) {
    auto head = frame_head(++seq, rseq, message.size());
    Bytes frame(head.begin(), head.end());
    frame.insert(frame.end(), message.begin(), message.end());
    stream.write(frame);
    return seq;
  }
  /* The latest message of a type, or null. */
  template <class T>
  const Heard* last() const {
    for (auto at = heard.rbegin(); at != heard.rend(); ++at) {
      if (std::holds_alternative<T>(at->message())) return &*at;
    }
    return nullptr;
  }
  template <class T>
  size_t count() const {
    return static_cast<size_t>(
        std::ranges::count_if(heard, [](const Heard& h) { return std::holds_alternative<T>(h.message()); }));
  }

  std::vector<Heard> heard;
  std::vector<Bytes> unknown;  // messages that are none of protocol 3
  std::function<void(const Heard&)> on_message;
  bool ended = false;
  std::optional<Error> closed;
  uint32_t seq = 0;
  Stream stream;

 private:
  codec::LengthPrefixedReader reader_;
};

/* A key that a test holds, and its way onto the wire. */
struct Stranger {
  Stranger(MemoryHost& on, std::shared_ptr<Wire> wire, uint8_t number)
      : host(on), identity(on.host(), number), net(on.host(), std::move(wire), *identity.key()) {}
  const visor_key& key() { return *identity.key(); }
  /* A connection on which nothing is said yet. */
  std::unique_ptr<ByHand> connect(const visor_key& to) {
    visor_stream* stream = net.connect({to, kPort});
    REQUIRE(stream != nullptr);
    return std::make_unique<ByHand>(host, stream);
  }
  /* After the handshake. */
  std::unique_ptr<ByHand> shake_hands(const visor_key& to) {
    auto by_hand = connect(to);
    by_hand->say(Syn{kProtocolVersion, key()});
    host.run();
    REQUIRE(by_hand->last<Ack>() != nullptr);
    return by_hand;
  }
  SignedRoot sign(Root root) {
    SignedRoot made;
    made.encoded = encode(root);
    made.hash = crypto::sha256(made.encoded);
    made.signature = sign_as(identity, made.hash);
    made.root = std::move(root);
    return made;
  }
  MemoryHost& host;
  TestIdentity identity;
  MemoryNet net;
};

/* Keeps Bytes alive for a message that only refers to them. */
inline RootPush push_of(const SignedRoot& root) {
  return {root.root.feed, root.root.nonce, root.root.seq, root.encoded, root.signature};
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_MACHINES_HPP
