/* What a store of feeds is kept on in tests: a map in memory, that a test looks into, and that fails when it
 * is told to.  The same tests run in two programs: in one the map is all there is (memory_kv.cpp), in the
 * other it follows what is on a real drive, LevelDB's (tests/unit/feeds/leveldb_kv.cpp). */
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
  bool open = false;                  // by one at a time, as on a real drive
  std::shared_ptr<std::string> name;  // of the map on the drive, once it was opened there

  /* Counts a write; VISOR_EIO when it is to fail. */
  bool fails() { return ++writes >= fail_write && fail_write > 0; }
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
