#include "lib/dmsg/entry.hpp"

#include "tests/unit/vectors.hpp"

using namespace visor;

namespace {

boost::json::value vectors() {
  return test::load_vectors("dmsg_entries.json");
}

visor_key key_of(const boost::json::value& all, std::string_view name) {
  return test::key(test::at(test::at(all, "keys"), name), "pk");
}

dmsg::Sign signer(const boost::json::value& all, std::string_view name) {
  auto secret =
      std::make_shared<crypto::SecretKey>(test::fixed_hex<32>(test::at(test::at(all, "keys"), name), "sk"));
  return [secret](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, *secret); };
}

dmsg::Entry client_entry(const boost::json::value& all) {
  dmsg::Entry entry;
  entry.timestamp_ns = 1700000000123456789;
  entry.key = key_of(all, "client-A");
  entry.client.emplace().delegated_servers.emplace().push_back(key_of(all, "server-1"));
  return entry;
}

void check_golden(const dmsg::Entry& entry, const boost::json::value& golden) {
  CHECK(dmsg::canonical(entry) == test::text(golden, "payload_json"));
  CHECK(to_hex(crypto::sha256(bytes(std::string_view(dmsg::canonical(entry))))) ==
        test::text(golden, "payload_sha256"));
  auto read = dmsg::parse_entry(test::text(golden, "signed_json"));
  REQUIRE(read);
  CHECK(read->signature == test::text(golden, "signature"));
  CHECK(dmsg::to_json(*read) == test::text(golden, "signed_json"));
  CHECK(dmsg::canonical(*read) == test::text(golden, "payload_json"));
  CHECK(dmsg::verify(*read));
  CHECK(dmsg::validate(*read));
  dmsg::Entry unsigned_one = *read;
  unsigned_one.signature.clear();
  CHECK(unsigned_one == entry);
}

}  // namespace

TEST_CASE("entries: built and read as the vectors have them", "[dmsg]") {
  auto all = vectors();
  const auto& golden = test::at(all, "entries");
  dmsg::Entry entry = client_entry(all);
  check_golden(entry, test::at(golden, "client"));
  entry.sequence = 1;
  entry.client->delegated_servers->clear();
  check_golden(entry, test::at(golden, "client_empty_servers"));
  entry.client->delegated_servers.reset();
  check_golden(entry, test::at(golden, "client_null_servers"));

  dmsg::Entry server;
  server.sequence = 3;
  server.timestamp_ns = 1700000000123456789;
  server.key = key_of(all, "server-1");
  server.server.emplace().address = "127.0.0.1:8081";
  server.server->available_sessions = 2048;
  check_golden(server, test::at(golden, "server"));
}

TEST_CASE("entries: of later years, the protocol behind the signature", "[dmsg]") {
  auto all = vectors();
  const auto& golden = test::at(all, "entry_2024_plus");
  dmsg::Entry entry = client_entry(all);
  entry.sequence = 4;
  entry.client_type = "visor";
  entry.protocol = "smux";
  CHECK(dmsg::canonical(entry) == test::text(golden, "payload_json"));
  auto read = dmsg::parse_entry(test::text(golden, "body_json"));
  REQUIRE(read);
  CHECK(dmsg::to_json(*read) == test::text(golden, "body_json"));
  CHECK(dmsg::verify(*read));
}

TEST_CASE("entries: the order of a server's fields", "[dmsg]") {
  dmsg::Entry entry;
  auto& server = entry.server.emplace();
  server.address = "192.0.2.1:8080";
  server.address_v6 = "[2001:db8::1]:8080";
  server.address_udp = "192.0.2.1:8081";
  server.address_udp_v6 = "[2001:db8::1]:8081";
  server.address_ws = "ws://192.0.2.1:8080/dmsg";
  server.available_sessions = -3;
  server.server_type = "official";
  server.dht_bootstrap = true;
  std::string json = dmsg::to_json(entry);
  CHECK(
      json.substr(json.find("\"server\"")) ==
      R"("server":{"address":"192.0.2.1:8080","address_v6":"[2001:db8::1]:8080","address_udp":"192.0.2.1:8081",)"
      R"("address_udp_v6":"[2001:db8::1]:8081","address_ws":"ws://192.0.2.1:8080/dmsg","availableSessions":-3,)"
      R"("serverType":"official","dht_bootstrap":true}})");
  auto read = dmsg::parse_entry(json);
  REQUIRE(read);
  CHECK(*read == entry);
}

TEST_CASE("entries: signed by oneself they verify, changed they do not", "[dmsg]") {
  auto all = vectors();
  dmsg::Entry entry = client_entry(all);
  REQUIRE(dmsg::sign(entry, signer(all, "client-A")));
  CHECK(dmsg::verify(entry));
  CHECK(entry.signature.size() == 130);
  dmsg::Entry changed = entry;
  changed.sequence = 1;
  CHECK_FALSE(dmsg::verify(changed));
  changed = entry;
  changed.key = key_of(all, "client-B");
  CHECK_FALSE(dmsg::verify(changed));
  changed = entry;
  changed.signature.pop_back();
  auto verified = dmsg::verify(changed);
  REQUIRE_FALSE(verified);
  CHECK(verified.error().text.find("129 characters") != std::string::npos);
  changed.signature.clear();
  CHECK_FALSE(dmsg::verify(changed));
}

