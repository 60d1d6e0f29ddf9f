#include "pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace visor::storage_memory {
namespace {

constexpr size_t kFirstBlock = 4u << 10, kLargestBlock = 2u << 20;

// The largest blocks as the machine's large pages, where it has some: touching memory for the first time
// costs more than writing to it.
void* allocate(size_t bytes) {
#ifdef __linux__
  if (bytes == kLargestBlock) {
    void* block = std::aligned_alloc(kLargestBlock, bytes);
    if (block) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }
#endif
  return std::malloc(bytes);
}

}  // namespace

Pool::~Pool() {
  for (void* block : blocks_) std::free(block);
}

void* Pool::take(size_t bytes) {
  if (bytes > kLargest) return ::operator new(bytes);
  const size_t steps = (bytes + kStep - 1) / kStep;
  if (Free* free = free_[steps]) {
    free_[steps] = free->next;
    return free;
  }
  return cut(steps * kStep);
}

void Pool::give_back(void* room, size_t bytes) {
  if (bytes > kLargest) return ::operator delete(room);
  const size_t steps = (bytes + kStep - 1) / kStep;
  free_[steps] = ::new (room) Free{free_[steps]};
}

void* Pool::cut(size_t bytes) {
  if (bytes > left_) {
    // What is left is of use for something smaller.
    if (left_ >= kStep) give_back(at_, left_);
    block_bytes_ = std::clamp(block_bytes_ * 8, kFirstBlock, kLargestBlock);
    at_ = static_cast<uint8_t*>(allocate(block_bytes_));
    if (!at_) std::abort();  // as operator new ends a program without exceptions
    left_ = block_bytes_;
    blocks_.push_back(at_);
  }
  void* room = at_;
  at_ += bytes;
  left_ -= bytes;
  return room;
}

}  // namespace visor::storage_memory
