#include "refs.hpp"

#include <algorithm>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"
#include "limits.hpp"

namespace visor::feeds {
namespace {

constexpr uint64_t kMaxSpan = uint64_t{1} << 63;
constexpr size_t kAddressBytes = 32;

std::unexpected<Error> bad(std::string why) {
  return failure(VISOR_EPROTO, "a list is wrong: " + std::move(why));
}

/* The addresses of a slice whose count was read against what is left in bytes. */
ByteView addresses(codec::Reader& in) {
  size_t count = in.count();
  if (count > kMaxListDegree) in.fail("a list object has more elements than any degree allows");
  return in.ok() ? in.raw(count * kAddressBytes) : ByteView();
}

}  // namespace

uint64_t list_span(uint32_t degree, uint32_t level) {
  uint64_t span = 1;
  for (; level > 0; --level) {
    if (span > kMaxSpan / degree) return kMaxSpan;
    span *= degree;
  }
  return span;
}

uint32_t list_depth(uint32_t degree, uint64_t items) {
  uint32_t depth = 0;
  while (list_span(degree, depth + 1) < items) ++depth;
  return depth;
}

uint64_t list_nodes(uint32_t degree, uint64_t items, uint32_t level) {
  uint64_t span = list_span(degree, level);
  return items / span + (items % span != 0 ? 1 : 0);
}

Result<ListRoot> decode_list_root(ByteView object) {
  codec::Reader in(object);
  ListRoot list;
  list.depth = in.u32();
  list.degree = in.u32();
  list.length = in.u32();
  list.addresses = addresses(in);
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  if (list.degree < kMinListDegree || list.degree > kMaxListDegree) {
    return bad("degree " + std::to_string(list.degree) + ", expected 2 to 1024");
  }
  if (list.length == 0) return bad("a stored list without items");
  if (list.depth > kMaxListDepth || list.depth != list_depth(list.degree, list.length)) {
    return bad("depth " + std::to_string(list.depth) + " for " + std::to_string(list.length) + " items");
  }
  uint64_t expected = list.depth == 0 ? list.length : list_nodes(list.degree, list.length, list.depth);
  if (list.size() != expected) {
    return bad(std::to_string(list.size()) + " elements in its root, expected " + std::to_string(expected));
  }
  return list;
}

Result<ListNode> decode_list_node(ByteView object) {
  codec::Reader in(object);
  ListNode node;
  node.length = in.u32();
  node.addresses = addresses(in);
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  if (node.length == 0 || node.size() == 0 || node.size() > node.length) {
    return bad("a node of " + std::to_string(node.length) + " items with " + std::to_string(node.size()) +
               " elements");
  }
  return node;
}

Hash address_at(ByteView addresses, size_t index) {
  Hash hash;
  std::copy_n(addresses.begin() + static_cast<ptrdiff_t>(index * kAddressBytes), kAddressBytes,
              hash.bytes.begin());
  return hash;
}

Hash List::encode_root(uint64_t items, const Item& item, Bytes& object, const Emit& emit) {
  const auto depth = static_cast<uint32_t>(levels_.size());
  object.clear();
  codec::Writer out(object);
  out.u32(depth);
  out.u32(degree_);
  out.u32(static_cast<uint32_t>(items));
  if (depth == 0) {
    out.count(static_cast<size_t>(items));
    for (uint64_t i = 0; i < items; ++i) out.raw(item(i));
  } else {
    out.count(levels_.back().size());
    for (const Hash& node : levels_.back()) out.raw(node);
  }
  Hash address = crypto::sha256(object);
  emit(0, address, object);
  return address;
}

Hash List::encode(uint64_t items, const Item& item, const std::vector<uint64_t>& changed, uint64_t moved_from,
                  const Emit& emit) {
  if (items == 0) {
    levels_.clear();
    return Hash{};
  }
  levels_.resize(list_depth(degree_, items));
  Bytes object;
  object.reserve(16 + static_cast<size_t>(std::min<uint64_t>(degree_, items)) * kAddressBytes);

  std::vector<uint64_t> dirty = changed;  // elements of the level below, ascending, all before `from`
  uint64_t from = moved_from;
  for (uint32_t level = 1; level <= levels_.size(); ++level) {
    std::vector<Hash>& nodes = levels_[level - 1];
    const std::vector<Hash>* below = level > 1 ? &levels_[level - 2] : nullptr;
    const uint64_t elements = below ? below->size() : items;
    const uint64_t count = list_nodes(degree_, items, level);
    // The node in which the first moved element lies, or lay, has changed; so have nodes that were not there
    // before.
    uint64_t first_moved = kNoneMoved;
    if (from != kNoneMoved || nodes.size() != count) {
      first_moved = std::min<uint64_t>({from / degree_, nodes.size(), count});
    }
    std::vector<uint64_t> changed_nodes;
    for (uint64_t element : dirty) {
      uint64_t node = element / degree_;
      if (node < first_moved && (changed_nodes.empty() || changed_nodes.back() != node))
        changed_nodes.push_back(node);
    }
    nodes.resize(static_cast<size_t>(count));

    auto encode_node = [&](uint64_t index) {
      const uint64_t begin = index * degree_, end = std::min(begin + degree_, elements);
      const uint64_t span = list_span(degree_, level);
      object.clear();
      codec::Writer out(object);
      out.u32(static_cast<uint32_t>(std::min(span, items - index * span)));
      out.count(static_cast<size_t>(end - begin));
      for (uint64_t i = begin; i < end; ++i) out.raw(below ? (*below)[static_cast<size_t>(i)] : item(i));
      Hash& address = nodes[static_cast<size_t>(index)];
      address = crypto::sha256(object);
      emit(level, address, object);
    };
    for (uint64_t index : changed_nodes) encode_node(index);
    for (uint64_t index = first_moved; index < count; ++index) encode_node(index);
    dirty = std::move(changed_nodes);
    from = first_moved;
  }
  return encode_root(items, item, object, emit);
}

}  // namespace visor::feeds
