/* A visor's list of its transports: the leaf `tp-list` (specification telemetry.md, 1.4).  One edge of each
 * is the reporter, so a row names the other one, and the identifier is derived from both.
 *
 *   {"version":"v1.3.98","c":[{"r":"<66 hex>","t":"sudph"},{"r":"<66 hex>","t":"swtr","l":"user"}]}
 *
 * `l` is left out for `automatic`.  Older visors write full entries instead, as "entries":[{"t_id":...}];
 * either may be gzip.  A list says everything: what is not in it is not there, and an empty list is written
 * too.
 */
#ifndef VISOR_CODEC_TELEMETRY_LIST_HPP
#define VISOR_CODEC_TELEMETRY_LIST_HPP
#include <optional>

#include "lib/codec/transport_entry.hpp"

namespace visor::codec {

/* Limits of one reporter's list; inflated bytes. */
constexpr size_t kMaxListBytes = 1024 * 1024;
constexpr size_t kMaxListedTransports = 4096;

/* What the publisher writes. */
struct ListRow {
  visor_key remote{};
  std::string type;
  std::string label;
};

/* Rows in the order that they shall have: publishers sort by remote key, then type. */
std::string encode_transport_list(std::string_view version, std::span<const ListRow> rows);

struct ListedTransport {
  TransportEntry entry;
  /* The identifier under the legacy name of the type that the reporter still uses: its other leaves may carry
   * it. */
  std::optional<TransportId> alias;
};

struct TransportList {
  std::string version; /* of the visor; at most 64 characters */
  std::vector<ListedTransport> rows;
  size_t refused_rows = 0; /* malformed, not of this reporter, listed twice, or beyond the limit */
};

/* VISOR_EPROTO for what is no list, VISOR_ENOSPC when it inflates to more than kMaxListBytes; rows that
 * cannot be true are left out and counted.  Whether the remote keys are points on the curve is not looked at.
 */
Result<TransportList> decode_transport_list(ByteView leaf, const visor_key& reporter);

/* The leaf `transports/<uuid>/entry` of visors that publish no list (2.5):
 * {"version":"v1.3.90","entry":{...}}. VISOR_EPROTO unless it is an entry of which the reporter is an edge.
 */
std::string encode_entry_leaf(std::string_view version, const TransportEntry& entry);
Result<ListedTransport> decode_entry_leaf(ByteView leaf, const visor_key& reporter);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_LIST_HPP
