#include "lists.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "lib/codec/parse_json.hpp"

namespace visor::dmsg_discovery {
namespace {

namespace json = boost::json;

constexpr std::string_view kNoServers = "no delegated dmsg servers available for remote";

ApiAnswer server_list(const std::vector<const Record*>& servers) {
  if (servers.empty()) return message(404, kNoServers);
  ApiAnswer answer;
  for (const Record* record : servers) {
    answer.body += answer.body.empty() ? '[' : ',';
    answer.body += dmsg::to_json(record->entry);
  }
  answer.body += ']';
  return answer;
}

void append_key(std::string& out, const visor_key& key) {
  if (out.back() != '[' && out.back() != '{') out += ',';
  out += '"' + to_hex(key) + '"';
}

}  // namespace

ApiAnswer available_servers(const Book& book, int64_t now_ns) {
  std::vector<const Record*> servers = book.servers(now_ns);
  auto room = [](const Record* record) { return record->entry.server->available_sessions; };
  std::erase_if(servers, [&](const Record* record) { return room(record) <= 0; });
  std::ranges::stable_sort(servers, std::greater(), room);
  if (servers.size() > kMaxListedServers) servers.resize(kMaxListedServers);
  return server_list(servers);
}

ApiAnswer all_servers(const Book& book, int64_t now_ns) {
  return server_list(book.servers(now_ns));
}

ApiAnswer client_keys(const Book& book, bool visors_only, int64_t now_ns) {
  ApiAnswer answer{.body = "["};
  book.each(now_ns, [&](const Record& record) {
    const Entry& entry = record.entry;
    if (entry.client && (!visors_only || entry.client_type == "visor")) append_key(answer.body, entry.key);
    return true;
  });
  answer.body += ']';
  return answer;
}

ApiAnswer entries_batch(const Book& book, std::string_view body, int64_t now_ns) {
  auto value = codec::parse_json(body, {"a batch of keys", body.size(), 2}); /* the route bounds the body */
  const json::array* keys = value ? value->if_array() : nullptr;
  if (!keys || keys->size() > kMaxBatch) return message(400, "error bad input");
  std::map<visor_key, const Record*> found;
  for (const json::value& element : *keys) {
    const json::string* hex = element.if_string();
    auto key = hex ? dmsg::parse_key({hex->data(), hex->size()})
                   : Result<visor_key>(failure(VISOR_EINVAL, "expected a text"));
    if (!key) return message(400, "error bad input");
    if (const Record* record = book.find(*key, now_ns)) found.emplace(*key, record);
  }
  ApiAnswer answer{.body = "{"};
  for (const auto& [key, record] : found) {
    append_key(answer.body, key);
    answer.body += ':' + dmsg::to_json(record->entry);
  }
  answer.body += '}';
  return answer;
}

ApiAnswer clients_by_server(const Book& book, const visor_key* only, int64_t now_ns) {
  std::map<visor_key, std::vector<visor_key>> clients;
  if (only) {
    clients[*only];
  } else {
    for (const Record* record : book.servers(now_ns)) clients[record->entry.key];
  }
  book.each(now_ns, [&](const Record& record) {
    const auto& client = record.entry.client;
    if (!client || !client->delegated_servers) return true;
    for (const visor_key& server : *client->delegated_servers) {
      if (!only || server == *only) clients[server].push_back(record.entry.key);
    }
    return true;
  });
  ApiAnswer answer{.body = "{"};
  for (const auto& [server, keys] : clients) {
    append_key(answer.body, server);
    answer.body += ":[";
    for (const visor_key& key : keys) append_key(answer.body, key);
    answer.body += ']';
  }
  answer.body += '}';
  return answer;
}

}  // namespace visor::dmsg_discovery
