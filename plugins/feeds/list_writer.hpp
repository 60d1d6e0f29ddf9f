/* Builds a list (refs.hpp) from its items in order, or from whole nodes of another list that it shares with
 * it; holds one node a level. */
#ifndef VISOR_FEEDS_LIST_WRITER_HPP
#define VISOR_FEEDS_LIST_WRITER_HPP
#include "limits.hpp"
#include "refs.hpp"

namespace visor::feeds {

class ListWriter {
 public:
  /* level 0: the list's root object; the object is lent. */
  using Emit = std::function<Result<void>(uint32_t level, const Hash& address, ByteView object)>;

  uint64_t size() const { return size_; }
  /* Whether a full node of that level may come next. */
  bool aligned(uint32_t level) const { return size_ % list_span(kListDegree, level) == 0; }

  /* level 0: an item. */
  Result<void> append(uint32_t level, const Hash& element, const Emit& emit);
  /* The list's address, blank for no items.  Nothing can be appended afterwards. */
  Result<Hash> finish(const Emit& emit);

 private:
  Result<void> push(uint32_t level, const Hash& element, const Emit& emit);
  /* The elements that are gathered on a level, with so many items below, become a node of the next. */
  Result<void> close_node(uint32_t level, uint64_t items, const Emit& emit);
  std::vector<Hash>& gathered(uint32_t level);

  uint64_t size_ = 0;
  std::vector<std::vector<Hash>> gathered_;  // at most kListDegree each
  Bytes object_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_LIST_WRITER_HPP
