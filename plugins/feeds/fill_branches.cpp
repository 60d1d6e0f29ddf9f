// A fill of some branches of a Root: first the way to them, then what is below.
#include <algorithm>

#include "fill.hpp"
#include "lib/codec/writer.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr size_t kLargeBytes = 64u << 10;  // not kept from one Root to the next

}  // namespace

void Fill::cut_to(std::vector<std::string> branches, ObjectMap known) {
  walk_ = std::make_unique<BranchWalk>(store_, root_.top(), branches, std::move(known));
  branches_ = std::move(branches);
  walking_ = true;
}

/* Asks for what is next on the way. */
void Fill::walk() {
  Result<std::set<Hash>> missing = walk_->run();
  if (!missing) return broke(missing.error());
  if (missing->empty()) return cut();
  for (const Hash& hash : *missing) {
    if (way_asked_.contains(hash)) continue;
    if (sources_.empty()) return broke({VISOR_ECLOSED, "no connections to fill from"});
    Source& source = roomiest();
    if (source.connection->room() == 0) {
      for (Source& each : sources_) each.connection->want_objects(*this);
      return;
    }
    way_asked_.emplace(hash, source.connection);
    ++in_flight_;
    source.connection->request_object(hash, *this);
  }
}

void Fill::way_arrived(const Hash& hash, ByteView object) {
  progress_ms_ = host_.now_ms();
  if (Result<void> counted = count_in(object.size()); !counted) return broke(counted.error());
  walk_->take(hash, object);
}

/* The way is known: the tree of the branches takes the place of the whole one. */
void Fill::cut() {
  walking_ = false;
  SignedRoot cut;
  cut.root = root_.root;
  cut.root.descriptor.clear();
  append_branches(cut.root.descriptor, branches_);
  cut.root.refs = {{walk_->top(), tree_types().node}};
  cut.encoded = encode(cut.root);
  cut.hash = crypto::sha256(cut.encoded);
  cut.signature = root_.signature;
  cut_ = std::move(cut);
  at_hand_ = walk_->take_objects();
  request_tree();
}

ObjectMap Fill::take_way() {
  if (!walk_) return {};
  ObjectMap way = walk_->take_read();
  std::erase_if(way, [](const auto& object) { return object.second.size() > kLargeBytes; });
  return way;
}

}  // namespace visor::feeds
