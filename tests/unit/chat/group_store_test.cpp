#include <catch2/catch.hpp>

#include "plugins/chat/group_record.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_kv.hpp"

namespace visor::chat {
namespace {

visor_key key(uint8_t number) {
  visor_key made{};
  made.bytes[0] = 2;
  made.bytes[32] = number;
  return made;
}

struct Kept {
  Kept() {
    open();
    GroupRecord record;
    record.id.bytes.fill(7);
    record.owner = key(1);
    record.members = {key(1), key(2)};
    id = record.id;
    REQUIRE(store->put(record));
  }
  void open() {
    store.reset();
    kv.reset();
    kv = test::open_disk(host.host(), disk);
    auto opened = GroupStore::open(host.host(), kv.get(), key(1), {});
    REQUIRE(opened);
    store = std::move(*opened);
  }
  void add(uint8_t from, uint64_t number, int64_t arrived_ns, bool hidden = false) {
    const StoredGroupMessage message{
        {key(from), 5, number}, arrived_ns, false, hidden, std::to_string(number)};
    auto added = store->add(id, message);
    REQUIRE(added);
    REQUIRE(*added);
  }

  test::MemoryHost host;
  test::MemoryDisk disk;
  Owned<visor_kv> kv;
  std::unique_ptr<GroupStore> store;
  codec::Uuid id;
};

}  // namespace

TEST_CASE("chat: what is new in a group is counted, also after a restart and with a clock that goes back",
          "[chat]") {
  Kept kept;
  kept.add(2, 1, 1000);
  kept.add(1, 2, 1001);        // ours
  kept.add(2, 3, 1002, true);  // not shown
  CHECK(kept.store->tally(kept.id).unread == 1);
  CHECK(kept.store->latest(kept.id)->text == "2");
  auto read = kept.store->read(kept.id);
  REQUIRE(read);
  CHECK(*read == 1);
  kept.add(2, 4, 10);  // the clock went back
  CHECK(kept.store->tally(kept.id).unread == 1);
  CHECK(kept.store->latest(kept.id)->text == "4");
  kept.open();
  CHECK(kept.store->tally(kept.id).unread == 1);
  CHECK(kept.store->tally(kept.id).messages == 4);
  CHECK(kept.store->latest(kept.id)->text == "4");
}

TEST_CASE("chat: an answer is kept with what it answers", "[chat]") {
  Kept kept;
  StoredGroupMessage message{{key(2), 6, 1}, 1, false, false, "yes"};
  message.answers = Answered{key(1), 5};
  REQUIRE(kept.store->add(kept.id, message));
  kept.open();
  auto all = kept.store->messages(kept.id);
  REQUIRE(all);
  CHECK(all->at(0).answers == message.answers);
  CHECK(all->at(0).text == "yes");
  REQUIRE(kept.store->take_back(kept.id, key(2), 6));
  CHECK_FALSE(kept.store->messages(kept.id)->at(0).answers);
}

}  // namespace visor::chat
