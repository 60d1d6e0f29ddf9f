/* A transport as text: its JSON row of /metrics (specification telemetry.md, 4), its samples for Prometheus,
 * its entry. */
#ifndef VISOR_TRANSPORT_DISCOVERY_ROWS_HPP
#define VISOR_TRANSPORT_DISCOVERY_ROWS_HPP
#include <string>

#include "aggregator.hpp"

namespace visor::transport_discovery {

enum class LiveFilter : uint8_t { kAll, kLive, kEnded };

/* What of a transport is shown, and of which. */
struct RowOptions {
  UnixDay days = kDaysKept; /* of bandwidth: today and those before */
  LiveFilter live = LiveFilter::kAll;
  bool edges = false, bandwidth = true, latency = true;
  std::vector<std::string> types = {}; /* canonical; empty: all */

  friend bool operator==(const RowOptions&, const RowOptions&) = default;
};

/* Appends {"id":...} and says true; false when the options leave it out, or there is nothing measured to
 * show. Latency is integer microseconds, bandwidth bytes, days newest first. */
bool append_json_row(std::string& out, const Aggregator& aggregator, const Transport& transport,
                     const RowOptions& options, UnixDay today);

/* The same, flat, for people: keys of both edges, latency in milliseconds, bytes of today and of all days
 * that are asked for, of each day what the edge that counted more has counted. */
bool append_table_row(std::string& out, const Aggregator& aggregator, const Transport& transport,
                      const RowOptions& options, UnixDay today);

/* Appends the entry: {"t_id":...,"edges":[...],"type":...,"label":...}. */
void append_entry(std::string& out, const Aggregator& aggregator, const Transport& transport);

/* --- Prometheus: text format 0.0.4 and OpenMetrics 1.0 have the same samples under different heads --- */

struct Family {
  std::string_view name; /* without "_total" */
  bool counter;
  std::string_view unit; /* OpenMetrics; empty: none */
  std::string_view help;
};
constexpr size_t kTransportFamilies = 5;
/* Metadata of the n-th family of transports. */
const Family& transport_family(size_t family);

/* # HELP, # TYPE and, for OpenMetrics, # UNIT. */
void append_family_head(std::string& out, const Family& family, bool open_metrics);

/* How long after its end a transport is still shown, as not live: long enough for an alert to see it. */
constexpr int64_t kShownAfterEndSeconds = 3600;

/* Appends the samples of one family; nothing when it has none. */
void append_samples(std::string& out, const Aggregator& aggregator, const Transport& transport, size_t family,
                    int64_t now_s);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_ROWS_HPP
