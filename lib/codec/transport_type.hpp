/* Types of transports (specification telemetry.md, 1.1): names on the wire, codes in shards, names of the
 * past. */
#ifndef VISOR_CODEC_TRANSPORT_TYPE_HPP
#define VISOR_CODEC_TRANSPORT_TYPE_HPP
#include <span>
#include <string_view>
#include <visor/value.hpp>

namespace visor::codec {

/* The values are the codes of shards (2.4). */
enum class TransportType : uint8_t {
  kUnknown = 0, /* a name that nobody here knows: kept as it is, no uptime is recorded for it */
  kStcpr = 1,
  kSudph = 2,
  kStcp = 3,
  kDmsg = 4,
  kSquicr = 5,
  kWebrtc = 6,
  kSwtr = 7,
  kSwsr = 8
};

/* Canonical name; empty for kUnknown. */
std::string_view name_of(TransportType type);

/* By canonical or legacy name. */
TransportType transport_type(std::string_view name);

/* The canonical name for a legacy one, else the name itself, which must outlive the result.  To be done
 * before an identifier is calculated: it hashes the name. */
std::string_view canonical_type(std::string_view name);

/* Names that older visors write for this type; often none. */
std::span<const std::string_view> legacy_names(TransportType type);

/* Whether it can stand as a type or a label in an entry: 1 to 32 characters a-z 0-9 _ -. */
bool valid_transport_word(std::string_view word);

/* Labels: who created the transport. */
inline constexpr std::string_view kLabelUser = "user";
inline constexpr std::string_view kLabelAutomatic = "automatic";

}  // namespace visor::codec
#endif  // VISOR_CODEC_TRANSPORT_TYPE_HPP
