#include "registry.hpp"

#include <algorithm>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::feeds {
namespace {

std::unexpected<Error> bad(std::string why) {
  return failure(VISOR_EPROTO, "a registry is wrong: " + std::move(why));
}

/* Names come from a stranger and end up in logs. */
std::string quoted(std::string_view name) {
  constexpr size_t kShown = 64;
  std::string out = "'";
  for (char c : name.substr(0, kShown)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + "'";
}

}  // namespace

const Registry::Row* Registry::find(std::string_view name) const {
  auto row = std::ranges::lower_bound(rows_, name, {}, [](const Row& r) { return std::string_view(r.name); });
  return row != rows_.end() && row->name == name ? &*row : nullptr;
}

Result<Registry> Registry::resolve(std::vector<Row> rows) {
  Registry registry;
  registry.rows_ = std::move(rows);
  for (size_t i = 0; i < registry.rows_.size(); ++i) {
    const Row& row = registry.rows_[i];
    if (i > 0 && registry.rows_[i - 1].name >= row.name) {
      return bad("names must be different and ascending, and " + quoted(row.name) + " comes too late");
    }
    if (row.schema.type != Type::kStruct || row.schema.name != row.name || row.name.empty()) {
      return bad("the row " + quoted(row.name) + " does not describe a struct of that name");
    }
  }
  codec::Writer out(registry.encoded_);
  out.count(registry.rows_.size());
  for (Row& row : registry.rows_) {
    Bytes schema = encode(row.schema);
    row.address = crypto::sha256(schema);
    out.text(row.name);
    out.bytes(schema);
  }
  registry.address_ = crypto::sha256(registry.encoded_);

  std::string unknown;
  for (const Row& row : registry.rows_) {
    bool all = each_named(row.schema, [&](const std::string& name) {
      if (registry.find(name)) return true;
      unknown = name;
      return false;
    });
    if (!all) return bad(quoted(row.name) + " refers to " + quoted(unknown) + ", which is not in it");
  }
  return registry;
}

Result<Registry> Registry::decode(ByteView encoded) {
  codec::Reader in(encoded);
  std::vector<Row> rows;
  for (size_t left = in.count(); left > 0 && in.ok(); --left) {
    Row row;
    row.name = in.text();
    ByteView bytes = in.bytes();
    if (!in.ok()) break;
    Result<Schema> schema = decode_schema(bytes);
    if (!schema) return std::unexpected(schema.error());
    row.schema = std::move(*schema);
    rows.push_back(std::move(row));
  }
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  Result<Registry> registry = resolve(std::move(rows));
  if (registry && !std::ranges::equal(registry->encoded_, encoded)) {
    return bad("its bytes are not those that its content is encoded to");
  }
  return registry;
}

Result<Registry> Registry::make(std::vector<Schema> structs) {
  std::vector<Row> rows;
  for (Schema& schema : structs) {
    Row row;
    row.name = schema.name;
    row.schema = std::move(schema);
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, &Row::name);
  return resolve(std::move(rows));
}

}  // namespace visor::feeds
