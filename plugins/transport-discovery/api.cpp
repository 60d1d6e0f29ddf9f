#include "api.hpp"

#include <algorithm>
#include <set>

#include "lib/codec/telemetry_text.hpp"
#include "query.hpp"

namespace visor::transport_discovery {
namespace {

using codec::append_json_string;
using codec::append_unsigned;

constexpr std::string_view kVary = "accept";

Answer json(std::string body, int32_t status = 200) {
  Answer answer;
  answer.status = status;
  answer.headers.emplace_back("content-type", content_type(Format::kJson));
  answer.body = std::move(body);
  return answer;
}

Answer error(int32_t status, std::string_view text) {
  std::string body = "{\"error\":";
  append_json_string(body, text);
  return json(body + "}\n", status);
}

std::optional<std::string_view> after(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

// What of a body fits is made at once; a client in no hurry gets the rest as it reads.
void fill(Answer& answer, std::unique_ptr<Body> body) {
  while (answer.body.size() < Api::kWholeBytes) {
    if (!body->next(answer.body)) return;
  }
  answer.rest = std::move(body);
}

// A JSON array out of rows that come one by one.
class Rows {
 public:
  template <class Append>
  void add(Append&& append) {
    size_t before = text_.size();
    text_ += empty_ ? "[" : ",\n";
    if (append(text_)) {
      empty_ = false;
    } else {
      text_.resize(before);
    }
  }
  bool empty() const { return empty_; }
  std::string finish() && { return std::move(text_) + (empty_ ? "[]\n" : "]\n"); }

 private:
  std::string text_;
  bool empty_ = true;
};

std::vector<const Transport*> sorted_transports(const Visor& visor) {
  std::vector<const Transport*> out(visor.transports.begin(), visor.transports.end());
  std::ranges::sort(out, {}, &Transport::id);
  return out;
}

}  // namespace

Answer Api::answer(const ApiRequest& request, Moment now) {
  Answer out;
  if (request.method != "GET" && request.method != "HEAD") {
    out = error(405, "only GET is answered here");
    out.headers.emplace_back("allow", "GET, HEAD");
  } else if (request.path == "/metrics" || request.path.starts_with("/metrics/")) {
    out = metrics(request, now);
  } else if (request.path == "/all-transports/stats") {
    out = stats(now);
  } else if (auto key = after(request.path, "/v3/transports/edge:")) {
    out = of_edge(*key);
  } else if (request.path == "/health") {
    out = health();
  } else {
    out = error(404, "there is nothing at this path; see /metrics");
  }
  return out;
}

// --- /metrics ----------------------------------------------------------------------------------

Answer Api::metrics(const ApiRequest& request, Moment now) {
  UnixDay today = codec::day_of(now.unix_s);
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error(400, query.error().text);
  if (auto keys = after(request.path, "/metrics/visor/")) return by_visors(*keys, query->rows, today);
  if (auto ids = after(request.path, "/metrics/")) return by_ids(*ids, query->rows, today);

  std::optional<Format> format = negotiate(request.accept);
  if (!format) {
    Answer out = error(406,
                       "this is application/json, application/openmetrics-text;version=1.0.0 or "
                       "text/plain;version=0.0.4");
    out.headers.emplace_back("vary", kVary);
    return out;
  }
  Answer out;
  if (*format != Format::kJson) {
    bool open_metrics = *format == Format::kOpenMetrics;
    fill(out,
         text_body(aggregator_, views_, open_metrics, now.unix_s, service_.process_metrics(open_metrics)));
    out.headers.emplace_back("content-type", content_type(*format));
  } else if (query->limit != 0 || query->cursor) {
    out = page(request, query->rows, query->cursor, query->limit == 0 ? kMaxLimit : query->limit, today);
  } else {
    fill(out, json_body(aggregator_, views_, query->rows, today));
    out.headers.emplace_back("content-type", content_type(*format));
  }
  out.headers.emplace_back("vary", kVary);
  return out;
}

// The header of a page that is not the last says where the next one begins.
Answer Api::page(const ApiRequest& request, const RowOptions& options, std::optional<TransportId> cursor,
                 size_t limit, UnixDay today) const {
  const RowBlocks& blocks = aggregator_.blocks();
  Rows rows;
  size_t shown = 0;
  TransportId last;
  const Transport* next = cursor ? blocks.after(*cursor) : blocks.first();
  bool more = false;
  for (; next && !more; next = blocks.after(next->id)) {
    rows.add([&](std::string& out) {
      if (!append_json_row(out, aggregator_, *next, options, today)) return false;
      more = shown == limit;
      if (more) return false;
      ++shown;
      last = next->id;
      return true;
    });
  }
  Answer answer = json(std::move(rows).finish());
  if (more) {
    answer.headers.emplace_back("x-next-cursor", codec::to_uuid(last));
    answer.headers.emplace_back("link",
                                "</metrics?" + next_page_query(request.query, last) + ">; rel=\"next\"");
  }
  return answer;
}

Answer Api::by_ids(std::string_view list, const RowOptions& options, UnixDay today) const {
  Result<std::vector<TransportId>> ids = parse_ids(list);
  if (!ids) return error(400, ids.error().text);
  Rows rows;
  for (const TransportId& id : *ids) {
    const Transport* transport = aggregator_.find(id);
    if (!transport) continue;
    rows.add([&](std::string& out) { return append_json_row(out, aggregator_, *transport, options, today); });
  }
  if (rows.empty()) return error(404, "transport not found");
  return json(std::move(rows).finish());
}

Answer Api::by_visors(std::string_view list, const RowOptions& options, UnixDay today) const {
  Result<std::vector<visor_key>> keys = parse_keys(list);
  if (!keys) return error(400, keys.error().text);
  Rows rows;
  std::set<TransportId> shown; /* a transport between two of them comes once */
  for (const visor_key& key : *keys) {
    const Visor* visor = aggregator_.find_visor(key);
    if (!visor) continue;
    for (const Transport* transport : sorted_transports(*visor)) {
      if (!shown.insert(transport->id).second) continue;
      rows.add(
          [&](std::string& out) { return append_json_row(out, aggregator_, *transport, options, today); });
    }
  }
  return json(std::move(rows).finish());
}

// --- the others --------------------------------------------------------------------------------

Answer Api::stats(Moment now) const {
  if (aggregator_.live() == 0) return error(404, "no live transport is known");
  std::string body = "{\"total_transports\":";
  append_unsigned(body, aggregator_.live());
  body += ",\"by_type\":{";
  bool first = true;
  for (size_t type = 0; type < aggregator_.types().size(); ++type) {
    size_t live = aggregator_.live_of_type(static_cast<uint8_t>(type));
    if (live == 0) continue;
    if (!std::exchange(first, false)) body += ',';
    append_json_string(body, aggregator_.types().at(static_cast<uint8_t>(type)));
    body += ':';
    append_unsigned(body, live);
  }
  body += "},\"unique_visors\":";
  append_unsigned(body, aggregator_.live_visors());
  Answer answer = json(body + "}\n");
  answer.headers.emplace_back("x-tpd-snapshot-at", codec::time_text(now.unix_s));
  answer.headers.emplace_back("x-tpd-snapshot-transports", std::to_string(aggregator_.live()));
  return answer;
}

Answer Api::of_edge(std::string_view key) const {
  Result<visor_key> edge = key_from_hex(key);
  if (!edge) return error(400, edge.error().text);
  Rows rows;
  if (const Visor* visor = aggregator_.find_visor(*edge)) {
    for (const Transport* transport : sorted_transports(*visor)) {
      if (!transport->live) continue;
      rows.add([&](std::string& out) {
        append_entry(out, aggregator_, *transport);
        return true;
      });
    }
  }
  return json(std::move(rows).finish());
}

Answer Api::health() const {
  std::string body = "{\"service_name\":\"transport-discovery\",\"build_info\":{\"version\":";
  append_json_string(body, service_.version);
  body += "},\"started_at\":";
  append_json_string(body, codec::time_text(service_.started_at_s));
  body += ",\"";
  body += service_.network;
  body += "_address\":";
  append_json_string(body, service_.address);
  return json(body + "}\n");
}

}  // namespace visor::transport_discovery
