// Nodes that publish, follow, restart, lose their stores and their connections.
#include "tests/unit/feeds/machines.hpp"

namespace visor::test {
namespace {

Ops numbered(int from, int to, const std::string& value = "v") {
  Ops ops;
  for (int i = from; i < to; ++i)
    ops.put("d" + std::to_string(i % 7) + "/" + std::to_string(i), value + std::to_string(i));
  return ops;
}

TEST_CASE("feeds: a feed is published, followed, changed", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower local, remote;
  owner.follow(owner.key(), local);
  other.follow(owner.key(), remote);
  auto written = owner.write(numbered(0, 100));
  w.host.advance_ms(1000);
  CHECK(*written == VISOR_OK);
  CHECK(other.leaves(owner.key()).size() == 100);
  CHECK(remote.leaves == other.leaves(owner.key()));
  CHECK(local.leaves == remote.leaves);
  CHECK(remote.roots == std::vector<uint64_t>{0});

  const size_t before = w.wire->manners->delivered;
  owner.write(Ops().put("d3/3", "changed").erase("d4/4").put("new", "leaf"));
  w.host.advance_ms(1000);
  CHECK(remote.leaves.at("d3/3") == "changed");
  CHECK_FALSE(remote.leaves.contains("d4/4"));
  CHECK(remote.leaves.at("new") == "leaf");
  CHECK(remote.roots == std::vector<uint64_t>{0, 1});
  CHECK(remote.ops == 103);  // the difference, not everything again
  CHECK(w.wire->manners->delivered - before < 8000);
  CHECK(local.leaves == remote.leaves);
  audit(owner.disk);
  audit(other.disk);
}

TEST_CASE("feeds: a very wide directory is many small objects, and a change of it costs few", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), reader(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  reader.follow(owner.key(), follower);
  Ops all;
  constexpr size_t kChildren = 20000;
  for (size_t i = 0; i < kChildren; ++i) all.put("wide/" + std::to_string(100000 + i), "v");
  owner.write(std::move(all));
  w.host.advance_ms(1000);
  CHECK(follower.leaves.size() == kChildren);
  // No object grows with the directory: a list's node has 16 addresses.
  for (const auto& [key, value] : owner.disk.map) {
    if (key[0] == 'o') REQUIRE(value.size() <= 1 + 564);  // the registry is the largest
  }
  const size_t ops = reader.disk.ops;
  owner.write(Ops().put("wide/100777", "w"));
  w.host.advance_ms(1000);
  CHECK(follower.leaves.at("wide/100777") == "w");
  CHECK(reader.disk.ops - ops < 60);
}

TEST_CASE("feeds: values that are there already publish nothing", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1);
  owner.write(numbered(0, 10));
  w.host.advance_ms(100);
  auto again = owner.write(numbered(0, 10));
  w.host.run();
  CHECK(*again == VISOR_OK);
  owner.write(Ops().put("x", "1").erase("x"));
  w.host.advance_ms(1000);
  CHECK(owner.seq(owner.key()) == 0u);
}

TEST_CASE("feeds: changes of one window are one Root", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1);
  owner.open(owner.key(), 1000);
  for (int i = 0; i < 5; ++i) {
    owner.write(Ops().put("x", std::to_string(i)));
    w.host.advance_ms(150);
  }
  CHECK_FALSE(owner.seq(owner.key()));
  w.host.advance_ms(300);  // the window began with the first, and is not extended
  CHECK(owner.seq(owner.key()) == 0u);
  CHECK(owner.leaves(owner.key()).at("x") == "4");
}

TEST_CASE("feeds: lesson 33, a quiet feed is signed again and nobody dials again", "[feeds][lesson]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  other.follow(owner.key(), follower);
  owner.write(numbered(0, 20));
  w.host.advance_ms(1000);
  const size_t dials = w.wire->dials;
  w.host.advance_ms(600000);
  CHECK(*other.seq(owner.key()) >= 9);
  CHECK(other.seq(owner.key()) == owner.seq(owner.key()));
  CHECK(follower.roots.size() == *other.seq(owner.key()) + 1);  // each is told, with nothing in it
  CHECK(follower.ops == 20);
  CHECK(w.wire->dials == dials);
  CHECK(other.node->counters().closed == 0);
  audit(owner.disk);
  CHECK(audit(other.disk).roots == 1);  // lesson 1: who follows prunes as well
}

