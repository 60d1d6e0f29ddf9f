// Uptime and versions.  One bitmap a day is the only source: a percentage is its slots that are set of 288.
#include <boost/json.hpp>

#include "api.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/codec/transport_type.hpp"
#include "lib/http/text.hpp"

namespace visor::transport_discovery {
namespace {

using codec::JsonObjectText;

constexpr UnixDay kDaysServed = 7;
constexpr size_t kMaxPostedBytes = 1 << 20;
constexpr size_t kDirectToBeOnline = 2; /* transports that no relay carries */

struct UptimeQuery {
  int version = 1; /* 2: percentages; 3: bitmaps too */
  std::vector<visor_key> keys;
  std::vector<TransportId> ids;
  std::vector<std::string> types;
  bool named = false; /* only those of `keys` and `ids` */
  bool edges = false;
  size_t limit = 0;
  std::optional<visor_key> after_key;
  std::optional<TransportId> after_id;
};

std::unexpected<Error> bad(std::string_view name, std::string_view expected, std::string_view came) {
  return failure(VISOR_EINVAL, std::string(name) + " must be " + std::string(expected) + "; got \"" +
                                   std::string(came.substr(0, 64)) + "\"");
}

// Lists in parameters are divided by semicolons; commas are taken too.
std::string with_commas(std::string text) {
  std::ranges::replace(text, ';', ',');
  return text;
}

Result<void> read_version(UptimeQuery& query, std::string_view value) {
  if (value != "v1" && value != "v2" && value != "v3") return bad("v", "v1, v2 or v3", value);
  query.version = value[1] - '0';
  return {};
}

template <class Parse, class List>
Result<void> read_list(UptimeQuery& query, std::string_view value, Parse&& parse, List& list) {
  if (value.empty()) return {};
  auto read = parse(with_commas(std::string(value)));
  if (!read) return std::unexpected(read.error());
  list = std::move(*read);
  query.named = true;
  return {};
}

Result<void> read_parameter(UptimeQuery& query, std::string_view name, std::string_view value, bool visors) {
  if (name == "v") return read_version(query, value);
  if (name == "visors") return read_list(query, value, parse_keys, query.keys);
  if (name == "tp") return read_list(query, value, parse_ids, query.ids);
  if (name == "type") {
    if (!codec::valid_transport_word(value)) return bad(name, "a type such as swsr", value);
    query.types = {std::string(codec::canonical_type(value))};
  } else if (name == "edges") {
    query.edges = value == "true" || value == "1";
  } else if (name == "limit") {
    Result<size_t> limit = parse_limit(value);
    if (!limit) return std::unexpected(limit.error());
    query.limit = *limit;
  } else if (name == "cursor" && visors) {
    Result<visor_key> key = key_from_hex(value);
    if (!key) return bad(name, "the key of the last row before", value);
    query.after_key = *key;
  } else if (name == "cursor") {
    Result<TransportId> id = codec::transport_id_from_uuid(value);
    if (!id) return bad(name, "the identifier of the last row before", value);
    query.after_id = *id;
  }
  return {};
}

// {"pks":["..."],"v":"v2"}
Result<void> read_body(UptimeQuery& query, std::string_view body) {
  if (body.size() > kMaxPostedBytes) return failure(VISOR_EINVAL, "a body is at most 1 MiB");
  Result<boost::json::object> object = codec::parse_fields(body, "the body");
  if (!object) return std::unexpected(object.error());
  if (std::string_view version = codec::string_at(*object, "v"); !version.empty()) {
    if (Result<void> read = read_version(query, version); !read) return read;
  }
  const boost::json::array* keys = codec::array_at(*object, "pks");
  if (!keys) return {};
  query.named = true;
  for (const boost::json::value& value : *keys) {
    const boost::json::string* text = value.if_string();
    Result<visor_key> key =
        key_from_hex(text ? std::string_view(text->data(), text->size()) : std::string_view());
    if (!key) return std::unexpected(key.error());
    query.keys.push_back(*key);
  }
  std::ranges::sort(query.keys);
  query.keys.erase(std::unique(query.keys.begin(), query.keys.end()), query.keys.end());
  return {};
}

Result<UptimeQuery> parse_uptime_query(const ApiRequest& request, bool visors) {
  auto parameters = http::parse_query(request.query);
  if (!parameters) return std::unexpected(parameters.error());
  UptimeQuery out;
  for (const auto& [name, value] : *parameters) {
    if (Result<void> read = read_parameter(out, name, value, visors); !read)
      return std::unexpected(read.error());
  }
  if (request.method == "POST") {
    if (Result<void> read = read_body(out, request.body); !read) return std::unexpected(read.error());
  }
  return out;
}

// "99.65"
std::string percentage(const codec::UptimeBitmap& slots) {
  int hundredths =
      (slots.set_slots() * 10'000 + codec::UptimeBitmap::kSlots / 2) / codec::UptimeBitmap::kSlots;
  std::string out = std::to_string(hundredths / 100) + ".";
  if (hundredths % 100 < 10) out += '0';
  return out + std::to_string(hundredths % 100);
}

void add_days(JsonObjectText& row, const std::vector<UptimeDay>& days, int version, UnixDay today) {
  if (version < 2) return;
  JsonObjectText daily, timeline;
  for (auto day = days.rbegin(); day != days.rend() && day->date > today - kDaysServed; ++day) {
    daily.text(codec::date_text(day->date), percentage(day->slots));
    timeline.text(codec::date_text(day->date), day->slots.text());
  }
  row.json("daily", daily.finish());
  if (version >= 3) row.json("timeline", timeline.finish());
}

bool is_online(const Visor& visor) {
  return visor.live_direct >= kDirectToBeOnline;
}

std::string visor_row(const Visor& visor, int version, UnixDay today) {
  JsonObjectText row;
  row.text("pk", visor.hex).boolean("on", is_online(visor)).text("version", visor.version);
  add_days(row, visor.uptime, version, today);
  return row.finish();
}

bool counts(const Aggregator& aggregator, const Transport& transport) {
  codec::TransportType type = codec::transport_type(aggregator.type_of(transport));
  return type != codec::TransportType::kUnknown && type != codec::TransportType::kDmsg;
}

std::string transport_row(const Aggregator& aggregator, const Transport& transport, const UptimeQuery& query,
                          UnixDay today) {
  JsonObjectText row;
  row.text("id", codec::to_uuid(transport.id)).text("type", aggregator.type_of(transport));
  row.boolean("on", transport.live);
  if (query.edges) {
    row.json("edges",
             "[\"" + transport.sides[0].visor->hex + "\",\"" + transport.sides[1].visor->hex + "\"]");
  }
  add_days(row, transport.uptime, std::max(query.version, 2), today);
  return row.finish();
}

std::string rows_of_transports(const Aggregator& aggregator, std::span<const Transport* const> transports,
                               const UptimeQuery& query, UnixDay today) {
  JsonRows rows;
  for (const Transport* transport : transports) {
    rows.add([&](std::string& out) {
      bool wanted = query.types.empty() || query.types.front() == aggregator.type_of(*transport);
      if (!wanted || !counts(aggregator, *transport)) return false;
      out += transport_row(aggregator, *transport, query, today);
      return true;
    });
  }
  return std::move(rows).finish();
}

}  // namespace

Answer Api::uptimes(const ApiRequest& request, std::string_view, Moment now) {
  Result<UptimeQuery> query = parse_uptime_query(request, true);
  if (!query) return error_answer(400, query.error().text);
  UnixDay today = codec::day_of(now.unix_s);
  JsonRows rows;
  auto add = [&](const Visor& visor) {
    rows.add([&](std::string& out) {
      out += visor_row(visor, query->version, today);
      return true;
    });
  };
  if (query->named) {
    for (const visor_key& key : query->keys) {
      if (const Visor* visor = aggregator_.find_visor(key)) add(*visor);
    }
    return json_answer(std::move(rows).finish());
  }
  // Whoever was heard of within the days that are served, page by page where that was asked for.
  int64_t heard = now.unix_s - kUptimeDaysKept * codec::kSecondsPerDay;
  size_t shown = 0;
  visor_key last{};
  bool more = false;
  for (const Visor* visor = aggregator_.visor_after(query->after_key.value_or(visor_key{})); visor && !more;
       visor = aggregator_.visor_after(visor->key)) {
    if (visor->heard_unix_s < heard) continue;
    more = query->limit != 0 && shown == query->limit;
    if (more) break;
    add(*visor);
    ++shown;
    last = visor->key;
  }
  Answer answer = json_answer(std::move(rows).finish());
  if (more) add_next_page(answer, request, to_hex(last));
  return answer;
}

Answer Api::uptimes_of_transports(const ApiRequest& request, std::string_view, Moment now) {
  Result<UptimeQuery> query = parse_uptime_query(request, false);
  if (!query) return error_answer(400, query.error().text);
  UnixDay today = codec::day_of(now.unix_s);
  std::vector<const Transport*> transports;
  bool more = false;
  if (query->named) {
    transports = transports_of(aggregator_, query->keys);
    for (const TransportId& id : query->ids) {
      if (const Transport* transport = aggregator_.find(id)) transports.push_back(transport);
    }
    std::ranges::sort(transports, {}, &Transport::id);
    transports.erase(std::unique(transports.begin(), transports.end()), transports.end());
  } else {
    size_t limit = query->limit == 0 ? kMaxLimit : query->limit;
    const RowBlocks& blocks = aggregator_.blocks();
    for (const Transport* next = query->after_id ? blocks.after(*query->after_id) : blocks.first();
         next && !more; next = blocks.after(next->id)) {
      bool wanted = query->types.empty() || query->types.front() == aggregator_.type_of(*next);
      if (next->uptime.empty() || !wanted || !counts(aggregator_, *next)) continue;
      more = transports.size() == limit;
      if (!more) transports.push_back(next);
    }
  }
  Answer answer = json_answer(rows_of_transports(aggregator_, transports, *query, today));
  if (more) add_next_page(answer, request, codec::to_uuid(transports.back()->id));
  return answer;
}

Answer Api::network_uptime(const ApiRequest&, std::string_view, Moment now) {
  struct Count {
    uint64_t total = 0, online = 0;
  };
  std::vector<Count> by_type(aggregator_.types().size());
  Count all;
  const RowBlocks& blocks = aggregator_.blocks();
  for (size_t position = 0; position < blocks.size(); ++position) {
    for (const Transport* transport : blocks.at(position).rows) {
      if (transport->uptime.empty()) continue;
      for (Count* count : {&all, &by_type[transport->type]}) {
        ++count->total;
        count->online += transport->live;
      }
    }
  }
  JsonObjectText types;
  for (size_t type = 0; type < by_type.size(); ++type) {
    if (by_type[type].total == 0) continue;
    types.json(aggregator_.types().at(static_cast<uint8_t>(type)),
               JsonObjectText()
                   .integer("total_transports", by_type[type].total)
                   .integer("online", by_type[type].online)
                   .finish());
  }
  Answer answer = json_answer(JsonObjectText()
                                  .integer("total_transports", all.total)
                                  .integer("online", all.online)
                                  .json("by_type", types.finish())
                                  .finish() +
                              "\n");
  add_snapshot_headers(answer, aggregator_, now);
  return answer;
}

Answer Api::uptime_of_ids(const ApiRequest& request, std::string_view list, Moment now) {
  Result<UptimeQuery> query = parse_uptime_query(request, false);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<TransportId>> ids = parse_ids(list);
  if (!ids) return error_answer(400, ids.error().text);
  std::vector<const Transport*> transports;
  for (const TransportId& id : *ids) {
    if (const Transport* transport = aggregator_.find(id)) transports.push_back(transport);
  }
  if (transports.empty()) return error_answer(404, "transport not found");
  return json_answer(rows_of_transports(aggregator_, transports, *query, codec::day_of(now.unix_s)));
}

Answer Api::uptime_of_visors(const ApiRequest& request, std::string_view list, Moment now) {
  Result<UptimeQuery> query = parse_uptime_query(request, false);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<visor_key>> keys = parse_keys(list);
  if (!keys) return error_answer(400, keys.error().text);
  return json_answer(
      rows_of_transports(aggregator_, transports_of(aggregator_, *keys), *query, codec::day_of(now.unix_s)));
}

Answer Api::update(const ApiRequest& request, std::string_view, Moment now) {
  auto parameters = http::parse_query(request.query);
  if (!parameters) return error_answer(400, parameters.error().text);
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  std::string version;
  for (const auto& [name, value] : *parameters) {
    if (name == "version") version = value.substr(0, kMaxVersion);
  }
  if (!aggregator_.visor_heartbeat(*caller, version, now))
    return error_answer(503, "too many visors without a transport are known; ask again later");
  return json_answer("{\"status\":\"ok\"}\n");
}

// --- versions ----------------------------------------------------------------------------------

namespace {

struct VersionsQuery {
  LiveFilter on = LiveFilter::kAll;
  bool status = false;
};

Result<VersionsQuery> parse_versions_query(std::string_view text) {
  auto parameters = http::parse_query(text);
  if (!parameters) return std::unexpected(parameters.error());
  VersionsQuery out;
  for (const auto& [name, value] : *parameters) {
    if (name == "on") {
      if (value != "true" && value != "false" && value != "all")
        return bad(name, "true, false or all", value);
      out.on = value == "true" ? LiveFilter::kLive : value == "false" ? LiveFilter::kEnded : LiveFilter::kAll;
    } else if (name == "status") {
      out.status = value == "true" || value == "1";
    }
  }
  return out;
}

bool is_wanted(const VersionsQuery& query, const Visor& visor) {
  if (visor.version.empty()) return false;
  return query.on == LiveFilter::kAll || (query.on == LiveFilter::kLive) == is_online(visor);
}

void add_version(JsonObjectText& out, const VersionsQuery& query, const Visor& visor) {
  if (!query.status) {
    out.text(visor.hex, visor.version);
  } else {
    out.json(visor.hex,
             JsonObjectText().text("version", visor.version).boolean("on", is_online(visor)).finish());
  }
}

}  // namespace

// How many visors run which version.
Answer Api::version_counts(const ApiRequest& request, std::string_view, Moment) {
  Result<VersionsQuery> query = parse_versions_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  std::map<std::string, uint64_t> counts;
  for (const Visor* visor = aggregator_.visor_after({}); visor; visor = aggregator_.visor_after(visor->key)) {
    if (is_wanted(*query, *visor)) ++counts[visor->version];
  }
  JsonObjectText out;
  for (const auto& [version, count] : counts) out.integer(version, count);
  return json_answer(out.finish() + "\n");
}

Answer Api::versions(const ApiRequest& request, std::string_view, Moment) {
  Result<VersionsQuery> query = parse_versions_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  JsonObjectText out;
  for (const Visor* visor = aggregator_.visor_after({}); visor; visor = aggregator_.visor_after(visor->key)) {
    if (is_wanted(*query, *visor)) add_version(out, *query, *visor);
  }
  return json_answer(out.finish() + "\n");
}

Answer Api::versions_of(const ApiRequest& request, std::string_view list, Moment) {
  Result<VersionsQuery> query = parse_versions_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  Result<std::vector<visor_key>> keys = parse_keys(list);
  if (!keys) return error_answer(400, keys.error().text);
  JsonObjectText out;
  for (const visor_key& key : *keys) {
    const Visor* visor = aggregator_.find_visor(key);
    if (visor && is_wanted(*query, *visor)) add_version(out, *query, *visor);
  }
  return json_answer(out.finish() + "\n");
}

// --- the service's own -------------------------------------------------------------------------

Answer Api::own_uptime(const ApiRequest&, std::string_view what, Moment now) {
  if (!service_.sessions) return error_answer(503, "the service keeps no record of its own uptime");
  UnixDay today = codec::day_of(now.unix_s);
  std::string out = "[";
  auto next = [&]() -> std::string& { return out += out.size() > 1 ? "," : ""; };
  if (what == "now") {
    return json_answer(JsonObjectText()
                           .text("started_at", codec::time_text(service_.started_at_s))
                           .integer("uptime_seconds", static_cast<uint64_t>(std::max<int64_t>(
                                                          0, now.unix_s - service_.started_at_s)))
                           .finish() +
                       "\n");
  }
  if (what == "sessions") {
    for (const auto& [begin, end] : service_.sessions->all()) {
      next() += JsonObjectText()
                    .text("started_at", codec::time_text(begin))
                    .text("seen_at", codec::time_text(end))
                    .finish();
    }
  } else if (what == "timeline") {
    for (const auto& [date, slots] : service_.sessions->bitmaps(today, kDaysServed)) {
      next() += JsonObjectText()
                    .text("date", codec::date_text(date))
                    .text("daily", percentage(slots))
                    .text("timeline", slots.text())
                    .finish();
    }
  } else if (what == "dates") {
    for (const auto& [date, slots] : service_.sessions->bitmaps(today, kDaysKept))
      next() += "\"" + codec::date_text(date) + "\"";
  } else {
    return error_answer(404, "there are /uptime/now, /uptime/sessions, /uptime/timeline and /uptime/dates");
  }
  return json_answer(out + "]\n");
}

}  // namespace visor::transport_discovery
