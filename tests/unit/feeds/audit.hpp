/* The counts of a store, recounted from its Roots: the invariant of the specification, cxo.md 7.3. */
#ifndef VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
#define VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
#include <catch2/catch.hpp>
#include <set>

#include "lib/codec/endian.hpp"
#include "plugins/feeds/object.hpp"
#include "plugins/feeds/root.hpp"
#include "tests/unit/feeds/memory_kv.hpp"

namespace visor::test {

struct Audit {
  size_t objects = 0, live = 0, unreferenced = 0, roots = 0;
};

inline std::string stored_key(char range, const crypto::Hash& hash) {
  return range + std::string(text(ByteView(hash)));
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
    if (key[0] != 'r') continue;
    auto record = feeds::decode_root_record(bytes(std::string_view(value)));
    REQUIRE(record);
    refer(record->hash, feeds::Kind::kRoot);
    ++result.roots;
  }
  while (!work.empty()) {
    auto [hash, kind] = work.back();
    work.pop_back();
    auto object = disk.map.find(stored_key('o', hash));
    INFO("object " << to_hex(hash));
    REQUIRE(object != disk.map.end());
    REQUIRE(static_cast<feeds::Kind>(object->second[0]) == kind);
    ByteView content = bytes(std::string_view(object->second)).subspan(1);
    REQUIRE(crypto::sha256(content) == hash);
    std::vector<feeds::Slot> slots;
    REQUIRE(feeds::append_slots(kind, content, slots));
    for (const auto& slot : slots) refer(slot.hash, slot.kind);
  }
  uint64_t bytes_stored = 0, bytes_unreferenced = 0;
  for (const auto& [key, value] : disk.map) {
    if (key[0] == 'c' || key[0] == 'u') REQUIRE(disk.map.contains('o' + key.substr(1)));
    if (key[0] != 'o') continue;
    crypto::Hash hash;
    std::copy(key.begin() + 1, key.end(), hash.bytes.begin());
    INFO("object " << to_hex(hash));
    ++result.objects;
    bytes_stored += value.size();
    const uint32_t count = expected.contains(hash) ? expected[hash] : 0;
    auto counted = disk.map.find(stored_key('c', hash));
    auto marked = disk.map.find(stored_key('u', hash));
    REQUIRE((marked != disk.map.end()) == (count == 0));
    REQUIRE((counted != disk.map.end()) == (count >= 2));
    if (count >= 2)
      REQUIRE(codec::load_le<uint32_t>(bytes(std::string_view(counted->second)).data()) == count);
    if (count > 0) ++result.live;
    if (count == 0) {
      ++result.unreferenced;
      bytes_unreferenced += value.size();
    }
  }
  if (auto meta = disk.map.find("m"); meta != disk.map.end()) {
    const uint8_t* fields = bytes(std::string_view(meta->second)).data() + 4;
    REQUIRE(codec::load_le<uint64_t>(fields) == result.objects);
    REQUIRE(codec::load_le<uint64_t>(fields + 8) == bytes_stored);
    REQUIRE(codec::load_le<uint64_t>(fields + 16) == result.unreferenced);
    REQUIRE(codec::load_le<uint64_t>(fields + 24) == bytes_unreferenced);
  }
  return result;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_AUDIT_HPP
