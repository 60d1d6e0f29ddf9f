/* What the commands of service_discovery answer. */
#ifndef VISOR_SERVICE_DISCOVERY_REPORT_HPP
#define VISOR_SERVICE_DISCOVERY_REPORT_HPP
#include "config.hpp"
#include "lib/http/limiter.hpp"
#include "lib/http/mounted_routes.hpp"
#include "lib/http/network_server.hpp"
#include "lib/storage/kept_map.hpp"

namespace visor::service_discovery {

struct ReportSources {
  const Config& config;
  const Book& book;
  const Api& api;
  const storage::KeptMap& kept;
  const http::MountedRoutes& routes;
  const http::NetworkServer* network; /* null: not configured */
  const http::Limiter &addresses, &keys;
};

std::string report_status(const ReportSources& from);
/* One row a service, of one type or of all. */
std::string report_services(const Book& book, std::string_view type, size_t limit, int64_t now_ms);

}  // namespace visor::service_discovery
#endif  // VISOR_SERVICE_DISCOVERY_REPORT_HPP
