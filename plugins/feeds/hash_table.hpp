/* A map keyed by hashes: rows in the order of their insertion, so that going over them is deterministic, in
 * blocks that stay where they are.  Rows are not taken out. */
#ifndef VISOR_FEEDS_HASH_TABLE_HPP
#define VISOR_FEEDS_HASH_TABLE_HPP
#include <algorithm>
#include <bit>
#include <memory>

#include "lib/codec/endian.hpp"
#include "lib/crypto/sha256.hpp"

namespace visor::feeds {

template <class Value>
class HashTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /* The seed is secret: whoever chooses the hashes must not choose where they go. */
  explicit HashTable(uint64_t seed) : multiplier_(seed | 1) {}

  uint32_t find(const crypto::Hash& hash) const {
    if (slots_.empty()) return kNone;
    for (size_t at = home(hash);; at = (at + 1) & (slots_.size() - 1)) {
      uint32_t row = slots_[at];
      if (row == kNone || at_row(row).hash == hash) return row;
    }
  }
  /* Room for so many rows. */
  void reserve(size_t rows) {
    const size_t slots = std::bit_ceil(std::max<size_t>(16, rows * 4 / 3 + 1));
    if (slots > slots_.size()) resize(slots);
  }
  /* The row of a hash, made if need be; `made` tells. */
  uint32_t insert(const crypto::Hash& hash, bool* made) {
    if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? 16 : slots_.size() * 2);
    for (size_t at = home(hash);; at = (at + 1) & (slots_.size() - 1)) {
      uint32_t row = slots_[at];
      *made = row == kNone;
      if (!*made && at_row(row).hash != hash) continue;
      if (*made) {
        row = slots_[at] = static_cast<uint32_t>(size_++);
        if (row / kBlock == blocks_.size()) blocks_.push_back(std::make_unique<Row[]>(kBlock));
        at_row(row).hash = hash;
      }
      return row;
    }
  }
  size_t size() const { return size_; }
  const crypto::Hash& hash(uint32_t row) const { return at_row(row).hash; }
  Value& operator[](uint32_t row) { return at_row(row).value; }
  const Value& operator[](uint32_t row) const { return at_row(row).value; }

 private:
  struct Row {
    crypto::Hash hash;
    Value value;
  };
  static constexpr size_t kBlock = 64;  // few, since most changes are small

  Row& at_row(uint32_t row) { return blocks_[row / kBlock][row % kBlock]; }
  const Row& at_row(uint32_t row) const { return blocks_[row / kBlock][row % kBlock]; }

  size_t home(const crypto::Hash& hash) const {
    return static_cast<size_t>((codec::load_le<uint64_t>(hash.bytes.data()) * multiplier_) >> shift_);
  }
  void resize(size_t slots) {
    slots_.assign(slots, kNone);
    shift_ = 64u - static_cast<unsigned>(std::countr_zero(slots_.size()));
    for (uint32_t row = 0; row < size_; ++row) {
      size_t at = home(at_row(row).hash);
      while (slots_[at] != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = row;
    }
  }

  uint64_t multiplier_;
  unsigned shift_ = 64;
  size_t size_ = 0;
  std::vector<std::unique_ptr<Row[]>> blocks_;
  std::vector<uint32_t> slots_;  // row numbers; a power of two of them
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_HASH_TABLE_HPP
