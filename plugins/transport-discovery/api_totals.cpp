// /metric and /bandwidth: sums over transports and days.
#include <charconv>

#include "api.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/http/text.hpp"

namespace visor::transport_discovery {
namespace {

using codec::JsonObjectText;

using Days = std::map<UnixDay, NetworkDay>;

std::string type_row(const TypeTotal& total) {
  JsonObjectText out;
  out.integer("bandwidth", total.bytes);
  if (total.latency_samples > 0) {
    out.number("latency",
               static_cast<double>(total.latency_sum_us) / static_cast<double>(total.latency_samples) / 1000);
  }
  return out.finish();
}

TypeTotal sum_of(const NetworkDay& day) {
  TypeTotal sum;
  for (const TypeTotal& total : day) sum += total;
  return sum;
}

std::string by_type(const Aggregator& aggregator, const NetworkDay& day, bool latency) {
  JsonObjectText out;
  for (size_t type = 0; type < day.size(); ++type) {
    if (day[type].none()) continue;
    TypeTotal total = day[type];
    if (!latency) total.latency_samples = 0;
    out.json(aggregator.types().at(static_cast<uint8_t>(type)), type_row(total));
  }
  return out.finish();
}

void add(NetworkDay& sum, const NetworkDay& more) {
  if (sum.size() < more.size()) sum.resize(more.size());
  for (size_t type = 0; type < more.size(); ++type) sum[type] += more[type];
}

bool shown(const Aggregator& aggregator, const RowOptions& options, size_t type) {
  return options.types.empty() ||
         std::ranges::find(options.types, aggregator.types().at(static_cast<uint8_t>(type))) !=
             options.types.end();
}

// Newest first; latency is the average in milliseconds, of what was reported.
std::string aggregate(const Aggregator& aggregator, const Days& days, const RowOptions& options,
                      UnixDay today) {
  std::string daily = "[";
  NetworkDay cumulative;
  for (auto at = days.rbegin(); at != days.rend(); ++at) {
    if (at->first <= today - options.days || at->first > today) continue;
    NetworkDay day = at->second;
    for (size_t type = 0; type < day.size(); ++type) {
      if (!shown(aggregator, options, type)) day[type] = {};
    }
    TypeTotal sum = sum_of(day);
    if (daily.size() > 1) daily += ",\n";
    JsonObjectText row;
    row.text("date", codec::date_text(at->first)).integer("bandwidth", sum.bytes);
    if (sum.latency_samples > 0) {
      row.number("latency",
                 static_cast<double>(sum.latency_sum_us) / static_cast<double>(sum.latency_samples) / 1000);
    }
    daily += row.json("by_type", by_type(aggregator, day, true)).finish();
    add(cumulative, day);
  }
  return JsonObjectText()
             .json("daily", daily + "]")
             .json("cumulative", JsonObjectText()
                                     .integer("bandwidth", sum_of(cumulative).bytes)
                                     .json("by_type", by_type(aggregator, cumulative, false))
                                     .finish())
             .finish() +
         "\n";
}

struct BandwidthQuery {
  UnixDay days = 7;
};

Result<BandwidthQuery> parse_bandwidth_query(std::string_view text) {
  auto parameters = http::parse_query(text);
  if (!parameters) return std::unexpected(parameters.error());
  BandwidthQuery out;
  for (const auto& [name, value] : *parameters) {
    if (name == "period" && value != "daily") {
      return failure(VISOR_EINVAL, "period must be daily; got \"" + value.substr(0, 64) + "\"");
    }
    if (name != "limit") continue;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out.days);
    if (error != std::errc() || end != value.data() + value.size() || out.days < 1 || out.days > kDaysKept)
      return failure(VISOR_EINVAL,
                     "limit must be a number of days from 1 to 35; got \"" + value.substr(0, 64) + "\"");
  }
  return out;
}

std::string traffic_row(const Traffic& traffic) {
  return JsonObjectText().integer("sent", traffic.sent).integer("recv", traffic.received).finish();
}

}  // namespace

Answer Api::totals(const ApiRequest& request, std::string_view, Moment now) {
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  return json_answer(
      aggregate(aggregator_, aggregator_.totals().days(), query->rows, codec::day_of(now.unix_s)));
}

Answer Api::totals_of_visors(const ApiRequest& request, std::string_view list, Moment now) {
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<visor_key>> keys = parse_keys(list);
  if (!keys) return error_answer(400, keys.error().text);
  UnixDay today = codec::day_of(now.unix_s);
  Days days;
  for (const Transport* transport : transports_of(aggregator_, *keys)) {
    for (const Day& day : aggregator_.days_of(*transport, today - query->rows.days + 1)) {
      NetworkDay& sum = days[day.date];
      if (sum.size() <= transport->type) sum.resize(transport->type + size_t(1));
      sum[transport->type] += {day.bandwidth(), day.latency_sum_us, day.latency_samples};
    }
  }
  return json_answer(aggregate(aggregator_, days, query->rows, today));
}

Answer Api::bandwidth_of_transport(const ApiRequest& request, std::string_view text, Moment now) {
  Result<BandwidthQuery> query = parse_bandwidth_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<TransportId> id = codec::transport_id_from_uuid(text);
  if (!id) return error_answer(400, id.error().text);
  const Transport* transport = aggregator_.find(*id);
  if (!transport) return error_answer(404, "transport not found");
  UnixDay today = codec::day_of(now.unix_s);
  std::vector<Day> days = aggregator_.days_of(*transport, today - query->days + 1);
  std::string daily = "[";
  for (auto day = days.rbegin(); day != days.rend(); ++day) {
    if (daily.size() > 1) daily += ',';
    daily += JsonObjectText()
                 .text("date", codec::date_text(day->date))
                 .json("a", traffic_row(day->side[0]))
                 .json("b", traffic_row(day->side[1]))
                 .integer("bandwidth", day->bandwidth())
                 .finish();
  }
  return json_answer(JsonObjectText()
                         .text("id", codec::to_uuid(transport->id))
                         .text("period", "daily")
                         .json("daily", daily + "]")
                         .finish() +
                     "\n");
}

Answer Api::bandwidth_of_visor(const ApiRequest& request, std::string_view text, Moment now) {
  Result<BandwidthQuery> query = parse_bandwidth_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<visor_key> key = key_from_hex(text);
  if (!key) return error_answer(400, key.error().text);
  const Visor* visor = aggregator_.find_visor(*key);
  if (!visor) return error_answer(404, "visor not found");
  UnixDay today = codec::day_of(now.unix_s);
  std::string daily = "[";
  for (auto day = visor->days.rbegin(); day != visor->days.rend(); ++day) {
    if (day->date <= today - query->days) break;
    if (daily.size() > 1) daily += ',';
    daily += JsonObjectText()
                 .text("date", codec::date_text(day->date))
                 .integer("sent", day->traffic.sent)
                 .integer("recv", day->traffic.received)
                 .finish();
  }
  return json_answer(
      JsonObjectText().text("pk", visor->hex).text("period", "daily").json("daily", daily + "]").finish() +
      "\n");
}

}  // namespace visor::transport_discovery
