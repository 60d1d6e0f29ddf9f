/* A map keyed by hashes: rows in the order of their insertion, so that going over them is deterministic, and
 * 60 bytes a row for a million of them.  Rows are not taken out. */
#ifndef VISOR_FEEDS_HASH_TABLE_HPP
#define VISOR_FEEDS_HASH_TABLE_HPP
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
      if (row == kNone || rows_[row].hash == hash) return row;
    }
  }
  /* The row of a hash, made if need be; `made` tells. */
  uint32_t insert(const crypto::Hash& hash, bool* made) {
    if ((rows_.size() + 1) * 4 > slots_.size() * 3) grow();
    for (size_t at = home(hash);; at = (at + 1) & (slots_.size() - 1)) {
      uint32_t row = slots_[at];
      *made = row == kNone;
      if (!*made && rows_[row].hash != hash) continue;
      if (*made) {
        row = slots_[at] = static_cast<uint32_t>(rows_.size());
        rows_.push_back({hash, Value{}});
      }
      return row;
    }
  }
  size_t size() const { return rows_.size(); }
  const crypto::Hash& hash(uint32_t row) const { return rows_[row].hash; }
  /* Valid until the next insertion. */
  Value& operator[](uint32_t row) { return rows_[row].value; }
  const Value& operator[](uint32_t row) const { return rows_[row].value; }

 private:
  struct Row {
    crypto::Hash hash;
    Value value;
  };

  size_t home(const crypto::Hash& hash) const {
    return static_cast<size_t>((codec::load_le<uint64_t>(hash.bytes.data()) * multiplier_) >> shift_);
  }
  void grow() {
    slots_.assign(slots_.empty() ? 16 : slots_.size() * 2, kNone);
    shift_ = 64u - static_cast<unsigned>(std::countr_zero(slots_.size()));
    for (uint32_t row = 0; row < rows_.size(); ++row) {
      size_t at = home(rows_[row].hash);
      while (slots_[at] != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = row;
    }
  }

  uint64_t multiplier_;
  unsigned shift_ = 64;
  std::vector<Row> rows_;
  std::vector<uint32_t> slots_;  // row numbers; a power of two of them
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_HASH_TABLE_HPP
