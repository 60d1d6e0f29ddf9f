// What a client of the relay network knows of its peers: asked once, kept for a while.
#include "plugins/dmsg/entries.hpp"

#include "tests/unit/dmsg/discovery_stub.hpp"

namespace visor::dmsg_client {
namespace {

struct Scene {
  test::MemoryHost memory;
  Host host = memory.host();
  test::TestIdentity discovery{host, 1};
  test::DiscoveryStub stub{host};
  std::unique_ptr<dmsg::Directory> directory =
      dmsg::Directory::over_streams(host, {*discovery.key(), 80}, stub.opener(), {.timeout_ms = 5000});
  Entries entries{host, *directory};

  visor_key add(uint8_t number) {
    test::TestIdentity peer(host, number);
    dmsg::Entry entry;
    entry.key = *peer.key();
    entry.timestamp_ns = host.unix_ns();
    entry.client.emplace().delegated_servers.emplace();
    REQUIRE(dmsg::sign(entry, dmsg::sign_with(host, &peer)));
    stub.entries[entry.key] = entry;
    return entry.key;
  }
  /* One question, and what was answered. */
  Entries::Answer get(const visor_key& key, bool fresh = false) {
    std::optional<Entries::Answer> answer;
    entries.get(key, fresh, [&](const Entries::Answer& got) { answer = got; });
    CHECK_FALSE(answer.has_value()); /* never inside the call */
    memory.advance_ms(5);
    REQUIRE(answer.has_value());
    return *answer;
  }
};

}  // namespace

TEST_CASE("an entry is kept for half a minute, unless a fresh one is wanted", "[dmsg]") {
  Scene scene;
  visor_key key = scene.add(9);
  Entries::Answer first = scene.get(key);
  REQUIRE(first.entry);
  CHECK_FALSE(first.cached);
  CHECK(scene.get(key).cached);
  CHECK(scene.stub.asked.size() == 1);
  CHECK_FALSE(scene.get(key, true).cached);
  CHECK(scene.stub.asked.size() == 2);
  scene.memory.advance_ms(29'900);
  CHECK(scene.get(key).cached);
  scene.memory.advance_ms(200);
  CHECK_FALSE(scene.get(key).cached);
  CHECK(scene.stub.asked.size() == 3);
}

TEST_CASE("many who ask for one entry at once make one question", "[dmsg]") {
  Scene scene;
  visor_key key = scene.add(9);
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    scene.entries.get(key, i % 2 == 0,
                      [&](const Entries::Answer& got) { answered += got.entry.has_value(); });
  }
  CHECK(scene.entries.under_way() == 1);
  scene.memory.advance_ms(10);
  CHECK(answered == 50);
  CHECK(scene.stub.asked.size() == 1);
  CHECK(scene.entries.under_way() == 0);
}

TEST_CASE("only the discovery's own word makes an entry forgotten", "[dmsg]") {
  Scene scene;
  visor_key key = scene.add(9);
  REQUIRE(scene.get(key).entry);
  SECTION("it says that there is none") {
    scene.stub.entries.clear();
    CHECK(scene.get(key, true).entry.error().status == VISOR_ENOENT);
    CHECK(scene.entries.cached() == 0);
  }
  SECTION("it is away") {
    scene.stub.away = true;
    CHECK_FALSE(scene.get(key, true).entry);
    CHECK(scene.get(key).cached);
    CHECK(scene.get(key).entry);
  }
}

TEST_CASE("who no longer waits is not called, and the last one who leaves ends the question", "[dmsg]") {
  Scene scene;
  visor_key key = scene.add(9);
  int answered = 0;
  auto count = [&](const Entries::Answer&) { ++answered; };
  SECTION("one of two") {
    uint64_t number = scene.entries.get(key, false, count);
    scene.entries.get(key, false, count);
    scene.entries.cancel(number);
    scene.memory.advance_ms(10);
    CHECK(answered == 1);
  }
  SECTION("both") {
    uint64_t first = scene.entries.get(key, false, count), second = scene.entries.get(key, false, count);
    scene.entries.cancel(first);
    CHECK(scene.entries.under_way() == 1);
    scene.entries.cancel(second);
    CHECK(scene.entries.under_way() == 0);
    scene.memory.advance_ms(10);
    CHECK(answered == 0);
  }
  SECTION("an answer that is on its way") {
    scene.get(key);
    uint64_t number = scene.entries.get(key, false, count);
    scene.entries.cancel(number);
    scene.memory.advance_ms(10);
    CHECK(answered == 0);
  }
  scene.entries.cancel(12345); /* nobody's */
}

TEST_CASE("questions under way and entries kept are bounded", "[dmsg]") {
  Scene scene;
  scene.stub.silent = true;
  auto key_of = [](size_t number) {
    visor_key key{};
    key.bytes[0] = 2;
    key.bytes[31] = static_cast<uint8_t>(number >> 8);
    key.bytes[32] = static_cast<uint8_t>(number);
    return key;
  };
  size_t refused = 0;
  for (size_t i = 0; i < Entries::kMaxLookups + 10; ++i) {
    scene.entries.get(key_of(i), false, [&](const Entries::Answer& got) {
      refused += !got.entry && got.entry.error().status == VISOR_EAGAIN;
    });
  }
  scene.memory.advance_ms(1);
  CHECK(refused == 10);
  CHECK(scene.entries.under_way() == Entries::kMaxLookups);
  scene.memory.advance_ms(6000); /* each question ends by itself */
  CHECK(scene.entries.under_way() == 0);
  CHECK(scene.entries.cached() == 0);
}

}  // namespace visor::dmsg_client
