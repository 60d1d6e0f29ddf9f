#include "report.hpp"

#include <boost/json.hpp>

#include "lib/http/report.hpp"
#include "lib/storage/kept_map_report.hpp"

namespace visor::service_discovery {
namespace {

namespace json = boost::json;

json::object row(const Record& record, int64_t now_ms) {
  const Service& service = record.service;
  json::object out{{"type", service.name.type},
                   {"pk", to_hex(service.name.key)},
                   {"port", service.name.port},
                   {"id", service.name.id},
                   {"age_s", std::max<int64_t>(0, now_ms - service.timestamp_ms) / 1000},
                   {"expires_s", (record.expires_ms - now_ms) / 1000}};
  if (!service.version.empty()) out["version"] = service.version;
  json::array addresses;
  for (const services::Address& each : service.addresses) addresses.emplace_back(each.address);
  out["addresses"] = std::move(addresses);
  json::object metadata;
  for (const auto& [name, value] : service.metadata) metadata[name] = value;
  out["metadata"] = std::move(metadata);
  return out;
}

json::object api_counters(const ApiCounters& c) {
  return {{"requests", c.requests},
          {"lists", c.lists},
          {"posted_new", c.posted_new},
          {"posted_again", c.posted_again},
          {"withdrawn", c.withdrawn},
          {"expired", c.expired},
          {"refused_malformed", c.refused_malformed},
          {"refused_invalid", c.refused_invalid},
          {"refused_signature", c.refused_signature},
          {"refused_time", c.refused_time},
          {"refused_older", c.refused_older},
          {"refused_full", c.refused_full},
          {"failed_writes", c.failed_writes}};
}

}  // namespace

std::string report_status(const ReportSources& from) {
  json::array types;
  for (const std::string& type : from.config.api.types) types.emplace_back(type);
  json::object out{{"services", from.book.size()},
                   {"services_limit", from.config.api.max_services},
                   {"services_of_key_limit", from.config.api.max_of_key},
                   {"types", std::move(types)},
                   {"test_mode", from.config.api.test_mode},
                   {"life_ms", from.config.api.life_ms},
                   {"requests", api_counters(from.api.counters())},
                   {"drive", storage::report(from.kept)},
                   {"http", http::routes_report(from.routes)},
                   {"addresses", http::limiter_report(from.addresses)},
                   {"keys", http::limiter_report(from.keys)}};
  if (from.network) out["network"] = http::network_report(*from.network);
  return json::serialize(out);
}

std::string report_services(const Book& book, std::string_view type, size_t limit, int64_t now_ms) {
  json::array rows;
  book.each(now_ms, type, std::nullopt, [&](const Record& record) {
    rows.push_back(row(record, now_ms));
    return rows.size() < limit;
  });
  return json::serialize(rows);
}

}  // namespace visor::service_discovery
