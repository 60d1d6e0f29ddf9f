// Visors that tell each other Roots as differences: what it costs, who else may be there, lies, and
// connections that break anywhere.
#include "plugins/feeds/extension.hpp"
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

Ops numbered(int from, int to, const std::string& value = "v") {
  Ops ops;
  for (int i = from; i < to; ++i) {
    ops.put("d" + std::to_string(i % 7) + "/" + std::to_string(i),
            value + std::to_string(i) + std::string(180, '.'));
  }
  return ops;
}

TEST_CASE("feeds: between visors a Root needs no request", "[feeds][extension]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  Follower follower;
  other.follow(owner.key(), follower);
  owner.write(numbered(0, 2000));
  w.host.advance_ms(1000);
  CHECK(other.leaves(owner.key()).size() == 2000);
  CHECK(follower.leaves == other.leaves(owner.key()));
  CHECK(follower.ops == 2000);
  CHECK(objects_asked(other) == 0);
  CHECK(w.wire->manners->delivered < 2000 * 220);  // less than the leaves and their paths as objects

  SECTION("one changed leaf is one small message, whatever the tree") {
    const size_t before = w.wire->manners->delivered;
    const uint64_t messages = other.node->peers()[0].connection.counters().received_messages;
    owner.write(Ops().put("d3/3", std::string(200, 'x')));
    w.host.advance_ms(1000);
    CHECK(follower.leaves.at("d3/3") == std::string(200, 'x'));
    CHECK(follower.roots == std::vector<uint64_t>{0, 1});
    CHECK(follower.ops == 2001);
    CHECK(other.node->peers()[0].connection.counters().received_messages == messages + 1);
    CHECK(w.wire->manners->delivered - before <= 400 - 26);  // 26: of the Noise frame
    CHECK(objects_asked(other) == 0);
  }
  SECTION("changes, insertions, deletions, again and again") {
    for (int round = 0; round < 20; ++round) {
      Ops ops = numbered(round * 13, round * 13 + 40, "r" + std::to_string(round));
      ops.put("new/" + std::to_string(round), "x").erase("d1/" + std::to_string(7 * round + 1));
      owner.write(std::move(ops));
      w.host.advance_ms(100);
      REQUIRE(other.leaves(owner.key()) == owner.leaves(owner.key()));
      REQUIRE(follower.leaves == owner.leaves(owner.key()));
    }
    CHECK(objects_asked(other) == 0);
  }
  SECTION("a quiet feed is signed again") {
    const size_t before = w.wire->manners->delivered;
    w.host.advance_ms(70000);
    CHECK(other.seq(owner.key()) == 1u);
    CHECK(w.wire->manners->delivered - before < 300);
  }
  SECTION("all is deleted, and comes again") {
    Ops ops;
    for (const auto& [path, value] : owner.leaves(owner.key())) ops.erase(path);
    owner.write(std::move(ops));
    w.host.advance_ms(100);
    CHECK(other.leaves(owner.key()).empty());
    CHECK(other.seq(owner.key()) == 1u);
    owner.write(numbered(0, 50));
    w.host.advance_ms(100);
    CHECK(follower.leaves.size() == 50);
    CHECK(objects_asked(other) == 0);
  }
  audit(owner.disk);
  audit(other.disk);
}

TEST_CASE("feeds: a subscriber that comes again is told what it lacks", "[feeds][extension]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), other(w.host, w.wire, 2);
  owner.serve();
  other.open(owner.key());
  owner.write(numbered(0, 1000));
  w.host.advance_ms(1000);
  other.restart();
  owner.write(numbered(5, 8, "w"));
  w.host.advance_ms(100);
  const size_t before = w.wire->manners->delivered;
  Follower follower;
  other.follow(owner.key(), follower);
  w.host.advance_ms(1000);
  CHECK(other.leaves(owner.key()) == owner.leaves(owner.key()));
  CHECK(follower.leaves == owner.leaves(owner.key()));
  CHECK(w.wire->manners->delivered - before < 2500);
  CHECK(objects_asked(other) == 0);

  // The owner's store knows nothing of what the subscriber has: object by object.
  follower.subscription.reset();
  other.stop();
  owner.write(numbered(0, 1000, "w"));
  w.host.advance_ms(3600000);
  while (*owner.store->sweep()) {
  }
  other.start();
  Follower late;
  other.follow(owner.key(), late);
  w.host.advance_ms(5000);
  CHECK(other.leaves(owner.key()) == owner.leaves(owner.key()));
  owner.write(Ops().put("d1/1", "and again differences"));
  const uint64_t asked = objects_asked(other);
  CHECK(asked > 0);
  w.host.advance_ms(1000);
  CHECK(late.leaves == owner.leaves(owner.key()));
  CHECK(objects_asked(other) == asked);
  audit(owner.disk);
  audit(other.disk);
}

