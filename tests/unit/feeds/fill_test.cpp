// Fills from a peer who speaks the protocol by hand: honest, slow, hostile.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

TEST_CASE("feeds: a feed is filled from a peer that plays by the rules, replies in any order", "[feeds]") {
  Followed f;
  HandTree tree;
  std::vector<ByHand::Heard> held;
  f.push(f.stranger.sign(tree.root(f.stranger.key())));
  // Each request is answered, the latest first.
  for (int round = 0; round < 10; ++round) {
    std::vector<ByHand::Heard> asked;
    std::swap(asked, f.peer->heard);
    for (auto at = asked.rbegin(); at != asked.rend(); ++at) {
      const Message message = at->message();
      const auto* wanted = std::get_if<RqObject>(&message);
      if (!wanted) continue;
      REQUIRE(tree.objects.contains(wanted->key));
      f.peer->say(ObjectReply{tree.objects[wanted->key]}, at->seq);
    }
    f.host.run();
  }
  CHECK(f.reader.leaves(f.stranger.key()) == std::map<std::string, std::string>{{"x", "1"}});
  CHECK(f.feed().counters().objects_received == 3);  // neither the registry nor the Root is asked for
  audit(f.reader.disk);
}

TEST_CASE("feeds: wrong objects cost their sender the connection and nothing is stored", "[feeds]") {
  Followed f;
  HandTree tree;
  std::map<Hash, Bytes> objects = tree.objects;
  objects[crypto::sha256(tree.list)] = tree.entry;
  f.serve(objects);
  f.push(f.stranger.sign(tree.root(f.stranger.key())));
  CHECK(f.peer->closed);
  CHECK(f.reader.leaves(f.stranger.key()).empty());
  CHECK_THAT(f.reader.node->counters().last_closed, Catch::Contains("another object"));
  audit(f.reader.disk);
}

TEST_CASE("feeds: lesson 24, a refusal of an object is no crime, and the fill is tried again",
          "[feeds][lesson]") {
  Followed f;
  HandTree tree;
  std::map<Hash, Bytes> objects = tree.objects;
  objects.erase(crypto::sha256(tree.entry));
  f.serve(objects);
  const SignedRoot root = f.stranger.sign(tree.root(f.stranger.key()));
  f.push(root);
  CHECK_FALSE(f.peer->closed);
  CHECK(f.feed().counters().fills_broken == 1);
  CHECK_THAT(f.feed().last_error(), Catch::Contains("no connections to fill from"));
  f.host.advance_ms(1);
  CHECK(f.peer->count<Sub>() == 2);  // at once
  f.serve(tree.objects);
  f.peer->say(Ok{}, f.peer->last<Sub>()->seq);
  f.push(root);
  CHECK(f.reader.leaves(f.stranger.key()).size() == 1);
  CHECK(f.feed().counters().objects_reused == 2);  // what came before is not fetched again
  CHECK(f.feed().counters().objects_received == 3);
}

TEST_CASE("feeds: Roots that are none", "[feeds]") {
  Followed f;
  HandTree tree;
  f.serve(tree.objects);
  auto ignored = [&](Root root) {
    f.push(f.stranger.sign(std::move(root)));
    CHECK_FALSE(f.peer->closed);
    CHECK_FALSE(f.feed().fill());
    CHECK_FALSE(f.feed().current());
  };
  Root root = tree.root(f.stranger.key());
  root.nonce = 0;
  ignored(root);
  root = tree.root(f.stranger.key());
  root.registry = Hash{};
  ignored(root);
  root = tree.root(f.stranger.key());
  root.previous = crypto::sha256(bytes("x"));
  ignored(root);
  // Signed by the feed's owner, and of another feed (lesson 51).
  root = tree.root(f.reader.key());
  SignedRoot other = f.stranger.sign(root);
  RootPush push = push_of(other);
  push.feed = f.stranger.key();
  f.peer->say(push);
  f.host.run();
  CHECK_FALSE(f.feed().fill());
  CHECK(f.feed().counters().roots_refused == 4);
  // A signature that is not the owner's.
  SignedRoot forged = f.stranger.sign(tree.root(f.stranger.key()));
  forged.signature.bytes[5] ^= 1;
  f.push(forged);
  CHECK(f.peer->closed);
}

