#include "pool.hpp"

#include <new>

namespace visor::storage_memory {

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
  if (bytes > left_.size()) {
    // What is left is of use for something smaller.
    if (left_.size() >= kStep) give_back(left_.data(), left_.size());
    left_ = blocks_.add(kLargest);
  }
  void* room = left_.data();
  left_ = left_.subspan(bytes);
  return room;
}

}  // namespace visor::storage_memory
