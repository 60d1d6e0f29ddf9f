// A drive that fails at any call, a read or a sync as well as a write: at one of them, as a disk that
// stumbles, or at all from one on, until the process is killed.  VISOR_SOAK_CALLS=1 for each call instead of
// some.
#include <cstdlib>

#include "tests/unit/feeds/machines.hpp"

namespace visor::test {
namespace {

using Leaves = std::map<std::string, std::string>;

/* An owner and who follows it; one of their drives fails. */
class Failing {
 public:
  Failing(bool at_owner, size_t call, bool until_killed)
      : failing_(at_owner ? owner : reader), until_killed_(until_killed) {
    failing_.disk.calls = 0;
    failing_.disk.fail_call = call;
    failing_.disk.fail_on = until_killed;
  }

  /* Gives how many calls the drive had. */
  size_t run() {
    owner.serve();
    change("a/x", "1", 30);
    change("a/x", "2", 1);
    change("b/3", "", 1);
    owner.stop();
    start(owner);
    change("c/d/e", "3", 1);
    reader.stop();
    start(reader);
    w_.host.advance_ms(50000);  // the heartbeat
    change("a/1", "4", 20);
    // All that is superseded goes.
    w_.host.advance_ms(700000);
    for (Machine* machine : {&owner, &reader}) sweep(*machine);
    w_.host.advance_ms(120000);
    failing_.disk.fail_call = 0;
    const size_t calls = failing_.disk.calls;
    kill_if_dead();
    w_.host.advance_ms(300000);
    CHECK(owner.leaves(owner.key()) == leaves_);
    CHECK(reader.leaves(owner.key()) == leaves_);
    for (Machine* machine : {&owner, &reader}) {
      audit(machine->disk);
      CHECK(audit(machine->disk).roots == 1);
    }
    return calls;
  }

 private:
  bool failed() const {
    return failing_.disk.fail_call > 0 && failing_.disk.calls >= failing_.disk.fail_call;
  }
  /* A process whose drive is gone is killed, and the drive mended. */
  void kill_if_dead() {
    if (!until_killed_ || !failed()) return;
    failing_.disk.fail_call = 0;
    failing_.stop();
    w_.host.run();
    start(failing_);
  }
  void start(Machine& machine) {
    if (!machine.try_start()) {
      // Nothing was made of a drive that could not be read; the next attempt finds all.
      if (until_killed_) failing_.disk.fail_call = 0;
      machine.start();
    }
    if (&machine == &owner) {
      owner.serve();
      owner.own();
    } else {
      reader.open(owner.key());
    }
  }
  /* So many leaves, until it is acknowledged; an empty value deletes. */
  void change(const std::string& path, const std::string& value, int count) {
    reader.open(owner.key());
    for (int attempt = 0; attempt < 4; ++attempt) {
      Ops ops;
      for (int i = 0; i < count; ++i) {
        const std::string at = i == 0 ? path : path.substr(0, 2) + std::to_string(i);
        value.empty() ? ops.erase(at) : ops.put(at, value);
        if (value.empty()) {
          leaves_.erase(at);
        } else {
          leaves_[at] = value;
        }
      }
      Result<Machine::Written> written = owner.try_write(std::move(ops));
      w_.host.advance_ms(3000);
      kill_if_dead();
      w_.host.advance_ms(200);
      if (written && **written == VISOR_OK) return;
    }
    FAIL("what is written is never acknowledged");
  }
  void sweep(Machine& machine) {
    while (true) {
      Result<bool> more = machine.store->sweep();
      if (more && !*more) return;
      if (!more && until_killed_) return;
    }
  }

  MemoryWorld w_;
  NodeSettings flushing_ = [] {
    NodeSettings settings;
    settings.feed.fill.flush_bytes = 600;
    return settings;
  }();
  Leaves leaves_;

 public:
  Machine owner{w_.host, w_.wire, 1}, reader{w_.host, w_.wire, 2, flushing_};

 private:
  Machine& failing_;
  bool until_killed_;
};

TEST_CASE("feeds: lesson 3, a drive that fails at any call loses nothing that was acknowledged",
          "[feeds][lesson]") {
  const bool all = std::getenv("VISOR_SOAK_CALLS") != nullptr;
  for (const bool at_owner : {true, false}) {
    const size_t calls = Failing(at_owner, 0, false).run();
    REQUIRE(calls > 100);
    const size_t step = all ? 1 : 1 + calls / 11;
    for (const bool until_killed : {false, true}) {
      for (size_t call = until_killed ? 1 + step / 2 : 1; call <= calls; call += step) {
        CAPTURE(at_owner, until_killed, call, calls);
        Failing(at_owner, call, until_killed).run();
      }
    }
  }
}

}  // namespace
}  // namespace visor::test