TEST_CASE("feeds: Roots go by number in a chain and by time between chains", "[feeds]") {
  Followed f;
  auto publish = [&](uint64_t nonce, uint64_t seq, int64_t time_ns, const std::string& value) {
    HandTree tree("x", value);
    f.serve(tree.objects);
    Root root = tree.root(f.stranger.key(), seq);
    root.nonce = nonce;
    root.time_ns = time_ns;
    f.push(f.stranger.sign(root));
    return f.reader.leaves(f.stranger.key())["x"];
  };
  CHECK(publish(1, 5, 100, "first") == "first");
  CHECK(publish(1, 4, 200, "old number") == "first");
  CHECK(publish(1, 9, 300, "a gap is normal") == "a gap is normal");
  CHECK(publish(2, 0, 299, "a chain from before") == "a gap is normal");
  CHECK(publish(2, 0, 400, "a new chain") == "a new chain");
  CHECK(publish(1, 10, 350, "the old chain again") == "a new chain");
  audit(f.reader.disk);
  CHECK(audit(f.reader.disk).roots == 1);
}

TEST_CASE("feeds: hostile trees break their own fill and leave nothing", "[feeds]") {
  Followed f;
  Tree good;
  MemoryObjects objects;
  auto served = [&] {
    std::map<Hash, Bytes> all;
    for (const auto& [hash, object] : objects.objects) all[hash] = object.second;
    return all;
  };
  uint64_t seq = 0;
  auto refused = [&](const Hash& top, const std::string& because) {
    f.serve(served());
    Root root = HandTree().root(f.stranger.key(), ++seq);
    root.refs[0].object = top;
    const uint64_t broken = f.feed().counters().fills_broken;
    f.push(f.stranger.sign(root));
    f.host.run();
    CHECK(f.feed().counters().fills_broken == broken + 1);
    CHECK_THAT(f.feed().last_error(), Catch::Contains(because));
    CHECK_FALSE(f.feed().current());
    CHECK_FALSE(f.peer->closed);
    audit(f.reader.disk);
  };
  auto emit = objects.emit();
  auto add = [&](Kind kind, Bytes object) {
    const Hash hash = crypto::sha256(object);
    emit(hash, kind, object, false);
    return hash;
  };
  auto entry = [&](const std::string& name, const Hash& sub, const std::string& leaf) {
    Bytes object;
    append_tree_entry(object, {name, sub, bytes(leaf)});
    return add(Kind::kTreeEntry, object);
  };
  auto list = [&](std::vector<uint32_t> head, const std::vector<Hash>& elements) {
    Bytes object;
    for (uint32_t field : head) codec::append_le<uint32_t>(object, field);
    codec::append_le<uint32_t>(object, static_cast<uint32_t>(elements.size()));
    for (const Hash& hash : elements) codec::append(object, hash);
    return add(head.size() == 3 ? Kind::kListRoot : list_node(1), object);
  };
  auto node = [&](const Hash& children) {
    return add(Kind::kTreeNode, Bytes(children.bytes.begin(), children.bytes.end()));
  };

  const Hash a = entry("a", {}, "1"), b = entry("b", {}, "1");
  refused(node(list({0, 16, 2}, {b, a})), "not in order");
  refused(node(list({0, 16, 2}, {a, a})), "not in order");
  refused(node(list({0, 16, 1}, {a, b})), "elements in its root");
  refused(node(list({0, 16, 2}, {a, Hash{}})), "blank");
  std::vector<Hash> many;
  for (char name = 'a'; name < 'a' + 18; ++name) many.push_back(entry(std::string(1, name), {}, "1"));
  const Hash first = list({16}, {many.begin(), many.begin() + 16}), rest = list({2}, {many[16], many[17]});
  refused(node(list({1, 16, 17}, {first, rest})), "items where");
  refused(node(a), "expected the end");     // an entry where a list should be
  refused(list({0, 16, 1}, {a}), "bytes");  // a list where a directory should be
  // An object used as two kinds.
  const Hash inner = list({2}, {a, b});
  refused(node(list({2, 2, 5}, {inner, inner})), "a count of");

  // Directories below directories without end.
  Hash deep = node(list({0, 16, 1}, {a}));
  for (int i = 0; i < 70; ++i) deep = node(list({0, 16, 1}, {entry("d", deep, "")}));
  refused(deep, "deeper");

  // More objects than one feed may have.
  Tree wide;
  Ops ops;
  for (int i = 0; i < 500; ++i) ops.put(std::to_string(i), std::to_string(i));
  REQUIRE(wide.apply(ops.view()));
  refused(wide.encode(emit), "more than 400 objects");

  // After all that, an honest Root is taken.
  HandTree tree;
  f.serve(tree.objects);
  f.push(f.stranger.sign(tree.root(f.stranger.key(), ++seq)));
  CHECK(f.reader.leaves(f.stranger.key()).size() == 1);
  audit(f.reader.disk);
}

