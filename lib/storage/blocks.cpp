#include "lib/storage/blocks.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#ifdef __linux__
#include <sys/mman.h>

#include <mutex>
#endif

namespace visor::storage {
namespace {

constexpr size_t kFirst = 4u << 10, kLargest = 2u << 20;

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
/* Large blocks as the machine's large pages, where it has some; those that are given back are kept for the
 * next, and are the system's to take when it is short of memory: memory that is touched for the first time
 * costs more than what is written to it. */
class LargeBlocks {
 public:
  ~LargeBlocks() {
    std::lock_guard lock(mutex_);
    while (count_ > 0) std::free(kept_[--count_]);
    room_ = 0;
  }
  void* take() {
    std::lock_guard lock(mutex_);
    if (count_ > 0) return kept_[--count_];
    void* block = std::aligned_alloc(kLargest, kLargest);
    if (block) madvise(block, kLargest, MADV_HUGEPAGE);
    return block;
  }
  void give_back(void* block) {
    std::lock_guard lock(mutex_);
    if (count_ >= room_) return std::free(block);
    madvise(block, kLargest, MADV_FREE);
    kept_[count_++] = block;
  }

 private:
  std::mutex mutex_;
  std::array<void*, 32> kept_{};  // that is 64 MiB
  size_t room_ = kept_.size(), count_ = 0;
};
LargeBlocks large_blocks;  // not of a thread: what has such cannot be unloaded before it

void* allocate(size_t bytes) {
  return bytes == kLargest ? large_blocks.take() : std::malloc(bytes);
}
void release(void* block, size_t bytes) {
  bytes == kLargest ? large_blocks.give_back(block) : std::free(block);
}
#else
void* allocate(size_t bytes) {
  return std::malloc(bytes);
}
void release(void* block, size_t) {
  std::free(block);
}
#endif

}  // namespace

void Blocks::Free::operator()(uint8_t* block) const {
  release(block, bytes);
}

std::span<uint8_t> Blocks::add(size_t at_least) {
  last_bytes_ = std::max(at_least, std::clamp(last_bytes_ * 8, kFirst, kLargest));
  blocks_.emplace_back(static_cast<uint8_t*>(allocate(last_bytes_)), Free{last_bytes_});
  if (!blocks_.back()) std::abort();  // as operator new ends a program without exceptions
  return {blocks_.back().get(), last_bytes_};
}

}  // namespace visor::storage
