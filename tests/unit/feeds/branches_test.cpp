// Subscriptions to a branch: only that is fetched, whatever the peers speak.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

constexpr int kDirectories = 40, kLeavesEach = 50;

std::string leaf_path(int directory, int leaf) {
  return "all/d" + std::to_string(directory) + "/" + std::to_string(leaf);
}

Ops many() {
  Ops ops;
  for (int d = 0; d < kDirectories; ++d) {
    for (int i = 0; i < kLeavesEach; ++i)
      ops.put(leaf_path(d, i), std::string(200, static_cast<char>('a' + d % 26)));
  }
  return ops;
}

uint64_t received_bytes(Machine& machine) {
  uint64_t bytes = 0;
  for (const auto& peer : machine.node->peers()) bytes += peer.connection.counters().received_bytes;
  return bytes;
}

/* What is under a prefix of a feed, as its owner has it. */
std::map<std::string, std::string> branch(Machine& owner, std::string_view prefix) {
  auto leaves = owner.leaves(owner.key());
  std::erase_if(leaves, [&](const auto& leaf) { return !under(leaf.first, prefix); });
  return leaves;
}

TEST_CASE("feeds: of a branch that is followed only its objects are fetched", "[feeds][branches]") {
  const bool streams = GENERATE(true, false);
  CAPTURE(streams);
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), reader(w.host, w.wire, 2, streams ? NodeSettings{} : plain());
  owner.serve();
  owner.write(many());
  w.host.advance_ms(100);
  Follower follower;
  reader.follow(owner.key(), follower, "all/d7", VISOR_FEED_BRANCH);
  w.host.advance_ms(1000);
  REQUIRE(follower.leaves == branch(owner, "all/d7"));
  CHECK(follower.leaves.size() == kLeavesEach);
  CHECK(follower.events == 1);

  // 50 entries, 4 nodes of their list, its root, the TreeNode; and the way: for each of two levels a
  // TreeNode, a list's root, and what a search among 40 names reads.
  CHECK(objects_asked(reader) >= 56);
  CHECK(objects_asked(reader) <= 56 + 16);
  CHECK(received_bytes(reader) < 25000);  // of half a million
  CHECK(reader.node->feeds()[0]->of_branches());
  audit(reader.disk);

  SECTION("changes elsewhere cost next to nothing, and nobody hears of them") {
    const uint64_t objects = objects_asked(reader), bytes = received_bytes(reader);
    for (int i = 0; i < 10; ++i) {
      owner.write(Ops().put(leaf_path(20, i), "changed"));
      w.host.advance_ms(100);
    }
    CHECK(follower.events == 1);
    if (streams) {
      CHECK(objects_asked(reader) == objects);
      CHECK(received_bytes(reader) == bytes);
    } else {
      CHECK(objects_asked(reader) - objects <= 10 * 8);  // TreeNode, list, node, entry: of two levels
      CHECK(received_bytes(reader) - bytes < 10 * 3000);
      CHECK(reader.seq({owner.key()}) == std::nullopt);  // the whole of it is not here
    }
    audit(reader.disk);
  }
  SECTION("a changed leaf of the branch is fetched and told") {
    const uint64_t objects = objects_asked(reader);
    owner.write(Ops().put(leaf_path(7, 3), "changed").erase(leaf_path(7, 4)).put("all/d7/new/x", "1"));
    w.host.advance_ms(1000);
    CHECK(follower.leaves == branch(owner, "all/d7"));
    CHECK(follower.ops == kLeavesEach + 3);
    CHECK(objects_asked(reader) - objects < 40);
    owner.write(Ops().put("elsewhere", "1"));
    w.host.advance_ms(1000);
    CHECK(follower.events == 2);
    audit(reader.disk);
  }
  SECTION("the branch goes, and comes again") {
    Ops gone;
    for (int i = 0; i < kLeavesEach; ++i) gone.erase(leaf_path(7, i));
    owner.write(std::move(gone));
    w.host.advance_ms(1000);
    CHECK(follower.leaves.empty());
    owner.write(Ops().put("all/d7", "now a leaf"));
    w.host.advance_ms(1000);
    CHECK(follower.leaves == branch(owner, "all/d7"));
    CHECK(follower.leaves.size() == 1);
    audit(reader.disk);
  }
  SECTION("a second branch is fetched beside the first, and what was there is not fetched again") {
    const uint64_t objects = objects_asked(reader);
    Follower second;
    reader.follow(owner.key(), second, "all/d9/1", VISOR_FEED_BRANCH);
    w.host.advance_ms(1000);
    CHECK(second.leaves == branch(owner, "all/d9/1"));
    CHECK(second.leaves.size() == 1);
    CHECK(follower.leaves == branch(owner, "all/d7"));
    CHECK(follower.events == 1);
    CHECK(objects_asked(reader) - objects < 40);
    owner.write(Ops().put(leaf_path(9, 1), "x").put(leaf_path(9, 2), "y"));
    w.host.advance_ms(1000);
    CHECK(second.leaves == branch(owner, "all/d9/1"));
    CHECK(second.events == 2);
    CHECK(follower.events == 1);
    audit(reader.disk);
  }
  SECTION("who wants all of it gets all of it, and the branch's followers hear nothing twice") {
    owner.write(Ops().put(leaf_path(7, 0), "before"));
    w.host.advance_ms(1000);
    Follower all;
    reader.follow(owner.key(), all);
    w.host.advance_ms(1000);
    CHECK(all.leaves == owner.leaves(owner.key()));
    CHECK(reader.leaves(owner.key()) == owner.leaves(owner.key()));
    CHECK(follower.leaves == branch(owner, "all/d7"));
    CHECK(follower.ops == kLeavesEach + 1);
    owner.write(Ops().put(leaf_path(7, 0), "after").put(leaf_path(8, 0), "after"));
    w.host.advance_ms(1000);
    CHECK(all.leaves == owner.leaves(owner.key()));
    CHECK(follower.ops == kLeavesEach + 2);
    audit(reader.disk);
  }
  SECTION("after a restart nothing of it is fetched again") {
    follower.subscription.reset();
    reader.restart();
    Follower again;
    reader.follow(owner.key(), again, "all/d7", VISOR_FEED_BRANCH);
    w.host.advance_ms(1000);
    CHECK(again.leaves == branch(owner, "all/d7"));
    CHECK(objects_asked(reader) <= 16);  // the way
    owner.write(Ops().put(leaf_path(7, 3), "changed"));
    w.host.advance_ms(1000);
    CHECK(again.leaves == branch(owner, "all/d7"));
    audit(reader.disk);
  }
}

