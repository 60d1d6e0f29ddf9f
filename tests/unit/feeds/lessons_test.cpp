// What went wrong for others (specification cxo.md, section 11) and is not shown by a test of something else.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

NodeSettings letting_go_at_once() {
  NodeSettings settings;
  settings.release_ms = 0;
  return settings;
}

struct Two {
  MemoryHost host;
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
  Machine owner{host, wire, 1}, other{host, wire, 2, letting_go_at_once()};
};

/* A quiet feed is signed again every 45 s, and what was signed before stays for eleven minutes. */
constexpr size_t kHeartbeatsKept = 660 / 45 + 1;

void sweep(Machine& machine) {
  for (auto more = machine.store->sweep();; more = machine.store->sweep()) {
    REQUIRE(more);
    if (!*more) return;
  }
}

TEST_CASE("feeds: lessons 1 and 4, superseded Roots go at the publisher and at subscribers with gaps",
          "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  size_t objects = 0;
  for (int round = 0; round < 62; ++round) {
    // Now and then the follower is away, and misses some numbers.
    if (round % 7 == 3) t.other.close(t.owner.key());
    if (round % 7 == 5) t.other.open(t.owner.key());
    t.owner.write(Ops().put("a/b/c", std::to_string(round)).put("a/x", "same"));
    t.host.advance_ms(1000);
    if (round == 5) objects = audit(t.owner.disk).live;
  }
  t.host.advance_ms(1000000);
  for (Machine* machine : {&t.owner, &t.other}) {
    sweep(*machine);
    const Audit after = audit(machine->disk);
    CHECK(after.roots == 1);
    CHECK(after.unreferenced <= kHeartbeatsKept);
    CHECK(after.live == objects);
  }
  CHECK(t.other.leaves(t.owner.key()).at("a/b/c") == "61");
}

TEST_CASE("feeds: lesson 8, a sweep reads what it sweeps and not the store", "[feeds][lesson]") {
  auto reads_of_sweep = [](int leaves) {
    Two t;
    Ops many;
    for (int i = 0; i < leaves; ++i) many.put("many/" + std::to_string(i), "value " + std::to_string(i));
    t.owner.write(std::move(many));
    t.host.advance_ms(1000);
    t.owner.write(Ops().put("one", "1"));
    t.host.advance_ms(1000);
    t.owner.write(Ops().put("one", "2"));
    t.host.advance_ms(1000000);
    const size_t before = t.owner.disk.reads;
    sweep(t.owner);
    CHECK(audit(t.owner.disk).unreferenced <= kHeartbeatsKept);
    return t.owner.disk.reads - before;
  };
  const size_t small = reads_of_sweep(10), large = reads_of_sweep(3000);
  CHECK(large <= small + 20);
}

TEST_CASE("feeds: lesson 17, a store that fails while filling ends that fill and nothing else",
          "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  t.owner.write(Ops().put("x", "1").put("y/z", "2"));
  t.host.advance_ms(1000);
  t.other.disk.fail_write = t.other.disk.writes + 1;
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  t.host.advance_ms(5000);
  CHECK(follower.leaves.empty());
  CHECK(t.other.open(t.owner.key()).counters().fills_broken > 0);
  CHECK_THAT(t.other.open(t.owner.key()).last_error(), Catch::Contains("the disk failed"));
  CHECK(t.other.node->peers().size() == 1);
  t.other.disk.fail_write = 0;
  t.host.advance_ms(120000);
  CHECK(follower.leaves.size() == 2);
  audit(t.other.disk);
}

TEST_CASE("feeds: who was refused and is admitted later gets the feed at once", "[feeds]") {
  Two t;
  t.owner.serve();
  t.owner.own().admit(std::set<visor_key>{});
  t.owner.write(Ops().put("x", "1"));
  t.host.advance_ms(1000);
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  t.host.advance_ms(1000);
  CHECK(follower.leaves.empty());
  CHECK(t.owner.own().counters().refused_subscribers == 1);
  t.owner.own().admit(std::set<visor_key>{t.other.key()});
  t.host.advance_ms(100);
  CHECK(follower.leaves.size() == 1);
  t.owner.own().admit(std::set<visor_key>{});
  t.owner.write(Ops().put("y", "2"));
  t.host.advance_ms(5000);
  CHECK(follower.leaves.size() == 1);
}

TEST_CASE("feeds: lesson 18, an object that nobody has is refused, and the connection stays",
          "[feeds][lesson]") {
  Scene s;
  auto peer = s.subscriber();
  for (int i = 0; i < 100; ++i) peer->say(RqObject{crypto::sha256(bytes("none" + std::to_string(i)))});
  s.host.advance_ms(1);
  CHECK(peer->count<Err>() == 100);
  CHECK_FALSE(peer->closed);
  CHECK(s.connections() == 1);
}

TEST_CASE("feeds: lesson 25, a fill that keeps breaking is tried less and less often", "[feeds][lesson]") {
  Followed f;
  HandTree tree;
  f.serve({});
  const SignedRoot root = f.stranger.sign(tree.root(f.stranger.key()));
  size_t asked = 0;
  // The peer pushes its Root each time that it is asked, and never has an object of it.
  auto serve = f.peer->on_message;
  f.peer->on_message = [&, serve](const ByHand::Heard& heard) {
    serve(heard);
    if (!std::holds_alternative<Sub>(heard.message())) return;
    ++asked;
    f.peer->say(Ok{}, heard.seq);
    f.peer->say(push_of(root));
  };
  f.push(root);
  f.host.advance_ms(60000);
  const size_t first_minute = asked;
  CHECK(first_minute >= 4);
  CHECK(first_minute <= 8);
  f.host.advance_ms(600000);
  CHECK(asked - first_minute <= 11);  // one a minute
  CHECK_FALSE(f.peer->closed);
}

