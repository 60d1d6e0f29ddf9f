/* Objects of a tree that were made here, children first, until there is time to look whether they are stored:
 * whoever waits for a Root waits for their hashes alone. */
#ifndef VISOR_FEEDS_NEW_OBJECTS_HPP
#define VISOR_FEEDS_NEW_OBJECTS_HPP
#include "changes.hpp"

namespace visor::feeds {

class NewObjects {
 public:
  /* A leaf's entry is sealed in an arena that outlives this; any other object is lent. */
  void add(const Hash& hash, Kind kind, ByteView object, bool leaf) {
    objects_.push_back({hash, kind, leaf ? object : ByteView(), bytes_.size(), object.size()});
    if (!leaf) bytes_.insert(bytes_.end(), object.begin(), object.end());
  }
  /* As Changes::add for each. */
  Result<void> give_to(Changes& changes) const {
    for (const Object& each : objects_) {
      if (each.leaf.empty()) {
        const ByteView object = ByteView(bytes_).subspan(each.at, each.size);
        if (Result<void> added = changes.add(each.hash, each.kind, object); !added) return added;
      } else if (Result<bool> held = changes.add_leaf(each.hash, each.leaf); !held) {
        return std::unexpected(held.error());
      }
    }
    return {};
  }

 private:
  struct Object {
    Hash hash;
    Kind kind;
    ByteView leaf;  // of another kind: empty, and the object is in bytes_
    size_t at, size;
  };
  std::vector<Object> objects_;
  Bytes bytes_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_NEW_OBJECTS_HPP