TEST_CASE("feeds: a small graph that names a leaf by very many paths is given up", "[feeds]") {
  NodeSettings settings;
  settings.feed.fill.limits.max_steps = 10000;
  Followed f(settings);
  // 2^40 leaves in 41 directories of two equal branches each.
  HandTree tree;
  std::map<Hash, Bytes> objects = tree.objects;
  auto add = [&](const Bytes& object) {
    const Hash hash = crypto::sha256(object);
    objects[hash] = object;
    return hash;
  };
  Hash top = crypto::sha256(tree.node);
  for (int i = 0; i < 40; ++i) {
    Bytes list, node;
    for (uint32_t field : {0u, 16u, 2u, 2u}) codec::append_le<uint32_t>(list, field);
    for (const char* name : {"l", "r"}) {
      Bytes entry;
      append_tree_entry(entry, {name, top, {}});
      codec::append(list, add(entry));
    }
    codec::append(node, add(list));
    top = add(node);
  }
  Root root = tree.root(f.stranger.key());
  root.refs[0].object = top;
  f.serve(objects);
  f.push(f.stranger.sign(root));
  f.host.advance_ms(1000);
  CHECK(f.feed().counters().fills_broken == 1);  // and not tried again: the Root will not get better
  CHECK_THAT(f.feed().last_error(), Catch::Contains("more leaves than are read"));
  f.host.advance_ms(30000);
  CHECK(f.feed().counters().fills == 1);
}

TEST_CASE("feeds: lesson 20, silence stalls a fill, slow progress does not", "[feeds][lesson]") {
  Followed f;
  HandTree tree;
  f.push(f.stranger.sign(tree.root(f.stranger.key())));
  REQUIRE(f.feed().fill());
  SECTION("silence") {
    f.host.advance_ms(59500);  // the request times out, and nobody else has it
    CHECK_FALSE(f.feed().fill());
    CHECK(f.feed().counters().fills_broken == 1);
  }
  SECTION("one object in 50 s") {
    for (int i = 0; i < 3; ++i) {
      f.host.advance_ms(25000);
      f.peer->say(RqList{});  // it lives
      f.host.advance_ms(25000);
      REQUIRE(f.feed().fill());
      const auto* asked = f.peer->last<RqObject>();
      const Message message = asked->message();
      f.peer->say(ObjectReply{tree.objects.at(std::get<RqObject>(message).key)}, asked->seq);
      f.host.run();
    }
    CHECK(f.reader.leaves(f.stranger.key()).size() == 1);
  }
}

TEST_CASE("feeds: lesson 20, a fill has a limit of silence and one of all its time", "[feeds][lesson]") {
  NodeSettings settings;
  settings.feed.fill.stall_ms = 20000;
  settings.feed.fill.total_ms = 60000;
  Followed f(settings);
  const bool silent = GENERATE(true, false);
  // Each directory is known when the one above it has come, so that a fill of it all takes ten minutes.
  const DeepTree tree(20);
  Root root = HandTree().root(f.stranger.key());
  root.refs[0].object = tree.top;
  f.push(f.stranger.sign(root));
  uint64_t took_ms = 0;
  for (; f.feed().counters().fills_broken == 0 && took_ms < 200000; took_ms += 10000) {
    REQUIRE(f.feed().fill());
    if (!silent) {
      const auto* asked = f.peer->last<RqObject>();
      const Message message = asked->message();
      f.peer->say(ObjectReply{tree.objects.at(std::get<RqObject>(message).key)}, asked->seq);
    }
    f.host.advance_ms(10000);
  }
  CHECK(took_ms == (silent ? 20000 : 60000));
  CHECK_THAT(f.feed().last_error(),
             Catch::Contains(silent ? "no object came for 20 s" : "took longer than 60 s"));
  CHECK_FALSE(f.peer->closed);
}