TEST_CASE("feeds: visors that know the extension and those that do not follow one feed",
          "[feeds][extension]") {
  const bool owner_streams = GENERATE(true, false);
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1, owner_streams ? NodeSettings{} : plain());
  Machine old(w.host, w.wire, 2, plain()), young(w.host, w.wire, 3);
  owner.serve();
  Follower a, b;
  old.follow(owner.key(), a);
  young.follow(owner.key(), b);
  owner.write(numbered(0, 300));
  w.host.advance_ms(1000);
  owner.write(numbered(3, 9, "w"));
  w.host.advance_ms(1000);
  CHECK(a.leaves == owner.leaves(owner.key()));
  CHECK(b.leaves == owner.leaves(owner.key()));
  CHECK(objects_asked(old) > 300);
  CHECK((objects_asked(young) == 0) == owner_streams);
  for (Machine* machine : {&owner, &old, &young}) CHECK(machine->node->counters().closed == 0);
  audit(old.disk);
  audit(young.disk);
}

TEST_CASE("feeds: others get the Root from a visor that was told it as a difference", "[feeds][extension]") {
  MemoryWorld w;
  Machine owner(w.host, w.wire, 1), between(w.host, w.wire, 2);
  owner.serve();
  between.serve();
  between.open(owner.key());
  w.host.run();
  const bool streams = GENERATE(true, false);
  Machine last(w.host, w.wire, 3, streams ? NodeSettings{} : plain());
  last.open(between.key());  // reaches it, not the owner
  owner.write(numbered(0, 300));
  w.host.advance_ms(1000);
  w.wire->listeners.erase({owner.key(), kPort});
  Follower follower;
  last.follow(owner.key(), follower);
  w.host.advance_ms(60000);
  CHECK(follower.leaves == owner.leaves(owner.key()));
  owner.write(Ops().put("d1/1", "changed"));
  w.host.advance_ms(1000);
  CHECK(follower.leaves.at("d1/1") == "changed");
  CHECK((objects_asked(last) == 0) == streams);
  audit(last.disk);
}

// --- by hand ---

/* A stranger who owns a feed, speaks the extension, and is followed by a machine. */
struct Telling : Followed {
  explicit Telling(const NodeSettings& settings = bounded()) : Followed(settings) {
    const Bytes announced = announcement();
    peer->say(ObjectReply{announced});
    host.run();
    // The machine asked before it knew; now it says Follow.
    REQUIRE(!peer->unknown.empty());
    const Bytes& last = peer->unknown.back();
    REQUIRE(last[0] == kFollowType);
    Result<Follow> read = decode_follow(ByteView(last).subspan(1));
    REQUIRE(read);
    number = read->number;
    CHECK(read->base.blank());
    CHECK(read->feed == stranger.key());
  }
  /* An Update of the Root with these ops; `top` of the tree that is signed. */
  Bytes update(const Root& root, uint8_t flags, const std::vector<std::pair<std::string, std::string>>& ops) {
    const SignedRoot made = stranger.sign(root);
    StreamHead head;
    head.number = number;
    head.flags = flags | StreamHead::kApart;
    head.nonce = root.nonce;
    head.seq = root.seq;
    head.previous = root.previous;
    head.time_ns = root.time_ns;
    head.signature = made.signature;
    head.top = made.top();
    Bytes message;
    append_update(message, head);
    OpWriter writer;
    for (const auto& [path, value] : ops) writer.put(message, path, bytes(std::string_view(value)));
    return message;
  }
  void say(const Bytes& message) {
    peer->say_bytes(message);
    host.run();
  }
  uint32_t number = 0;
};

