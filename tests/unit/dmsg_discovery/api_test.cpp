#include "plugins/dmsg-discovery/api.hpp"

#include "lib/dmsg/answer.hpp"
#include "lib/http/loopback.hpp"
#include "plugins/dmsg-discovery/lists.hpp"
#include "tests/unit/key_pair.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::dmsg_discovery;

namespace {

using test::key_pair;

constexpr int64_t kNow = 1'700'000'000'000'000'000;
constexpr int64_t kMs = 1'000'000, kSecond = 1000 * kMs, kMinute = 60 * kSecond;

struct Discovery {
  explicit Discovery(ApiOptions options = {})
      : api(book, std::move(options), [this](const visor_key& key, const Record* record) -> Result<void> {
          if (full) return failure(VISOR_ENOSPC, "the drive is full");
          if (record) {
            drive[key] = encode_record(*record);
          } else {
            drive.erase(key);
          }
          return {};
        }) {}
  Book book;
  std::map<visor_key, Bytes> drive;
  bool full = false;
  Api api;
  int64_t now = kNow;

  ApiAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                std::string_view query = {}) {
    return api.answer({method, path, query, body}, now);
  }
  ApiAnswer post(const Entry& entry, std::string_view query = {}) {
    return ask("POST", "/dmsg-discovery/entry/", dmsg::to_json(entry), query);
  }
  ApiAnswer get(const visor_key& key) { return ask("GET", "/dmsg-discovery/entry/" + to_hex(key)); }
  ApiAnswer list(std::string_view name) { return ask("GET", "/dmsg-discovery/" + std::string(name)); }
};

Entry signed_by(uint8_t number, Entry entry) {
  auto pair = key_pair(number);
  entry.key = pair.key;
  REQUIRE(dmsg::sign(entry,
                     [&](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, pair.secret); }));
  return entry;
}

Entry client(uint8_t number, uint64_t sequence = 0, int64_t at = kNow, std::vector<visor_key> servers = {}) {
  Entry entry;
  entry.sequence = sequence;
  entry.timestamp_ns = at;
  entry.client.emplace().delegated_servers = std::move(servers);
  return signed_by(number, std::move(entry));
}

Entry server(uint8_t number, int64_t room, int64_t at = kNow, std::string address = "192.0.2.1:8080") {
  Entry entry;
  entry.timestamp_ns = at;
  entry.server.emplace().address = std::move(address);
  entry.server->available_sessions = room;
  return signed_by(number, std::move(entry));
}

void check(const ApiAnswer& answer, int32_t status, std::string_view text) {
  CHECK(answer.status == status);
  CHECK(answer.content_type == "application/json");
  CHECK(answer.body == "{\"message\":\"" + std::string(text) + "\",\"code\":" + std::to_string(status) + "}");
}

struct Heard {
  std::string method, path, body;
  int32_t status = 0;
};

// The parts of a captured message that this interface decides.
Heard heard(const std::string& text) {
  Heard out;
  size_t space = text.find(' '), next = text.find(' ', space + 1);
  if (text.starts_with("HTTP/1.1 ")) {
    out.status = std::atoi(text.c_str() + space + 1);
  } else {
    out.method = text.substr(0, space);
    out.path = text.substr(space + 1, next - space - 1);
  }
  out.body = text.substr(text.find("\r\n\r\n") + 4);
  return out;
}

}  // namespace

TEST_CASE("discovery: the captured exchanges, byte for byte", "[dmsg]") {
  auto vectors = test::load_vectors("dmsg_discovery.json");
  const auto& exchanges = test::array(vectors, "discovery_http");
  Discovery discovery({.test_mode = true});
  // What others had posted before: it is in the answers.
  for (const auto& each : exchanges) {
    Heard message = heard(test::text(each, "text"));
    if (message.status != 200 || message.body.find("\"static\"") == std::string::npos) continue;
    std::string json =
        message.body.front() == '[' ? message.body.substr(1, message.body.size() - 2) : message.body;
    if (json.find(test::text(test::at(test::at(vectors, "keys"), "client-A"), "pk")) != std::string::npos)
      continue;
    auto entry = dmsg::parse_entry(json);
    REQUIRE(entry);
    discovery.now = entry->timestamp_ns + kSecond;
    check(discovery.ask("POST", "/dmsg-discovery/entry/", json), 200, "wrote a new entry");
  }
  size_t replayed = 0;
  for (size_t i = 0; i + 1 < exchanges.size(); i += 2) {
    Heard question = heard(test::text(exchanges[i], "text"));
    Heard expected = heard(test::text(exchanges[i + 1], "text"));
    INFO(question.method << " " << question.path);
    REQUIRE(test::text(exchanges[i], "dir") == "c2s");
    ApiAnswer answer = discovery.ask(question.method, question.path, question.body);
    CHECK(answer.status == expected.status);
    CHECK(answer.body == expected.body);
    CHECK(answer.content_type == "application/json");
    ++replayed;
  }
  CHECK(replayed == 6);
}

