/* Objects in memory, for tests of what reads and writes trees. */
#ifndef VISOR_TESTS_UNIT_FEEDS_MEMORY_OBJECTS_HPP
#define VISOR_TESTS_UNIT_FEEDS_MEMORY_OBJECTS_HPP
#include <map>
#include <set>

#include "plugins/feeds/object.hpp"
#include "plugins/feeds/tree.hpp"

namespace visor::test {

class MemoryObjects : public feeds::ObjectReader {
 public:
  Result<ByteView> read(const crypto::Hash& hash, feeds::Kind kind) override {
    ++reads;
    auto found = objects.find(hash);
    if (found == objects.end()) return failure(VISOR_ENOENT, "no object " + to_hex(hash));
    if (found->second.first != kind) return failure(VISOR_EPROTO, "not a " + name_of(kind));
    lent = found->second.second;  // a copy, so that the sanitizers see who keeps it too long
    return ByteView(lent);
  }
  feeds::Tree::Emit emit() {
    return [this](const crypto::Hash& hash, feeds::Kind kind, ByteView object, bool) {
      ++emitted;
      objects.insert_or_assign(hash, std::pair(kind, Bytes(object.begin(), object.end())));
    };
  }

  std::map<crypto::Hash, std::pair<feeds::Kind, Bytes>> objects;
  Bytes lent;
  size_t reads = 0, emitted = 0;
};

/* A batch that owns its bytes. */
class Ops {
 public:
  Ops& put(std::string path, std::string value) { return add(VISOR_PUT, std::move(path), std::move(value)); }
  Ops& erase(std::string path) { return add(VISOR_DELETE, std::move(path), ""); }
  std::span<const visor_op> view() {
    ops_.clear();
    for (auto& [kind, path, value] : rows_) {
      ops_.push_back({kind, 0, to_span(std::string_view(path)), to_span(std::string_view(value))});
    }
    return ops_;
  }

 private:
  Ops& add(uint32_t kind, std::string path, std::string value) {
    rows_.emplace_back(kind, std::move(path), std::move(value));
    return *this;
  }
  std::vector<std::tuple<uint32_t, std::string, std::string>> rows_;
  std::vector<visor_op> ops_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_MEMORY_OBJECTS_HPP
