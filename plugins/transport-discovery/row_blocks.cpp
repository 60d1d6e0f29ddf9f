#include "row_blocks.hpp"

#include <algorithm>

namespace visor::transport_discovery {
namespace {

auto row_at(RowBlock& block, const TransportId& id) {
  return std::ranges::lower_bound(block.rows, id, {}, &Transport::id);
}

}  // namespace

// The last block that begins at or before `id`, else the first.
size_t RowBlocks::block_for(const TransportId& id) const {
  auto above = std::ranges::upper_bound(
      blocks_, id, {}, [](const std::unique_ptr<RowBlock>& block) { return block->rows.front()->id; });
  return above == blocks_.begin() ? 0 : static_cast<size_t>(above - blocks_.begin()) - 1;
}

void RowBlocks::insert(Transport& transport) {
  if (blocks_.empty()) blocks_.push_back(std::make_unique<RowBlock>());
  size_t position = blocks_.front()->rows.empty() ? 0 : block_for(transport.id);
  RowBlock& block = *blocks_[position];
  block.rows.insert(row_at(block, transport.id), &transport);
  transport.block = &block;
  ++block.revision;
  if (block.rows.size() > kMaxRows) split(position);
}

void RowBlocks::split(size_t position) {
  RowBlock& full = *blocks_[position];
  auto half = full.rows.begin() + static_cast<ptrdiff_t>(full.rows.size() / 2);
  auto upper = std::make_unique<RowBlock>();
  upper->rows.assign(half, full.rows.end());
  full.rows.erase(half, full.rows.end());
  for (Transport* moved : upper->rows) moved->block = upper.get();
  blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(position) + 1, std::move(upper));
  renumber(position + 1);
}

void RowBlocks::erase(Transport& transport) {
  RowBlock& block = *transport.block;
  block.rows.erase(row_at(block, transport.id));
  transport.block = nullptr;
  ++block.revision;
  if (block.rows.empty()) return remove(block.position);
  // Neighbours that fit into half a block become one: churn does not leave crumbs.
  if (block.position + 1 == blocks_.size()) return;
  RowBlock& next = *blocks_[block.position + 1];
  if (block.rows.size() + next.rows.size() > kMaxRows / 2) return;
  for (Transport* moved : next.rows) moved->block = &block;
  block.rows.insert(block.rows.end(), next.rows.begin(), next.rows.end());
  remove(next.position);
}

void RowBlocks::remove(size_t position) {
  blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(position));
  renumber(position);
}

void RowBlocks::renumber(size_t from) {
  for (size_t i = from; i < blocks_.size(); ++i) blocks_[i]->position = i;
}

Transport* RowBlocks::after(const TransportId& id) const {
  if (blocks_.empty()) return nullptr;
  size_t position = block_for(id);
  RowBlock& block = *blocks_[position];
  auto row = std::ranges::upper_bound(block.rows, id, {}, &Transport::id);
  if (row != block.rows.end()) return *row;
  return position + 1 < blocks_.size() ? blocks_[position + 1]->rows.front() : nullptr;
}

}  // namespace visor::transport_discovery