TEST_CASE("discovery: sequences grow, gaps are fine, times do not go back", "[dmsg]") {
  Discovery discovery;
  check(discovery.get(key_pair(1).key), 404, "entry of public key is not found");
  check(discovery.post(client(1, 7)), 200, "wrote a new entry");  // any sequence, when it is new
  CHECK(discovery.get(key_pair(1).key).body == dmsg::to_json(client(1, 7)));
  const std::string_view behind =
      "entry validation error: sequence field of new entry is not sequence of old entry + 1";
  check(discovery.post(client(1, 7)), 422, behind);
  check(discovery.post(client(1, 6, kNow + 1)), 422, behind);
  check(discovery.post(client(1, 8)), 200, "wrote new entry iteration");
  check(discovery.post(client(1, 20, kNow + 1)), 200, "wrote new entry iteration");
  check(discovery.post(client(1, 21, kNow)), 422,
        "entry validation error: advertised entry timestamp is not greater than previous");
  CHECK(discovery.api.counters().refused_sequence == 3);
  CHECK(discovery.api.counters().posted_again == 2);
}

TEST_CASE("discovery: a client's clock does not matter, a server's does", "[dmsg]") {
  Discovery discovery;
  check(discovery.post(client(1, 0, 1)), 200, "wrote a new entry");
  check(discovery.post(client(2, 0, kNow + 1000 * kMinute)), 200, "wrote a new entry");
  const std::string_view outdated = "entry validation error: advertised entry has outdated timestamp";
  check(discovery.post(server(3, 1, kNow - kMinute - 1)), 422, outdated);
  check(discovery.post(server(3, 1, kNow + 5 * kSecond + 1)), 422, outdated);
  check(discovery.post(server(3, 1, kNow - kMinute)), 200, "wrote a new entry");
  check(discovery.post(server(4, 1, kNow + 5 * kSecond)), 200, "wrote a new entry");
}

TEST_CASE("discovery: the checks in their order", "[dmsg]") {
  Discovery discovery;
  auto post = [&](const Entry& entry) { return discovery.post(entry); };
  // Each entry has all faults from one check on: the first that is not passed answers.
  Entry bad = server(1, 1, 1, "127.0.0.1:8080");
  bad.version.clear();
  bad.signature = std::string(130, '0');
  check(post(bad), 422,
        "entry validation error: advertising localhost listening address is not allowed in production mode");
  bad.server->address = "192.0.2.1:8080";
  check(post(bad), 422, "entry validation error: entry has no version");
  bad.version = "0.0.1";
  check(post(bad), 422, "entry validation error: advertised entry has outdated timestamp");
  bad.timestamp_ns = kNow;
  check(post(bad), 401, "invalid signature");
  bad.signature.clear();
  check(post(bad), 422, "entry validation error: entry has no signature");
  check(discovery.ask("POST", "/dmsg-discovery/entry/", "{"), 500, "something unexpected happened");
  check(discovery.ask("POST", "/dmsg-discovery/entry/", R"({"static":"02"})"), 500,
        "something unexpected happened");
  Entry empty = server(1, 1, kNow, "");
  check(post(empty), 422, "entry validation error: server address cannot be empty");
  Entry blank;
  blank.timestamp_ns = kNow;
  Entry neither = signed_by(1, blank);
  check(post(neither), 422, "entry validation error: entry has neither client or server field");
  Entry nobody = client(1);
  nobody.key = {};
  check(post(nobody), 422, "entry validation error: entry Keys is nil");
  Entry other = client(1);
  other.key = key_pair(2).key;
  check(post(other), 401, "invalid signature");
  CHECK(discovery.book.size() == 0);
}

