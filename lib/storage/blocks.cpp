#include "lib/storage/blocks.hpp"

#include <algorithm>
#include <cstdlib>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace visor::storage {
namespace {

constexpr size_t kFirst = 4u << 10, kLargest = 2u << 20;

/* Large blocks as the machine's large pages, where it has some: memory that is touched for the first time
 * costs more than what is written to it. */
uint8_t* allocate(size_t bytes) {
#ifdef __linux__
  if (bytes >= kLargest) {
    const size_t whole = (bytes + kLargest - 1) / kLargest * kLargest;
    void* block = std::aligned_alloc(kLargest, whole);
    if (block) madvise(block, whole, MADV_HUGEPAGE);
    return static_cast<uint8_t*>(block);
  }
#endif
  return static_cast<uint8_t*>(std::malloc(bytes));
}

}  // namespace

void Blocks::Free::operator()(uint8_t* block) const {
  std::free(block);
}

std::span<uint8_t> Blocks::add(size_t at_least) {
  last_bytes_ = std::max(at_least, std::clamp(last_bytes_ * 8, kFirst, kLargest));
  blocks_.emplace_back(allocate(last_bytes_));
  if (!blocks_.back()) std::abort();  // as operator new ends a program without exceptions
  return {blocks_.back().get(), last_bytes_};
}

}  // namespace visor::storage