TEST_CASE("feeds: lesson 26, the Root may come before the answer to the subscription", "[feeds][lesson]") {
  MemoryHost host;
  auto wire = std::make_shared<Wire>();
  Machine reader(host, wire, 1);
  Stranger stranger(host, wire, 99);
  reader.serve();
  auto peer = stranger.shake_hands(reader.key());
  reader.open(stranger.key());
  host.run();
  HandTree tree;
  const SignedRoot root = stranger.sign(tree.root(stranger.key()));
  peer->on_message = [&](const ByHand::Heard& heard) {
    const Message message = heard.message();
    if (const auto* wanted = std::get_if<RqObject>(&message)) {
      peer->say(ObjectReply{tree.objects.at(wanted->key)}, heard.seq);
    }
  };
  peer->say(push_of(root));
  peer->say(Ok{}, peer->last<Sub>()->seq);
  host.run();
  CHECK(reader.leaves(stranger.key()).size() == 1);
  // And who is not asked is not heard.
  Stranger other(host, wire, 98);
  auto uninvited = other.shake_hands(reader.key());
  HandTree newer("x", "2");
  uninvited->say(push_of(stranger.sign(newer.root(stranger.key(), 1))));
  host.run();
  CHECK(uninvited->count<RqObject>() == 0);
}

TEST_CASE("feeds: an object that is on its way to us is waited for by who asks us", "[feeds]") {
  Followed f;
  HandTree tree;
  const SignedRoot root = f.stranger.sign(tree.root(f.stranger.key()));
  Stranger third(f.host, f.wire, 98);
  auto reading = third.shake_hands(f.reader.key());
  reading->say(Sub{f.stranger.key()});
  f.host.run();
  f.push(root);
  CHECK(reading->count<RootPush>() == 1);  // passed on as soon as the fill begins
  const uint32_t asked = reading->say(RqObject{crypto::sha256(tree.node)});
  const uint32_t never = reading->say(RqObject{crypto::sha256(bytes("never"))});
  f.host.run();
  CHECK(reading->count<ObjectReply>() == 0);
  f.serve(tree.objects);
  const auto* request = f.peer->last<RqObject>();
  REQUIRE(request);
  f.peer->say(ObjectReply{tree.node}, request->seq);
  f.host.run();
  REQUIRE(reading->count<ObjectReply>() == 1);
  CHECK(reading->last<ObjectReply>()->rseq == asked);
  REQUIRE(reading->last<Err>());
  CHECK(reading->last<Err>()->rseq == never);
}

TEST_CASE("feeds: a newer Root waits for the fill under way, the newest of several is next", "[feeds]") {
  Followed f;
  HandTree one("x", "1"), two("x", "2"), three("x", "3");
  f.push(f.stranger.sign(one.root(f.stranger.key(), 1)));
  f.push(f.stranger.sign(two.root(f.stranger.key(), 2)));
  f.push(f.stranger.sign(three.root(f.stranger.key(), 3)));
  f.push(f.stranger.sign(two.root(f.stranger.key(), 2)));
  REQUIRE(f.feed().fill());
  CHECK(f.feed().fill()->root().root.seq == 1);
  std::map<Hash, Bytes> all = one.objects;
  all.insert(three.objects.begin(), three.objects.end());
  f.serve(all);
  const auto* request = f.peer->last<RqObject>();
  f.peer->say(ObjectReply{one.node}, request->seq);
  f.host.run();
  CHECK(f.reader.seq(f.stranger.key()) == 3u);
  CHECK(f.reader.leaves(f.stranger.key()).at("x") == "3");
  CHECK(f.feed().counters().fills == 2);
  audit(f.reader.disk);
}

}  // namespace
}  // namespace visor::test