TEST_CASE("discovery: signatures cover what it knows; unsigned members that it does not know are dropped",
          "[dmsg]") {
  Discovery discovery;
  std::string body = dmsg::to_json(client(1));
  body.insert(body.size() - 1, ",\"later\":{\"x\":[1]}");
  check(discovery.ask("POST", "/dmsg-discovery/entry/", body), 200, "wrote a new entry");
  CHECK(discovery.get(key_pair(1).key).body == dmsg::to_json(client(1)));
}

TEST_CASE("discovery: loopback addresses", "[dmsg]") {
  for (auto address : {"127.0.0.1:80", "127.3.2.1:80", "localhost:80", "[::1]:80", "[::ffff:127.0.0.1]:80"}) {
    INFO(address);
    CHECK(http::is_loopback_address(address));
  }
  for (auto address :
       {"192.0.2.1:80", "example.org:80", "[2001:db8::1]:80", "127.example.org:80", "", ":80"}) {
    INFO(address);
    CHECK_FALSE(http::is_loopback_address(address));
  }
  Discovery discovery({.test_mode = true});
  check(discovery.post(server(1, 1, kNow, "127.0.0.1:80")), 200, "wrote a new entry");
}

TEST_CASE("discovery: servers for 2 minutes, clients for 60, short lives for 3", "[dmsg]") {
  Discovery discovery;
  discovery.post(server(1, 1));
  discovery.post(client(2));
  discovery.post(client(3), "timeout=true");
  CHECK(discovery.drive.size() == 3);
  auto alive = [&](uint8_t number) { return discovery.get(key_pair(number).key).status == 200; };
  discovery.now = kNow + 2 * kMinute - 1;
  CHECK(alive(1));
  discovery.now += 1;
  CHECK_FALSE(alive(1));
  CHECK(discovery.list("all_servers").status == 404);
  CHECK(alive(3));
  discovery.now = kNow + 3 * kMinute;
  CHECK_FALSE(alive(3));
  discovery.api.sweep(discovery.now);
  CHECK(discovery.book.size() == 1);
  CHECK(discovery.drive.size() == 1);
  discovery.now = kNow + 60 * kMinute - 1;
  CHECK(alive(2));
  discovery.now += 1;
  CHECK_FALSE(alive(2));
  check(discovery.post(client(2, 0, kNow)), 200, "wrote a new entry");
  discovery.api.sweep(discovery.now);
  CHECK(alive(2));
  CHECK(discovery.api.counters().expired == 2);
}

TEST_CASE("discovery: time begins anew with each post", "[dmsg]") {
  Discovery discovery;
  discovery.post(client(1));
  discovery.now = kNow + 59 * kMinute;
  discovery.post(client(1, 1));
  discovery.now = kNow + 118 * kMinute;
  discovery.api.sweep(discovery.now);
  CHECK(discovery.get(key_pair(1).key).status == 200);
}

TEST_CASE("discovery: deleting", "[dmsg]") {
  Discovery discovery;
  discovery.post(client(1, 5));
  auto remove = [&](const Entry& entry) {
    return discovery.ask("DELETE", "/dmsg-discovery/entry", dmsg::to_json(entry));
  };
  Entry forged = client(1, 6);
  forged.sequence = 7;
  check(remove(forged), 401, "invalid signature");
  Entry unsigned_one = client(1);
  unsigned_one.signature.clear();
  check(remove(unsigned_one), 422, "entry validation error: entry has no signature");
  check(discovery.ask("DELETE", "/dmsg-discovery/entry", "no"), 500, "something unexpected happened");
  CHECK(discovery.book.size() == 1);
  check(remove(client(1, 2)), 200, "deleted entry");
  CHECK(discovery.book.size() == 0);
  CHECK(discovery.drive.empty());
  check(remove(client(1, 2)), 200, "deleted entry");
  CHECK(discovery.api.counters().deleted == 1);
}

TEST_CASE("discovery: lists of servers", "[dmsg]") {
  Discovery discovery;
  check(discovery.list("available_servers"), 404, "no delegated dmsg servers available for remote");
  check(discovery.list("all_servers"), 404, "no delegated dmsg servers available for remote");
  Entry full = server(1, 0), most = server(2, 100), some = server(3, 5), below = server(4, -2);
  for (const Entry& each : {full, some, most, below}) discovery.post(each);
  CHECK(discovery.list("available_servers").body ==
        "[" + dmsg::to_json(most) + "," + dmsg::to_json(some) + "]");
  auto all = dmsg::parse_entries(discovery.list("all_servers").body);
  REQUIRE(all);
  CHECK(all->size() == 4);
}

