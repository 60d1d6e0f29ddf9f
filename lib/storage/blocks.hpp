/* Memory for many small things that go together: blocks that grow, since few things should not cost a large
 * one. */
#ifndef VISOR_STORAGE_BLOCKS_HPP
#define VISOR_STORAGE_BLOCKS_HPP
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace visor::storage {

class Blocks {
 public:
  /* A new block of at least so many bytes, aligned for anything: the first of 4 KiB, each eight times the one
   * before, up to 2 MiB.  It stays until clear(). */
  std::span<uint8_t> add(size_t at_least);
  void clear() {
    blocks_.clear();
    last_bytes_ = 0;
  }

 private:
  struct Free {
    size_t bytes = 0;
    void operator()(uint8_t* block) const;
  };
  std::vector<std::unique_ptr<uint8_t, Free>> blocks_;
  size_t last_bytes_ = 0;
};

}  // namespace visor::storage
#endif  // VISOR_STORAGE_BLOCKS_HPP
