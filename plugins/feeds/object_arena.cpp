#include "object_arena.hpp"

#include <cstdlib>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace visor::feeds {
namespace {

constexpr size_t kFirstBlock = 4u << 10, kLargestBlock = 2u << 20;

/* Large blocks as the machine's large pages, where it has some: memory that is touched for the first time
 * costs more than what is written to it. */
uint8_t* allocate(size_t size) {
#ifdef __linux__
  if (size >= kLargestBlock) {
    const size_t whole = (size + kLargestBlock - 1) / kLargestBlock * kLargestBlock;
    void* block = std::aligned_alloc(kLargestBlock, whole);
    if (block) madvise(block, whole, MADV_HUGEPAGE);
    return static_cast<uint8_t*>(block);
  }
#endif
  return static_cast<uint8_t*>(std::malloc(size));
}

}  // namespace

void ObjectArena::Free::operator()(uint8_t* block) const {
  std::free(block);
}

void ObjectArena::grow(size_t size) {
  room_ = std::max(size, std::clamp(room_ * 8, kFirstBlock, kLargestBlock));
  used_ = 0;
  blocks_.emplace_back(allocate(room_));
  if (!blocks_.back()) std::abort();  // as operator new would end a program without exceptions
}

}  // namespace visor::feeds
