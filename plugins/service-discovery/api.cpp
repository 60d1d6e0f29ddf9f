#include "api.hpp"

#include <algorithm>
#include <charconv>

#include "lib/http/loopback.hpp"
#include "lib/http/text.hpp"
#include "lib/services/directory.hpp"

namespace visor::service_discovery {
namespace {

using services::kServicesPath;

constexpr uint16_t kLastPort = 65'535;

struct Query {
  std::string type;
  std::optional<visor_key> key;
  size_t limit = Api::kDefaultRows;
  std::string cursor;
};

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// What is not known is somebody's filter that this directory has no data for.
Result<Query> read_query(std::string_view text) {
  auto parameters = http::parse_query(text);
  if (!parameters) return std::unexpected(parameters.error());
  Query query;
  for (const http::Parameter& each : *parameters) {
    if (each.name == "type") {
      if (!services::valid_type(each.value))
        return failure(VISOR_EINVAL, "type must be a word such as visor");
      query.type = each.value;
    } else if (each.name == "pk") {
      auto key = key_from_hex(each.value);
      if (!key) return failure(VISOR_EINVAL, "pk: " + key.error().text);
      query.key = *key;
    } else if (each.name == "limit") {
      auto [end, error] =
          std::from_chars(each.value.data(), each.value.data() + each.value.size(), query.limit);
      if (error != std::errc() || end != each.value.data() + each.value.size() || query.limit == 0) {
        return failure(VISOR_EINVAL, "limit must be a number from 1 to " + std::to_string(Api::kMaxRows));
      }
      query.limit = std::min(query.limit, Api::kMaxRows);
    } else if (each.name == "cursor") {
      query.cursor = each.value;
    }
  }
  return query;
}

// "<key>", "<key>:<port>:<id>" or, across types, "<type>:<key>:<port>:<id>".
Result<ServiceName> read_cursor(std::string_view text, std::string_view type) {
  auto bad = [] { return failure(VISOR_EINVAL, "cursor must be what x-next-cursor said, or a public key"); };
  ServiceName name;
  if (type.empty()) {
    size_t colon = text.find(':');
    if (colon == text.npos) return failure(VISOR_EINVAL, "a cursor of a list of all types begins with one");
    type = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (!services::valid_type(type)) return bad();
  name.type = type;
  if (auto key = key_from_hex(text)) {
    name.key = *key;
    name.port = kLastPort;
    name.id = "\x7f";  // behind every other
    return name;
  }
  size_t last = text.rfind(':');
  auto address = last == text.npos ? std::nullopt : services::parse_address(text.substr(0, last));
  if (!address || !services::valid_id(text.substr(last + 1))) return bad();
  name.key = address->first;
  name.port = address->second;
  name.id = text.substr(last + 1);
  return name;
}

std::string cursor_text(const ServiceName& name, bool with_type) {
  return (with_type ? name.type + ":" : std::string()) + name.address() + ":" + name.id;
}

// "tcp://127.0.0.1:7000" and "ws://localhost:8080/skywire" lead whoever reads them to himself.
bool leads_to_oneself(const services::Address& address) {
  std::string_view text = address.address;
  size_t scheme = text.find("://");
  if (scheme != text.npos) text.remove_prefix(scheme + 3);
  return http::is_loopback_address(text.substr(0, text.find('/')));
}

}  // namespace

ApiAnswer error_answer(int32_t status, std::string_view text) {
  return {status, "{\"error\":" + http::json_string(text) + "}\n"};
}

ApiAnswer Api::answer(const ApiRequest& request, int64_t now_ms) {
  ++counters_.requests;
  std::string_view rest = request.path;
  if (!rest.starts_with(kServicesPath)) return error_answer(404, "there is no such path");
  rest.remove_prefix(kServicesPath.size());
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (request.method == "GET" || request.method == "HEAD") return list(request, rest, now_ms);
  if (request.method == "POST" && rest.empty()) return take(request, false, now_ms);
  if (request.method == "DELETE") return take(request, true, now_ms);
  ApiAnswer other = error_answer(405, "GET, POST and DELETE are answered here");
  other.headers.emplace_back("allow", "GET, HEAD, POST, DELETE");
  return other;
}

ApiAnswer Api::list(const ApiRequest& request, std::string_view address, int64_t now_ms) {
  auto query = read_query(request.query);
  if (!query) return error_answer(400, query.error().text);
  std::optional<ServiceName> after;
  if (!query->cursor.empty()) {
    auto cursor = read_cursor(query->cursor, query->type);
    if (!cursor) return error_answer(400, cursor.error().text);
    after = *cursor;
  }
  uint16_t port = 0;
  if (!address.empty()) {
    auto parsed = services::parse_address(address);
    if (!parsed) return error_answer(400, "expected /api/services/<public key>:<port>");
    query->key = parsed->first;
    port = parsed->second;
  }
  ++counters_.lists;
  ApiAnswer out{200, "["};
  size_t rows = 0;
  std::optional<ServiceName> last;
  auto row = [&](const Record& record) {
    const ServiceName& name = record.service.name;
    if (port != 0 && name.port != port) return true;
    if (rows == query->limit) {
      out.headers.emplace_back("x-next-cursor", cursor_text(*last, query->type.empty()));
      return false;
    }
    if (rows++ > 0) out.body += ",\n";
    out.body += services::to_json(record.service);
    last = name;
    return true;
  };
  if (query->key) {
    // Of one key there are few: all of them, whatever the cursor says.
    for (const std::string& type : options_.types) {
      if (query->type.empty() || query->type == type) book_.each_of(now_ms, type, *query->key, row);
    }
  } else {
    book_.each(now_ms, query->type, after, row);
  }
  if (rows == 0 && !address.empty()) return error_answer(404, "no service is listed at this address");
  out.body += "]\n";
  return out;
}

std::optional<ApiAnswer> Api::refusal(const Service& service, bool gone, int64_t now_ms) {
  auto invalid = [this](std::string_view text) {
    ++counters_.refused_invalid;
    return error_answer(400, text);
  };
  if (gone != service.withdrawn) {
    return invalid("\"withdrawn\" must be true in what is deleted, and only there");
  }
  if (std::ranges::find(options_.types, service.name.type) == options_.types.end()) {
    return invalid("services of type " + service.name.type +
                   " are not listed here; types are: " + join(options_.types));
  }
  if (!options_.test_mode && std::ranges::any_of(service.addresses, leads_to_oneself)) {
    return invalid("an address of one's own machine leads nobody else there; register what others can reach");
  }
  if (service.timestamp_ms < now_ms - services::kMaxBehindMs ||
      service.timestamp_ms > now_ms + services::kMaxAheadMs) {
    ++counters_.refused_time;
    return error_answer(400, "the entry's time is " + std::to_string(service.timestamp_ms) +
                                 " ms and this directory's is " + std::to_string(now_ms) +
                                 "; is a clock wrong, or was the entry kept for too long?");
  }
  // The dear test last of those that need nothing but the entry.
  if (!services::verify(service)) {
    ++counters_.refused_signature;
    return error_answer(401, "the signature is not of the address's key over this entry");
  }
  const Record* stored = book_.find(service.name);
  if (stored && service.timestamp_ms <= stored->service.timestamp_ms) {
    ++counters_.refused_older;
    ApiAnswer older = error_answer(409, "there is a later entry, or the same");
    older.body = "{\"error\":\"there is a later entry, or the same\",\"timestamp_ms\":" +
                 std::to_string(stored->service.timestamp_ms) + "}\n";
    return older;
  }
  if (!stored &&
      (book_.size() >= options_.max_services || book_.count_of(service.name.key) >= options_.max_of_key)) {
    ++counters_.refused_full;
    return error_answer(507, "no room: " + std::to_string(options_.max_services) +
                                 " services are listed at most, " + std::to_string(options_.max_of_key) +
                                 " of one key");
  }
  return std::nullopt;
}

ApiAnswer Api::take(const ApiRequest& request, bool gone, int64_t now_ms) {
  if (request.body.size() > services::kMaxServiceJson) {
    ++counters_.refused_malformed;
    return error_answer(413, "a service has at most " + std::to_string(services::kMaxServiceJson) + " bytes");
  }
  auto service = services::parse_service(request.body);
  if (!service) {
    ++counters_.refused_malformed;
    return error_answer(400, service.error().text);
  }
  if (auto refused = refusal(*service, gone, now_ms)) return std::move(*refused);
  return store(std::move(*service), now_ms);
}

ApiAnswer Api::store(Service service, int64_t now_ms) {
  const Record* stored = book_.find(service.name);
  bool listed = stored && stored->expires_ms > now_ms;
  bool gone = service.withdrawn;
  Record record{std::move(service), gone ? 0 : now_ms + options_.life_ms};
  if (!keep_(record.service.name, &record)) {
    ++counters_.failed_writes;
    return error_answer(500, "the entry could not be kept; try again");
  }
  ApiAnswer out{200, services::to_json(record.service) + "\n"};
  book_.put(std::move(record));
  ++(gone ? counters_.withdrawn : listed ? counters_.posted_again : counters_.posted_new);
  return out;
}

void Api::sweep(int64_t now_ms) {
  for (const ServiceName& name : book_.sweep(now_ms)) {
    ++counters_.expired;
    if (!keep_(name, nullptr)) ++counters_.failed_writes;  // forgotten again when it is read back
  }
}

}  // namespace visor::service_discovery
