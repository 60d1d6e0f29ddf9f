// Connections and feeds that come and go: one key has one connection, and a feed that is not used any more
// stays for a while (specification cxo.md, 8.3 and 10.3).
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

TEST_CASE("feeds: a feed that nobody uses any more is followed for ten seconds yet", "[feeds]") {
  Followed f;
  HandTree tree;
  f.serve(tree.objects);
  f.reader.close(f.stranger.key());
  f.host.advance_ms(9000);
  CHECK(f.peer->count<Unsub>() == 0);
  f.push(f.stranger.sign(tree.root(f.stranger.key())));
  REQUIRE(f.reader.leaves(f.stranger.key()).size() == 1);
  SECTION("and longer if somebody comes back") {
    f.reader.open(f.stranger.key());
    f.host.advance_ms(60000);
    CHECK(f.peer->count<Unsub>() == 0);
    CHECK(f.peer->count<Sub>() == 1);
    CHECK(f.reader.node->links().size() == 1);
    f.reader.close(f.stranger.key());
    f.host.advance_ms(9000);
    CHECK(f.peer->count<Unsub>() == 0);
  }
  f.host.advance_ms(2000);
  CHECK(f.peer->count<Unsub>() == 1);
  CHECK(f.reader.node->feeds().empty());
  CHECK(f.reader.node->links().empty());
  CHECK_FALSE(f.peer->closed);
  // Asked anew, it is a new subscription.
  const size_t asked = f.peer->count<Sub>();
  f.reader.open(f.stranger.key());
  f.host.run();
  CHECK(f.peer->count<Sub>() == asked + 1);
}

TEST_CASE("feeds: a node that stops lets go of all at once, and so does an owner of its feed", "[feeds]") {
  Followed f;
  f.reader.own();
  f.peer->say(Sub{f.reader.key()});
  f.host.run();
  f.reader.close(f.reader.key());
  f.host.run();
  CHECK(f.peer->count<Unsub>() == 1);
  f.reader.close(f.stranger.key());
  f.host.run();
  CHECK(f.peer->count<Unsub>() == 1);
  f.reader.node->stop();
  f.host.run();
  CHECK(f.peer->count<Unsub>() == 2);
  CHECK(f.reader.node->feeds().empty());
}

TEST_CASE("feeds: the newest connection of a key is the one that counts", "[feeds]") {
  Scene s;
  auto first = s.subscriber();
  s.host.advance_ms(60000);
  auto second = s.subscriber();
  CHECK(first->closed);
  CHECK(s.connections() == 1);
  s.owner.write(Ops().put("y", "2"));
  s.host.advance_ms(1000);
  CHECK(second->count<RootPush>() == 2);
  CHECK_FALSE(second->closed);
}

TEST_CASE("feeds: one key cannot take the room of all handshakes", "[feeds]") {
  NodeSettings settings;
  settings.max_pending = 12;
  Scene s(settings);
  std::vector<std::unique_ptr<ByHand>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(s.stranger.connect(s.owner.key()));
    s.host.run();
  }
  CHECK(s.owner.node->pending() == 8);
  CHECK(s.owner.node->counters().refused == 12);
  Stranger other(s.host, s.wire, 98);
  other.shake_hands(s.owner.key());
  // Those that went wrong make room again.
  silent.clear();
  s.host.run();
  CHECK(s.owner.node->pending() == 0);
  s.stranger.shake_hands(s.owner.key());
}

}  // namespace
}  // namespace visor::test