TEST_CASE("feeds: a difference by hand", "[feeds][extension]") {
  Telling f;
  HandTree tree;
  const Root root = tree.root(f.stranger.key());
  SECTION("that is right") {
    f.say(f.update(root, 0, {{"x", "1"}}));
    CHECK(f.reader.leaves(f.stranger.key()) == std::map<std::string, std::string>{{"x", "1"}});
    CHECK_FALSE(f.peer->closed);
    CHECK(f.peer->count<RqObject>() == 0);
    audit(f.reader.disk);
    f.say(f.update(root, 0, {{"x", "1"}}));  // an old Root is no difference
    CHECK(f.peer->closed);
  }
  SECTION("in parts") {
    f.say(f.update(root, StreamHead::kMore, {}));
    CHECK(f.feed().fill() != nullptr);
    Bytes more;
    append_more(more, f.number, 0);
    OpWriter().put(more, "x", bytes(std::string_view("1")));
    f.say(more);
    CHECK(f.reader.leaves(f.stranger.key()).at("x") == "1");
    CHECK_FALSE(f.peer->closed);
  }
  SECTION("under a number that is not the last one is not looked at") {
    f.number += 5;
    f.say(f.update(root, 0, {{"x", "1"}}));
    CHECK_FALSE(f.peer->closed);
    CHECK_FALSE(f.feed().current());
  }
  SECTION("that is given up, and asked for object by object") {
    f.serve(tree.objects);
    f.say(f.update(root, StreamHead::kMore, {}));
    Bytes more;
    append_more(more, f.number, StreamHead::kGiveUp);
    f.say(more);
    f.push(f.stranger.sign(root));
    f.host.advance_ms(5000);
    f.push(f.stranger.sign(root));
    CHECK(f.reader.leaves(f.stranger.key()).at("x") == "1");
    CHECK(f.peer->count<RqObject>() == 3);
    CHECK_FALSE(f.peer->closed);
    audit(f.reader.disk);
  }
  SECTION("that is given up at once") {
    f.serve(tree.objects);
    Bytes more;
    append_more(more, f.number, StreamHead::kGiveUp);
    f.say(more);
    f.push(f.stranger.sign(root));
    CHECK(f.reader.leaves(f.stranger.key()).at("x") == "1");
    CHECK_FALSE(f.peer->closed);
  }
}

TEST_CASE("feeds: lies about differences cost the connection, and nothing of them stays",
          "[feeds][extension]") {
  Telling f;
  HandTree tree;
  Root root = tree.root(f.stranger.key());
  auto closed = [&](const std::string& because) {
    CHECK(f.peer->closed);
    CHECK_THAT(f.reader.node->counters().last_closed, Catch::Contains(because));
    CHECK_FALSE(f.feed().current());
    CHECK(f.feed().fill() == nullptr);
    f.host.run();
    audit(f.reader.disk);
  };
  SECTION("another leaf than the Root has") {
    f.say(f.update(root, 0, {{"x", "2"}}));
    closed("signature");
    CHECK(audit(f.reader.disk).objects == 0);
  }
  SECTION("a signature of somebody else, before anything is built") {
    Bytes message = f.update(root, StreamHead::kMore, {});
    message[70] ^= 1;
    f.say(message);
    closed("signature");
  }
  SECTION("a Root whose leaves lead elsewhere") {
    f.say(f.update(root, StreamHead::kMore, {{"x", "1"}}));
    Bytes more;
    append_more(more, f.number, 0);
    OpWriter().put(more, "y", bytes(std::string_view("1")));
    f.say(more);
    closed("leads to the tree");
  }
  SECTION("the next of a chain that never began") {
    Bytes message;
    StreamHead head;
    head.number = f.number;
    append_update(message, head);
    f.say(message);
    closed("never had");
  }
  SECTION("two Roots at once") {
    f.say(f.update(root, StreamHead::kMore, {}));
    f.say(f.update(root, StreamHead::kMore, {}));
    closed("before the one before it ends");
  }
  SECTION("paths that do not ascend") {
    Bytes message = f.update(root, StreamHead::kMore, {{"x", "1"}});
    OpWriter().put(message, "a", bytes(std::string_view("1")));
    f.say(message);
    closed("ascend");
  }
  SECTION("deletions of what is not there") {
    f.say(f.update(root, 0, {{"y", ""}}));
    closed("no such leaf");
  }
  SECTION("more than a feed may have") {
    std::vector<std::pair<std::string, std::string>> ops;
    for (int i = 1000; i < 1500; ++i) ops.emplace_back(std::to_string(i), "1");
    f.say(f.update(root, StreamHead::kMore, ops));
    closed("more than 400 objects");
  }
  SECTION("messages cut short") {
    f.say({kUpdateType, 1, 2});
    closed("broke the protocol");
  }
}

