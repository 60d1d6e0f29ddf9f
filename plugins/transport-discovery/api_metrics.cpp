// /metrics: every transport's measurements.
#include "api.hpp"

namespace visor::transport_discovery {
namespace {

constexpr std::string_view kVary = "accept, accept-encoding";

Encoding encoding_of(const ApiRequest& request) {
  return accepts_gzip(request.accept_encoding) ? Encoding::kGzip : Encoding::kPlain;
}

}  // namespace

Answer Api::metrics(const ApiRequest& request, std::string_view, Moment now) {
  UnixDay today = codec::day_of(now.unix_s);
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  std::optional<Format> format = negotiate(request.accept);
  Answer out;
  if (!format) {
    out = error_answer(406,
                       "this is application/json, application/openmetrics-text;version=1.0.0 or "
                       "text/plain;version=0.0.4");
  } else if (*format == Format::kJson && (query->limit != 0 || query->cursor)) {
    out = page(request, *query, today);
  } else {
    bool open_metrics = *format == Format::kOpenMetrics;
    begin(out, request,
          *format == Format::kJson ? json_body(aggregator_, views_, encoding_of(request), query->rows, today)
                                   : text_body(aggregator_, views_, encoding_of(request), open_metrics,
                                               now.unix_s, service_.process_metrics(open_metrics)));
    out.headers.emplace_back("content-type", content_type(*format));
  }
  out.headers.emplace_back("vary", kVary);
  return out;
}

// The header of a page that is not the last says where the next one begins.
Answer Api::page(const ApiRequest& request, const MetricsQuery& query, UnixDay today) {
  const RowBlocks& blocks = aggregator_.blocks();
  JsonRows rows;
  size_t shown = 0, limit = query.limit == 0 ? kMaxLimit : query.limit;
  TransportId last;
  const Transport* next = query.cursor ? blocks.after(*query.cursor) : blocks.first();
  bool more = false;
  for (; next && !more; next = blocks.after(next->id)) {
    rows.add([&](std::string& out) {
      if (!append_json_row(out, aggregator_, *next, query.rows, today)) return false;
      more = shown == limit;
      if (more) return false;
      ++shown;
      last = next->id;
      return true;
    });
  }
  Answer answer = json_answer(std::move(rows).finish());
  if (more) add_next_page(answer, request, codec::to_uuid(last));
  return answer;
}

Answer Api::metrics_of_ids(const ApiRequest& request, std::string_view list, Moment now) {
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<TransportId>> ids = parse_ids(list);
  if (!ids) return error_answer(400, ids.error().text);
  UnixDay today = codec::day_of(now.unix_s);
  JsonRows rows;
  for (const TransportId& id : *ids) {
    const Transport* transport = aggregator_.find(id);
    if (!transport) continue;
    rows.add(
        [&](std::string& out) { return append_json_row(out, aggregator_, *transport, query->rows, today); });
  }
  if (rows.empty()) return error_answer(404, "transport not found");
  return json_answer(std::move(rows).finish());
}

Answer Api::metrics_of_visors(const ApiRequest& request, std::string_view list, Moment now) {
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<visor_key>> keys = parse_keys(list);
  if (!keys) return error_answer(400, keys.error().text);
  UnixDay today = codec::day_of(now.unix_s);
  JsonRows rows;
  for (const Transport* transport : transports_of(aggregator_, *keys)) {
    rows.add(
        [&](std::string& out) { return append_json_row(out, aggregator_, *transport, query->rows, today); });
  }
  return json_answer(std::move(rows).finish());
}

}  // namespace visor::transport_discovery