TEST_CASE("feeds: lesson 43, a restart goes on with the tree and the numbers", "[feeds][lesson]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  other.follow(owner.key(), follower);
  owner.write(numbered(0, 50));
  w.host.advance_ms(1000);
  owner.restart();
  owner.serve();
  owner.write(Ops().put("only", "one"));
  w.host.advance_ms(5000);
  CHECK(follower.leaves.size() == 51);
  CHECK(other.seq(owner.key()) == 1u);

  follower.subscription.reset();
  other.restart();
  Follower again;
  other.follow(owner.key(), again);
  w.host.run();
  CHECK(again.leaves == follower.leaves);  // from its own store, before anybody is reached
  owner.write(Ops().put("two", "2"));
  w.host.advance_ms(5000);
  CHECK(again.leaves.at("two") == "2");
  audit(other.disk);
}

TEST_CASE("feeds: an owner that lost its store goes on where its subscribers are", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  other.follow(owner.key(), follower);
  for (int i = 0; i < 5; ++i) {
    owner.write(Ops().put("x", std::to_string(i)));
    w.host.advance_ms(100);
  }
  w.host.advance_ms(1000);
  CHECK(other.seq(owner.key()) == 4u);
  owner.stop();
  owner.disk = {};
  w.host.run();
  owner.start();
  owner.serve();
  owner.write(Ops().put("fresh", "1"));
  w.host.advance_ms(90000);
  CHECK(*owner.seq(owner.key()) > 4);
  CHECK(other.seq(owner.key()) == owner.seq(owner.key()));
  CHECK(follower.leaves == std::map<std::string, std::string>{{"fresh", "1"}});
}

TEST_CASE("feeds: an owner that lost its store is heard though it has the same number again", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower before;
  other.follow(owner.key(), before);
  owner.write(Ops().put("x", "1"));
  w.host.advance_ms(1000);
  REQUIRE(other.seq(owner.key()) == 0u);
  before.subscription.reset();
  other.stop();
  owner.stop();
  owner.disk = {};
  w.host.run();
  owner.start();
  owner.serve();
  owner.write(Ops().put("fresh", "1"));
  w.host.advance_ms(1000);
  REQUIRE(owner.seq(owner.key()) == 0u);

  other.start();
  Follower after;
  other.follow(owner.key(), after);
  w.host.advance_ms(2000);
  CHECK(other.seq(owner.key()) == owner.seq(owner.key()));
  CHECK(after.leaves == std::map<std::string, std::string>{{"fresh", "1"}});
}

TEST_CASE(
    "feeds: lesson 27, a connection that is cut at any point leaves nothing broken and nothing fetched twice",
    "[feeds][lesson]") {
  size_t whole = 0;
  {
    MemoryWorld w;
    Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
    owner.serve();
    owner.write(numbered(0, 200));
    w.host.advance_ms(100);
    other.open(owner.key());
    w.host.advance_ms(2000);
    REQUIRE(other.leaves(owner.key()).size() == 200);
    whole = w.wire->manners->delivered;
  }
  for (size_t cut = 1; cut < whole; cut += whole / 47) {
    INFO("cut after " << cut << " of " << whole);
    MemoryWorld w(cut);
    Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
    owner.serve();
    owner.write(numbered(0, 200));
    w.host.advance_ms(100);
    w.wire->manners->cut_after = w.wire->manners->delivered + cut;
    Follower follower;
    other.follow(owner.key(), follower);
    w.host.advance_ms(400);
    audit(other.disk);
    w.wire->manners->cut_after = SIZE_MAX;
    w.host.advance_ms(10000);
    REQUIRE(other.leaves(owner.key()).size() == 200);
    REQUIRE(follower.leaves == other.leaves(owner.key()));
    const Feed& feed = other.open(owner.key());
    // 200 leaves and 7 directories, 8 TreeNodes, 8 lists with 14 nodes: each came once.
    CHECK(feed.counters().objects_received == 237);
    REQUIRE(audit(other.disk).unreferenced == 0);
  }
}

TEST_CASE("feeds: a reader is killed at any write and goes on", "[feeds]") {
  for (size_t crash = 1; crash <= 6; ++crash) {
    INFO("write " << crash);
    MemoryWorld w;
    NodeSettings settings;
    settings.feed.fill.flush_bytes = 2000;
    Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2, settings);
    owner.serve();
    owner.write(numbered(0, 200));
    w.host.advance_ms(100);
    other.disk.fail_write = crash;
    other.open(owner.key());
    w.host.advance_ms(1000);
    audit(other.disk);
    other.stop();
    other.disk.fail_write = 0;
    w.host.run();
    other.start();
    other.open(owner.key());
    w.host.advance_ms(10000);
    CHECK(other.leaves(owner.key()).size() == 200);
    audit(other.disk);
  }
}

