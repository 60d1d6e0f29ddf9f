/* What the TPD says of itself: the command `status`, its own metrics, its reporters. */
#ifndef VISOR_TRANSPORT_DISCOVERY_REPORT_HPP
#define VISOR_TRANSPORT_DISCOVERY_REPORT_HPP
#include "keeper.hpp"
#include "reporter.hpp"
#include "web.hpp"

namespace visor::transport_discovery {

struct ReportSources {
  const Config& config;
  const visor_key& own;
  const Aggregator& aggregator;
  const IngestCounters& ingest;
  const Keeper& keeper;
  const Web& web;
  const std::map<visor_key, std::unique_ptr<Reporter>>& reporters;
  uint64_t refused_reporters;
  int64_t started_at_s;
};

/* A JSON object: counts, every queue with its bound. */
std::string report_status(const ReportSources& sources);
/* A JSON array, a row for each reporter that is followed. */
std::string report_reporters(const ReportSources& sources);
/* In the text format 0.0.4, or for OpenMetrics 1.0, without its end. */
std::string report_metrics(const ReportSources& sources, bool open_metrics);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_REPORT_HPP