/* Whoever is to go on with what is not there is followed anew, which it may provoke and not read. */
TEST_CASE("feeds: a peer that is answered and reads nothing ends its connection", "[feeds][extension]") {
  NodeSettings settings = Followed::bounded();
  settings.connection.max_control_bytes = 20000;
  Telling f(settings);
  const Root root = HandTree().root(f.stranger.key());
  f.wire->manners->room = 4096;
  f.peer->stream.pause(true);
  size_t most_bytes = 0;
  for (int i = 0; i < 20000 && f.reader.node->peers().size() == 1; ++i, ++f.number) {
    f.say(f.update(root, StreamHead::kResumed, {}));
    for (const auto& peer : f.reader.node->peers())
      most_bytes = std::max(most_bytes, peer.connection.queued_bytes());
  }
  CHECK(f.reader.node->peers().empty());
  CHECK_THAT(f.reader.node->counters().last_closed, Catch::Contains("does not read the answers"));
  CHECK(most_bytes < 22000);
}

// --- connections that break ---

/* A first fill, or a change, cut after any number of bytes, again and again; what came is not fetched twice.
 */
struct Breaking {
  explicit Breaking(bool first) : owner(host, wire, 1), other(host, wire, 2) {
    owner.serve();
    if (!first) {
      owner.write(numbered(0, 900));
      other.open(owner.key());
      host.advance_ms(1000);
    }
    for (int round = 0; round < 2; ++round) owner.write(numbered(round * 450, round * 450 + 450, "w"));
    whole_before = wire->manners->delivered;
  }
  MemoryHost host;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
  Machine owner, other;
  size_t whole_before = 0;
};

TEST_CASE("feeds: lesson 22, a connection that is cut at any byte is gone on with where it was",
          "[feeds][extension][cut]") {
  const bool first = GENERATE(true, false);
  size_t whole = 0;
  {
    Breaking b(first);
    b.other.open(b.owner.key());
    b.host.advance_ms(2000);
    REQUIRE(b.other.leaves(b.owner.key()) == b.owner.leaves(b.owner.key()));
    whole = b.wire->manners->delivered - b.whole_before;
    REQUIRE(whole > 150000);
  }
  // Every byte of the beginning, then here and there.
  for (size_t cut = 1; cut < whole; cut += cut < 1200 ? 97 : 16381) {
    CAPTURE(cut);
    Breaking b(first);
    b.wire->manners->cut_after = b.wire->manners->delivered + cut;
    Follower follower;
    b.other.follow(b.owner.key(), follower);
    b.host.advance_ms(300);
    b.wire->manners->cut_after = SIZE_MAX;
    b.host.advance_ms(20000);
    REQUIRE(b.other.leaves(b.owner.key()) == b.owner.leaves(b.owner.key()));
    REQUIRE(follower.leaves == b.owner.leaves(b.owner.key()));
    // What is sent twice is a message and a handshake; a break between Root and answer costs requests of
    // nothing.
    CHECK(b.wire->manners->delivered - b.whole_before < whole + kMessageBytes + 4000);
    CHECK(objects_asked(b.other) == 0);
    audit(b.other.disk);
  }
}

TEST_CASE("feeds: a Root that goes on after a break may be a later one", "[feeds][extension][cut]") {
  const bool first = GENERATE(true, false);
  for (size_t cut = 70000; cut < 200000; cut += 43210) {
    CAPTURE(cut);
    Breaking b(first);
    b.wire->manners->cut_after = b.wire->manners->delivered + cut;
    Follower follower;
    b.other.follow(b.owner.key(), follower);
    b.host.advance_ms(300);
    // Before the place, behind it, and beside what is there.
    b.owner.write(Ops()
                      .put("d0/0", "changed")
                      .erase("d0/7")
                      .put("d6/6", "changed")
                      .erase("d6/13")
                      .put("new/1", "x")
                      .put("a", "y"));
    b.host.advance_ms(100);
    b.wire->manners->cut_after = SIZE_MAX;
    b.host.advance_ms(20000);
    REQUIRE(b.other.leaves(b.owner.key()) == b.owner.leaves(b.owner.key()));
    REQUIRE(follower.leaves == b.owner.leaves(b.owner.key()));
    CHECK(objects_asked(b.other) == 0);
    audit(b.other.disk);
    b.owner.write(Ops().put("d1/1", "and on"));
    b.host.advance_ms(1000);
    CHECK(follower.leaves == b.owner.leaves(b.owner.key()));
  }
}

}  // namespace
}  // namespace visor::test
