#include "plugins/chat/history.hpp"

#include <catch2/catch.hpp>

#include "tests/support/memory_host.hpp"
#include "tests/support/memory_kv.hpp"

namespace visor::chat {
namespace {

using test::MemoryDisk;
using test::MemoryHost;

visor_key key(uint8_t number) {
  visor_key made{};
  made.bytes[0] = 2;
  made.bytes[32] = number;
  return made;
}

struct Kept {
  explicit Kept(HistoryLimits with = {}) : limits(with) { open(); }
  void open() {
    history.reset();
    auto opened = History::open(host.host(), test::open_disk(host.host(), disk), limits);
    REQUIRE(opened);
    history = std::move(*opened);
  }
  Message out(const visor_key& to, const std::string& id, int64_t time_ns = 1000) {
    Message message;
    message.id = id;
    message.text = "text of " + id;
    message.time_ns = time_ns;
    REQUIRE(history->add_out(to, message));
    return message;
  }
  bool in(const visor_key& from, const std::string& id, int64_t time_ns = 1000) {
    Message message;
    message.id = id;
    message.text = "text of " + id;
    message.time_ns = time_ns;
    auto added = history->add_in(from, message);
    REQUIRE(added);
    return *added;
  }
  std::vector<std::string> ids(const visor_key& peer, uint64_t before = 0, size_t limit = 100) {
    auto messages = history->list(peer, before, limit);
    REQUIRE(messages);
    std::vector<std::string> out;
    for (const Message& message : *messages) out.push_back(message.id);
    return out;
  }

