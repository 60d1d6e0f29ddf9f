/* What the commands of dmsg_discovery answer. */
#ifndef VISOR_DMSG_DISCOVERY_REPORT_HPP
#define VISOR_DMSG_DISCOVERY_REPORT_HPP
#include "config.hpp"
#include "lib/http/network_server.hpp"
#include "lib/storage/kept_map.hpp"
#include "web.hpp"

namespace visor::dmsg_discovery {

struct ReportSources {
  const Config& config;
  const Book& book;
  const Api& api;
  const storage::KeptMap& kept;
  const Web& web;
  const http::NetworkServer* network; /* null: not configured */
  const http::Limiter &keys, &addresses;
};

std::string report_status(const ReportSources& from);
/* One row an entry of either kind. */
std::string report_entries(const Book& book, size_t limit, int64_t now_ns);
std::string report_servers(const Book& book, int64_t now_ns);

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_REPORT_HPP
