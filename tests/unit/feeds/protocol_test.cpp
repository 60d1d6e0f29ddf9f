// Node protocol 3 as a peer sees it who speaks it by hand: the worked example, every check that is a must,
// and limits that cost a peer its connection and nobody else anything.
#include "tests/unit/feeds/by_hand.hpp"

namespace visor::test {
namespace {

TEST_CASE("feeds: the worked example, message by message", "[feeds]") {
  Scene s(plain());
  auto peer = s.stranger.connect(s.owner.key());
  CHECK(peer->say(Syn{3, s.stranger.key()}) == 1);
  s.host.run();
  REQUIRE(peer->heard.size() == 1);
  CHECK(peer->heard[0].seq == 1);
  CHECK(peer->heard[0].rseq == 1);
  CHECK(std::get<Ack>(peer->heard[0].message()).node == s.owner.key());

  CHECK(peer->say(Sub{s.owner.key()}) == 2);
  s.host.run();
  REQUIRE(peer->heard.size() == 3);
  CHECK(peer->heard[1].rseq == 2);
  CHECK(std::holds_alternative<Ok>(peer->heard[1].message()));
  CHECK(peer->heard[2].seq == 3);
  CHECK(peer->heard[2].rseq == 0);
  CHECK(peer->heard[2].bytes.size() == 312);
  const Message pushed = peer->heard[2].message();
  const auto& push = std::get<RootPush>(pushed);
  Result<SignedRoot> root = open_root(push.feed, push.nonce, push.seq, push.value, push.signature);
  REQUIRE(root);
  CHECK(root->encoded.size() == 193);

  HandTree tree;
  CHECK(root->top() == crypto::sha256(tree.node));
  std::map<Hash, Bytes> expected = tree.objects;
  expected[tree_types().registry] = make_tree_registry()->encoded();
  expected[root->hash] = root->encoded;
  for (const auto& [hash, object] : expected) {
    const uint32_t asked = peer->say(RqObject{hash});
    s.host.run();
    CHECK(peer->heard.back().rseq == asked);
    const Message answer = peer->heard.back().message();
    CHECK(std::ranges::equal(std::get<ObjectReply>(answer).value, object));
  }
}

TEST_CASE("feeds: lesson 52, a peer cannot take another's name", "[feeds][lesson]") {
  Scene s;
  auto peer = s.stranger.connect(s.owner.key());
  peer->say(Syn{3, s.owner.key()});
  s.host.run();
  REQUIRE(peer->last<Err>() != nullptr);
  CHECK(peer->ended);
  s.host.advance_ms(6000);
  CHECK(s.connections() == 0);

  // The other way: we dial, and it answers with another name than its connection proves.
  std::unique_ptr<ByHand> accepted;
  auto accept = [](void* ctx, visor_stream* stream) {
    auto& [host, into] = *static_cast<std::pair<MemoryHost*, std::unique_ptr<ByHand>*>*>(ctx);
    *into = std::make_unique<ByHand>(*host, stream);
  };
  std::pair ctx{&s.host, &accepted};
  visor_handle* listening = nullptr;
  visor_net* net = &s.stranger.net;
  REQUIRE(net->api->listen(net, kPort, accept, &ctx, &listening) == VISOR_OK);
  s.owner.open(s.stranger.key());
  s.host.run();
  REQUIRE(accepted);
  REQUIRE(accepted->last<Syn>() != nullptr);
  accepted->say(Ack{s.owner.key()}, 1);
  s.host.run();
  CHECK(accepted->closed);
  CHECK_THAT(s.owner.node->counters().last_closed, Catch::Contains("calls itself"));
  listening->api->close(listening);
}

TEST_CASE("feeds: handshakes that are none", "[feeds]") {
  Scene s;
  auto refused = [&](const std::function<void(ByHand&)>& say) {
    auto peer = s.stranger.connect(s.owner.key());
    say(*peer);
    s.host.advance_ms(6000);
    CHECK((peer->closed || peer->ended));
    peer.reset();
    s.host.run();
    CHECK(s.connections() == 0);
    CHECK(s.owner.node->pending() == 0);
  };
  refused([&](ByHand& p) { p.say(Sub{s.owner.key()}); });
  refused([&](ByHand& p) { p.say(Ack{s.stranger.key()}); });
  refused([&](ByHand& p) { p.say_bytes({17}); });
  refused([&](ByHand& p) { p.say_bytes({3, 3, 0}); });
  refused([&](ByHand& p) { p.stream.write(Bytes{0, 0, 0, 0}); });                          // length 0
  refused([&](ByHand& p) { p.stream.write(Bytes{0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}); });  // below a message
  refused([&](ByHand& p) { p.stream.write(Bytes{0xff, 0xff, 0xff, 0xff}); });
  refused([&](ByHand& p) { p.stream.write(Bytes{0, 1, 0, 0}); });  // 64 KiB, before the handshake
  auto versioned = s.stranger.connect(s.owner.key());
  versioned->say(Syn{2, s.stranger.key()});
  s.host.run();
  REQUIRE(versioned->last<Err>() != nullptr);
  const Message said = versioned->last<Err>()->message();
  CHECK(std::get<Err>(said).text == "incompatible protocol version: 2, want 3");
  versioned.reset();

  auto silent = s.stranger.connect(s.owner.key());
  s.host.run();
  CHECK(s.owner.node->pending() == 1);
  s.host.advance_ms(60000);
  CHECK(silent->closed);
  CHECK(s.connections() == 0);
}

TEST_CASE("feeds: lesson 34, messages that nobody sends close the connection", "[feeds][lesson]") {
  Scene s;
  const visor_key blank{};
  std::vector<Bytes> wrong = {encode(Ping{}),     encode(Pong{}),     encode(Syn{3, s.stranger.key()}),
                              encode(Ack{blank}), encode(Sub{blank}), encode(Unsub{blank}),
                              Bytes{0},           Bytes{17},          Bytes{7, 1, 2}};
  Bytes tail = encode(RqList{});
  tail.push_back(0);
  wrong.push_back(tail);
  for (const Bytes& message : wrong) {
    INFO("message " << to_hex(message));
    auto peer = s.subscriber();
    peer->say_bytes(message);
    s.host.run();
    CHECK(peer->closed);
  }
  auto huge = s.subscriber();
  huge->stream.write(Bytes{4, 0, 0, 1});  // 64 MiB and a byte
  s.host.run();
  CHECK(huge->closed);
}

TEST_CASE("feeds: lesson 36, a connection ends once, whoever ends it and how often", "[feeds][lesson]") {
  Scene s;
  auto peer = s.subscriber();
  const uint64_t before = s.owner.node->counters().closed;
  // Two messages that each end it, its own end, and a Root that is pushed at the same time.
  s.owner.write(Ops().put("y", "2"));
  peer->say_bytes({0});
  peer->say_bytes({17});
  peer->stream.end();
  s.host.advance_ms(1000);
  CHECK(peer->closed);
  CHECK(s.owner.node->counters().closed == before + 1);
  CHECK(s.connections() == 0);
}

TEST_CASE("feeds: requests are answered as the network answers them, late replies ignored", "[feeds]") {
  Scene s;
  auto peer = s.stranger.shake_hands(s.owner.key());
  auto answer = [&](const Message& message) {
    const uint32_t asked = peer->say(message);
    s.host.run();
    REQUIRE(peer->heard.back().rseq == asked);
    return peer->heard.back();
  };
  auto err = [&](const Message& message) {
    const auto heard = answer(message);
    const Message said = heard.message();
    return std::string(std::get<Err>(said).text);
  };
  CHECK(err(Sub{s.stranger.key()}) == "do not share the feed");
  CHECK(err(RqList{}) == "not a public server");
  CHECK(err(RqPeers{s.owner.key()}) == "not in swarm");
  CHECK(err(RqPreview{s.stranger.key()}) == "no such feed");
  HandTree tree;
  CHECK(err(RqObject{crypto::sha256(tree.node)}).empty());  // not before it reads a feed here
  CHECK(std::holds_alternative<RootPush>(answer(RqPreview{s.owner.key()}).message()));
  CHECK(std::holds_alternative<ObjectReply>(answer(RqObject{crypto::sha256(tree.node)}).message()));
  CHECK(err(RqObject{Hash{}}).empty());  // lesson 18: an unknown object is a refusal, no more
  for (const Message& late :
       {Message(Ok{}), Message(Err{"late"}), Message(FeedList{}), Message(ObjectReply{}), Message(Peers{})}) {
    peer->say(late, 12345);
  }
  s.host.run();
  CHECK_FALSE(peer->closed);

  peer->say(Unsub{s.owner.key()});
  s.host.run();
  CHECK_FALSE(peer->closed);

  NodeSettings open;
  open.is_public = true;
  Machine listed(s.host, s.wire, 7, open);
  listed.serve();
  listed.own();
  auto other = s.stranger.shake_hands(listed.key());
  other->say(RqList{});
  s.host.run();
  const Message list = other->heard.back().message();
  CHECK(std::get<FeedList>(list).feeds == std::vector<visor_key>{listed.key()});
}

TEST_CASE("feeds: lesson 24, a Root is pushed again to who subscribes again", "[feeds][lesson]") {
  Scene s;
  auto peer = s.subscriber();
  CHECK(peer->count<RootPush>() == 1);
  peer->say(Sub{s.owner.key()});
  s.host.run();
  CHECK(peer->count<Ok>() == 2);
  CHECK(peer->count<RootPush>() == 2);
}

TEST_CASE("feeds: lesson 32, a silent peer is probed and then dropped, one that answers anything is not",
          "[feeds][lesson]") {
  Scene s;
  auto silent = s.subscriber();
  Stranger second(s.host, s.wire, 98);
  auto answering = second.shake_hands(s.owner.key());
  answering->on_message = [&](const ByHand::Heard& heard) {
    if (std::holds_alternative<RqList>(heard.message()))
      answering->say(Err{"not a public server"}, heard.seq);
  };
  s.host.advance_ms(45000);
  CHECK(silent->count<RqList>() == 1);
  CHECK(silent->count<Ping>() == 0);
  s.host.advance_ms(75000);
  CHECK(silent->closed);
  CHECK_FALSE(answering->closed);
}

TEST_CASE("feeds: lesson 30, a peer that reads nothing holds no objects and stops nobody",
          "[feeds][lesson]") {
  Scene s;
  s.owner.write(Ops().put("large", std::string(900000, 'x')));
  s.host.advance_ms(100);
  Bytes entry;
  append_tree_entry(entry, {"large", Hash{}, bytes(std::string(900000, 'x'))});
  const Hash large = crypto::sha256(entry);

  auto peer = s.subscriber();
  peer->stream.pause(true);
  for (int i = 0; i < 500; ++i) peer->say(RqObject{large});
  s.host.advance_ms(1000);
  auto all = s.owner.node->peers();
  REQUIRE(all.size() == 1);
  CHECK(all[0].connection.queued_bytes() < 2000000);
  CHECK(all[0].connection.queued_requests() > 400);

  Stranger second(s.host, s.wire, 98);
  auto other = second.shake_hands(s.owner.key());
  other->say(Sub{s.owner.key()});
  s.host.run();
  CHECK(other->count<RootPush>() == 1);
  for (int i = 0; i < 600; ++i) peer->say(RqObject{large});
  s.host.run();
  CHECK(s.owner.node->peers().size() == 1);
  CHECK_THAT(s.owner.node->counters().last_closed, Catch::Contains("without reading"));
}

TEST_CASE("feeds: a large object arrives whole between others", "[feeds]") {
  Scene s;
  std::string value(300000, 'x');
  for (size_t i = 0; i < value.size(); i += 7) value[i] = static_cast<char>('a' + i % 26);
  s.owner.write(Ops().put("large", value));
  s.host.advance_ms(100);
  Bytes entry;
  append_tree_entry(entry, {"large", Hash{}, bytes(value)});
  auto peer = s.subscriber();
  std::map<uint32_t, bool> asked;
  for (int i = 0; i < 30; ++i) {
    asked[peer->say(RqObject{crypto::sha256(entry)})] = true;
    asked[peer->say(RqObject{tree_types().registry})] = false;
    peer->say(RqList{});
  }
  s.host.run();
  size_t answered = 0;
  for (const auto& heard : peer->heard) {
    if (!asked.contains(heard.rseq)) continue;
    const Message message = heard.message();
    const auto& object = std::get<ObjectReply>(message);
    CHECK(crypto::sha256(object.value) ==
          (asked[heard.rseq] ? crypto::sha256(entry) : tree_types().registry));
    ++answered;
  }
  CHECK(answered == 60);
  CHECK(peer->count<Err>() == 30);
}

TEST_CASE("feeds: many half-sent large frames do not fill the memory", "[feeds]") {
  NodeSettings settings;
  settings.connection.max_unfinished_bytes = 6u << 20;
  Scene s(settings);
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::vector<std::unique_ptr<ByHand>> peers;
  s.wire->manners->piece = 1u << 20;
  s.wire->manners->room = 8u << 20;
  for (uint64_t i = 0; i < 6; ++i) {
    strangers.push_back(std::make_unique<Stranger>(s.host, s.wire, 200 + i));
    peers.push_back(strangers.back()->shake_hands(s.owner.key()));
    peers.back()->stream.write(Bytes{3, 0, 0, 0});  // 48 MiB are promised
    for (int mib = 0; mib < 2; ++mib) peers.back()->stream.write(Bytes(1u << 20));
    s.host.run();
  }
  CHECK(s.owner.node->unfinished_bytes() <= 6u << 20);
  CHECK(s.connections() < 6);
  CHECK(s.connections() >= 2);
  peers.clear();
  s.host.run();
  CHECK(s.owner.node->unfinished_bytes() == 0);
}

TEST_CASE("feeds: lesson 39, connections and handshakes are counted and capped", "[feeds][lesson]") {
  NodeSettings settings;
  settings.max_pending = 3;
  settings.max_connections = 5;
  Scene s(settings);
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::vector<std::unique_ptr<ByHand>> peers;
  for (uint64_t i = 0; i < 10; ++i) {
    strangers.push_back(std::make_unique<Stranger>(s.host, s.wire, 200 + i));
    peers.push_back(strangers.back()->connect(s.owner.key()));
    s.host.run();
  }
  CHECK(s.owner.node->pending() == 3);
  CHECK(s.owner.node->counters().refused == 7);
  for (auto& peer : peers) {
    if (!peer->closed) peer->say(Syn{3, strangers[static_cast<size_t>(&peer - peers.data())]->key()});
  }
  s.host.run();
  CHECK(s.owner.node->pending() == 0);
  CHECK(s.connections() == 3);
}

}  // namespace
}  // namespace visor::test
