#include "stats.hpp"

#include <algorithm>
#include <charconv>

#include "lib/codec/telemetry_text.hpp"
#include "lib/http/text.hpp"

namespace visor::telemetry {
namespace {

constexpr char kPrefix[] = "/stats";

template <class T>
Result<void> read_number(const http::Parameter& parameter, T most, T& out) {
  const std::string& value = parameter.value;
  T number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 1 || number > most) {
    return failure(VISOR_EINVAL, parameter.name + " is a number from 1 to " + std::to_string(most) +
                                     ", got \"" + value + "\"");
  }
  out = number;
  return {};
}

struct Query {
  codec::UnixDay days = History::kDefaultDays;
  size_t limit = History::kDefaultRows;
  std::optional<codec::TransportId> id;
  bool timelines = false;
};

Result<Query> read_query(std::string_view text) {
  auto parameters = http::parse_query(text);
  if (!parameters) return std::unexpected(parameters.error());
  Query query;
  for (const http::Parameter& each : *parameters) {
    Result<void> read;
    if (each.name == "days") {
      read = read_number(each, History::kDaysKept, query.days);
    } else if (each.name == "limit") {
      read = read_number(each, History::kMostRows, query.limit);
    } else if (each.name == "timeline") {
      query.timelines = each.value == "true";
    } else if (each.name == "id") {
      auto id = codec::transport_id_from_uuid(each.value);
      if (!id) return std::unexpected(id.error());
      query.id = *id;
    } else {
      read = failure(VISOR_EINVAL, "parameters are days, limit, id and timeline, got \"" + each.name + "\"");
    }
    if (!read) return std::unexpected(read.error());
  }
  return query;
}

void refuse(visor_exchange* exchange, int32_t status, std::string_view why) {
  respond(exchange, status, "application/json", codec::JsonObjectText().text("error", why).finish() + "\n");
}

}  // namespace

Result<void> Stats::start() {
  if (config_.stats_readers.empty()) return {};
  return routes_.open(
      host_, {kPrefix},
      {.asked = [this](visor_exchange* exchange) { answer(exchange); },
       .refused = [this](std::string_view, const Error& error) { host_.warn("telemetry: " + error.text); }});
}

// A key and a port where the connection has proved the key; addresses are never as long.
bool Stats::may_read(std::string_view origin) const {
  Result<visor_key> key = key_from_hex(origin.substr(0, std::min(origin.rfind(':'), origin.size())));
  return key && std::ranges::find(config_.stats_readers, *key) != config_.stats_readers.end();
}

Result<std::string> Stats::read(std::string_view path, std::string_view text) const {
  Result<Query> query = read_query(text);
  if (!query) return std::unexpected(query.error());
  if (path == "/stats/uptime") return history_.uptime(query->days, query->timelines);
  if (path == "/stats/transports/history")
    return history_.transports(query->days, query->limit, query->id ? &*query->id : nullptr);
  return failure(VISOR_ENOENT, "there is /stats/transports/history and /stats/uptime");
}

void Stats::answer(visor_exchange* exchange) {
  const visor_http_request& request = *exchange->api->request(exchange);
  if (!may_read(text(request.origin))) {
    ++counters_.refused;
    return refuse(exchange, 403,
                  "only keys that the configuration names in stats_readers may read this, over a network "
                  "that proves them");
  }
  std::string_view method = text(request.method);
  if (method != "GET" && method != "HEAD") return refuse(exchange, 405, "this path answers GET");
  Result<std::string> body = read(text(request.path), text(request.query));
  if (!body) return refuse(exchange, body.error().status == VISOR_ENOENT ? 404 : 400, body.error().text);
  ++counters_.answered;
  respond(exchange, 200, "application/json", *body + "\n");
}

}  // namespace visor::telemetry
