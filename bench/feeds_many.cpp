#include "bench/feeds_many.hpp"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <map>

#include "bench/feeds_net.hpp"
#include "bench/machine.hpp"
#include "kernel/native/sockets.hpp"
#include "plugins/feeds/connection.hpp"
#include "plugins/feeds/direct_net.hpp"
#include "plugins/feeds/tree.hpp"
#include "plugins/feeds/treestore.hpp"

namespace visor::bench {
namespace {

using namespace visor::feeds;

constexpr uint16_t kPort = 50;
constexpr uint64_t kPatienceMs = 300'000;

/* The secret of the feed of a number. */
crypto::SecretKey secret_of(size_t number) {
  std::array<uint8_t, 32> secret{};
  for (size_t i = 0; i < sizeof number; ++i) secret[31 - i] = static_cast<uint8_t>((number + 1) >> (8 * i));
  return crypto::SecretKey(secret);
}

std::string leaf_of(size_t number) {
  return "the one leaf of feed " + std::to_string(number);
}

/* Feeds as they are told to whoever asks; objects of all of them by their address. */
struct Shelf {
  std::map<visor_key, SignedRoot> roots;
  std::map<Hash, Bytes> objects;

  void add(size_t number) {
    const visor_key feed = *crypto::public_key_of(secret_of(number));
    Tree tree;
    const std::string value = leaf_of(number);
    const visor_op op = put(std::string_view("leaf"), bytes(value));
    if (!tree.apply({&op, 1})) give_up("a tree takes no leaf");
    SignedRoot root;
    const Hash top = tree.encode([&](const Hash& hash, Kind, ByteView object, bool) {
      objects.emplace(hash, Bytes(object.begin(), object.end()));
    });
    root.root.refs = {{top, tree_types().node}};
    root.root.registry = tree_types().registry;
    root.root.feed = feed;
    root.root.nonce = 1;
    root.root.time_ns = 1;
    root.encoded = encode(root.root);
    root.hash = crypto::sha256(root.encoded);
    root.signature = *crypto::sign_recoverable(root.hash, secret_of(number));
    roots.emplace(feed, std::move(root));
  }
};

/* A visor that has all feeds of the shelf, as far as its one peer can tell. */
class Hub final : private ConnectionUser {
 public:
  Hub(kernel::native::UvLoop& loop, const Shelf& shelf) : shelf_(shelf) {
    kernel_ =
        std::make_unique<kernel::Kernel>(kernel::KernelOptions{.loop = loop,
                                                               .catalog = catalog_,
                                                               .config = R"({"plugins":[]})",
                                                               .services = {kernel::native::sockets(loop)}});
    bool started = false;
    kernel_->start([&](const Result<void>& result) { started = result.has_value(); });
    loop.run_until([&] { return started; }, kPatienceMs);
    net_ = std::make_unique<DirectNet>(kernel_->host(), kernel_->find<visor_identity>(VISOR_IDENTITY_1),
                                       kernel_->find<visor_sockets>(VISOR_SOCKETS_1), "tcp://127.0.0.1:0");
    auto listening = listener_.listen(kernel_->host(), net_.get(), kPort, [this](visor_stream* stream) {
      connection_ = std::make_unique<Connection>(kernel_->host(), stream, kernel_->key(), false,
                                                 ConnectionOptions{.streams = false},
                                                 static_cast<ConnectionUser&>(*this));
    });
    if (!listening) give_up(listening.error().text);
  }
  std::string address() const { return to_hex(kernel_->key()) + " " + std::string(net_->address()); }

 private:
  void connection_ready(Connection&) override {}
  void connection_closed(Connection&, const Error& why) override {
    give_up("a connection ended: " + why.text);
  }
  void connection_message(Connection& connection, uint32_t seq, const Message& message) override {
    if (std::holds_alternative<RqList>(message)) return connection.send(Err{"not a public server"}, seq);
    const auto* sub = std::get_if<Sub>(&message);
    if (!sub) return;
    auto found = shelf_.roots.find(sub->feed);
    if (found == shelf_.roots.end()) return connection.send(Err{"do not share the feed"}, seq);
    const SignedRoot& root = found->second;
    connection.send(Ok{}, seq);
    connection.send(RootPush{sub->feed, root.root.nonce, root.root.seq, root.encoded, root.signature});
  }
  void connection_extended(Connection&) override {}
  void connection_extension(Connection&, ByteView) override {}
  Result<std::optional<ByteView>> connection_object(Connection&, uint32_t, const Hash& hash) override {
    auto found = shelf_.objects.find(hash);
    if (found == shelf_.objects.end()) return failure(VISOR_ENOENT, "no such object");
    return std::optional<ByteView>(found->second);
  }
  std::shared_ptr<const Bytes> connection_large_object(const Hash&, ByteView) override { return nullptr; }
  size_t connection_unfinished(ptrdiff_t) override { return 0; }

