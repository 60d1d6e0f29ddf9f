#include "api.hpp"

#include <algorithm>

#include "lib/codec/gzip_parts.hpp"
#include "lib/codec/telemetry_text.hpp"

namespace visor::transport_discovery {
namespace {

constexpr size_t kWorthCompressing = 1024; /* a smaller body fits into a packet anyway */

bool has_header(const Answer& answer, std::string_view name) {
  return std::ranges::find(answer.headers, name, [](const auto& header) {
           return std::string_view(header.first);
         }) != answer.headers.end();
}

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

}  // namespace

// "gzip" or "*", unless its weight is zero.
bool accepts_gzip(std::string_view header) {
  bool any = false;
  while (!header.empty()) {
    size_t comma = std::min(header.find(','), header.size());
    std::string_view coding = header.substr(0, comma);
    header.remove_prefix(std::min(header.size(), comma + 1));
    size_t semicolon = std::min(coding.find(';'), coding.size());
    std::string_view name = trimmed(coding.substr(0, semicolon));
    std::string_view weight = trimmed(coding.substr(std::min(coding.size(), semicolon + 1)));
    bool none = weight.starts_with("q=0") && weight.find_first_not_of("q=0.") == std::string_view::npos;
    bool gzip = name.size() == 4 && (name[0] | 32) == 'g' && (name[1] | 32) == 'z' && (name[2] | 32) == 'i' &&
                (name[3] | 32) == 'p';
    if (gzip) return !none;
    if (name == "*") any = !none;
  }
  return any;
}

// A longer path before one that is its beginning.
const Api::RouteRow Api::kTable[] = {
    {"GET", "/metrics/uptime/visor/", true, &Api::uptime_of_visors},
    {"GET", "/metrics/uptime/", true, &Api::uptime_of_ids},
    {"GET", "/metrics/uptime", false, &Api::network_uptime},
    {"GET", "/metrics/visor/", true, &Api::metrics_of_visors},
    {"GET", "/metrics/", true, &Api::metrics_of_ids},
    {"GET", "/metrics", false, &Api::metrics},
    {"GET", "/metric/visor/", true, &Api::totals_of_visors},
    {"GET", "/metric", false, &Api::totals},
    {"GET", "/bandwidth/transport/", true, &Api::bandwidth_of_transport},
    {"GET", "/bandwidth/visor/", true, &Api::bandwidth_of_visor},
    {"GET", "/transports/id:", true, &Api::entry},
    {"DELETE", "/transports/id:", true, &Api::remove},
    {"GET", "/transports/edge:", true, &Api::entries_of_edge},
    {"GET", "/transports/stats/", true, &Api::stats_of},
    {"POST", "/transports/edges", false, &Api::entries_of_edges},
    {"POST", "/transports/delete-batch", false, &Api::remove_batch},
    {"DELETE", "/transports/deregister", false, &Api::remove_by_monitor},
    {"POST", "/transports/", false, &Api::register_signed},
    {"POST", "/v3/transports/", false, &Api::register_bare},
    {"GET", "/v3/transports/edge:", true, &Api::entries_of_edge_open},
    {"GET", "/all-transports/stats", false, &Api::stats},
    {"GET", "/all-transports/per-key-stats", false, &Api::stats_by_key},
    {"GET", "/all-transports", false, &Api::all_transports},
    {"GET", "/uptimes/transports", false, &Api::uptimes_of_transports},
    {"POST", "/uptimes/transports", false, &Api::uptimes_of_transports},
    {"GET", "/uptimes", false, &Api::uptimes},
    {"POST", "/uptimes", false, &Api::uptimes},
    {"GET", "/v4/update", false, &Api::update},
    {"GET", "/versions/", true, &Api::versions_of},
    {"GET", "/versions", false, &Api::versions},
    {"GET", "/version", false, &Api::version_counts},
    {"GET", "/security/nonces/", true, &Api::nonce},
    {"GET", "/uptime/", true, &Api::own_uptime},
    {"POST", "/statuses", false, &Api::gone},
    {"GET", "/health", false, &Api::health},
};

Answer Api::routed(const ApiRequest& request, Moment now) {
  std::string_view method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const RouteRow& row : kTable) {
    if (row.prefix ? !request.path.starts_with(row.path) : request.path != row.path) continue;
    if (row.method == method) return (this->*row.handler)(request, request.path.substr(row.path.size()), now);
    if (!allowed.empty()) allowed += ", ";
    allowed += row.method == "GET" ? "GET, HEAD" : row.method;
  }
  if (allowed.empty()) return error_answer(404, "there is nothing at this path; see /metrics");
  Answer out = error_answer(405, "this path answers " + allowed);
  out.headers.emplace_back("allow", allowed);
  return out;
}

Answer Api::answer(const ApiRequest& request, Moment now) {
  Answer out = routed(request, now);
  bool negotiated = has_header(out, "vary");
  if (!negotiated) out.headers.emplace_back("vary", "accept-encoding");
  if (!out.rest && out.body.size() >= kWorthCompressing && !has_header(out, "content-encoding") &&
      accepts_gzip(request.accept_encoding)) {
    codec::GzipJoin join;
    std::string packed;
    join.begin(packed);
    join.add(packed, views_.part(out.body));
    join.end(packed);
    out.body = std::move(packed);
    out.headers.emplace_back("content-encoding", "gzip");
  }
  return out;
}

// What of a body fits is made at once; a client in no hurry gets the rest as it reads.
void Api::begin(Answer& answer, const ApiRequest& request, std::unique_ptr<Body> body) {
  if (accepts_gzip(request.accept_encoding)) answer.headers.emplace_back("content-encoding", "gzip");
  while (answer.body.size() < kWholeBytes) {
    if (!body->next(answer.body)) return;
  }
  answer.rest = std::move(body);
}

Answer Api::nonce(const ApiRequest&, std::string_view key_text, Moment now) {
  Result<visor_key> key = key_from_hex(key_text);
  if (!key) return error_answer(400, key.error().text);
  return json_answer(codec::JsonObjectText()
                         .text("edge", to_hex(*key))
                         .integer("next_nonce", authority_.next_nonce(*key, now))
                         .finish() +
                     "\n");
}

Answer Api::gone(const ApiRequest&, std::string_view, Moment) {
  return error_answer(410, "statuses are not reported here any more; lists on the visors' feeds are");
}

Answer Api::health(const ApiRequest&, std::string_view, Moment) {
  codec::JsonObjectText build;
  build.text("version", service_.version);
  if (!service_.commit.empty()) build.text("commit", service_.commit);
  if (!service_.build_date.empty()) build.text("date", service_.build_date);
  codec::JsonObjectText out;
  out.text("service_name", "transport-discovery")
      .json("build_info", build.finish())
      .text("started_at", codec::time_text(service_.started_at_s));
  for (const auto& [network, address] : service_.addresses) out.text(network + "_address", address);
  return json_answer(out.finish() + "\n");
}

}  // namespace visor::transport_discovery
