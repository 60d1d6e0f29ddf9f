// Strangers who do what they should not, each in a way of its own, beside an honest feed and who follows it:
// they cost themselves their connection, and nobody else anything.  VISOR_SOAK_SEEDS=first..last for other
// seeds.
#include <cstdlib>
#include <cstring>

#include "tests/unit/feeds/by_hand.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::test {
namespace {

constexpr size_t kWays = 9;

/* A list of items that it has not: as many as a list can count, all of them one and the same object. */
struct EndlessTree {
  explicit EndlessTree(uint32_t depth) {
    Hash below = crypto::sha256(HandTree("x", "1").entry);
    objects[below] = HandTree("x", "1").entry;
    uint32_t items = 1;
    for (uint32_t level = 0; level <= depth; ++level) {
      items *= 16;
      Bytes object;
      if (level == depth) {
        codec::append_le<uint32_t>(object, depth);
        codec::append_le<uint32_t>(object, 16);
      }
      codec::append_le<uint32_t>(object, items);
      codec::append_le<uint32_t>(object, 16);
      for (int i = 0; i < 16; ++i) codec::append(object, below);
      below = crypto::sha256(object);
      objects[below] = object;
    }
    Bytes node;
    codec::append(node, below);
    top = crypto::sha256(node);
    objects[top] = node;
  }
  std::map<Hash, Bytes> objects;
  Hash top;
};

/* A stranger whose feed a machine follows, and who is also that machine's subscriber. */
class Hostile {
 public:
  Hostile(MemoryHost& host, const std::shared_ptr<Wire>& wire, Machine& victim, uint8_t number, size_t way)
      : stranger_(host, wire, number), way_(way) {
    peer_ = stranger_.shake_hands(victim.key());
    victim.open(stranger_.key());
    peer_->say(Sub{victim.key()});
    host.run();
    if (const auto* sub = peer_->last<Sub>()) peer_->say(Ok{}, sub->seq);
    host.run();
  }
  void act(const visor_key& somebody, Seeded& random) {
    if (peer_->closed || peer_->ended) return;
    const HandTree tree("x", std::to_string(++seq_));
    Root root = tree.root(stranger_.key(), seq_);
    std::map<Hash, Bytes> objects = tree.objects;
    switch (way_) {
      case 0:  // wrong objects
        for (auto& [hash, object] : objects) object[0] ^= 1;
        break;
      case 1:  // somebody else's Root
        root.feed = somebody;
        break;
      case 2: {
        const EndlessTree endless(6);
        root.refs[0].object = endless.top;
        objects = endless.objects;
        break;
      }
      case 3: {
        const DeepTree deep(300);
        root.refs[0].object = deep.top;
        objects = deep.objects;
        break;
      }
      case 4: {  // a frame of 64 MiB, a byte of it at a time
        if (claimed_) return peer_->stream.write(Bytes(1)), void();
        claimed_ = true;
        peer_->stream.write(Bytes{0x04, 0x00, 0x00, 0x00});
        return;
      }
      case 5:  // silence
        objects.clear();
        silent_ = true;
        break;
      case 6: {  // what is no message
        Bytes noise(1 + random.below(200));
        for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random.below(256));
        peer_->say_bytes(noise);
        return;
      }
      case 7:  // asks for what nobody has
        for (uint64_t i = 0; i < 3000 && !peer_->closed; ++i)
          peer_->say(RqObject{crypto::sha256(Bytes(static_cast<size_t>(i) + 1))});
        return;
      default: {  // a new Root before the last one is answered, again and again
        for (int i = 0; i < 50; ++i) {
          Root more = tree.root(stranger_.key(), ++seq_);
          peer_->say(push_of(stranger_.sign(more)));
        }
        return;
      }
    }
    peer_->on_message = [this, objects](const ByHand::Heard& heard) {
      const Message message = heard.message();
      const auto* wanted = std::get_if<RqObject>(&message);
      if (!wanted || silent_) return;
      for (const auto& [hash, object] : objects) {
        if (hash == wanted->key) return void(peer_->say(ObjectReply{object}, heard.seq));
      }
      peer_->say(Err{""}, heard.seq);
    };
    peer_->say(push_of(stranger_.sign(root)));
  }

 private:
  Stranger stranger_;
  size_t way_;
  std::unique_ptr<ByHand> peer_;
  uint64_t seq_ = 0;
  bool claimed_ = false, silent_ = false;
};

void among_strangers(uint64_t seed) {
  MemoryHost host(seed);
  auto wire = std::make_shared<Wire>();
  Seeded random(seed);
  NodeSettings settings;
  settings.feed.fill.limits = {.max_objects = 2000, .max_bytes = 1u << 20, .max_steps = 20000};
  settings.connection.max_unfinished_bytes = 4u << 20;
  Machine owner(host, wire, 1), reader(host, wire, 2, settings);
  owner.serve();
  owner.own();
  reader.serve();
  Follower follower;
  reader.follow(owner.key(), follower);
  host.advance_ms(100);
  std::vector<std::unique_ptr<Hostile>> strangers;
  for (size_t i = 0; i < 6; ++i) {
    strangers.push_back(
        std::make_unique<Hostile>(host, wire, reader, static_cast<uint8_t>(100 + i), (seed + i * 2) % kWays));
  }
  for (int round = 0; round < 15; ++round) {
    CAPTURE(round);
    for (auto& stranger : strangers) {
      if (random.below(3) > 0) stranger->act(owner.key(), random);
    }
    owner.write(Ops().put("leaf/" + std::to_string(random.below(30)), std::to_string(round)));
    host.advance_ms(1000 + random.below(5000));
    // Nobody else's feed waits.
    REQUIRE(follower.leaves == owner.leaves(owner.key()));
    CHECK(reader.store->counters().bytes < 3u << 20);
  }
  CHECK(std::ranges::any_of(reader.node->peers(), [&](const auto& peer) {
    return peer.connection.peer() == owner.key() && peer.connection.ready();
  }));
  host.advance_ms(200000);
  CHECK(follower.leaves == owner.leaves(owner.key()));
  audit(reader.disk);
}

TEST_CASE("feeds: strangers cost nobody but themselves", "[feeds][swarm]") {
  uint64_t first = 1, last = 10;
  if (const char* range = std::getenv("VISOR_SOAK_SEEDS")) {
    first = last = std::strtoull(range, nullptr, 10);
    if (const char* dots = std::strstr(range, "..")) last = std::strtoull(dots + 2, nullptr, 10);
  }
  for (uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    among_strangers(seed);
  }
}

}  // namespace
}  // namespace visor::test
