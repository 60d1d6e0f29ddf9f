/* What two visors say of the transport between them (specification telemetry.md, 1.2 and 1.3).
 *
 *   {"t_id":"<uuid>","edges":["<66 hex>","<66 hex>"],"type":"sudph","label":"automatic"}
 *   {"entry":{...},"signatures":["<130 hex of edge 0>","<130 hex or zeros of edge
 * 1>"],"registered":1790000000000000000}
 */
#ifndef VISOR_CODEC_TRANSPORT_ENTRY_HPP
#define VISOR_CODEC_TRANSPORT_ENTRY_HPP
#include "lib/codec/transport_id.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace boost::json {
class value;
}  // namespace boost::json

namespace visor::codec {

/* Longer texts are refused unread. */
inline constexpr size_t kMaxEntryJson = 4096;

struct TransportEntry {
  TransportId id;
  std::array<visor_key, 2> edges{}; /* ascending, never equal */
  std::string type;                 /* canonical */
  std::string label;                /* neither hashed nor signed */
};

/* The entry of the transport between two visors: type normalised, edges sorted, identifier derived. */
TransportEntry make_transport_entry(const visor_key& a, const visor_key& b, std::string_view type,
                                    std::string_view label);

/* 0 or 1, or 2 if the key is neither edge. */
size_t edge_of(const TransportEntry& entry, const visor_key& key);
/* The other edge's key; `key` must be an edge. */
const visor_key& other_edge(const TransportEntry& entry, const visor_key& key);

std::string to_json(const TransportEntry& entry);

/* Hostile input.  Checked: shape and bounds, keys that can be keys, edges ascending and different, and the
 * identifier, which is calculated again.  A legacy type is normalised, and the identifier under its legacy
 * name is accepted as an alias.  A missing label is `user`.  VISOR_EPROTO says what is wrong. */
Result<TransportEntry> transport_entry_from_json(const boost::json::value& value);
Result<TransportEntry> transport_entry_from_json(std::string_view json);

struct SignedEntry {
  TransportEntry entry;
  std::array<crypto::Signature, 2> signatures{}; /* [i] is of edges[i]; all zeros: not signed yet */
  int64_t registered = 0;                        /* Unix nanoseconds, set by the TPD; 0: not registered */
};

/* What an edge signs: SHA-256(identifier | edge 0 | edge 1 | type). */
crypto::Hash signing_hash(const TransportEntry& entry);

bool is_signed(const SignedEntry& entry, size_t edge);

/* Whether edge 0 or 1 has signed, under the canonical type or a legacy name of it.  VISOR_EPROTO if not. */
Result<void> verify_edge(const SignedEntry& entry, size_t edge);

std::string to_json(const SignedEntry& entry);

/* Hostile input: as for an entry.  The signatures are only read here; verify_edge() checks one. */
Result<SignedEntry> signed_entry_from_json(std::string_view json);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TRANSPORT_ENTRY_HPP