TEST_CASE("feeds: lesson 40, a Root and a large object are encoded once for all who get them",
          "[feeds][lesson]") {
  Two t;
  t.owner.write(Ops().put("x", "1"));
  t.host.advance_ms(1000);
  const auto first = t.owner.own().root_push();
  REQUIRE(first);
  CHECK(t.owner.own().root_push() == first);  // the very same bytes
  t.owner.write(Ops().put("x", "2"));
  t.host.advance_ms(1000);
  CHECK(t.owner.own().root_push() != first);

  // A large object that several are reading slowly is one message, and gone when it is sent.
  const std::string large(2u << 20, 'x');
  t.owner.serve();
  t.owner.write(Ops().put("large", large));
  t.host.advance_ms(1000);
  Bytes entry;
  append_tree_entry(entry, {"large", Hash{}, bytes(large)});
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::vector<std::unique_ptr<ByHand>> peers;
  for (uint8_t i = 0; i < 3; ++i) {
    strangers.push_back(std::make_unique<Stranger>(t.host, t.wire, static_cast<uint8_t>(100 + i)));
    peers.push_back(strangers.back()->shake_hands(t.owner.key()));
    peers.back()->say(Sub{t.owner.key()});
    t.host.run();
    peers.back()->stream.pause(true);
    peers.back()->say(RqObject{crypto::sha256(entry)});
  }
  t.host.advance_ms(100);
  CHECK(t.owner.node->large_objects().objects == 1);
  CHECK(t.owner.node->large_objects().readers == 3);
  for (auto& peer : peers) peer->stream.pause(false);
  t.host.advance_ms(1000);
  for (auto& peer : peers) CHECK(peer->count<ObjectReply>() == 1);
  CHECK(t.owner.node->large_objects().objects == 0);
}

TEST_CASE("feeds: lesson 46, a quiet feed is asked about less and less often", "[feeds][lesson]") {
  Followed f;
  size_t asked = 0;
  f.peer->on_message = [&](const ByHand::Heard& heard) {
    const Message message = heard.message();
    if (std::holds_alternative<RqList>(message)) f.peer->say(Err{""}, heard.seq);
    if (!std::holds_alternative<Sub>(message)) return;
    ++asked;
    f.peer->say(Ok{}, heard.seq);
  };
  auto asked_in_minutes = [&](uint64_t minutes) {
    const size_t before = asked;
    f.host.advance_ms(minutes * 60000);
    return asked - before;
  };
  const size_t first = asked_in_minutes(16);
  CHECK(first >= 3);
  CHECK(first <= 5);  // after 1, 2, 4, 8 minutes
  CHECK(asked_in_minutes(120) <= 9);
  CHECK_FALSE(f.peer->closed);

  HandTree tree;
  f.serve(tree.objects);
  f.push(f.stranger.sign(tree.root(f.stranger.key())));
  CHECK(f.reader.leaves(f.stranger.key()).size() == 1);
}

TEST_CASE("feeds: lesson 50, a batch that the store refuses leaves nothing that a later one believes in",
          "[feeds][lesson]") {
  Two t;
  t.owner.serve();
  Follower follower;
  t.other.follow(t.owner.key(), follower);
  t.owner.write(Ops().put("x", "1"));
  t.host.advance_ms(1000);
  t.owner.disk.fail_write = t.owner.disk.writes + 1;
  t.owner.write(Ops().put("d/y", "2"));
  t.host.advance_ms(3000);
  CHECK(t.owner.own().publisher()->frozen());
  t.owner.disk.fail_write = 0;
  t.host.advance_ms(60000);
  CHECK_FALSE(t.owner.own().publisher()->frozen());
  CHECK(follower.leaves == std::map<std::string, std::string>{{"d/y", "2"}, {"x", "1"}});
  audit(t.owner.disk);
  audit(t.other.disk);
}

TEST_CASE("feeds: lesson 55, a peer that announced a newer Root is no source of an older one",
          "[feeds][lesson]") {
  Two t;
  Stranger author(t.host, t.wire, 99);
  t.other.serve();
  HandTree tree;
  auto first = author.shake_hands(t.other.key());
  t.other.open(author.key());
  t.host.run();
  first->say(Ok{}, first->last<Sub>()->seq);
  t.host.run();
  // The first Root is being asked for when the second is announced: each is asked for once it is its turn.
  first->say(push_of(author.sign(tree.root(author.key(), 0))));
  t.host.run();
  const size_t asked = first->count<RqObject>();
  CHECK(asked == 1);
  first->say(push_of(author.sign(tree.root(author.key(), 1))));
  t.host.run();
  CHECK(first->count<RqObject>() == asked);
  for (int round = 0; round < 5; ++round) {
    for (const auto& heard : std::vector<ByHand::Heard>(first->heard)) {
      const Message message = heard.message();
      const auto* wanted = std::get_if<RqObject>(&message);
      if (wanted && heard.rseq == 0) first->say(ObjectReply{tree.objects.at(wanted->key)}, heard.seq);
    }
    first->heard.clear();
    t.host.run();
  }
  CHECK(t.other.seq(author.key()) == 1u);
  audit(t.other.disk);
}

}  // namespace
}  // namespace visor::test
