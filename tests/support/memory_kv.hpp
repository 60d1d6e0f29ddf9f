/* What a store of feeds or of chats is kept on in tests: a map in memory, that a test looks into, and that
 * fails when it is told to.  The same tests run in three programs: in one the map is all there is
 * (memory_kv.cpp), in the others it follows what is on a real drive, storage-memory or LevelDB
 * (drive_kv.cpp). */
#ifndef VISOR_TESTS_SUPPORT_MEMORY_KV_HPP
#define VISOR_TESTS_SUPPORT_MEMORY_KV_HPP
#include <map>
#include <memory>
#include <string>
#include <visor/plugin.hpp>

namespace visor::test {

/* Outlives the kv that is opened on it, as a disk does. */
struct MemoryDisk {
  std::map<std::string, std::string> map;
  size_t writes = 0;
  size_t fail_write = 0;              // this write, and all after it, fail; 0: none
  size_t ops = 0;                     // of all writes
  size_t reads = 0;                   // gets, and entries that a cursor came to
  size_t calls = 0;                   // of every kind: reads, writes, syncs
  size_t fail_call = 0;               // this one of them fails; 0: none
  bool fail_on = false;               // and so do all after it
  bool open = false;                  // by one at a time, as on a real drive
  std::shared_ptr<std::string> name;  // of the map on the drive, once it was opened there

  /* Counts a call of any kind; VISOR_EIO when it is to fail. */
  bool call_fails() {
    ++calls;
    return fail_call > 0 && (fail_on ? calls >= fail_call : calls == fail_call);
  }
  /* The same for a write. */
  bool fails() {
    const bool as_call = call_fails();
    return (++writes >= fail_write && fail_write > 0) || as_call;
  }
  void apply(std::span<const visor_op> changes) {
    ops += changes.size();
    for (const visor_op& op : changes) {
      std::string key(text(op.key));
      if (op.kind == VISOR_PUT) {
        map[key] = text(op.value);
      } else {
        map.erase(key);
      }
    }
  }
};

Owned<visor_kv> open_disk(Host host, MemoryDisk& disk);

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_MEMORY_KV_HPP