  const Shelf& shelf_;
  kernel::Catalog catalog_;
  std::unique_ptr<kernel::Kernel> kernel_;
  std::unique_ptr<DirectNet> net_;
  Listener listener_;
  std::unique_ptr<Connection> connection_;
};

double resident_mb() {
  std::ifstream in("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return static_cast<double>(resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) / 1e6;
}

}  // namespace

void serve_many(const std::vector<std::string>& words) {
  const size_t feeds = std::stoul(words.at(2)), hubs = std::stoul(words.at(3));
  Shelf shelf;
  for (size_t i = 0; i < feeds; ++i) shelf.add(i);
  kernel::native::UvLoop loop;
  std::vector<std::unique_ptr<Hub>> all;
  for (size_t i = 0; i < hubs; ++i) {
    all.push_back(std::make_unique<Hub>(loop, shelf));
    std::cout << all.back()->address() << std::endl;
  }
  loop.run();
}

void follow_many(const std::vector<std::string>& words) {
  const size_t feeds = std::stoul(words.at(2));
  NativeVisor visor({}, R"({"drive":"disk"})");
  struct Met {
    Owned<visor_handle> handle;
    bool here = false;
  };
  std::vector<Met> hubs(words.size() / 2 - 1);
  for (size_t i = 0; i < hubs.size(); ++i) {
    const visor_addr peer{*key_from_hex(words[3 + 2 * i]), kPort};
    visor_handle* handle = nullptr;
    auto met = [](void* ctx, visor_status status) { static_cast<Met*>(ctx)->here = status == VISOR_OK; };
    const visor_status status = visor.feeds()->api->announce(
        visor.feeds(), to_span(std::string_view(words[4 + 2 * i])), &peer, +met, &hubs[i], &handle);
    if (status != VISOR_OK) give_up(visor.host().error(status).text);
    hubs[i].handle.reset(handle);
  }
  visor.loop().run_until([&] { return std::ranges::all_of(hubs, &Met::here); }, kPatienceMs);

  size_t told = 0;
  auto changed = [](void* ctx, visor_feed*, uint64_t, uint32_t, const visor_op*, size_t count) {
    *static_cast<size_t*>(ctx) += count;
  };
  static constexpr visor_feed_events kEvents = {sizeof(visor_feed_events), 0, +changed, nullptr};
  std::vector<Owned<visor_feed>> followed;
  std::vector<Owned<visor_handle>> subscriptions;
  const double before_mb = resident_mb();
  for (size_t i = 0; i < feeds; ++i) {
    const visor_key owner = *crypto::public_key_of(secret_of(i));
    followed.push_back(visor.open(&owner, ""));
    visor_handle* handle = nullptr;
    visor_feed* feed = followed.back().get();
    if (feed->api->subscribe(feed, {}, 0, &kEvents, &told, &handle) != VISOR_OK)
      give_up("nobody can subscribe");
    subscriptions.emplace_back(handle);
  }
  visor.loop().run_until([&] { return told >= feeds; }, kPatienceMs);
  if (told != feeds) give_up(std::to_string(told) + " of " + std::to_string(feeds) + " leaves have come");
  std::cerr << "the visor alone: " << before_mb << " MB\n";
  std::cout << resident_mb() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
}

double many_feeds_mb(const std::string& program, size_t feeds, size_t connections) {
  Child serving({program, "serve_many", std::to_string(feeds), std::to_string(connections)});
  std::vector<std::string> words{program, "follow_many", std::to_string(feeds)};
  for (size_t i = 0; i < connections; ++i) {
    const std::string line = serving.hear();
    const size_t space = line.find(' ');
    words.push_back(line.substr(0, space));
    words.push_back(line.substr(space + 1));
  }
  Child following(words);
  return std::stod(following.hear());
}

}  // namespace visor::bench
