// Entries of a service directory: read, written, signed.
#include "lib/services/service.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/service_discovery/signed_services.hpp"

namespace visor::services {
namespace {

using test::key_pair;
using test::sign_again;
using test::signed_service;

Service whole() {
  Service service = signed_service(1);
  service.name.id = "group-1.x_Y";
  service.version = "1.2";
  service.addresses = {{"stcpr", "tcp://192.0.2.1:7000"}, {"swsr", "ws://example.org/skywire"}};
  service.metadata = {{"name", "Kayaking \"north\" \u00e9\u2028"}, {"members", "12"}};
  sign_again(service, 1);
  return service;
}

}  // namespace

TEST_CASE("service: what is written is read as the same, and its signature holds", "[services]") {
  for (Service service : {signed_service(1), whole()}) {
    std::string json = to_json(service);
    auto read = parse_service(json);
    REQUIRE(read);
    CHECK(*read == service);
    CHECK(to_json(*read) == json);
    CHECK(verify(*read));
  }
}

TEST_CASE("service: every part is under the signature", "[services]") {
  const Service good = whole();
  std::vector<std::function<void(Service&)>> changes = {
      [](Service& s) { s.name.type = "skychat"; },
      [](Service& s) { s.name.key = key_pair(2).key; },
      [](Service& s) { ++s.name.port; },
      [](Service& s) { s.name.id += "1"; },
      [](Service& s) { s.version = "1.3"; },
      [](Service& s) { s.addresses[1].address = "ws://example.com/skywire"; },
      [](Service& s) { s.addresses[0].type = "swsr"; },
      [](Service& s) { s.addresses.pop_back(); },
      [](Service& s) { std::swap(s.addresses[0], s.addresses[1]); },
      [](Service& s) { s.metadata["name"] = "Rowing"; },
      [](Service& s) { s.metadata.erase("members"); },
      [](Service& s) { ++s.timestamp_ms; },
      [](Service& s) { s.withdrawn = true; },
      [](Service& s) { s.signature.bytes[7] ^= 1; },
  };
  CHECK(verify(good));
  for (size_t i = 0; i < changes.size(); ++i) {
    INFO("change " << i);
    Service changed = good;
    changes[i](changed);
    CHECK_FALSE(verify(changed));
  }
  // Texts that meet elsewhere are not the same.
  Service moved = good;
  moved.version = "1.";
  moved.addresses[0].type = "2stcpr";
  CHECK_FALSE(verify(moved));
}

TEST_CASE("service: what cannot be one is refused", "[services]") {
  const std::string good = to_json(whole());
  auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  REQUIRE(parse_service(good));
  const std::string key = to_hex(key_pair(1).key);
  std::vector<std::string> bad = {"",
                                  "{}",
                                  "[]",
                                  "null",
                                  "7",
                                  good + "x",
                                  good.substr(0, good.size() - 1),
                                  with(":44\"", ":0\""),
                                  with(":44\"", ":65536\""),
                                  with(":44\"", "\""),
                                  with(":44\"", ":4x\""),
                                  with(key, std::string(66, '0')),
                                  with(key, key.substr(2)),
                                  with("\"visor\"", "\"Visor\""),
                                  with("\"visor\"", "\"\""),
                                  with("\"visor\"", "7"),
                                  with("\"visor\"", "\"" + std::string(33, 'a') + "\""),
                                  with("group-1.x_Y", "group:1"),
                                  with("group-1.x_Y", std::string(65, 'a')),
                                  with("\"1.2\"", "\"" + std::string(33, '1') + "\""),
                                  with("\"1.2\"", "\"a\\u0007\""),
                                  with("tcp://192.0.2.1:7000", ""),
                                  with("tcp://192.0.2.1:7000", "tcp://a b"),
                                  with("tcp://192.0.2.1:7000", std::string(257, 'a')),
                                  with("\"metadata\":{", "\"metadata\":{\"\":\"x\","),
                                  with("\"12\"", "12"),
                                  with("\"12\"", "{}"),
                                  with("\"12\"", "\"" + std::string(513, '1') + "\""),
                                  with("\"metadata\":", "\"metadata\":[],\"other\":"),
                                  with("\"timestamp_ms\":", "\"timestamp_ms\":-"),
                                  with("\"timestamp_ms\":", "\"timestamp_ms\":1e99,\"x\":"),
                                  with("\"signature\":\"", "\"signature\":\"00"),
                                  with("\"signature\":\"", "\"signature\":\"zz"),
                                  with("\"timestamp_ms\":", "\"withdrawn\":1,\"timestamp_ms\":")};
  std::string nested = "{\"x\":";
  for (int i = 0; i < 100; ++i) nested += '[';
  bad.push_back(nested);
  bad.push_back(good + std::string(kMaxServiceJson, ' '));
  for (const std::string& text : bad) {
    INFO(text.substr(0, 300));
    auto read = parse_service(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().status == VISOR_EPROTO);
    CHECK_FALSE(read.error().text.empty());
  }
  Service crowded = whole();
  for (size_t i = 0; i <= kMaxAddresses; ++i) crowded.addresses.push_back({"stcpr", "tcp://192.0.2.1:1"});
  CHECK_FALSE(validate(crowded));
  crowded = whole();
  for (size_t i = 0; i <= kMaxMetadata; ++i) crowded.metadata["m" + std::to_string(i)] = "x";
  CHECK_FALSE(validate(crowded));
}

TEST_CASE("service: a list keeps what can be read", "[services]") {
  const std::string good = to_json(whole());
  auto read = parse_services("[" + good + ",7,{},null," + to_json(signed_service(2)) + "]");
  REQUIRE(read);
  CHECK(read->size() == 2);
  CHECK_FALSE(parse_services(good));
  CHECK_FALSE(parse_services("[" + good));
  CHECK_FALSE(parse_services("[" + good + "]", 100));
}

TEST_CASE("service: addresses as text", "[services]") {
  const visor_key key = key_pair(1).key;
  auto parsed = parse_address(to_hex(key) + ":44");
  REQUIRE(parsed);
  CHECK(parsed->first == key);
  CHECK(parsed->second == 44);
  for (const char* end : {"", ":", ":0", ":65536", ":4 ", ":-1", ":44:44"}) {
    CHECK_FALSE(parse_address(to_hex(key) + end));
  }
  CHECK_FALSE(parse_address(":44"));
}

}  // namespace visor::services