TEST_CASE("feeds: lesson 23, a second dial does not break the fill, and the live connection is used",
          "[feeds][lesson]") {
  MemoryWorld w;
  w.wire->manners->piece = 100;
  Machine a(w.host, w.wire, 1), b(w.host, w.wire, 2);
  a.serve();
  b.serve();
  a.write(numbered(0, 300, "of a "));
  b.write(numbered(0, 300, "of b "));
  w.host.advance_ms(50);
  // Both follow the other and both dial at once.
  a.open(b.key());
  b.open(a.key());
  w.host.advance_ms(5000);
  CHECK(a.leaves(b.key()).size() == 300);
  CHECK(b.leaves(a.key()).size() == 300);
  CHECK(a.node->peers().size() == 1);
  CHECK(b.node->peers().size() == 1);
  const size_t dials = w.wire->dials;
  a.write(Ops().put("more", "1"));
  b.write(Ops().put("more", "2"));
  w.host.advance_ms(60000);
  CHECK(a.leaves(b.key()).at("more") == "2");
  CHECK(b.leaves(a.key()).at("more") == "1");
  CHECK(w.wire->dials == dials);
}

TEST_CASE("feeds: while the owner is away, another follower is a source", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), first(w.host, w.wire, 2), second(w.host, w.wire, 3);
  owner.serve();
  first.serve();
  first.open(owner.key());
  owner.write(numbered(0, 150));
  w.host.advance_ms(1000);
  REQUIRE(first.leaves(owner.key()).size() == 150);
  owner.stop();
  w.host.run();
  visor_handle* announced = second.node->announce("memory", first.key(), nullptr, nullptr);
  second.open(owner.key());
  w.host.advance_ms(60000);
  CHECK(second.leaves(owner.key()).size() == 150);
  // And a third way: what the owner says next reaches the second through the first, or from itself.
  owner.start();
  owner.serve();
  owner.write(Ops().put("back", "again"));
  w.host.advance_ms(120000);
  CHECK(second.leaves(owner.key()).at("back") == "again");
  announced->api->close(announced);
}

TEST_CASE("feeds: two sources share a fill, and one may go", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1, plain()), first(w.host, w.wire, 2, plain()),
      second(w.host, w.wire, 3, plain());
  owner.serve();
  first.serve();
  first.open(owner.key());
  owner.write(numbered(0, 500));
  w.host.advance_ms(1000);
  REQUIRE(first.leaves(owner.key()).size() == 500);
  w.wire->manners->piece = 200;  // slow, so that both are asked
  visor_handle* announced = second.node->announce("memory", first.key(), nullptr, nullptr);
  w.host.advance_ms(1000);
  Feed& feed = second.open(owner.key());
  for (const auto& peer : second.node->peers()) {
    if (peer.connection.peer() == first.key()) feed.subscribe_on(const_cast<Connection&>(peer.connection));
  }
  for (int turns = 0; turns < 100000 && !(feed.fill() && feed.fill()->sources() == 2); ++turns) w.host.turn();
  REQUIRE(feed.fill());
  CHECK(feed.fill()->sources() == 2);
  for (int turns = 0; turns < 30; ++turns) w.host.turn();
  SECTION("both stay") {}
  SECTION("the owner goes") {
    owner.stop();
  }
  SECTION("the other goes") {
    first.stop();
  }
  w.host.advance_ms(20000);
  CHECK(second.leaves(owner.key()).size() == 500);
  CHECK(feed.counters().fills_broken == 0);
  audit(second.disk);
  announced->api->close(announced);
}

TEST_CASE("feeds: Roots are merged while a follower is paused, and never dropped", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  other.follow(owner.key(), follower);
  owner.write(Ops().put("a", "1").put("b", "1"));
  w.host.advance_ms(1000);
  follower.subscription->pause(true);
  const size_t before = follower.events;
  owner.write(Ops().put("a", "2").put("c", "2"));
  w.host.advance_ms(1000);
  owner.write(Ops().put("a", "3").erase("b").erase("c"));
  w.host.advance_ms(1500000);  // far longer than what is superseded stays
  while (*other.store->sweep()) {
  }
  CHECK(follower.events == before);
  CHECK(audit(other.disk).roots == 2);
  follower.subscription->pause(false);
  w.host.run();
  CHECK(follower.events == before + 1);
  CHECK(follower.leaves == std::map<std::string, std::string>{{"a", "3"}});
  CHECK(audit(other.disk).roots == 1);
  owner.write(Ops().put("d", "4"));
  w.host.advance_ms(1000);
  CHECK(follower.leaves.at("d") == "4");
}

TEST_CASE("feeds: a follower of a prefix is told of its branch alone", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower branch;
  other.follow(owner.key(), branch, "d3");
  owner.write(numbered(0, 70));
  w.host.advance_ms(1000);
  CHECK(branch.leaves.size() == 10);
  Follower late;
  other.follow(owner.key(), late, "d3/");
  w.host.run();
  CHECK(late.leaves == branch.leaves);
}