TEST_CASE("feeds: who follows a branch is no source of its feed", "[feeds][branches]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), reader(w.host, w.wire, 2), other(w.host, w.wire, 3);
  owner.serve();
  reader.serve();
  owner.write(many());
  w.host.advance_ms(100);
  Follower follower;
  reader.follow(owner.key(), follower, "all/d7", VISOR_FEED_BRANCH);
  w.host.advance_ms(1000);
  other.open(reader.key());  // a connection to the reader
  w.host.advance_ms(1000);
  w.wire->listeners.erase({owner.key(), kPort});
  Follower all;
  other.follow(owner.key(), all);
  w.host.advance_ms(60000);
  CHECK(all.events == 0);
  CHECK(other.node->counters().closed == 0);
  CHECK(other.node->feeds().size() == 2);
}

TEST_CASE("feeds: a branch on a way that a stranger made wrong ends its fill alone", "[feeds][branches]") {
  Followed f;
  Follower follower;
  f.reader.close(f.stranger.key());
  f.reader.follow(f.stranger.key(), follower, "x", VISOR_FEED_BRANCH);
  f.host.run();
  REQUIRE(f.peer->last<Sub>() != nullptr);
  f.peer->say(Ok{}, f.peer->last<Sub>()->seq);
  f.host.run();
  HandTree tree("x", "1");
  SECTION("an object that is none") {
    tree.objects[crypto::sha256(tree.node)] = tree.node;
    tree.objects.erase(crypto::sha256(tree.list));
    const Bytes nonsense(48, 0xff);
    Bytes node;
    codec::append(node, crypto::sha256(nonsense));
    tree.objects[crypto::sha256(nonsense)] = nonsense;
    tree.objects[crypto::sha256(node)] = node;
    tree.node = node;
    f.serve(tree.objects);
    f.push(f.stranger.sign(tree.root(f.stranger.key())));
    f.host.advance_ms(1000);
    CHECK(f.feed().counters().fills_broken == 1);
    CHECK(follower.events == 0);
  }
  SECTION("another object") {
    f.peer->on_message = [&](const ByHand::Heard& heard) {
      if (std::holds_alternative<RqObject>(heard.message())) f.peer->say(ObjectReply{tree.list}, heard.seq);
    };
    f.push(f.stranger.sign(tree.root(f.stranger.key())));
    CHECK(f.peer->closed);
  }
  SECTION("nothing is wrong") {
    f.serve(tree.objects);
    f.push(f.stranger.sign(tree.root(f.stranger.key())));
    f.host.advance_ms(1000);
    CHECK(follower.leaves == std::map<std::string, std::string>{{"x", "1"}});
  }
  audit(f.reader.disk);
}

}  // namespace
}  // namespace visor::test
