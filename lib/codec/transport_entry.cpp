#include "lib/codec/transport_entry.hpp"

#include <boost/json.hpp>
#include <optional>

#include "lib/codec/parse_json.hpp"
#include "lib/codec/transport_type.hpp"

namespace visor::codec {
namespace {

namespace json = boost::json;

constexpr JsonBounds kBounds{"a transport's entry", kMaxEntryJson, 4};

std::unexpected<Error> wrong(std::string what) {
  return failure(VISOR_EPROTO, "a transport's entry: " + std::move(what));
}

// A string member, or nothing.  The view lives as long as the object.
std::optional<std::string_view> string_of(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  const json::string* string = member ? member->if_string() : nullptr;
  if (!string) return std::nullopt;
  return std::string_view(string->data(), string->size());
}

// The two strings of a member that is an array of two.
std::optional<std::array<std::string_view, 2>> pair_of(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  const json::array* array = member ? member->if_array() : nullptr;
  if (!array || array->size() != 2) return std::nullopt;
  std::array<std::string_view, 2> pair;
  for (size_t i = 0; i < 2; ++i) {
    const json::string* string = (*array)[i].if_string();
    if (!string) return std::nullopt;
    pair[i] = {string->data(), string->size()};
  }
  return pair;
}

Result<std::array<visor_key, 2>> read_edges(const json::object& object) {
  auto hex = pair_of(object, "edges");
  if (!hex) return wrong("\"edges\" must be two public keys in hex");
  std::array<visor_key, 2> edges{};
  for (size_t i = 0; i < 2; ++i) {
    if (!from_hex((*hex)[i], edges[i].bytes) || (edges[i].bytes[0] != 2 && edges[i].bytes[0] != 3)) {
      return wrong("edge " + std::to_string(i) +
                   " is not a public key of 66 hex digits that starts with 02 or 03");
    }
  }
  if (!(edges[0] < edges[1])) return wrong("edges must be two different keys in ascending order");
  return edges;
}

// Aliases exist only as long as old visors do.
bool id_matches(const TransportId& id, const TransportEntry& entry) {
  if (id == entry.id) return true;
  for (std::string_view legacy : legacy_names(transport_type(entry.type))) {
    if (id == transport_id(entry.edges[0], entry.edges[1], legacy)) return true;
  }
  return false;
}

crypto::Hash signing_hash(const TransportId& id, const TransportEntry& entry, std::string_view type) {
  return crypto::sha256({id, bytes(entry.edges[0]), bytes(entry.edges[1]), bytes(type)});
}

}  // namespace

TransportEntry make_transport_entry(const visor_key& a, const visor_key& b, std::string_view type,
                                    std::string_view label) {
  TransportEntry entry;
  entry.type = canonical_type(type);
  entry.label = label;
  entry.edges = sorted_edges(a, b);
  entry.id = transport_id(a, b, entry.type);
  return entry;
}

size_t edge_of(const TransportEntry& entry, const visor_key& key) {
  return key == entry.edges[0] ? 0 : key == entry.edges[1] ? 1 : 2;
}

const visor_key& other_edge(const TransportEntry& entry, const visor_key& key) {
  return entry.edges[key == entry.edges[0] ? 1 : 0];
}

std::string to_json(const TransportEntry& entry) {
  // Types and labels are words without anything to escape (valid_transport_word).
  return "{\"t_id\":\"" + to_uuid(entry.id) + "\",\"edges\":[\"" + to_hex(entry.edges[0]) + "\",\"" +
         to_hex(entry.edges[1]) + "\"],\"type\":\"" + entry.type + "\",\"label\":\"" + entry.label + "\"}";
}

Result<TransportEntry> transport_entry_from_json(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return wrong("expected an object");
  auto uuid = string_of(*object, "t_id");
  auto type = string_of(*object, "type");
  if (!uuid) return wrong("\"t_id\" must be a UUID");
  if (!type || !valid_transport_word(*type))
    return wrong("\"type\" must be a word of 1 to 32 characters a-z 0-9 _ -");
  std::string_view label = kLabelUser;
  if (object->contains("label")) {
    auto given = string_of(*object, "label");
    if (!given || !valid_transport_word(*given))
      return wrong("\"label\" must be a word of 1 to 32 characters a-z 0-9 _ -");
    label = *given;
  }
  auto edges = read_edges(*object);
  if (!edges) return std::unexpected(edges.error());
  auto id = transport_id_from_uuid(*uuid);
  if (!id) return wrong(id.error().text);
  TransportEntry entry = make_transport_entry((*edges)[0], (*edges)[1], *type, label);
  if (!id_matches(*id, entry)) {
    return wrong("these edges and type make the identifier " + to_uuid(entry.id) + "; it says " +
                 to_uuid(*id));
  }
  return entry;
}

Result<TransportEntry> transport_entry_from_json(std::string_view text) {
  auto value = parse_json(text, kBounds);
  if (!value) return std::unexpected(value.error());
  return transport_entry_from_json(*value);
}

crypto::Hash signing_hash(const TransportEntry& entry) {
  return signing_hash(entry.id, entry, entry.type);
}

bool is_signed(const SignedEntry& entry, size_t edge) {
  return entry.signatures[edge] != crypto::Signature{};
}

Result<void> verify_edge(const SignedEntry& entry, size_t edge) {
  const TransportEntry& said = entry.entry;
  if (!is_signed(entry, edge)) return wrong("edge " + std::to_string(edge) + " has not signed it");
  auto verified = crypto::verify(said.edges[edge], entry.signatures[edge], signing_hash(said));
  if (verified) return {};
  for (std::string_view legacy : legacy_names(transport_type(said.type))) {
    TransportId alias = transport_id(said.edges[0], said.edges[1], legacy);
    if (crypto::verify(said.edges[edge], entry.signatures[edge], signing_hash(alias, said, legacy)))
      return {};
  }
  return wrong("the signature of edge " + std::to_string(edge) + ": " + verified.error().text);
}

std::string to_json(const SignedEntry& entry) {
  std::string out = "{\"entry\":" + to_json(entry.entry) + ",\"signatures\":[\"" +
                    to_hex(entry.signatures[0]) + "\",\"" + to_hex(entry.signatures[1]) + "\"]";
  if (entry.registered != 0) out += ",\"registered\":" + std::to_string(entry.registered);
  return out + "}";
}

Result<SignedEntry> signed_entry_from_json(std::string_view text) {
  auto value = parse_json(text, kBounds);
  if (!value) return std::unexpected(value.error());
  const json::object* object = value->if_object();
  const json::value* inner = object ? object->if_contains("entry") : nullptr;
  if (!inner) return wrong("expected an object with \"entry\" and \"signatures\"");
  auto entry = transport_entry_from_json(*inner);
  if (!entry) return std::unexpected(entry.error());
  SignedEntry out{std::move(*entry), {}, 0};
  auto hex = pair_of(*object, "signatures");
  if (!hex) return wrong("\"signatures\" must be two signatures in hex");
  for (size_t i = 0; i < 2; ++i) {
    if (!from_hex((*hex)[i], out.signatures[i].bytes)) return wrong("a signature is 130 hex digits");
  }
  if (const json::value* registered = object->if_contains("registered")) {
    const int64_t* at = registered->if_int64();
    if (!at) return wrong("\"registered\" must be a time in Unix nanoseconds");
    out.registered = *at;
  }
  return out;
}

}  // namespace visor::codec