TEST_CASE("discovery: at most 512 servers are listed as available, those with the most room", "[dmsg]") {
  Discovery discovery;
  for (int i = 0; i < 600; ++i) {
    Entry entry;
    entry.key.bytes[0] = 2;
    entry.key.bytes[1] = static_cast<uint8_t>(i >> 8);
    entry.key.bytes[2] = static_cast<uint8_t>(i);
    entry.server.emplace().address = "192.0.2.1:1";
    entry.server->available_sessions = i;
    discovery.book.put({entry, kNow, kNow + kMinute});
  }
  ApiAnswer answer = available_servers(discovery.book, kNow);
  size_t listed = 0;
  for (size_t at = 0; (at = answer.body.find("\"static\"", at)) != std::string::npos; ++at) ++listed;
  CHECK(listed == 512);
  CHECK(answer.body.find("\"availableSessions\":599}") < answer.body.find("\"availableSessions\":598}"));
  CHECK(answer.body.find("\"availableSessions\":87}") == std::string::npos);
}

TEST_CASE("discovery: lists of clients", "[dmsg]") {
  Discovery discovery;
  CHECK(discovery.list("entries").body == "[]");
  CHECK(discovery.list("servers/clients").body == "{}");
  visor_key relay = key_pair(9).key, absent = key_pair(8).key;
  discovery.post(server(9, 10));
  discovery.post(client(1, 0, kNow, {relay, absent}));
  Entry visor = client(2, 0, kNow, {relay});
  visor.client_type = "visor";
  discovery.post(signed_by(2, visor));
  std::string a = "\"" + to_hex(key_pair(1).key) + "\"", b = "\"" + to_hex(key_pair(2).key) + "\"";
  std::string first = std::min(a, b), second = std::max(a, b);
  CHECK(discovery.list("entries").body == "[" + first + "," + second + "]");
  CHECK(discovery.list("visorEntries").body == "[" + b + "]");
  CHECK(discovery.list("server/" + to_hex(relay) + "/clients").body ==
        "{\"" + to_hex(relay) + "\":[" + first + "," + second + "]}");
  CHECK(discovery.list("server/" + to_hex(key_pair(7).key) + "/clients").body ==
        "{\"" + to_hex(key_pair(7).key) + "\":[]}");
  std::string both = discovery.list("servers/clients").body;
  CHECK(both.find("\"" + to_hex(relay) + "\":[" + first + "," + second + "]") != std::string::npos);
  CHECK(both.find("\"" + to_hex(absent) + "\":[" + a + "]") != std::string::npos);
  check(discovery.list("server/xyz/clients"), 400, "error bad input");
}

TEST_CASE("discovery: many entries at once", "[dmsg]") {
  Discovery discovery;
  discovery.post(client(1));
  auto batch = [&](const std::string& body) {
    return discovery.ask("POST", "/dmsg-discovery/entries/batch", body);
  };
  std::string one = to_hex(key_pair(1).key), none = to_hex(key_pair(2).key);
  CHECK(batch("[\"" + none + "\",\"" + one + "\",\"" + one + "\"]").body ==
        "{\"" + one + "\":" + dmsg::to_json(client(1)) + "}");
  CHECK(batch("[]").body == "{}");
  for (auto bad : {"", "{}", "[1]", "[\"02\"]", "[[\"02\"]]"}) {
    INFO(bad);
    check(batch(bad), 400, "error bad input");
  }
  std::string many = "[\"" + one + "\"";
  for (size_t i = 0; i < kMaxBatch; ++i) many += ",\"" + one + "\"";
  check(batch(many + "]"), 400, "error bad input");
}

