#include "query.hpp"

#include <algorithm>
#include <charconv>

#include "lib/codec/transport_type.hpp"
#include "lib/http/text.hpp"

namespace visor::transport_discovery {
namespace {

constexpr size_t kMaxShown = 64; /* of a bad value, in an error */

std::unexpected<Error> bad(std::string_view name, std::string_view expected, std::string_view came) {
  return failure(VISOR_EINVAL, std::string(name) + " must be " + std::string(expected) + "; got \"" +
                                   std::string(came.substr(0, kMaxShown)) + "\"");
}

std::string_view take_until(std::string_view& text, char end) {
  size_t at = std::min(text.find(end), text.size());
  std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(text.size(), at + 1));
  return taken;
}

Result<uint64_t> number(std::string_view name, std::string_view text, std::string_view expected,
                        uint64_t max) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > max) {
    return bad(name, expected, text);
  }
  return value;
}

Result<bool> boolean(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return bad(name, "true or false", text);
}

Result<void> read_types(std::string_view list, std::vector<std::string>& types) {
  while (!list.empty()) {
    std::string_view word = take_until(list, ',');
    if (!codec::valid_transport_word(word))
      return bad("type", "a comma list of types such as swsr,stcpr", word);
    std::string type(codec::canonical_type(word));
    if (std::ranges::find(types, type) == types.end()) types.push_back(std::move(type));
    if (types.size() > 16) return bad("type", "at most 16 types", list);
  }
  return {};
}

// What a parameter says; true for one that is known.
Result<bool> read_parameter(MetricsQuery& query, std::string_view name, std::string_view value) {
  auto set = [&](bool& member) -> Result<bool> {
    Result<bool> read = boolean(name, value);
    if (!read) return std::unexpected(read.error());
    member = *read;
    return true;
  };
  if (name == "edges") return set(query.rows.edges);
  if (name == "bandwidth") return set(query.rows.bandwidth);
  if (name == "latency") return set(query.rows.latency);
  if (name == "live") {
    if (value != "true" && value != "false" && value != "all") return bad(name, "true, false or all", value);
    query.rows.live = value == "true"    ? LiveFilter::kLive
                      : value == "false" ? LiveFilter::kEnded
                                         : LiveFilter::kAll;
  } else if (name == "days") {
    Result<uint64_t> days = number(name, value, "a number of days, 0 meaning 35", 1'000'000);
    if (!days) return std::unexpected(days.error());
    query.rows.days = *days == 0 || *days > kDaysKept ? kDaysKept : static_cast<UnixDay>(*days);
  } else if (name == "type") {
    Result<void> read = read_types(value, query.rows.types);
    if (!read) return std::unexpected(read.error());
  } else if (name == "limit") {
    Result<size_t> limit = parse_limit(value);
    if (!limit) return std::unexpected(limit.error());
    query.limit = *limit;
  } else if (name == "cursor") {
    Result<TransportId> id = codec::transport_id_from_uuid(value);
    if (!id) return bad(name, "the identifier of the last row before", value);
    query.cursor = *id;
  } else {
    return false;
  }
  return true;
}

template <class T, class Parse>
Result<std::vector<T>> parse_list(std::string_view list, Parse&& parse) {
  std::vector<T> out;
  do {
    Result<T> item = parse(take_until(list, ','));
    if (!item) return std::unexpected(item.error());
    out.push_back(*item);
    if (out.size() > kMaxNamed) return failure(VISOR_EINVAL, "at most 1000 may be asked for at once");
  } while (!list.empty());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

Result<MetricsQuery> parse_metrics_query(std::string_view query) {
  auto parameters = http::parse_query(query);
  if (!parameters) return std::unexpected(parameters.error());
  MetricsQuery out;
  for (const auto& [name, value] : *parameters) {
    Result<bool> read = read_parameter(out, name, value);
    if (!read) return std::unexpected(read.error());
  }
  return out;
}

Result<size_t> parse_limit(std::string_view text) {
  constexpr std::string_view kExpected = "a number of rows from 1 to 5000";
  Result<uint64_t> limit = number("limit", text, kExpected, kMaxLimit);
  if (!limit) return std::unexpected(limit.error());
  if (*limit == 0) return bad("limit", kExpected, text);
  return static_cast<size_t>(*limit);
}

void add_next_page(Answer& answer, const ApiRequest& request, const std::string& last) {
  std::string out = "<" + std::string(request.path) + "?";
  std::string_view query = request.query;
  while (!query.empty()) {
    std::string_view pair = take_until(query, '&');
    if (pair.empty() || pair.starts_with("cursor=")) continue;
    out += pair;
    out += '&';
  }
  answer.headers.emplace_back("x-next-cursor", last);
  answer.headers.emplace_back("link", out + "cursor=" + last + ">; rel=\"next\"");
}

Result<std::vector<TransportId>> parse_ids(std::string_view list) {
  return parse_list<TransportId>(list,
                                 [](std::string_view text) { return codec::transport_id_from_uuid(text); });
}

Result<std::vector<visor_key>> parse_keys(std::string_view list) {
  return parse_list<visor_key>(list, [](std::string_view text) { return key_from_hex(text); });
}

}  // namespace visor::transport_discovery
