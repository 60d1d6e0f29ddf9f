/* Refs: a list of objects as a Merkle tree (specification cxo.md, section 6).
 *
 *   list root   depth u32 | degree u32 | length u32 | count u32, addresses (32 bytes each)
 *   list node   length u32 | count u32, addresses
 *
 * length counts the items below.  A node of level 1 holds items, one of level 2 nodes of level 1, and so on;
 * the root holds nodes of level `depth`, or the items themselves when depth is 0.  Lists are filled left to
 * right, so the shape follows from length and degree; we refuse any other. */
#ifndef VISOR_FEEDS_REFS_HPP
#define VISOR_FEEDS_REFS_HPP
#include <functional>

#include "lib/crypto/sha256.hpp"

namespace visor::feeds {

using crypto::Hash;

/* Items below a full node of this level: degree to the power of level, never more than 2^63. */
uint64_t list_span(uint32_t degree, uint32_t level);
/* Levels of nodes that a list of so many items has below its root. */
uint32_t list_depth(uint32_t degree, uint64_t items);
/* Nodes of a level >= 1. */
uint64_t list_nodes(uint32_t degree, uint64_t items, uint32_t level);

/* Both decoders give views into `object` and refuse whatever cannot be such an object, a tail included. */
struct ListRoot {
  uint32_t depth = 0;
  uint32_t degree = 0;
  uint32_t length = 0;
  ByteView addresses;  // 32 bytes each

  size_t size() const { return addresses.size() / 32; }
};
struct ListNode {
  uint32_t length = 0;
  ByteView addresses;

  size_t size() const { return addresses.size() / 32; }
};

Result<ListRoot> decode_list_root(ByteView object);
Result<ListNode> decode_list_node(ByteView object);

/* The address at `index` of a decoded list object. */
Hash address_at(ByteView addresses, size_t index);

/* What a list that we write remembers between two encodings: the addresses of its nodes, so that a change of
 * one item costs one node a level. */
class List {
 public:
  using Item = std::function<Hash(uint64_t index)>;
  /* level 0: the list's root object; the object is lent. */
  using Emit = std::function<void(uint32_t level, const Hash& address, ByteView object)>;

  explicit List(uint32_t degree) : degree_(degree) {}
  /* Takes over a list that is stored: the addresses of its nodes, level 1 first. */
  void adopt(std::vector<std::vector<Hash>> levels) { levels_ = std::move(levels); }

  static constexpr uint64_t kNoneMoved = UINT64_MAX;

  /* Encodes what has changed: the items of `changed`, ascending, and all from `moved_from` on, which were
   * inserted or shifted, or of which the last was removed.  What does not exist yet counts as changed.  Gives
   * the list's address, blank for no items. */
  Hash encode(uint64_t items, const Item& item, const std::vector<uint64_t>& changed, uint64_t moved_from,
              const Emit& emit);

 private:
  Hash encode_root(uint64_t items, const Item& item, Bytes& object, const Emit& emit);

  uint32_t degree_;
  std::vector<std::vector<Hash>> levels_;  // [0]: nodes of level 1
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_REFS_HPP
