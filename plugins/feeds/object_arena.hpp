/* Objects in memory, laid out as the store writes them, so that they are copied once:
 *
 *   'o', address 32 | kind u8 | the object
 *
 * side by side in blocks that grow, since one changed leaf should not cost a large one. */
#ifndef VISOR_FEEDS_OBJECT_ARENA_HPP
#define VISOR_FEEDS_OBJECT_ARENA_HPP
#include <algorithm>

#include "lib/storage/blocks.hpp"
#include "object.hpp"

namespace visor::feeds {

class ObjectArena {
 public:
  static constexpr uint8_t kRange = 'o';
  static constexpr size_t kKeyBytes = 1 + 32;

  /* Room for an object of that size, to be filled in and then sealed; stays where it is until clear(). */
  uint8_t* add(size_t object_bytes) {
    const size_t size = kKeyBytes + 1 + object_bytes;
    if (size > block_.size() - used_) {
      block_ = blocks_.add(size);
      used_ = 0;
    }
    uint8_t* object = block_.data() + used_ + kKeyBytes + 1;
    used_ += size;
    bytes_ += size;
    return object;
  }
  /* Takes back what was added last. */
  void take_back(size_t object_bytes) {
    used_ -= kKeyBytes + 1 + object_bytes;
    bytes_ -= kKeyBytes + 1 + object_bytes;
  }
  static void seal(uint8_t* object, const Hash& address, Kind kind) {
    uint8_t* at = object - kKeyBytes - 1;
    *at++ = kRange;
    at = std::ranges::copy(address.bytes, at).out;
    *at = static_cast<uint8_t>(kind);
  }
  void clear() {
    blocks_.clear();
    block_ = {};
    used_ = bytes_ = 0;
  }
  /* Of all that is in it, what is around the objects included. */
  size_t bytes() const { return bytes_; }

 private:
  storage::Blocks blocks_;
  std::span<uint8_t> block_;  // the last one
  size_t used_ = 0;           // of it
  size_t bytes_ = 0;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_OBJECT_ARENA_HPP
