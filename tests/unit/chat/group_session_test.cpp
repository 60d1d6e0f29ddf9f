// A group's session beside feeds and a drive that fail when the test says so.
#include <catch2/catch.hpp>

#include "plugins/chat/group_session.hpp"
#include "tests/support/test_identity.hpp"
#include "tests/unit/chat/hand_feeds.hpp"

namespace visor::chat {
namespace {

struct Listener final : GroupSession::Owner {
  void group_said(const codec::Uuid&, const StoredGroupMessage& message) override {
    said.push_back(message.text);
  }
  void group_took_back(const codec::Uuid&, const MessagePath&) override {}
  void group_changed(const codec::Uuid&) override {}
  std::vector<std::string> said;
};

/* A public group of so many; we are the second member. */
struct Sitting {
  explicit Sitting(uint8_t members) {
    for (uint8_t number = 1; number <= members; ++number) {
      people.push_back(std::make_unique<test::TestIdentity>(host.host(), number));
      group.members.push_back(*people.back()->key());
    }
    group.id.bytes.fill(7);
    group.owner = key(0);
    group.admins = {key(0)};
    group.status = GroupStatus::kActive;
    kv = test::open_disk(host.host(), disk);
    open_store();
    REQUIRE(store->put(group));
  }
  ~Sitting() { end(); }
  const visor_key& key(size_t who) { return *people[who]->key(); }
  void open_store() {
    auto opened = GroupStore::open(host.host(), kv.get(), key(1), {});
    REQUIRE(opened);
    store = std::move(*opened);
  }
  void start() {
    session = std::make_unique<GroupSession>(host.host(), &feeds, people[1].get(), *store, group.id,
                                             GroupOptions{.networks = {"skynet"}}, listener);
    REQUIRE(session->start());
    host.run();
  }
  void end() {
    session.reset();
    host.run();
  }
  /* The path and the leaf of a message. */
  std::pair<std::string, std::string> message(size_t who, const std::string& said) {
    GroupMessage made;
    made.sender = key(who);
    made.time_ns = host.host().unix_ns() + ++messages;
    made.text = said;
    const MessagePath path{made.sender, made.time_ns, static_cast<uint64_t>(made.time_ns)};
    const Sign sign = [&](const crypto::Hash& digest) -> Result<crypto::Signature> {
      crypto::Signature signature;
      REQUIRE(people[who]->sign(digest.bytes.data(), signature.bytes.data()) == VISOR_OK);
      return signature;
    };
    REQUIRE(finish(made, nullptr, binding_of(group.id, path.number), sign));
    return {to_text(path), to_leaf(made)};
  }
  void say(size_t who, const std::string& said) {
    const auto [path, leaf] = message(who, said);
    feeds.of(key(who)).say(path, leaf);
  }
  size_t kept() { return store->messages(group.id)->size(); }

  test::MemoryHost host;
  std::vector<std::unique_ptr<test::TestIdentity>> people;
  test::MemoryDisk disk;
  Owned<visor_kv> kv;
  std::unique_ptr<GroupStore> store;
  test::HandFeeds feeds{host.host()};
  GroupRecord group;
  Listener listener;
  std::unique_ptr<GroupSession> session;
  int64_t messages = 0;
};

}  // namespace

TEST_CASE("chat: a member's feed that ends here is followed again", "[chat]") {
  Sitting at(2);
  at.start();
  at.say(0, "one");
  REQUIRE(at.kept() == 1);
  for (int round = 0; round < 3; ++round) {
    at.feeds.of(at.key(0)).end(VISOR_EIO);
    at.say(0, "while nobody follows");
    at.host.advance_ms(60'000);
  }
  CHECK(at.kept() == 4);
  CHECK(at.listener.said.size() == 4);
  at.feeds.of(at.key(0)).end(VISOR_EIO);
  at.end();  // and no timer of it is left
  at.host.advance_ms(60'000);
  CHECK(at.feeds.of(at.key(0)).followers.size() == 0);
}

TEST_CASE("chat: what the drive did not take is heard again, and not said to be read before", "[chat]") {
  Sitting at(2);
  at.start();
  at.disk.fail_write = at.disk.writes + 1;
  at.say(0, "one");
  at.feeds.of(at.key(0)).say("reading/count", "1");
  at.host.advance_ms(60'000);
  CHECK(at.kept() == 0);
  CHECK(at.listener.said.empty());
  const std::string reading = "reading/" + to_hex(at.key(0));
  CHECK_FALSE(at.feeds.own.map.contains(reading));
  at.disk.fail_write = 0;
  at.host.advance_ms(60'000);
  CHECK(at.kept() == 1);
  CHECK(at.listener.said == std::vector<std::string>{"one"});
  at.host.advance_ms(60'000);
  CHECK(at.feeds.own.map.contains(reading));
}

TEST_CASE("chat: what was heard and not passed on before a crash is passed on after it", "[chat]") {
  Sitting at(9);  // too many for all to follow all
  at.start();
  at.say(0, "passed on");
  at.host.advance_ms(1000);
  REQUIRE(at.feeds.own.map.size() == 1);
  at.say(0, "heard as the process was killed");
  at.host.advance_ms(1000);
  REQUIRE(at.kept() == 2);
  at.end();
  at.feeds.own.map.erase(std::prev(at.feeds.own.map.end()));  // the Root that did not come to be
  at.open_store();
  at.start();
  at.host.advance_ms(1000);
  CHECK(at.feeds.own.map == at.feeds.of(at.key(0)).map);
  CHECK(at.kept() == 2);
  CHECK(at.listener.said.size() == 2);  // nobody is told twice
}

}  // namespace visor::chat
