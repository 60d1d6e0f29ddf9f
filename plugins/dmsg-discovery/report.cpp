#include "report.hpp"

#include <boost/json.hpp>

#include "lib/http/report.hpp"
#include "lib/storage/kept_map_report.hpp"

namespace visor::dmsg_discovery {
namespace {

namespace json = boost::json;

constexpr int64_t kSecond = 1'000'000'000;

json::object row(const Record& record, int64_t now_ns) {
  const Entry& entry = record.entry;
  json::object out{{"pk", to_hex(entry.key)},
                   {"sequence", entry.sequence},
                   {"age_s", (now_ns - record.stored_ns) / kSecond},
                   {"expires_s", (record.expires_ns - now_ns) / kSecond}};
  if (entry.client) {
    json::array servers;
    if (entry.client->delegated_servers) {
      for (const visor_key& key : *entry.client->delegated_servers) servers.emplace_back(to_hex(key));
    }
    out["servers"] = std::move(servers);
    if (!entry.client_type.empty()) out["client_type"] = entry.client_type;
  }
  if (entry.server) {
    out["address"] = entry.server->address;
    if (!entry.server->address_ws.empty()) out["address_ws"] = entry.server->address_ws;
    out["available_sessions"] = entry.server->available_sessions;
    if (!entry.server->server_type.empty()) out["server_type"] = entry.server->server_type;
  }
  return out;
}

json::object api_counters(const ApiCounters& c) {
  return {{"requests", c.requests},
          {"posted_new", c.posted_new},
          {"posted_again", c.posted_again},
          {"deleted", c.deleted},
          {"expired", c.expired},
          {"not_found", c.not_found},
          {"refused_malformed", c.refused_malformed},
          {"refused_invalid", c.refused_invalid},
          {"refused_signature", c.refused_signature},
          {"refused_sequence", c.refused_sequence},
          {"refused_full", c.refused_full},
          {"failed_writes", c.failed_writes}};
}

}  // namespace

std::string report_status(const ReportSources& from) {
  json::object out{{"entries", from.book.size()},
                   {"entries_limit", from.config.max_entries},
                   {"servers", from.book.server_count()},
                   {"test_mode", from.config.test_mode},
                   {"server_life_ms", from.config.server_life_ms()},
                   {"client_life_ms", from.config.client_life_ms()},
                   {"requests", api_counters(from.api.counters())},
                   {"drive", storage::report(from.kept)},
                   {"http", http::routes_report(from.web)},
                   {"addresses", http::limiter_report(from.addresses)},
                   {"keys", http::limiter_report(from.keys)}};
  if (from.network) out["network"] = http::network_report(*from.network);
  return json::serialize(out);
}

std::string report_entries(const Book& book, size_t limit, int64_t now_ns) {
  json::array rows;
  book.each(now_ns, [&](const Record& record) {
    if (rows.size() < limit) rows.push_back(row(record, now_ns));
    return rows.size() < limit;
  });
  return json::serialize(rows);
}

std::string report_servers(const Book& book, int64_t now_ns) {
  json::array rows;
  for (const Record* record : book.servers(now_ns)) rows.push_back(row(*record, now_ns));
  return json::serialize(rows);
}

}  // namespace visor::dmsg_discovery