TEST_CASE("entries: order and spaces of a body are free, unknown members are passed over", "[dmsg]") {
  auto all = vectors();
  const auto& golden = test::at(test::at(all, "entries"), "client");
  std::string body = test::text(golden, "signed_json");
  std::string rest = body.substr(body.find("\"client\""));
  std::string shuffled = "{ \"unknown\": [{}, 1.5], \"signature\": \"" + test::text(golden, "signature") +
                         "\",\n \"client\": {\"more\": 1, \"delegated_servers\": [\"" +
                         to_hex(key_of(all, "server-1")) + "\"]}, \"server\": null, \"static\": \"" +
                         to_hex(key_of(all, "client-A")) +
                         "\", \"timestamp\": 1700000000123456789, \"sequence\": 0, \"version\": \"0.0.1\"}";
  auto read = dmsg::parse_entry(shuffled);
  REQUIRE(read);
  CHECK(dmsg::to_json(*read) == body);
  CHECK(dmsg::verify(*read));
}

TEST_CASE("entries: strings are written as the network's encoder writes them", "[dmsg]") {
  dmsg::Entry entry;
  entry.version = "a\"b\\c\n\r\t\x01<&>\u00e9\u2028";
  std::string json = dmsg::canonical(entry);
  CHECK(json.substr(0, json.find(",\"sequence\"")) ==
        "{\"version\":\"a\\\"b\\\\c\\n\\r\\t\\u0001<&>\u00e9\\u2028\"");
  auto read = dmsg::parse_entry(json);
  REQUIRE(read);
  CHECK(read->version == entry.version);
}

TEST_CASE("entries: numbers to their limits", "[dmsg]") {
  auto sequence = dmsg::parse_entry("{\"sequence\":18446744073709551615,\"timestamp\":-9223372036854775808}");
  REQUIRE(sequence);
  CHECK(sequence->sequence == UINT64_MAX);
  CHECK(sequence->timestamp_ns == INT64_MIN);
  CHECK(dmsg::canonical(*sequence).find("\"sequence\":18446744073709551615") != std::string::npos);
  for (auto bad : {"{\"sequence\":-1}", "{\"sequence\":1.5}", "{\"sequence\":\"1\"}",
                   "{\"timestamp\":9223372036854775808}", "{\"sequence\":18446744073709551616}"}) {
    INFO(bad);
    CHECK_FALSE(dmsg::parse_entry(bad));
  }
}

TEST_CASE("entries: what cannot be one is refused, what lacks something is read and judged", "[dmsg]") {
  for (auto bad :
       {"", "[]", "null", "{", "{\"static\":5}", "{\"static\":\"02\"}", "{\"client\":[]}",
        "{\"client\":{\"delegated_servers\":{}}}", "{\"client\":{\"delegated_servers\":[1]}}",
        "{\"server\":{\"address\":1}}", "{\"server\":{\"dht_bootstrap\":1}}", "{\"signature\":0}"}) {
    INFO(bad);
    auto read = dmsg::parse_entry(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().status == VISOR_EPROTO);
  }
  CHECK_FALSE(dmsg::parse_entry(std::string(dmsg::kMaxEntryJson + 1, ' ')));
  CHECK_FALSE(dmsg::parse_entry(std::string(60000, '[')));

  auto text_of = [](std::string_view json) {
    auto read = dmsg::parse_entry(json);
    REQUIRE(read);
    auto valid = dmsg::validate(*read);
    return valid ? std::string() : valid.error().text;
  };
  auto all = vectors();
  std::string key = "\"static\":\"" + to_hex(key_of(all, "client-A")) + "\"";
  CHECK(text_of("{}") == "entry has no signature");
  CHECK(text_of(R"({"signature":"00"})") == "entry has no version");
  CHECK(text_of(R"({"signature":"00","version":"0.0.1"})") == "entry Keys is nil");
  CHECK(text_of(R"({"signature":"00","version":"0.0.1",)" + key + "}") ==
        "entry has neither client or server field");
  CHECK(text_of(R"({"signature":"00","version":"0.0.1","server":{},)" + key + "}") ==
        "server address cannot be empty");
  CHECK(text_of(R"({"signature":"00","version":"0.0.1","client":{},)" + key + "}").empty());
}

TEST_CASE("entries: keys as discoveries read them", "[dmsg]") {
  CHECK(dmsg::parse_key(std::string(66, '0')).value() == visor_key{});
  CHECK(dmsg::parse_key("") == visor_key{});
  CHECK_FALSE(dmsg::parse_key("0"));
  CHECK_FALSE(dmsg::parse_key(std::string(65, '0')));
  CHECK_FALSE(dmsg::parse_key(std::string(67, '0')));
  CHECK_FALSE(dmsg::parse_key("02"));
  CHECK_FALSE(dmsg::parse_key(std::string(66, 'g')));
  CHECK_FALSE(dmsg::parse_key("02" + std::string(64, 'f')));
  auto all = vectors();
  visor_key key = key_of(all, "client-A");
  CHECK(dmsg::parse_key(to_hex(key)).value() == key);
}

TEST_CASE("entries: of a list, one that cannot be read does not hide the others", "[dmsg]") {
  auto all = vectors();
  std::string good = test::text(test::at(test::at(all, "entries"), "server"), "signed_json");
  auto list = dmsg::parse_entries("[" + good + ",{\"static\":1}," + good + "]");
  REQUIRE(list);
  CHECK(list->size() == 2);
  CHECK_FALSE(dmsg::parse_entries("{}"));
  CHECK_FALSE(dmsg::parse_entries("[" + good));
}
