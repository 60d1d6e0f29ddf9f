/* Transports in the order of their identifiers, in blocks of a few: what is rendered is kept per block, so
 * that a change costs rendering one block, however many transports there are. */
#ifndef VISOR_TRANSPORT_DISCOVERY_ROW_BLOCKS_HPP
#define VISOR_TRANSPORT_DISCOVERY_ROW_BLOCKS_HPP
#include <memory>
#include <vector>

#include "lib/codec/gzip_parts.hpp"
#include "records.hpp"

namespace visor::transport_discovery {

/* A block's text, or each section of it compressed. */
struct RenderedContent {
  std::string text;
  std::vector<size_t> ends; /* of the sections */
  std::vector<codec::GzipPart> parts;
};

/* One rendering of a block.  `revision` is that of the block when it was made; 0: not made. */
struct RenderedBlock {
  uint64_t revision = 0;
  uint64_t view_generation = 0;
  std::unique_ptr<const RenderedContent> content;
};

struct RowBlock {
  static constexpr size_t kViews = 6; /* renderings that are kept beside each other */

  std::vector<Transport*> rows; /* ascending */
  uint64_t revision = 1;
  size_t position = 0; /* in the blocks */
  RenderedBlock views[kViews];
};

class RowBlocks {
 public:
  static constexpr size_t kMaxRows = 32;

  void insert(Transport& transport);
  void erase(Transport& transport);
  /* Something that is shown of it has changed. */
  static void touch(Transport& transport) { ++transport.block->revision; }

  size_t size() const { return blocks_.size(); }
  RowBlock& at(size_t position) const { return *blocks_[position]; }

  /* The first transport whose identifier is above `id`; null when there is none. */
  Transport* after(const TransportId& id) const;
  Transport* first() const { return blocks_.empty() ? nullptr : blocks_.front()->rows.front(); }

 private:
  size_t block_for(const TransportId& id) const;
  void split(size_t position);
  void remove(size_t position);
  void renumber(size_t from);

  std::vector<std::unique_ptr<RowBlock>> blocks_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_ROW_BLOCKS_HPP
