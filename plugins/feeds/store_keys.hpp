/* The keys of the store (store.hpp says what they are for). */
#ifndef VISOR_FEEDS_STORE_KEYS_HPP
#define VISOR_FEEDS_STORE_KEYS_HPP
#include <algorithm>

#include "lib/codec/endian.hpp"
#include "store.hpp"

namespace visor::feeds {

inline constexpr uint32_t kStoreVersion = 1;
inline constexpr uint8_t kMeta = 'm', kObject = ObjectArena::kRange, kCount = 'c', kUnreferenced = 'u',
                         kRootRecord = 'r', kBranchesRecord = 'b';

inline std::array<uint8_t, 33> hash_key(uint8_t range, const Hash& hash) {
  std::array<uint8_t, 33> key;
  key[0] = range;
  std::copy(hash.bytes.begin(), hash.bytes.end(), key.begin() + 1);
  return key;
}

struct RootKey {
  FeedId id;
  uint64_t nonce = 0, seq = 0;
};

inline Bytes root_key(const RootKey& root) {
  Bytes key{root.id.branches ? kBranchesRecord : kRootRecord};
  codec::append_be<uint16_t>(key, root.id.port);
  codec::append(key, bytes(root.id.feed));
  codec::append_be<uint64_t>(key, root.nonce);
  codec::append_be<uint64_t>(key, root.seq);
  return key;
}

inline Result<RootKey> parse_root_key(ByteView key) {
  constexpr size_t kBytes = 1 + 2 + 33 + 8 + 8;
  if (key.size() != kBytes) return failure(VISOR_ECORRUPT, "the key of a stored Root has the wrong size");
  RootKey root;
  root.id.branches = key[0] == kBranchesRecord;
  root.id.port = codec::load_be<uint16_t>(key.data() + 1);
  std::ranges::copy(key.subspan(3, 33), root.id.feed.bytes);
  root.nonce = codec::load_be<uint64_t>(key.data() + 36);
  root.seq = codec::load_be<uint64_t>(key.data() + 44);
  return root;
}

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_STORE_KEYS_HPP
