/* The counts of a store, recounted from its Roots: the invariant of the specification, cxo.md 7.3. */
#ifndef VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
#define VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
#include <catch2/catch.hpp>
#include <set>

#include "lib/codec/endian.hpp"
#include "plugins/feeds/object.hpp"
#include "plugins/feeds/root.hpp"
#include "tests/support/memory_kv.hpp"

namespace visor::test {

struct Audit {
  size_t objects = 0, live = 0, unreferenced = 0, roots = 0;
};

inline std::string stored_key(char range, const crypto::Hash& hash) {
  return range + std::string(text(ByteView(hash)));
}

/* As REQUIRE, for conditions that are asked a million times. */
inline void need(bool condition, const char* what) {
  if (!condition) FAIL(what);
}

/* Fails the test when any count, mark or sum of the store is not what its Roots make of it. */
inline Audit audit(const MemoryDisk& disk) {
  std::map<crypto::Hash, uint32_t> expected;
  std::vector<std::pair<crypto::Hash, feeds::Kind>> work;
  Audit result;
  auto refer = [&](const crypto::Hash& hash, feeds::Kind kind) {
    if (++expected[hash] == 1) work.emplace_back(hash, kind);
  };
  for (const auto& [key, value] : disk.map) {
    if (key[0] != 'r' && key[0] != 'b') continue;
    auto record = feeds::decode_root_record(bytes(std::string_view(value)));
    need(record.has_value(), "a record of a Root is read");
    refer(record->hash, feeds::Kind::kRoot);
    ++result.roots;
  }
  while (!work.empty()) {
    auto [hash, kind] = work.back();
    work.pop_back();
    auto object = disk.map.find(stored_key('o', hash));

    need(object != disk.map.end(), "what is counted is stored");
    need(static_cast<feeds::Kind>(object->second[0]) == kind, "it is stored as what it is used as");
    ByteView content = bytes(std::string_view(object->second)).subspan(1);
    need(crypto::sha256(content) == hash, "its address is its hash");
    std::vector<feeds::Slot> slots;
    need(feeds::append_slots(kind, content, slots).has_value(), "it can be read");
    for (const auto& slot : slots) refer(slot.hash, slot.kind);
  }
  uint64_t bytes_stored = 0, bytes_unreferenced = 0;
  for (const auto& [key, value] : disk.map) {
    if (key[0] == 'c' || key[0] == 'u')
      need(disk.map.contains('o' + key.substr(1)), "a count or mark has its object");
    if (key[0] != 'o') continue;
    crypto::Hash hash;
    std::copy(key.begin() + 1, key.end(), hash.bytes.begin());

    ++result.objects;
    bytes_stored += value.size();
    const uint32_t count = expected.contains(hash) ? expected[hash] : 0;
    auto counted = disk.map.find(stored_key('c', hash));
    auto marked = disk.map.find(stored_key('u', hash));
    need((marked != disk.map.end()) == (count == 0), "just what nothing points at is marked");
    need((counted != disk.map.end()) == (count >= 2), "just a count of two or more is written");
    if (count >= 2)
      need(codec::load_le<uint32_t>(bytes(std::string_view(counted->second)).data()) == count,
           "the count is right");
    if (count > 0) ++result.live;
    if (count == 0) {
      ++result.unreferenced;
      bytes_unreferenced += value.size();
    }
  }
  if (auto meta = disk.map.find("m"); meta != disk.map.end()) {
    const uint8_t* fields = bytes(std::string_view(meta->second)).data() + 4;
    need(codec::load_le<uint64_t>(fields) == result.objects, "the sum of objects is right");
    need(codec::load_le<uint64_t>(fields + 8) == bytes_stored, "the sum of bytes is right");
    need(codec::load_le<uint64_t>(fields + 16) == result.unreferenced,
         "the sum of unreferenced objects is right");
    need(codec::load_le<uint64_t>(fields + 24) == bytes_unreferenced,
         "the sum of unreferenced bytes is right");
  }
  return result;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
