#include "list_writer.hpp"

#include "lib/codec/writer.hpp"

namespace visor::feeds {

std::vector<Hash>& ListWriter::gathered(uint32_t level) {
  if (level >= gathered_.size()) gathered_.resize(level + 1);
  return gathered_[level];
}

Result<void> ListWriter::append(uint32_t level, const Hash& element, const Emit& emit) {
  // What is full below becomes nodes now that something follows it.
  for (uint32_t below = 0; below < level && below < gathered_.size(); ++below) {
    if (gathered_[below].empty()) continue;
    const uint64_t items = list_span(kListDegree, below + 1);
    if (Result<void> closed = close_node(below, items, emit); !closed) return closed;
  }
  if (Result<void> pushed = push(level, element, emit); !pushed) return pushed;
  size_ += list_span(kListDegree, level);
  if (size_ > UINT32_MAX) return failure(VISOR_EPROTO, "a directory has more children than a list can count");
  return {};
}

Result<void> ListWriter::push(uint32_t level, const Hash& element, const Emit& emit) {
  if (gathered(level).size() == kListDegree) {
    const uint64_t items = list_span(kListDegree, level + 1);
    if (Result<void> closed = close_node(level, items, emit); !closed) return closed;
  }
  gathered(level).push_back(element);
  return {};
}

Result<void> ListWriter::close_node(uint32_t level, uint64_t items, const Emit& emit) {
  const std::vector<Hash>& elements = gathered(level);
  object_.clear();
  codec::Writer out(object_);
  out.u32(static_cast<uint32_t>(items));
  out.count(elements.size());
  for (const Hash& element : elements) out.raw(element);
  const Hash address = crypto::sha256(object_);
  if (Result<void> emitted = emit(level + 1, address, object_); !emitted) return emitted;
  gathered(level).clear();
  return push(level + 1, address, emit);
}

Result<Hash> ListWriter::finish(const Emit& emit) {
  if (size_ == 0) return Hash{};
  const uint32_t depth = list_depth(kListDegree, size_);
  for (uint32_t level = 0; level < depth; ++level) {
    if (gathered(level).empty()) continue;
    // Only the last node of a level may be less than full.
    const uint64_t span = list_span(kListDegree, level + 1), rest = size_ % span;
    if (Result<void> closed = close_node(level, rest == 0 ? span : rest, emit); !closed) {
      return std::unexpected(closed.error());
    }
  }
  const std::vector<Hash>& elements = gathered(depth);
  object_.clear();
  codec::Writer out(object_);
  out.u32(depth);
  out.u32(kListDegree);
  out.u32(static_cast<uint32_t>(size_));
  out.count(elements.size());
  for (const Hash& element : elements) out.raw(element);
  const Hash address = crypto::sha256(object_);
  if (Result<void> emitted = emit(0, address, object_); !emitted) return std::unexpected(emitted.error());
  return address;
}

}  // namespace visor::feeds
