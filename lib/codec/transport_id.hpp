/* Identifiers of transports (specification telemetry.md, 1.2): derived from both edges and the type, never
 * chosen, so that there is at most one transport of a type between two visors. */
#ifndef VISOR_CODEC_TRANSPORT_ID_HPP
#define VISOR_CODEC_TRANSPORT_ID_HPP
#include <array>
#include <compare>
#include <visor/value.hpp>

namespace visor::codec {

struct TransportId {
  std::array<uint8_t, 16> bytes{};

  operator ByteView() const { return bytes; }
  friend bool operator==(const TransportId&, const TransportId&) = default;
  friend auto operator<=>(const TransportId&, const TransportId&) = default;
};

/* Both keys, ascending. */
std::array<visor_key, 2> sorted_edges(const visor_key& a, const visor_key& b);

/* The first 16 bytes of SHA-256(16 zero bytes | lesser key | greater key | type), with the version's nibble 0
 * and the variant's bits 10.  The type is hashed as it is given: pass the canonical name, or a legacy one to
 * know an alias. */
TransportId transport_id(const visor_key& a, const visor_key& b, std::string_view type);

/* f1983e71-1681-0bda-bb08-c8ac60f1d6ac */
std::string to_uuid(const TransportId& id);
/* VISOR_EINVAL for anything but 8-4-4-4-12 hex digits. */
Result<TransportId> transport_id_from_uuid(std::string_view uuid);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TRANSPORT_ID_HPP
