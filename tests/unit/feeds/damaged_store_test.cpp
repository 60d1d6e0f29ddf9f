// Objects of others' feeds that are gone from the store: what is no longer whole is fetched again.
#include "tests/unit/feeds/audit.hpp"
#include "tests/unit/feeds/machines.hpp"

namespace visor::test {
namespace {

/* Two feeds in one store, of which a directory is the same. */
struct Damaged {
  explicit Damaged(bool streams) {
    settings.connection.streams = streams;
    owner = std::make_unique<Machine>(w.host, w.wire, 1, settings);
    other = std::make_unique<Machine>(w.host, w.wire, 2, settings);
    reader = std::make_unique<Machine>(w.host, w.wire, 3, settings);
    for (Machine* machine : {owner.get(), other.get()}) {
      machine->serve();
      Ops ops;
      for (int i = 0; i < 60; ++i) ops.put("same/" + std::to_string(i), "value " + std::to_string(i));
      machine->write(ops.put("of", to_hex(machine->key())));
      reader->open(machine->key());
    }
    w.host.advance_ms(5000);
  }
  /* An object that both feeds share: their common directory. */
  void lose_shared() {
    const std::string key = stored_key('o', shared());
    reader->stop();
    w.host.run();
    REQUIRE(reader->disk.map.erase(key) == 1);
    reader->start();
    for (Machine* machine : {owner.get(), other.get()}) reader->open(machine->key());
    w.host.advance_ms(5000);
  }
  Hash shared() {
    std::vector<Slot> work{{reader->store->current({kPort, owner->key()})->top, Kind::kTreeNode}};
    while (!work.empty()) {
      const Slot at = work.back();
      work.pop_back();
      if (reader->disk.map.contains(stored_key('c', at.hash))) return at.hash;
      const ByteView object = *reader->store->read_any(at.hash);
      const Bytes copy(object.begin(), object.end());
      REQUIRE(append_slots(at.kind, copy, work));
    }
    FAIL("nothing is shared");
    return {};
  }

  MemoryWorld w;
  NodeSettings settings;
  std::unique_ptr<Machine> owner, other, reader;
};

}  // namespace

TEST_CASE("feeds: a stored tree that misses an object is fetched again", "[feeds]") {
  Damaged d(GENERATE(false, true));
  for (Machine* machine : {d.owner.get(), d.other.get()})
    REQUIRE(d.reader->leaves(machine->key()).size() == 61);
  d.lose_shared();
  std::map<visor_key, Follower> followers;
  // Who follows is told that it ends, and follows again.
  for (int round = 0; round < 6; ++round) {
    for (Machine* machine : {d.owner.get(), d.other.get()}) {
      Follower& follower = followers[machine->key()];
      if (!follower.subscription || follower.closed) {
        follower = {};
        d.reader->follow(machine->key(), follower);
      }
    }
    d.w.host.advance_ms(30000);
  }
  for (Machine* machine : {d.owner.get(), d.other.get()}) {
    CHECK_FALSE(followers[machine->key()].closed);
    CHECK(followers[machine->key()].leaves == machine->leaves(machine->key()));
    machine->write(Ops().put("and", "on"));
  }
  d.w.host.advance_ms(5000);
  for (Machine* machine : {d.owner.get(), d.other.get()}) {
    CHECK(followers[machine->key()].leaves == machine->leaves(machine->key()));
    CHECK(followers[machine->key()].leaves.size() == 62);
  }
  audit(d.reader->disk);
}

}  // namespace visor::test
