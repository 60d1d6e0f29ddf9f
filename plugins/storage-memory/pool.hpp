// Room for many small things of few sizes, which come and go: blocks that grow, and a list of what is free
// for each size.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/storage/blocks.hpp"

namespace visor::storage_memory {

class Pool {
 public:
  // Aligned for a pointer; what is larger than kLargest comes from the heap.
  void* take(size_t bytes);
  void give_back(void* room, size_t bytes);

 private:
  static constexpr size_t kStep = 16, kLargest = 1024;
  struct Free {
    Free* next;
  };

  void* cut(size_t bytes);

  std::array<Free*, kLargest / kStep + 1> free_{};  // by size in steps
  storage::Blocks blocks_;
  std::span<uint8_t> left_;  // of the last one
};

}  // namespace visor::storage_memory
