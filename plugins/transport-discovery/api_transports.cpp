// Entries: who has which transports, registered over HTTP or listed on a feed.
#include <boost/json.hpp>

#include "api.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/codec/transport_entry.hpp"
#include "lib/codec/transport_type.hpp"

namespace visor::transport_discovery {
namespace {

using codec::JsonObjectText;

constexpr size_t kMaxPostedBytes = 4 << 20;

// The identifier under the legacy name that the entry still uses is the same transport's.
Result<codec::ListedTransport> read_entry(const boost::json::value& value) {
  Result<codec::TransportEntry> entry = codec::transport_entry_from_json(value);
  if (!entry) return std::unexpected(entry.error());
  codec::ListedTransport row{std::move(*entry), std::nullopt};
  const boost::json::object* object = value.if_object();
  const boost::json::value* type = object ? object->if_contains("type") : nullptr;
  const boost::json::string* name = type ? type->if_string() : nullptr;
  if (name && std::string_view(name->data(), name->size()) != row.entry.type) {
    row.alias = codec::transport_id(row.entry.edges[0], row.entry.edges[1], {name->data(), name->size()});
  }
  return row;
}

Result<boost::json::array> read_array(std::string_view body, size_t max_rows) {
  if (body.size() > kMaxPostedBytes) return failure(VISOR_EINVAL, "a body is at most 4 MiB");
  boost::json::error_code error;
  boost::json::value value = boost::json::parse({body.data(), body.size()}, error);
  if (error) return failure(VISOR_EINVAL, "the body is JSON; " + error.message());
  boost::json::array* array = value.if_array();
  if (!array) return failure(VISOR_EINVAL, "the body is a JSON array");
  if (array->size() > max_rows)
    return failure(VISOR_EINVAL, "at most " + std::to_string(max_rows) + " are taken at once");
  return std::move(*array);
}

template <class Value>
std::string_view string_of(const Value& value) {
  const boost::json::string* text = value.if_string();
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

template <class T, class Parse>
Result<std::vector<T>> read_names(std::string_view body, Parse&& parse) {
  Result<boost::json::array> array = read_array(body, codec::kMaxListedTransports);
  if (!array) return std::unexpected(array.error());
  std::vector<T> out;
  for (const boost::json::value& value : *array) {
    Result<T> name = parse(string_of(value));
    if (!name) return std::unexpected(name.error());
    out.push_back(*name);
  }
  return out;
}

std::string counts_by_type(const Aggregator& aggregator, const Visor& visor, JsonObjectText& into,
                           uint64_t& total) {
  std::vector<uint64_t> counts(aggregator.types().size());
  for (const Transport* transport : visor.transports) {
    if (!transport->live) continue;
    ++counts[transport->type];
    ++total;
  }
  JsonObjectText out;
  for (size_t type = 0; type < counts.size(); ++type) {
    if (counts[type] == 0) continue;
    const std::string& name = aggregator.types().at(static_cast<uint8_t>(type));
    out.integer(name, counts[type]);
    into.integer(name, counts[type]);
  }
  return out.finish();
}

}  // namespace

// --- reading -----------------------------------------------------------------------------------

Answer Api::entry(const ApiRequest& request, std::string_view text, Moment now) {
  Result<TransportId> id = codec::transport_id_from_uuid(text);
  if (!id) return error_answer(400, id.error().text);
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  const Transport* transport = aggregator_.find(*id);
  if (!transport || !transport->live) return error_answer(404, "transport not found");
  std::string body;
  append_entry(body, aggregator_, *transport);
  return json_answer(body + "\n");
}

std::string Api::entries_of(std::span<const visor_key> keys, bool& any) const {
  JsonRows rows;
  for (const Transport* transport : transports_of(aggregator_, keys)) {
    if (!transport->live) continue;
    rows.add([&](std::string& out) {
      append_entry(out, aggregator_, *transport);
      return true;
    });
  }
  any = !rows.empty();
  return std::move(rows).finish();
}

Answer Api::entries_of_edge(const ApiRequest& request, std::string_view text, Moment now) {
  Result<visor_key> key = key_from_hex(text);
  if (!key) return error_answer(400, key.error().text);
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  bool any = false;
  std::string body = entries_of({&*key, 1}, any);
  return any ? json_answer(std::move(body)) : error_answer(404, "transport not found");
}

Answer Api::entries_of_edge_open(const ApiRequest&, std::string_view text, Moment) {
  Result<visor_key> key = key_from_hex(text);
  if (!key) return error_answer(400, key.error().text);
  bool any = false;
  return json_answer(entries_of({&*key, 1}, any));
}

Answer Api::entries_of_edges(const ApiRequest& request, std::string_view, Moment) {
  auto keys = read_names<visor_key>(request.body, [](std::string_view text) { return key_from_hex(text); });
  if (!keys) return error_answer(400, keys.error().text);
  bool any = false;
  return json_answer(entries_of(*keys, any));
}

Answer Api::all_transports(const ApiRequest& request, std::string_view, Moment) {
  Result<MetricsQuery> query = parse_metrics_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  auto row = [this](std::string& out, const Transport& transport) {
    if (!transport.live) return false;
    append_entry(out, aggregator_, transport);
    return true;
  };
  if (query->limit == 0 && !query->cursor) {
    Answer out;
    bool gzip = accepts_gzip(request.accept_encoding);
    begin(out, request,
          rows_body(aggregator_, views_, gzip ? Encoding::kGzip : Encoding::kPlain, "entries", row));
    out.headers.emplace_back("content-type", content_type(Format::kJson));
    return out;
  }
  const RowBlocks& blocks = aggregator_.blocks();
  JsonRows rows;
  size_t shown = 0, limit = query->limit == 0 ? kMaxLimit : query->limit;
  TransportId last;
  bool more = false;
  const Transport* next = query->cursor ? blocks.after(*query->cursor) : blocks.first();
  for (; next && !more; next = blocks.after(next->id)) {
    if (!next->live) continue;
    more = shown == limit;
    if (more) break;
    rows.add([&](std::string& out) { return row(out, *next); });
    ++shown;
    last = next->id;
  }
  Answer answer = json_answer(std::move(rows).finish());
  if (more) add_next_page(answer, request, codec::to_uuid(last));
  return answer;
}

// --- registering -------------------------------------------------------------------------------

Answer Api::register_bare(const ApiRequest& request, std::string_view, Moment now) {
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  Result<boost::json::array> array = read_array(request.body, codec::kMaxListedTransports);
  if (!array) return error_answer(400, array.error().text);
  std::vector<codec::ListedTransport> entries;
  for (const boost::json::value& value : *array) {
    Result<codec::ListedTransport> read = read_entry(value);
    if (!read) return error_answer(400, read.error().text);
    if (codec::edge_of(read->entry, *caller) < 2) entries.push_back(std::move(*read));
  }
  JsonRows rows;
  for (const codec::ListedTransport& row : entries) {
    if (!aggregator_.register_transport(*caller, row, now)) continue;
    rows.add([&](std::string& out) {
      out += codec::to_json(row.entry);
      return true;
    });
  }
  std::string_view version = request.header_of("sw-visor-version").substr(0, kMaxVersion);
  if (!rows.empty()) aggregator_.visor_heartbeat(*caller, version, now);
  return json_answer(std::move(rows).finish(), 201);
}

// Older visors send both signatures; whoever has signed must be an edge, and the caller must have.
Answer Api::register_signed(const ApiRequest& request, std::string_view, Moment now) {
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  Result<boost::json::array> array = read_array(request.body, codec::kMaxListedTransports);
  if (!array) return error_answer(400, array.error().text);
  std::vector<codec::SignedEntry> entries;
  for (const boost::json::value& value : *array) {
    Result<codec::SignedEntry> entry = codec::signed_entry_from_json(boost::json::serialize(value));
    if (!entry) return error_answer(400, entry.error().text);
    size_t own = codec::edge_of(entry->entry, *caller);
    if (own > 1) return error_answer(400, "the caller is no edge of " + codec::to_uuid(entry->entry.id));
    for (size_t edge = 0; edge < 2; ++edge) {
      if (edge != own && !codec::is_signed(*entry, edge)) continue;
      if (Result<void> good = codec::verify_edge(*entry, edge); !good)
        return error_answer(400, good.error().text);
    }
    entries.push_back(std::move(*entry));
  }
  JsonRows rows;
  for (codec::SignedEntry& entry : entries) {
    if (!aggregator_.register_transport(*caller, {entry.entry, std::nullopt}, now)) continue;
    entry.registered = now.unix_s * 1'000'000'000;
    rows.add([&](std::string& out) {
      out += codec::to_json(entry);
      return true;
    });
  }
  return json_answer(std::move(rows).finish(), 201);
}

Answer Api::remove(const ApiRequest& request, std::string_view text, Moment now) {
  Result<TransportId> id = codec::transport_id_from_uuid(text);
  if (!id) return error_answer(400, id.error().text);
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  switch (aggregator_.deregister(*caller, *id, now)) {
    case Aggregator::Outcome::kUnknown:
      return error_answer(404, "transport not found");
    case Aggregator::Outcome::kNotEdge:
      return refusal(401, "only an edge may take its transport away");
    case Aggregator::Outcome::kApplied:
      break;
  }
  Answer answer;
  answer.headers.emplace_back("content-type", "text/plain; charset=utf-8");
  answer.body = "transport deleted";
  return answer;
}

Answer Api::remove_batch(const ApiRequest& request, std::string_view, Moment now) {
  std::expected<visor_key, Answer> caller = authority_.check(request, now);
  if (!caller) return std::move(caller.error());
  auto ids = read_names<TransportId>(
      request.body, [](std::string_view text) { return codec::transport_id_from_uuid(text); });
  if (!ids) return error_answer(400, ids.error().text);
  uint64_t deleted = 0;
  for (const TransportId& id : *ids)
    deleted += aggregator_.deregister(*caller, id, now) == Aggregator::Outcome::kApplied;
  return json_answer(
      JsonObjectText().integer("deleted", deleted).integer("skipped", ids->size() - deleted).finish() + "\n");
}

// A monitor signs the body, as SHA-256 of it.
Answer Api::remove_by_monitor(const ApiRequest& request, std::string_view, Moment now) {
  Result<visor_key> key = key_from_hex(request.header_of("nm-pk"));
  if (!key)
    return refusal(401, "NM-PK and NM-Sign are needed: a monitor's key and its signature over the body");
  if (std::ranges::find(service_.monitors, *key) == service_.monitors.end())
    return error_answer(403, "this key is no network monitor of this service");
  crypto::Signature signature;
  if (!from_hex(request.header_of("nm-sign"), signature.bytes) ||
      !crypto::verify(*key, signature, crypto::sha256(bytes(request.body)))) {
    return refusal(401, "NM-Sign is not of NM-PK over this body");
  }
  auto ids = read_names<TransportId>(
      request.body, [](std::string_view text) { return codec::transport_id_from_uuid(text); });
  if (!ids) return error_answer(400, ids.error().text);
  uint64_t deleted = 0;
  for (const TransportId& id : *ids) deleted += aggregator_.deregister_by_monitor(id, now);
  return json_answer(
      JsonObjectText().integer("deleted", deleted).integer("skipped", ids->size() - deleted).finish() + "\n");
}

// --- counts ------------------------------------------------------------------------------------

Answer Api::stats(const ApiRequest&, std::string_view, Moment now) {
  if (aggregator_.live() == 0) return error_answer(404, "no live transport is known");
  JsonObjectText types;
  for (size_t type = 0; type < aggregator_.types().size(); ++type) {
    size_t live = aggregator_.live_of_type(static_cast<uint8_t>(type));
    if (live > 0) types.integer(aggregator_.types().at(static_cast<uint8_t>(type)), live);
  }
  Answer answer = json_answer(JsonObjectText()
                                  .integer("total_transports", aggregator_.live())
                                  .json("by_type", types.finish())
                                  .integer("unique_visors", aggregator_.live_visors())
                                  .finish() +
                              "\n");
  add_snapshot_headers(answer, aggregator_, now);
  return answer;
}

// Counted at once, so that the sum over the keys is twice the number of transports.
Answer Api::stats_by_key(const ApiRequest&, std::string_view, Moment now) {
  JsonObjectText out;
  for (const Visor* visor = aggregator_.visor_after({}); visor; visor = aggregator_.visor_after(visor->key)) {
    if (visor->live_transports == 0) continue;
    JsonObjectText row;
    row.integer("total", visor->live_transports);
    uint64_t total = 0;
    counts_by_type(aggregator_, *visor, row, total);
    out.json(visor->hex, row.finish());
  }
  Answer answer = json_answer(out.finish() + "\n");
  add_snapshot_headers(answer, aggregator_, now);
  return answer;
}

Answer Api::stats_of(const ApiRequest&, std::string_view text, Moment now) {
  Result<visor_key> key = key_from_hex(text);
  if (!key) return error_answer(400, key.error().text);
  const Visor* visor = aggregator_.find_visor(*key);
  if (!visor || visor->live_transports == 0) return error_answer(404, "transport not found");
  JsonObjectText unused;
  uint64_t total = 0;
  std::string types = counts_by_type(aggregator_, *visor, unused, total);
  Answer answer =
      json_answer(JsonObjectText().integer("total", total).json("by_type", types).finish() + "\n");
  add_snapshot_headers(answer, aggregator_, now);
  return answer;
}

}  // namespace visor::transport_discovery
