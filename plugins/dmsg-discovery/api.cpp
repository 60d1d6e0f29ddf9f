#include "api.hpp"

#include <algorithm>
#include <ctime>

#include "lib/dmsg/answer.hpp"
#include "lib/http/loopback.hpp"
#include "lib/http/text.hpp"
#include "lib/http/url.hpp"
#include "lists.hpp"

namespace visor::dmsg_discovery {
namespace {

constexpr int64_t kNanosecondsPerMs = 1'000'000;
/* A server's clock may be so far from ours. */
constexpr int64_t kOldestMs = 60'000, kNewestMs = 5'000;

constexpr std::string_view kNotFound = "entry of public key is not found";
constexpr std::string_view kBadInput = "error bad input";
constexpr std::string_view kUnexpected = "something unexpected happened";

ApiAnswer invalid(std::string_view text) {
  return message(422, "entry validation error: " + std::string(text));
}

ApiAnswer no_such_path() {
  return {404, "404 page not found\n", "text/plain; charset=utf-8"};
}

ApiAnswer other_method(std::string_view allowed) {
  ApiAnswer answer{405, {}};
  answer.headers.emplace_back("allow", allowed);
  return answer;
}

bool asks_for_short_life(std::string_view query) {
  auto parameters = http::parse_query(query);
  return parameters && std::ranges::any_of(*parameters, [](const http::Parameter& each) {
           return each.name == "timeout" && each.value == "true";
         });
}

/* "2026-11-23T05:21:26Z" */
std::string utc_time(int64_t unix_ns) {
  std::time_t seconds = unix_ns / 1'000'000'000;
  std::tm parts{};
  if (!gmtime_r(&seconds, &parts)) return {};
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace

ApiAnswer message(int32_t status, std::string_view text) {
  return {status, dmsg::message_json(text, status)};
}

ApiAnswer Api::answer(const ApiRequest& request, int64_t now_ns) {
  ++counters_.requests;
  if (request.path == kHealth) {
    return request.method == "GET" || request.method == "HEAD" ? health(now_ns) : other_method("GET, HEAD");
  }
  if (!request.path.starts_with(kPrefix)) return no_such_path();
  return route(request, request.path.substr(kPrefix.size()), now_ns);
}

ApiAnswer Api::route(const ApiRequest& request, std::string_view rest, int64_t now_ns) {
  constexpr std::string_view kEntry = "/entry", kServer = "/server/", kClients = "/clients";
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (rest == kEntry) return request.method == "DELETE" ? delete_entry(request) : other_method("DELETE");
  if (rest.starts_with("/entry/")) {
    std::string_view hex = rest.substr(kEntry.size() + 1);
    if (request.method == "POST") return post_entry(request, now_ns);
    return get && !hex.empty() ? get_entry(hex, now_ns)
                               : other_method(hex.empty() ? "POST" : "GET, HEAD, POST");
  }
  if (rest == "/entries/batch") {
    return request.method == "POST" ? entries_batch(book_, request.body, now_ns) : other_method("POST");
  }
  if (!get) return other_method("GET, HEAD");
  if (rest == "/available_servers") return available_servers(book_, now_ns);
  if (rest == "/all_servers") return all_servers(book_, now_ns);
  if (rest == "/entries") return client_keys(book_, false, now_ns);
  if (rest == "/visorEntries") return client_keys(book_, true, now_ns);
  if (rest == "/servers/clients") return clients_by_server(book_, nullptr, now_ns);
  if (rest.starts_with(kServer) && rest.ends_with(kClients) &&
      rest.size() > kServer.size() + kClients.size()) {
    auto key = dmsg::parse_key(rest.substr(kServer.size(), rest.size() - kServer.size() - kClients.size()));
    return key ? clients_by_server(book_, &*key, now_ns) : message(400, kBadInput);
  }
  return no_such_path();
}

ApiAnswer Api::get_entry(std::string_view hex, int64_t now_ns) {
  auto key = dmsg::parse_key(hex);
  if (!key) {
    ++counters_.refused_malformed;
    return message(400, kBadInput);
  }
  const Record* record = book_.find(*key, now_ns);
  if (record) return {200, dmsg::to_json(record->entry)};
  ++counters_.not_found;
  return message(404, kNotFound);
}

// The order of the checks is part of the interface: peers tell failures apart by their texts.
ApiAnswer Api::post_entry(const ApiRequest& request, int64_t now_ns) {
  if (request.body.size() > dmsg::kMaxEntryJson) {
    ++counters_.refused_malformed;
    return message(413, "an entry has at most " + std::to_string(dmsg::kMaxEntryJson) + " bytes");
  }
  auto entry = dmsg::parse_entry(request.body);
  if (!entry) {
    ++counters_.refused_malformed;
    return message(500, kUnexpected);
  }
  auto refuse = [this](std::string_view text) {
    ++counters_.refused_invalid;
    return invalid(text);
  };
  if (entry->server && !options_.test_mode && http::is_loopback_address(entry->server->address)) {
    return refuse("advertising localhost listening address is not allowed in production mode");
  }
  if (auto valid = dmsg::validate(*entry); !valid) return refuse(valid.error().text);
  if (entry->server && (entry->timestamp_ns < now_ns - kOldestMs * kNanosecondsPerMs ||
                        entry->timestamp_ns > now_ns + kNewestMs * kNanosecondsPerMs)) {
    return refuse("advertised entry has outdated timestamp");
  }
  if (!dmsg::verify(*entry)) {
    ++counters_.refused_signature;
    return message(401, "invalid signature");
  }
  if (const Record* stored = book_.find(entry->key, now_ns)) {
    bool behind = entry->sequence <= stored->entry.sequence;
    if (behind || entry->timestamp_ns < stored->entry.timestamp_ns) {
      ++counters_.refused_sequence;
      return invalid(behind ? dmsg::kSequenceError
                            : std::string_view("advertised entry timestamp is not greater than previous"));
    }
  }
  return store(std::move(*entry), asks_for_short_life(request.query), now_ns);
}

ApiAnswer Api::store(Entry entry, bool short_life, int64_t now_ns) {
  bool is_new = !book_.find(entry.key, now_ns);
  if (is_new && book_.size() >= options_.max_entries) {
    ++counters_.refused_full;
    return message(500, kUnexpected);
  }
  if (entry.server && !options_.official_servers.empty()) {
    bool official =
        std::ranges::find(options_.official_servers, entry.key) != options_.official_servers.end();
    entry.server->server_type = official ? "official" : "community";
  }
  uint64_t life_ms = entry.server ? options_.server_life_ms : options_.client_life_ms;
  if (short_life) life_ms = std::min(life_ms, options_.short_life_ms);
  visor_key key = entry.key;
  Record record{std::move(entry), now_ns, now_ns + static_cast<int64_t>(life_ms) * kNanosecondsPerMs};
  if (!keep_(key, &record)) {
    ++counters_.failed_writes;
    return message(500, kUnexpected);
  }
  book_.put(std::move(record));
  ++(is_new ? counters_.posted_new : counters_.posted_again);
  return message(200, is_new ? "wrote a new entry" : "wrote new entry iteration");
}

// Whoever has a signed entry may withdraw it, the stored one included: that is how peers do it.
ApiAnswer Api::delete_entry(const ApiRequest& request) {
  auto entry = dmsg::parse_entry(request.body);
  if (!entry) {
    ++counters_.refused_malformed;
    return message(500, kUnexpected);
  }
  if (auto valid = dmsg::validate(*entry); !valid) {
    ++counters_.refused_invalid;
    return invalid(valid.error().text);
  }
  if (!dmsg::verify(*entry)) {
    ++counters_.refused_signature;
    return message(401, "invalid signature");
  }
  if (!keep_(entry->key, nullptr)) {
    ++counters_.failed_writes;
    return message(500, kUnexpected);
  }
  if (book_.erase(entry->key)) ++counters_.deleted;
  return message(200, "deleted entry");
}

void Api::sweep(int64_t now_ns) {
  for (const visor_key& key : book_.sweep(now_ns)) {
    ++counters_.expired;
    if (!keep_(key, nullptr)) ++counters_.failed_writes;  // expired again when it is read back
  }
}

ApiAnswer Api::health(int64_t now_ns) const {
  std::string body =
      "{\"build_info\":{\"version\":" + http::json_string(options_.version) +
      ",\"commit\":\"\",\"date\":\"\"},\"started_at\":" + http::json_string(utc_time(options_.started_ns));
  if (!options_.dmsg_address.empty()) {
    body += ",\"dmsg_address\":" + http::json_string(options_.dmsg_address) + ",\"dmsg_servers\":[";
    for (const Record* record : book_.servers(now_ns)) {
      if (body.back() != '[') body += ',';
      body += '"' + to_hex(record->entry.key) + '"';
    }
    body += ']';
  }
  return {200, body + "}"};
}

}  // namespace visor::dmsg_discovery
