#include "treestore.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/reader.hpp"
#include "limits.hpp"
#include "registry.hpp"

namespace visor::feeds {
namespace {

constexpr char kEntryName[] = "cxo.treestore.TreeEntry";
constexpr char kNodeName[] = "cxo.treestore.TreeNode";

Hash constant(std::string_view hex) {
  return crypto::hash_from_hex(hex).value_or(Hash{});
}

Field field(std::string name, std::string tag, Schema schema) {
  return Field{std::move(name), std::move(tag), std::move(schema)};
}

}  // namespace

const TreeTypes& tree_types() {
  static const TreeTypes types{
      constant("30f7ecd42e31f20218693280f66e2abe73f9ebd26922f240d32f98499d4d22e7"),
      constant("752921a09b5b2991395a35890d7255c580ab9e00324688e94afa7766fda605d7"),
      constant("d797975daa4a6dd6604ccbd1d0bd01fcaf258618f31f8570e9c42b335a10a6c9"),
  };
  return types;
}

Result<Registry> make_tree_registry() {
  Schema entry(Type::kStruct, kEntryName);
  entry.fields.push_back(field("Name", "", Schema(Type::kString, "string")));
  entry.fields.push_back(
      field("Sub", "skyobject:\"schema=cxo.treestore.TreeNode\"", reference_to(Reference::kRef, kNodeName)));
  entry.fields.push_back(field("Leaf", "", slice_of(Schema(Type::kUint8, "uint8"))));
  Schema node(Type::kStruct, kNodeName);
  node.fields.push_back(field("Children", "skyobject:\"schema=cxo.treestore.TreeEntry\"",
                              reference_to(Reference::kRefs, kEntryName)));

  std::vector<Schema> structs;
  structs.push_back(std::move(entry));
  structs.push_back(std::move(node));
  Result<Registry> registry = Registry::make(std::move(structs));
  if (!registry) return registry;
  const TreeTypes& types = tree_types();
  if (registry->address() != types.registry || registry->find(kEntryName)->address != types.entry ||
      registry->find(kNodeName)->address != types.node) {
    return failure(VISOR_EINTERNAL, "the registry of trees comes out as " + to_hex(registry->address()) +
                                        ", expected " + to_hex(types.registry));
  }
  return registry;
}

Result<TreeEntry> decode_tree_entry(ByteView object) {
  codec::Reader in(object);
  TreeEntry entry;
  entry.name = in.text();
  in.raw(entry.sub.bytes);
  entry.leaf = in.bytes();
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  if (entry.name.empty() || entry.name.find('/') != std::string_view::npos) {
    return failure(VISOR_EPROTO, "an entry of a tree needs a name without '/'");
  }
  return entry;
}

Result<Hash> decode_tree_node(ByteView object) {
  codec::Reader in(object);
  Hash children;
  in.raw(children.bytes);
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  return children;
}

void append_tree_entry(Bytes& to, const TreeEntry& entry) {
  const size_t begin = to.size();
  to.resize(begin + tree_entry_size(entry.name.size(), entry.leaf.size()));
  write_tree_entry(to.data() + begin, entry);
}

/* Here and nearby what is copied by the million is copied by std::copy: of std::ranges::copy g++ 12 makes a
 * loop over bytes. */
void write_tree_entry(uint8_t* to, const TreeEntry& entry) {
  auto write = [&to](ByteView from) { to = std::copy(from.begin(), from.end(), to); };
  auto write_size = [&to](size_t size) {
    codec::store_le(to, static_cast<uint32_t>(size));
    to += 4;
  };
  write_size(entry.name.size());
  write(bytes(entry.name));
  write(entry.sub);
  write_size(entry.leaf.size());
  write(entry.leaf);
}

size_t tree_entry_size(size_t name_bytes, size_t leaf_bytes) {
  return 4 + name_bytes + 32 + 4 + leaf_bytes;
}

std::string_view trim_path(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

Result<std::vector<std::string_view>> split_path(std::string_view path) {
  path = trim_path(path);
  std::vector<std::string_view> names;
  if (path.empty()) return names;
  if (path.size() > kMaxPathBytes) {
    return failure(VISOR_EINVAL, "a path is at most " + std::to_string(kMaxPathBytes) + " bytes; got " +
                                     std::to_string(path.size()));
  }
  while (true) {
    size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    if (name.empty())
      return failure(VISOR_EINVAL, "a path has an empty name between two '/' or before the first");
    if (names.size() == kMaxPathSegments) {
      return failure(VISOR_EINVAL, "a path has at most " + std::to_string(kMaxPathSegments) + " names");
    }
    names.push_back(name);
    if (slash == std::string_view::npos) return names;
    path.remove_prefix(slash + 1);
  }
}

bool under(std::string_view path, std::string_view prefix) {
  prefix = trim_path(prefix);
  if (prefix.empty()) return true;
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

std::strong_ordering compare_paths(std::string_view a, std::string_view b) {
  size_t same = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (same == a.size() || same == b.size()) return a.size() <=> b.size();
  if (a[same] == '/' || b[same] == '/') {
    return a[same] == '/' ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return static_cast<uint8_t>(a[same]) <=> static_cast<uint8_t>(b[same]);
}

}  // namespace visor::feeds
