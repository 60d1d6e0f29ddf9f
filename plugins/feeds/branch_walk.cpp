#include "branch_walk.hpp"

#include <algorithm>

#include "lib/codec/writer.hpp"
#include "list_writer.hpp"
#include "tree_reader.hpp"

namespace visor::feeds {

BranchWalk::BranchWalk(Store& store, const Hash& top, const std::vector<std::string>& branches,
                       ObjectMap known)
    : store_(store), whole_(top), branches_(outermost(branches)), known_(std::move(known)) {}

Result<ByteView> BranchWalk::Reader::read(const Hash& hash, Kind kind) {
  if (auto used = walk.used_.find(hash); used != walk.used_.end()) return ByteView(used->second);
  if (auto known = walk.known_.extract(hash))
    return ByteView(walk.used_.insert(std::move(known)).position->second);
  Result<ByteView> stored = walk.store_.read_any(hash);
  if (!stored) return stored;
  if (stored->empty()) {
    missing = hash;
    return failure(VISOR_ENOENT, "a " + name_of(kind) + " on the way to a branch is missing");
  }
  Bytes copy(stored->begin(), stored->end());
  return ByteView(walk.used_.emplace(hash, std::move(copy)).first->second);
}

/* The address of the TreeEntry at a path, if there is one. */
Result<std::optional<Hash>> BranchWalk::find_entry(ObjectReader& objects, std::string_view branch) {
  Result<std::vector<std::string_view>> names = split_path(branch);
  if (!names) return std::unexpected(names.error());
  Hash node = whole_;
  for (size_t i = 0; i < names->size(); ++i) {
    Result<ListView> directory = open_directory(objects, node);
    if (!directory) return std::unexpected(directory.error());
    Result<Position> position = find_name(objects, *directory, (*names)[i]);
    if (!position) return std::unexpected(position.error());
    if (!position->exact) return std::nullopt;
    if (i + 1 == names->size()) {
      Result<Hash> entry = directory->item(objects, position->index);
      if (!entry) return std::unexpected(entry.error());
      return *entry;
    }
    Result<TreeEntry> entry = read_entry(objects, *directory, position->index);
    if (!entry) return std::unexpected(entry.error());
    if (!entry->is_directory()) return std::nullopt;
    node = entry->sub;
  }
  return std::nullopt;
}

Result<std::set<Hash>> BranchWalk::run() {
  std::set<Hash> missing;
  Node top;
  for (const std::string& branch : branches_) {
    Reader objects(*this);
    Result<std::optional<Hash>> entry = find_entry(objects, branch);
    if (!entry) {
      if (objects.missing.blank()) return std::unexpected(entry.error());
      missing.insert(objects.missing);
    } else if (*entry) {
      Node* node = &top;
      const std::vector<std::string_view> names = *split_path(branch);
      for (std::string_view name : names) node = &node->children[std::string(name)];
      node->entry = **entry;
    }
  }
  if (!missing.empty()) return missing;
  Result<Hash> made = make(top);
  if (!made) return std::unexpected(made.error());
  top_ = *made;
  return missing;
}

Hash BranchWalk::keep(ByteView object) {
  const Hash hash = crypto::sha256(object);
  made_.try_emplace(hash, object.begin(), object.end());
  return hash;
}

/* The address of a directory's TreeNode. */
Result<Hash> BranchWalk::make(const Node& directory) {
  const ListWriter::Emit emit = [this](uint32_t, const Hash&, ByteView object) {
    keep(object);
    return Result<void>{};
  };
  ListWriter list;
  for (const auto& [name, child] : directory.children) {
    Hash entry;
    if (child.entry) {
      entry = *child.entry;
      // The search has read it, be it that the names before it were enough.
      if (auto read = used_.find(entry); read != used_.end()) made_.insert(*read);
    } else {
      Result<Hash> node = make(child);
      if (!node) return node;
      Bytes object;
      append_tree_entry(object, {name, *node, {}});
      entry = keep(object);
    }
    if (Result<void> appended = list.append(0, entry, emit); !appended)
      return std::unexpected(appended.error());
  }
  Result<Hash> children = list.finish(emit);
  if (!children) return children;
  return keep(*children);
}

std::vector<std::string> outermost(std::vector<std::string> prefixes) {
  std::ranges::sort(prefixes,
                    [](const std::string& a, const std::string& b) { return compare_paths(a, b) < 0; });
  std::vector<std::string> kept;
  for (std::string& prefix : prefixes) {
    if (kept.empty() || !under(prefix, kept.back())) kept.push_back(std::move(prefix));
  }
  return kept;
}

void append_branches(Bytes& to, const std::vector<std::string>& branches) {
  codec::Writer out(to);
  out.count(branches.size());
  for (const std::string& branch : branches) out.text(branch);
}

Result<std::vector<std::string>> read_branches(codec::Reader& from) {
  std::vector<std::string> branches;
  const size_t count = from.count();
  if (count == 0 || count > kMaxBranches) from.fail("there are no branches, or too many");
  while (from.ok() && branches.size() < count) {
    const std::string_view branch = from.text();
    if (from.ok() && (branch.empty() || !split_path(branch))) from.fail("a branch is not a path");
    branches.emplace_back(branch);
  }
  if (from.ok()) return branches;
  return std::unexpected(from.done().error());
}

std::vector<std::string> stored_branches(Store& store, const FeedId& id) {
  Result<SignedRoot> root = store.load(id);
  if (!root) return {};
  codec::Reader descriptor(root->root.descriptor);
  return read_branches(descriptor).value_or(std::vector<std::string>());
}

}  // namespace visor::feeds
