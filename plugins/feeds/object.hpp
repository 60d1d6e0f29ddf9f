/* The objects below the Root of a tree (specification cxo.md, 4.3, 5 and 6), what each of them refers to, and
 * where they are read from. */
#ifndef VISOR_FEEDS_OBJECT_HPP
#define VISOR_FEEDS_OBJECT_HPP
#include "lib/crypto/sha256.hpp"

namespace visor::feeds {

using crypto::Hash;

/* How an object is read.  One object has one kind: were the same bytes counted as one kind and released as
 * another, a hostile feed could take away references that others hold, so that is refused.  Numbers are
 * stored; never change one.  From kListNode on the level of the node is added: kListNode + 1 holds entries.
 */
enum class Kind : uint8_t {
  kRoot = 1,
  kRegistry = 2,
  kTreeNode = 3,
  kTreeEntry = 4,
  kListRoot = 5,
  kListNode = 16,
};

constexpr Kind list_node(uint32_t level) {
  return static_cast<Kind>(static_cast<uint32_t>(Kind::kListNode) + level);
}
std::string name_of(Kind kind);

/* A place in an object that holds the address of another; blank ones are left out. */
struct Slot {
  Hash hash;
  Kind kind;
};

/* Appends the slots of an object, in their order.  VISOR_EPROTO when it is not an object of that kind. */
Result<void> append_slots(Kind kind, ByteView object, std::vector<Slot>& to);

/* Whether a stored object is gone or wrong for good, as opposed to a drive that fails just now. */
constexpr bool is_damage(const Error& why) {
  return why.status == VISOR_ENOENT || why.status == VISOR_EPROTO || why.status == VISOR_ECORRUPT;
}

/* Where objects are read from. */
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  /* Lent until the next read.  VISOR_ENOENT: not here; VISOR_EPROTO: it was stored as something else. */
  virtual Result<ByteView> read(const Hash& hash, Kind kind) = 0;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_OBJECT_HPP
