/* Content negotiation (RFC 9110, 12.5): which of our formats a client would rather have. */
#ifndef VISOR_TRANSPORT_DISCOVERY_ACCEPT_HPP
#define VISOR_TRANSPORT_DISCOVERY_ACCEPT_HPP
#include <optional>
#include <string_view>

namespace visor::transport_discovery {

enum class Format { kJson, kOpenMetrics, kPrometheusText };

/* As it is sent. */
std::string_view content_type(Format format);

/* The format with the highest q among those that the header's most specific matching range allows; JSON goes
 * before OpenMetrics before text where they are equal.  No header: JSON.  Nothing when the client refuses all
 * three.  Of a header of any length, at most 64 ranges are looked at. */
std::optional<Format> negotiate(std::string_view accept);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_ACCEPT_HPP