TEST_CASE("discovery: paths and methods", "[dmsg]") {
  Discovery discovery;
  std::string key = to_hex(key_pair(1).key), body = dmsg::to_json(client(1));
  CHECK(discovery.ask("POST", "/dmsg-discovery/entry", body).status == 405);
  check(discovery.ask("POST", "/dmsg-discovery/entry/" + key, body), 200, "wrote a new entry");
  CHECK(discovery.ask("DELETE", "/dmsg-discovery/entry/" + key, body).status == 405);
  CHECK(discovery.ask("GET", "/dmsg-discovery/entry/").status == 405);
  CHECK(discovery.ask("PUT", "/dmsg-discovery/entries").status == 405);
  CHECK(discovery.ask("GET", "/dmsg-discovery/entries/batch").status == 405);
  CHECK(discovery.ask("HEAD", "/dmsg-discovery/entry/" + key).status == 200);
  check(discovery.ask("GET", "/dmsg-discovery/entry/" + std::string(66, '0')), 404,
        "entry of public key is not found");
  check(discovery.ask("GET", "/dmsg-discovery/entry/zz"), 400, "error bad input");
  // What no discovery says must not look like its word.
  for (auto path :
       {"/", "/dmsg-discovery", "/dmsg-discovery/", "/dmsg-discovery/nothing", "/dmsg-discoveryentry/"}) {
    INFO(path);
    ApiAnswer answer = discovery.ask("GET", path);
    CHECK(answer.status == 404);
    CHECK_FALSE(dmsg::message_of(answer.body));
  }
  CHECK(discovery.ask("POST", "/dmsg-discovery/entry/", std::string(dmsg::kMaxEntryJson + 1, ' ')).status ==
        413);
}

TEST_CASE("discovery: who it is", "[dmsg]") {
  Discovery plain({.version = "1.2.3", .started_ns = kNow});
  CHECK(plain.ask("GET", "/health").body ==
        R"({"build_info":{"version":"1.2.3","commit":"","date":""},"started_at":"2023-11-14T22:13:20Z"})");
  Discovery on_network({.version = "1", .dmsg_address = "aa:80", .started_ns = kNow});
  on_network.post(server(1, 1));
  CHECK(
      on_network.ask("GET", "/health")
          .body.ends_with(R"("dmsg_address":"aa:80","dmsg_servers":[")" + to_hex(key_pair(1).key) + "\"]}"));
  CHECK(plain.ask("POST", "/health").status == 405);
}

TEST_CASE("discovery: official servers are who the operator says", "[dmsg]") {
  Discovery discovery({.official_servers = {key_pair(1).key}});
  Entry liar = server(2, 1);
  liar.server->server_type = "official";
  discovery.post(server(1, 2));
  discovery.post(signed_by(2, liar));
  auto listed = dmsg::parse_entries(discovery.list("available_servers").body);
  REQUIRE(listed);
  REQUIRE(listed->size() == 2);
  CHECK((*listed)[0].server->server_type == "official");
  CHECK((*listed)[1].server->server_type == "community");
}

TEST_CASE("discovery: nothing is taken that cannot be kept", "[dmsg]") {
  Discovery discovery({.max_entries = 2});
  discovery.full = true;
  check(discovery.post(client(1)), 500, "something unexpected happened");
  CHECK(discovery.get(key_pair(1).key).status == 404);
  discovery.full = false;
  check(discovery.post(client(1)), 200, "wrote a new entry");
  discovery.full = true;
  check(discovery.post(client(1, 1)), 500, "something unexpected happened");
  check(discovery.ask("DELETE", "/dmsg-discovery/entry", dmsg::to_json(client(1))), 500,
        "something unexpected happened");
  CHECK(discovery.get(key_pair(1).key).body == dmsg::to_json(client(1)));
  discovery.full = false;
  discovery.post(client(2));
  check(discovery.post(client(3)), 500, "something unexpected happened");
  check(discovery.post(client(2, 1)), 200, "wrote new entry iteration");
  CHECK(discovery.api.counters().refused_full == 1);
}

TEST_CASE("discovery: records on a drive", "[dmsg]") {
  Record record{client(1, 3), kNow, kNow + kMinute};
  Bytes bytes = encode_record(record);
  auto read = decode_record(bytes);
  REQUIRE(read);
  CHECK(read->entry == record.entry);
  CHECK(read->stored_ns == record.stored_ns);
  CHECK(read->expires_ns == record.expires_ns);
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto cut = decode_record(ByteView(bytes).first(size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().status == VISOR_ECORRUPT);
  }
  bytes[0] = 2;
  CHECK_FALSE(decode_record(bytes));
}
