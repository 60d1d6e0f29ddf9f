/* What a URL asks for (specification telemetry.md, 4). */
#ifndef VISOR_TRANSPORT_DISCOVERY_QUERY_HPP
#define VISOR_TRANSPORT_DISCOVERY_QUERY_HPP
#include "answer.hpp"
#include "rows.hpp"

namespace visor::transport_discovery {

constexpr size_t kMaxLimit = 5000; /* rows of one page */
constexpr size_t kMaxNamed = 1000; /* identifiers or keys in a path */
constexpr size_t kMaxVersion = 64; /* characters of a visor's version */

struct MetricsQuery {
  RowOptions rows;
  size_t limit = 0;                  /* 0: all */
  std::optional<TransportId> cursor; /* rows behind this identifier */
};

/* days, type, live, edges, bandwidth, latency, limit, cursor; others are ignored.  VISOR_EINVAL names the
 * parameter, what it must be and what came. */
Result<MetricsQuery> parse_metrics_query(std::string_view query);

/* 1 to 5000. */
Result<size_t> parse_limit(std::string_view text);

/* Headers that say where the next page begins: behind `last`. */
void add_next_page(Answer& answer, const ApiRequest& request, const std::string& last);

/* Comma lists of a path; each at least one and at most kMaxNamed, without doubles. */
Result<std::vector<TransportId>> parse_ids(std::string_view list);
Result<std::vector<visor_key>> parse_keys(std::string_view list);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_QUERY_HPP
