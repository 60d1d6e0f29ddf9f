/* A peer who speaks the protocol by hand, beside a node that publishes or follows. */
#ifndef VISOR_TESTS_UNIT_FEEDS_BY_HAND_HPP
#define VISOR_TESTS_UNIT_FEEDS_BY_HAND_HPP
#include "lib/codec/endian.hpp"
#include "plugins/feeds/registry.hpp"
#include "tests/unit/feeds/machines.hpp"

namespace visor::test {

struct Scene {
  explicit Scene(NodeSettings settings = {}) : owner(host, wire, 1, settings), stranger(host, wire, 99) {
    owner.serve();
    owner.write(Ops().put("x", "1"));
    host.advance_ms(100);
  }
  /* As the owner's peer, subscribed to its feed. */
  std::unique_ptr<ByHand> subscriber() {
    auto peer = stranger.shake_hands(owner.key());
    peer->say(Sub{owner.key()});
    host.run();
    REQUIRE(peer->last<Ok>() != nullptr);
    return peer;
  }
  size_t connections() const { return owner.node->peers().size(); }

  MemoryHost host;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
  Machine owner;
  Stranger stranger;
};

/* A tree with one leaf, by hand: TreeEntry, list, TreeNode. */
struct HandTree {
  explicit HandTree(std::string name = "x", std::string leaf = "1") {
    append_tree_entry(entry, {name, Hash{}, bytes(leaf)});
    for (uint32_t field : {0u, 16u, 1u, 1u}) codec::append_le<uint32_t>(list, field);
    codec::append(list, crypto::sha256(entry));
    const Hash list_hash = crypto::sha256(list);
    codec::append(node, list_hash);
    for (const Bytes* object : {&entry, &list, &node}) objects[crypto::sha256(*object)] = *object;
  }
  Root root(const visor_key& feed, uint64_t seq = 0) const {
    Root root;
    root.refs.push_back({crypto::sha256(node), tree_types().node});
    root.registry = tree_types().registry;
    root.feed = feed;
    root.nonce = 1;
    root.seq = seq;
    root.time_ns = 1000 + static_cast<int64_t>(seq);
    if (seq > 0) root.previous = crypto::sha256(bytes("before"));
    return root;
  }
  Bytes entry, list, node;
  std::map<Hash, Bytes> objects;
};

/* A directory in a directory in a directory. */
struct DeepTree {
  explicit DeepTree(size_t depth) {
    HandTree leaf;
    objects = leaf.objects;
    top = crypto::sha256(leaf.node);
    for (size_t i = 0; i < depth; ++i) {
      Bytes entry, list, node;
      append_tree_entry(entry, {"d", top, {}});
      for (uint32_t field : {0u, 16u, 1u, 1u}) codec::append_le<uint32_t>(list, field);
      codec::append(list, crypto::sha256(entry));
      codec::append(node, crypto::sha256(list));
      for (const Bytes* object : {&entry, &list, &node}) objects[crypto::sha256(*object)] = *object;
      top = crypto::sha256(node);
    }
  }
  std::map<Hash, Bytes> objects;
  Hash top;
};

/* A stranger who owns a feed and is followed by a machine; what it answers is up to the test. */
struct Followed {
  explicit Followed(const NodeSettings& settings = bounded())
      : reader(host, wire, 1, settings), stranger(host, wire, 99) {
    reader.serve();
    peer = stranger.shake_hands(reader.key());
    reader.open(stranger.key());
    host.run();
    REQUIRE(peer->last<Sub>() != nullptr);
    peer->say(Ok{}, peer->last<Sub>()->seq);
    host.run();
  }
  static NodeSettings bounded() {
    NodeSettings s;
    s.feed.fill.limits.max_objects = 400;
    return s;
  }
  Feed& feed() { return reader.open(stranger.key()); }
  void push(const SignedRoot& root) {
    peer->say(push_of(root));
    host.run();
  }
  /* Answers requests of objects from a map. */
  void serve(std::map<Hash, Bytes> objects) {
    peer->on_message = [this, objects = std::move(objects)](const ByHand::Heard& heard) {
      const Message message = heard.message();
      const auto* wanted = std::get_if<RqObject>(&message);
      if (!wanted) return;
      auto found = objects.find(wanted->key);
      if (found == objects.end()) {
        peer->say(Err{""}, heard.seq);
      } else {
        peer->say(ObjectReply{found->second}, heard.seq);
      }
    };
  }

  MemoryHost host;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
  Machine reader;
  Stranger stranger;
  std::unique_ptr<ByHand> peer;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_BY_HAND_HPP
