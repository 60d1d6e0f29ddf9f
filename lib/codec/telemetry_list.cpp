#include "lib/codec/telemetry_list.hpp"

#include <set>

#include "lib/codec/gzip.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/telemetry_json.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/codec/transport_type.hpp"

namespace visor::codec {
namespace {

namespace json = boost::json;

constexpr size_t kMaxVersion = 64;
constexpr size_t kMaxEntryLeaf = kMaxEntryJson + 256;
constexpr std::string_view kOmittedLabel = kLabelAutomatic;

bool has_key_prefix(const visor_key& key) {
  return key.bytes[0] == 2 || key.bytes[0] == 3;
}

ListedTransport listed(const visor_key& reporter, const visor_key& remote, std::string_view type,
                       std::string_view label) {
  ListedTransport out{make_transport_entry(reporter, remote, type, label), std::nullopt};
  if (out.entry.type != type) out.alias = transport_id(reporter, remote, type);
  return out;
}

std::optional<ListedTransport> read_compact(const json::value& row, const visor_key& reporter) {
  const json::object* object = row.if_object();
  if (!object) return std::nullopt;
  std::string_view type = string_at(*object, "t");
  std::string_view label = object->contains("l") ? string_at(*object, "l") : kOmittedLabel;
  visor_key remote{};
  if (!from_hex(string_at(*object, "r"), remote.bytes) || !has_key_prefix(remote) || remote == reporter ||
      !valid_transport_word(type) || !valid_transport_word(label)) {
    return std::nullopt;
  }
  return listed(reporter, remote, type, label);
}

std::optional<ListedTransport> read_full(const json::value& row, const visor_key& reporter) {
  Result<TransportEntry> entry = transport_entry_from_json(row);
  if (!entry || edge_of(*entry, reporter) > 1) return std::nullopt;
  visor_key remote = other_edge(*entry, reporter);
  std::string_view given_type = string_at(*row.if_object(), "type");  // checked above
  return listed(reporter, remote, given_type, entry->label);
}

// The rows of the document: compact ones if there are any, else full ones; null when there are none.
struct Rows {
  const json::array* rows = nullptr;
  bool compact = false;
};

Rows rows_of(const json::object& object) {
  for (bool compact : {true, false}) {
    const json::value* member = object.if_contains(compact ? "c" : "entries");
    const json::array* rows = member ? member->if_array() : nullptr;
    if (rows && !rows->empty()) return {rows, compact};
  }
  return {};
}

// Writers leave out an empty member, or give it as null; then the version still says what this is.
bool is_list(const json::object& object) {
  for (const char* name : {"c", "entries"}) {
    const json::value* member = object.if_contains(name);
    if (member && (member->is_array() || member->is_null())) return true;
  }
  const json::value* version = object.if_contains("version");
  return version && version->is_string();
}

bool is_gzip(ByteView data) {
  return data.size() >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

std::string version_of(const json::object& object) {
  return std::string(string_at(object, "version").substr(0, kMaxVersion));
}

}  // namespace

std::string encode_transport_list(std::string_view version, std::span<const ListRow> rows) {
  std::string out = "{\"version\":";
  append_json_string(out, version);
  out += ",\"c\":[";
  for (const ListRow& row : rows) {
    if (&row != rows.data()) out += ',';
    out += "{\"r\":\"" + to_hex(row.remote) + "\",\"t\":";
    append_json_string(out, row.type);
    if (row.label != kOmittedLabel) {
      out += ",\"l\":";
      append_json_string(out, row.label);
    }
    out += '}';
  }
  return out + "]}";
}

Result<TransportList> decode_transport_list(ByteView leaf, const visor_key& reporter) {
  Bytes inflated;
  if (is_gzip(leaf)) {
    Result<Bytes> whole = inflate_gzip(leaf, kMaxListBytes);
    if (!whole) return std::unexpected(whole.error());
    inflated = std::move(*whole);
    leaf = inflated;
  }
  Result<json::object> object =
      parse_json_object(text(leaf), {"a list of transports", kMaxListBytes, kTelemetryJsonDepth});
  if (!object) return std::unexpected(object.error());
  if (!is_list(*object)) {
    return failure(VISOR_EPROTO,
                   "a list of transports has a \"version\" and its rows in \"c\" or \"entries\"");
  }
  TransportList out;
  out.version = version_of(*object);
  Rows rows = rows_of(*object);
  if (!rows.rows) return out;
  std::set<TransportId> seen;
  for (const json::value& value : *rows.rows) {
    std::optional<ListedTransport> row;
    if (out.rows.size() < kMaxListedTransports) {
      row = rows.compact ? read_compact(value, reporter) : read_full(value, reporter);
    }
    if (row && seen.insert(row->entry.id).second) {
      out.rows.push_back(std::move(*row));
    } else {
      ++out.refused_rows;
    }
  }
  return out;
}

std::string encode_entry_leaf(std::string_view version, const TransportEntry& entry) {
  std::string out = "{\"version\":";
  append_json_string(out, version);
  return out + ",\"entry\":" + to_json(entry) + "}";
}

Result<ListedTransport> decode_entry_leaf(ByteView leaf, const visor_key& reporter) {
  Result<json::object> object =
      parse_json_object(text(leaf), {"a transport's entry", kMaxEntryLeaf, kTelemetryJsonDepth});
  if (!object) return std::unexpected(object.error());
  const json::value* entry = object->if_contains("entry");
  if (!entry) return failure(VISOR_EPROTO, "a transport's entry: expected an object with \"entry\"");
  std::optional<ListedTransport> row = read_full(*entry, reporter);
  if (!row) {
    Result<TransportEntry> why = transport_entry_from_json(*entry);
    if (!why) return std::unexpected(why.error());
    return failure(VISOR_EPROTO, "a transport's entry: the reporter is neither of its edges");
  }
  return std::move(*row);
}

}  // namespace visor::codec