TEST_CASE("feeds: leaves are told while the Root still arrives, the wanted branch first", "[feeds]") {
  MemoryWorld w;
  w.wire->manners->piece = 300;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2, plain());
  owner.serve();
  owner.write(numbered(0, 1400));
  w.host.advance_ms(100);
  Follower early;
  other.follow(owner.key(), early, "d6", VISOR_FEED_PARTIAL);
  Feed& feed = other.open(owner.key());
  for (int turns = 0; turns < 1000000 && early.early.size() < 200; ++turns) {
    if (!w.host.turn()) w.host.advance_ms(1);
  }
  REQUIRE(early.early.size() == 200);
  REQUIRE(feed.fill());  // still under way
  CHECK(feed.fill()->counters().objects < 500);
  CHECK(early.leaves.empty());
  w.host.advance_ms(10000);
  CHECK(early.leaves == early.early);
}

TEST_CASE("feeds: who is admitted changes at once", "[feeds]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), friendly(w.host, w.wire, 2), stranger(w.host, w.wire, 3);
  owner.serve();
  owner.own().admit(std::set<visor_key>{friendly.key()});
  owner.write(Ops().put("a", "1"));
  w.host.advance_ms(100);
  friendly.open(owner.key());
  stranger.open(owner.key());
  w.host.advance_ms(2000);
  CHECK(friendly.leaves(owner.key()).size() == 1);
  CHECK(stranger.leaves(owner.key()).empty());
  CHECK_THAT(stranger.open(owner.key()).last_error(), Catch::Contains("subscribe rejected"));
  CHECK(owner.own().counters().refused_subscribers > 0);

  owner.own().admit(std::set<visor_key>{});
  owner.write(Ops().put("a", "2"));
  w.host.advance_ms(2000);
  CHECK(friendly.leaves(owner.key()).at("a") == "1");

  owner.own().admit(std::nullopt);
  w.host.advance_ms(300000);
  CHECK(friendly.leaves(owner.key()).at("a") == "2");
  CHECK(stranger.leaves(owner.key()).at("a") == "2");
}

TEST_CASE("feeds: lesson 47, a store that fails freezes the feed visibly and nothing waits for ever",
          "[feeds][lesson]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1);
  owner.write(Ops().put("a", "1"));
  w.host.advance_ms(100);
  owner.disk.fail_write = 1;
  auto failed = owner.write(Ops().put("a", "2"));
  w.host.advance_ms(100);
  CHECK(*failed == VISOR_EIO);
  CHECK(owner.own().publisher()->frozen());
  CHECK_THAT(owner.own().publisher()->last_error(), Catch::Contains("the disk failed"));
  w.host.advance_ms(10000);
  owner.disk.fail_write = 0;
  w.host.advance_ms(60000);
  CHECK_FALSE(owner.own().publisher()->frozen());
  CHECK(owner.leaves(owner.key()).at("a") == "2");
}

TEST_CASE("feeds: lesson 14, an object that is gone from the store does not freeze the feed",
          "[feeds][lesson]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1);
  owner.write(Ops().put("a/x", "1").put("a/y", "2").put("b/z", "3"));
  w.host.advance_ms(100);
  Bytes entry;
  append_tree_entry(entry, {"y", Hash{}, bytes("2")});
  owner.disk.map.erase(stored_key('o', crypto::sha256(entry)));
  auto written = owner.write(Ops().put("a/n", "4").erase("a/x"));
  w.host.advance_ms(100);
  auto again = owner.write(Ops().put("b/z", "5"));
  w.host.advance_ms(100000);
  CHECK(*again == VISOR_OK);
  CHECK_FALSE(owner.own().publisher()->frozen());
}

TEST_CASE("feeds: lesson 44, feeds of one node do not mix", "[feeds][lesson]") {
  MemoryWorld w;
  Machine a(w.host, w.wire, 1), b(w.host, w.wire, 2), c(w.host, w.wire, 3);
  a.serve();
  b.serve();
  Follower of_a, of_b;
  c.follow(a.key(), of_a);
  c.follow(b.key(), of_b);
  a.write(Ops().put("who", "a"));
  b.write(Ops().put("who", "b").put("b", "only"));
  w.host.advance_ms(3000);
  CHECK(of_a.leaves == std::map<std::string, std::string>{{"who", "a"}});
  CHECK(of_b.leaves == std::map<std::string, std::string>{{"who", "b"}, {"b", "only"}});
}

TEST_CASE("feeds: lesson 37, nodes that come and go leave no timer behind", "[feeds][lesson]") {
  MemoryWorld w;
  for (int i = 0; i < 20; ++i) {
    Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
    owner.serve();
    Follower follower;
    other.follow(owner.key(), follower);
    owner.write(numbered(0, 30));
    w.host.advance_ms(static_cast<uint64_t>(i) * 3);
  }
  w.host.run();
  CHECK(w.host.timers() == 0);
}

}  // namespace
}  // namespace visor::test
