// Room for many small things of few sizes, which come and go: blocks that grow, and a list of what is free
// for each size.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace visor::storage_memory {

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

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
  std::vector<void*> blocks_;
  uint8_t* at_ = nullptr;
  size_t left_ = 0, block_bytes_ = 0;
};

}  // namespace visor::storage_memory
