// A large Root that is told as a stream of differences: what is stored and told while it still arrives.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

constexpr size_t kFlushBytes = 20000, kLeaves = 1400;

Ops many(const std::string& value = "v") {
  Ops ops;
  for (size_t i = 0; i < kLeaves; ++i) {
    ops.put("d" + std::to_string(i % 7) + "/" + std::to_string(i),
            value + std::to_string(i) + std::string(180, '.'));
  }
  return ops;
}

NodeSettings flushing() {
  NodeSettings settings;
  settings.feed.fill.flush_bytes = kFlushBytes;
  return settings;
}

/* An owner of a large feed, and who follows it over a network that delivers it piece by piece. */
struct Arriving : MemoryWorld {
  Arriving() {
    wire->manners->piece = 1000;
    owner.serve();
    owner.write(many());
    host.advance_ms(100);
  }
  /* Turns until that holds of the fill under way; false: it never did. */
  bool until(const std::function<bool(const Fill&)>& condition) {
    for (int turns = 0; turns < 1000000; ++turns) {
      const Fill* fill = other.open(owner.key()).fill();
      if (fill && condition(*fill)) return true;
      if (!fill && other.seq(owner.key()) == owner.seq(owner.key())) return false;
      if (!host.turn()) host.advance_ms(1);
    }
    return false;
  }
  bool whole() { return other.leaves(owner.key()) == owner.leaves(owner.key()); }

  Machine owner{host, wire, 1}, other{host, wire, 2, flushing()};
};

TEST_CASE("feeds: a Root is stored as it arrives, and memory holds no more than a part of it",
          "[feeds][stream]") {
  Arriving a;
  a.other.open(a.owner.key());
  size_t looked = 0;
  uint64_t most_bytes = 0;
  // What has come is stored, but for what is held until the next write.
  const bool ended = !a.until([&](const Fill& fill) {
    if (!fill.streaming()) return false;
    ++looked;
    const uint64_t came = fill.counters().bytes, stored = a.other.store->counters().bytes;
    most_bytes = std::max(most_bytes, came - std::min(came, stored));
    return false;
  });
  REQUIRE(ended);
  CHECK(looked > 100);
  CHECK(most_bytes < 2 * kFlushBytes);
  CHECK(a.whole());
  CHECK(objects_asked(a.other) == 0);
  CHECK(audit(a.other.disk).unreferenced == 0);
}

TEST_CASE("feeds: what came of a stream counts for nothing before the Root is whole", "[feeds][stream]") {
  Arriving a;
  a.other.open(a.owner.key());
  REQUIRE(a.until([](const Fill& fill) { return fill.counters().objects > kLeaves / 2; }));
  const Audit early = audit(a.other.disk);
  CHECK(early.live == 0);
  CHECK(early.unreferenced > kLeaves / 3);
  a.host.advance_ms(60000);
  CHECK(a.whole());
  CHECK(audit(a.other.disk).unreferenced == 0);
}

TEST_CASE("feeds: a reader is killed at any write of a stream and goes on", "[feeds][stream]") {
  const bool changed = GENERATE(false, true);
  size_t writes = 0;
  for (size_t crash = 1; crash == 1 || crash <= writes; crash += crash < 3 ? 1 : 7) {
    const bool told = crash % 2 == 1;
    CAPTURE(changed, told, crash);
    Arriving a;
    if (changed) {
      a.other.open(a.owner.key());
      a.host.advance_ms(60000);
      REQUIRE(a.whole());
      a.other.stop();
      a.owner.write(many("w"));
      a.host.advance_ms(100);
      a.other.start();
    }
    const auto before = a.other.leaves(a.owner.key());
    const size_t written = a.other.disk.writes;
    a.other.disk.fail_write = written + crash;
    {
      Follower follower;
      if (told) a.other.follow(a.owner.key(), follower, "d3", VISOR_FEED_PARTIAL);
      a.other.open(a.owner.key());
      REQUIRE(a.until([&](const Fill&) { return a.other.disk.writes >= a.other.disk.fail_write; }));
      audit(a.other.disk);
      CHECK(a.other.leaves(a.owner.key()) == before);
      a.other.stop();
    }
    a.other.disk.fail_write = 0;
    a.host.run();
    a.other.start();
    audit(a.other.disk);
    CHECK(a.other.leaves(a.owner.key()) == before);
    a.other.open(a.owner.key());
    a.host.advance_ms(60000);
    REQUIRE(a.whole());
    audit(a.other.disk);
    writes = a.other.disk.writes - written - crash;
    REQUIRE(writes > 10);
  }
}

TEST_CASE("feeds: leaves that their owner streams are told before the Root is whole", "[feeds][stream]") {
  Arriving a;
  Follower follower;
  a.other.follow(a.owner.key(), follower, "d3", VISOR_FEED_PARTIAL);
  REQUIRE(a.until([&](const Fill&) { return follower.early.size() > 50; }));
  CHECK(a.other.open(a.owner.key()).fill()->streaming());
  CHECK(follower.leaves.empty());
  CHECK(follower.early.begin()->first.starts_with("d3/"));
  a.host.advance_ms(60000);
  CHECK(follower.leaves == follower.early);
  CHECK(follower.leaves.size() == (kLeaves + 3) / 7);
}

/* The tree is verified when all of it is there; until then leaves have nothing to show but who says them. */
TEST_CASE("feeds: leaves that somebody else streams are not told before they are verified",
          "[feeds][stream]") {
  MemoryWorld w;
  Machine reader(w.host, w.wire, 1);
  Stranger author(w.host, w.wire, 98), between(w.host, w.wire, 99);
  reader.serve();
  auto peer = between.shake_hands(reader.key());
  const Bytes announced = announcement();
  peer->say(ObjectReply{announced});
  Follower follower;
  reader.follow(author.key(), follower, "", VISOR_FEED_PARTIAL);
  w.host.advance_ms(20000);  // its owner is not there, so others are asked
  REQUIRE(peer->last<Sub>() != nullptr);
  peer->say(Ok{}, peer->last<Sub>()->seq);
  w.host.run();
  REQUIRE(peer->unknown.back()[0] == kFollowType);
  const uint32_t number = decode_follow(ByteView(peer->unknown.back()).subspan(1))->number;

  HandTree tree;
  const SignedRoot root = author.sign(tree.root(author.key()));
  StreamHead head;
  head.number = number;
  head.flags = StreamHead::kMore | StreamHead::kApart;
  head.nonce = root.root.nonce;
  head.time_ns = root.root.time_ns;
  head.signature = root.signature;
  head.top = root.top();
  Bytes message;
  append_update(message, head);
  const bool honest = GENERATE(true, false);
  OpWriter().put(message, "x", bytes(std::string_view(honest ? "1" : "forged")));
  peer->say_bytes(message);
  w.host.advance_ms(100);
  REQUIRE(reader.open(author.key()).fill() != nullptr);
  CHECK(follower.early.empty());
  message.clear();
  append_more(message, number, 0);
  peer->say_bytes(message);
  w.host.advance_ms(100);
  CHECK(follower.early.empty());
  CHECK(follower.leaves.size() == (honest ? 1u : 0u));
  CHECK(peer->closed.has_value() == !honest);
}

}  // namespace
}  // namespace visor::test
