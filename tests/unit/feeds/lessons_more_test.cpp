// More of what went wrong for others (specification cxo.md, section 11): what stays in a store, and
// connections that say more than they are.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

struct Two : MemoryWorld {
  Machine owner{host, wire, 1}, other{host, wire, 2};
};

void sweep(Machine& machine) {
  for (auto more = machine.store->sweep();; more = machine.store->sweep()) {
    REQUIRE(more);
    if (!*more) return;
  }
}

TEST_CASE("feeds: lesson 6, whatever breaks off, no count is left behind", "[feeds][lesson]") {
  for (size_t crash = 1; crash <= 5; ++crash) {
    CAPTURE(crash);
    Two t;
    t.owner.serve();
    Ops ops;
    for (int i = 0; i < 100; ++i) ops.put("same/" + std::to_string(i % 2) + "/" + std::to_string(i / 2), "v");
    t.owner.write(std::move(ops));
    t.host.advance_ms(1000);
    // The reader's process ends at a write, with all that it was at.
    t.other.disk.fail_write = crash;
    t.other.open(t.owner.key());
    t.host.advance_ms(1000);
    t.owner.write(Ops().put("same/0/3", "w").erase("same/1/4"));
    t.host.advance_ms(1000);
    t.other.disk.fail_write = 0;
    t.other.restart();
    t.other.open(t.owner.key());
    t.host.advance_ms(200000);
    REQUIRE(t.other.leaves(t.owner.key()) == t.owner.leaves(t.owner.key()));
    t.other.close(t.owner.key());
    t.host.advance_ms(10001);
    REQUIRE(t.other.store->drop({kPort, t.owner.key()}));
    CHECK(audit(t.other.disk).live == 0);
    t.host.advance_ms(1000000);
    sweep(t.other);
    CHECK(audit(t.other.disk).objects == 0);
  }
}

TEST_CASE("feeds: lesson 15, large leaves that are replaced leave nothing behind", "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  constexpr size_t kLarge = 2u << 20;
  for (char round = 'a'; round < 'f'; ++round) {
    t.owner.write(Ops().put("large", std::string(kLarge, round)));
    t.host.advance_ms(5000);
    REQUIRE(follower.leaves.at("large") == std::string(kLarge, round));
  }
  t.host.advance_ms(1000000);
  for (Machine* machine : {&t.owner, &t.other}) {
    sweep(*machine);
    audit(machine->disk);
    CHECK(machine->store->counters().bytes < kLarge + kLarge / 2);
  }
}

TEST_CASE("feeds: lesson 31, a connection whose peer reads nothing ends in both directions",
          "[feeds][lesson]") {
  Scene s;
  auto peer = s.subscriber();
  const std::string large(1u << 20, 'x');
  s.owner.write(Ops().put("large", large));
  s.host.advance_ms(1000);
  peer->stream.pause(true);
  Bytes entry;
  append_tree_entry(entry, {"large", Hash{}, bytes(large)});
  peer->say(RqObject{crypto::sha256(entry)});
  s.host.advance_ms(1000);
  CHECK(s.connections() == 1);
  s.host.advance_ms(200000);  // its answer is stuck, and nothing is heard
  CHECK(s.connections() == 0);
  CHECK(s.owner.own().members() == 0);
  auto next = s.subscriber();
  CHECK(next->count<RootPush>() == 1);
}

TEST_CASE("feeds: lesson 35, a connection that has gone is not handed out, and dialed anew",
          "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  t.owner.write(Ops().put("x", "1"));
  t.other.open(t.owner.key());
  t.host.advance_ms(1000);
  REQUIRE(t.other.leaves(t.owner.key()).size() == 1);
  t.owner.restart();
  t.owner.serve();
  t.owner.write(Ops().put("y", "2"));
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  t.host.advance_ms(10000);
  CHECK(follower.leaves.size() == 2);
  CHECK(t.other.node->peers().size() == 1);
}

TEST_CASE("feeds: lesson 41, a node has the identity that it was given, before and after a restart",
          "[feeds][lesson]") {
  Scene s;
  for (int times = 0; times < 2; ++times) {
    auto peer = s.stranger.shake_hands(s.owner.key());
    const Message ack = peer->last<Ack>()->message();
    CHECK(std::get<Ack>(ack).node == s.owner.key());
    s.owner.restart();
    s.owner.serve();
  }
}

TEST_CASE("feeds: lesson 49, a connection that brings no Root counts for nothing", "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  t.owner.own();  // there is nothing in it yet
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  const uint64_t before_ms = t.other.open(t.owner.key()).root_ms();
  t.host.advance_ms(30000);
  CHECK(t.other.open(t.owner.key()).state() == "subscribed");
  CHECK(follower.events == 0);
  CHECK(follower.roots.empty());
  CHECK(t.other.open(t.owner.key()).root_ms() == before_ms);
  t.owner.write(Ops().put("x", "1"));
  t.host.advance_ms(1000);
  CHECK(follower.roots.size() == 1);
  CHECK(t.other.open(t.owner.key()).root_ms() > before_ms);
}

}  // namespace
}  // namespace visor::test