  MemoryHost host;
  MemoryDisk disk;
  HistoryLimits limits;
  std::unique_ptr<History> history;
};

TEST_CASE("chat: messages keep the order of their arrival, also when the clock goes back", "[chat]") {
  Kept kept;
  kept.in(key(1), "a", 5000);
  kept.out(key(1), "b", 4000);
  kept.in(key(1), "c", 1);
  kept.in(key(2), "other", 1);
  CHECK(kept.ids(key(1)) == std::vector<std::string>{"c", "b", "a"});
  kept.open();
  kept.in(key(1), "d", 0);
  CHECK(kept.ids(key(1)) == std::vector<std::string>{"d", "c", "b", "a"});
  const uint64_t c = kept.history->list(key(1), 0, 2)->back().number;
  CHECK(kept.ids(key(1), c, 1) == std::vector<std::string>{"b"});
  CHECK(kept.ids(key(2)) == std::vector<std::string>{"other"});
}

TEST_CASE("chat: an id that came is known again, after a restart too", "[chat]") {
  Kept kept;
  CHECK(kept.in(key(1), "a"));
  CHECK_FALSE(kept.in(key(1), "a"));
  kept.open();
  CHECK_FALSE(kept.in(key(1), "a"));
  CHECK(kept.in(key(2), "a"));  // another peer's
  kept.out(key(1), "a");        // and ours
  CHECK(kept.ids(key(1)).size() == 2);
}

TEST_CASE("chat: the latest of all peers are in the order of their arrival", "[chat]") {
  Kept kept;
  for (int i = 0; i < 30; ++i) {
    const std::string id = std::to_string(i);
    i % 4 == 0 ? (void)kept.out(key(1), id, 1000 + i)
               : (void)kept.in(key(static_cast<uint8_t>(1 + i % 3)), id, 1000 + i);
  }
  for (size_t limit : {1u, 7u, 30u, 100u}) {
    auto latest = kept.history->latest(limit);
    REQUIRE(latest);
    REQUIRE(latest->size() == std::min<size_t>(limit, 30));
    for (size_t i = 0; i < latest->size(); ++i)
      CHECK((*latest)[i].second.id == std::to_string(30 - latest->size() + i));
    CHECK(latest->back().first == key(3));
  }
  kept.history->forget(key(3));
  CHECK(kept.history->latest(1)->back().second.id == "28");
}

TEST_CASE("chat: one of ours that nobody named is found by its id", "[chat]") {
  Kept kept;
  Message first = kept.out(key(1), "", 5000), second = kept.out(key(1), "", 5000);
  CHECK(first.id.size() == 16);
  CHECK(first.id != second.id);
  kept.open();
  for (const Message& message : {first, second}) {
    auto found = kept.history->find(key(1), Direction::kOut, message.id);
    REQUIRE((found && *found));
    CHECK((*found)->number == message.number);
  }
  CHECK_FALSE(*kept.history->find(key(2), Direction::kOut, first.id));
  CHECK_FALSE(*kept.history->find(key(1), Direction::kIn, first.id));
  CHECK_FALSE(*kept.history->find(key(1), Direction::kOut, "ffffffffffffffff"));
  // A peer may use the same.
  CHECK(kept.in(key(1), first.id));
  CHECK((*kept.history->find(key(1), Direction::kIn, first.id))->direction == Direction::kIn);
}

TEST_CASE("chat: a stored message is read as it was written", "[chat]") {
  Message message;
  message.number = 7;
  message.direction = Direction::kOut;
  message.id = "a";
  message.text = std::string("words \0 \xf0\x9f\x98\x80", 12);
  message.reply_to = "b";
  message.network = "dmsg";
  message.time_ns = -5;
  message.state = State::kRead;
  message.deleted = true;
  const Bytes stored = encode_stored(message);
  auto read = decode_stored(stored, 7);
  REQUIRE(read);
  CHECK(encode_stored(*read) == stored);
  CHECK(read->number == 7);
  CHECK(read->text == message.text);
  CHECK(read->deleted);
  CHECK(read->state == State::kRead);
  for (size_t cut = 0; cut < stored.size(); ++cut) {
    auto damaged = decode_stored(ByteView(stored).first(cut), 7);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().status == VISOR_ECORRUPT);
  }
  Bytes unknown = stored;
  unknown[2] = 9;
  CHECK_FALSE(decode_stored(unknown, 7));
  CHECK_FALSE(decode_stored(bytes(std::string_view("{")), 3));
}

TEST_CASE("chat: what is owed stays owed until it is settled", "[chat]") {
  Kept kept;
  Message first = kept.out(key(1), "a"), second = kept.out(key(1), "b");
  CHECK(kept.history->owed(key(1))->size() == 2);
  first.state = State::kReceived;
  REQUIRE(kept.history->save(key(1), first, true));
  REQUIRE(kept.history->save(key(1), first, true));  // twice is once
  CHECK(kept.history->owing().at(key(1)) == 1);
  kept.open();
  CHECK(kept.history->owing().at(key(1)) == 1);
  CHECK(kept.history->owed(key(1))->front().number == second.number);
  REQUIRE(kept.history->owe(key(1), first, Errand::kDelete));
  CHECK(kept.history->owing().at(key(1)) == 2);
  for (const Message& message : {first, second}) REQUIRE(kept.history->save(key(1), message, true));
  CHECK(kept.history->owing().empty());
  CHECK((*kept.history->find(key(1), Direction::kOut, "a"))->state == State::kReceived);
}

TEST_CASE("chat: the oldest messages go, but none that is on the way", "[chat]") {
  Kept kept({.per_peer = 3, .owed_per_peer = 2, .peers = 2});
  for (const char* id : {"a", "b", "c", "d"}) kept.in(key(1), id);
  CHECK(kept.ids(key(1)) == std::vector<std::string>{"d", "c", "b"});
  CHECK(kept.in(key(1), "a"));  // forgotten, so new
  CHECK(kept.history->conversations().at(key(1)).messages == 3);

  kept.out(key(2), "x");
  kept.out(key(2), "y");
  Message third;
  third.id = "z";
  auto refused = kept.history->add_out(key(2), third);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == VISOR_ENOSPC);
  for (const char* id : {"a", "b", "c"}) kept.in(key(2), id);
  CHECK(kept.ids(key(2)).size() == 5);
  CHECK(kept.history->owed(key(2))->size() == 2);

  Message stranger;
  stranger.id = "s";
  CHECK_FALSE(kept.history->add_in(key(3), stranger));  // too many conversations
}

TEST_CASE("chat: what strangers write does not grow without bound, and drives out nobody else's messages",
          "[chat]") {
  constexpr uint64_t kBytes = 1u << 16;
  constexpr size_t kText = 1000;
  Kept kept({.bytes = kBytes});
  auto long_one = [&](const visor_key& from, const std::string& id) {
    Message message;
    message.id = id;
    message.text = std::string(kText, 'x');
    return kept.history->add_in(from, message);
  };
  auto sum = [&] {
    uint64_t bytes = 0;
    for (const auto& [peer, conversation] : kept.history->conversations()) bytes += conversation.bytes;
    return bytes;
  };
  kept.in(key(1), "a friend's");
  // One peer has its share.
  for (int i = 0; i < 20; ++i) REQUIRE(long_one(key(2), "m" + std::to_string(i)));
  CHECK(kept.ids(key(2)) == std::vector<std::string>{"m19", "m18", "m17"});
  // Many have all there is, and then theirs becomes shorter, not the friend's.
  for (uint8_t peer = 3; peer < 40; ++peer) {
    for (int i = 0; i < 3; ++i) REQUIRE(long_one(key(peer), "m" + std::to_string(i)));
    CHECK(kept.history->kept_bytes() <= kBytes);
    CHECK(kept.history->kept_bytes() == sum());
  }
  CHECK(kept.ids(key(1)) == std::vector<std::string>{"a friend's"});
  CHECK(kept.ids(key(39)).size() == 3);
  CHECK(kept.disk.map.size() < 200);

  const uint64_t before = kept.history->kept_bytes();
  kept.open();
  CHECK(kept.history->kept_bytes() == before);
  // A text that is taken back gives its room back.
  Message taken = kept.history->list(key(39), 0, 1)->front();
  taken.deleted = true;
  taken.text.clear();
  REQUIRE(kept.history->save(key(39), taken, false));
  CHECK(kept.history->kept_bytes() == before - kText);
  REQUIRE(kept.history->save(key(39), taken, false));
  CHECK(kept.history->kept_bytes() == before - kText);
  REQUIRE(kept.history->forget(key(39)));
  CHECK(kept.history->kept_bytes() == sum());
}

TEST_CASE("chat: what is on the way is not given up for room", "[chat]") {
  Kept kept({.bytes = 4096 * kShares});
  for (int i = 0; i < 50; ++i) {
    Message message;
    message.text = std::string(1000, 'x');
    REQUIRE(kept.history->add_out(key(1), message));
  }
  CHECK(kept.history->owed(key(1))->size() == 50);
  CHECK(kept.ids(key(1)).size() == 50);
  Message more;
  more.text = std::string(20000, 'x');
  auto refused = kept.history->add_out(key(1), more);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == VISOR_ENOSPC);
  CHECK(kept.ids(key(1)).size() == 50);
}

TEST_CASE("chat: reading counts what was new", "[chat]") {
  Kept kept;
  kept.in(key(1), "a");
  kept.in(key(1), "b");
  kept.out(key(1), "mine");
  CHECK(kept.history->conversations().at(key(1)).unread == 2);
  CHECK(kept.history->read_all(key(1))->size() == 2);
  CHECK(kept.history->read_all(key(1))->empty());
  kept.open();
  CHECK(kept.history->conversations().at(key(1)).unread == 0);
  kept.in(key(1), "c");
  CHECK(kept.history->read_all(key(1))->front().id == "c");
  CHECK(kept.history->read_all(key(9))->empty());
}

TEST_CASE("chat: a crash at any write leaves a message whole or absent", "[chat]") {
  for (size_t crash = 1; crash <= 6; ++crash) {
    Kept kept;
    kept.disk.fail_write = crash;
    size_t kept_count = 0;
    for (int i = 0; i < 3; ++i) {
      Message message;
      message.id = "out" + std::to_string(i);
      kept_count += kept.history->add_out(key(1), message) ? 1 : 0;
      Message came;
      came.id = "in" + std::to_string(i);
      kept_count += kept.history->add_in(key(1), came).value_or(false) ? 1 : 0;
    }
    CHECK(kept_count == crash - 1);
    kept.disk.fail_write = 0;
    kept.open();
    CHECK(kept.ids(key(1)).size() == kept_count);
    if (kept_count > 0) CHECK(kept.history->conversations().at(key(1)).messages == kept_count);
    CHECK(kept.history->owed(key(1))->size() == (kept_count + 1) / 2);
  }
}

TEST_CASE("chat: forgetting leaves nothing", "[chat]") {
  Kept kept;
  kept.in(key(1), "a");
  kept.out(key(1), "b");
  kept.in(key(2), "c");
  REQUIRE(kept.history->forget(key(1)));
  CHECK(kept.ids(key(1)).empty());
  CHECK(kept.history->owing().empty());
  kept.open();
  CHECK(kept.history->conversations().size() == 1);
  REQUIRE(kept.history->forget(key(2)));
  CHECK(kept.disk.map.empty());
}

TEST_CASE("chat: a map that is not ours is refused", "[chat]") {
  Kept kept;
  kept.history.reset();
  kept.disk.map["pnonsense"] = "x";
  auto opened = History::open(kept.host.host(), test::open_disk(kept.host.host(), kept.disk), {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().status == VISOR_ECORRUPT);
}

}  // namespace
}  // namespace visor::chat
