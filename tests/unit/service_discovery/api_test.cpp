// The rules of a service directory, without HTTP.
#include "plugins/service-discovery/api.hpp"

#include <set>

#include "lib/services/directory.hpp"
#include "tests/unit/service_discovery/signed_services.hpp"

namespace visor::service_discovery {
namespace {

using test::kServicesNowMs;
using test::sign_again;
using test::signed_service;

struct World {
  explicit World(ApiOptions options = {})
      : api(book, std::move(options), [this](const ServiceName& name, const Record* record) -> Result<void> {
          if (full) return failure(VISOR_ENOSPC, "the drive is full");
          if (record) {
            drive[key_of(name)] = encode_record(*record);
          } else {
            drive.erase(key_of(name));
          }
          return {};
        }) {}
  Book book;
  std::map<Bytes, Bytes> drive;
  bool full = false;
  Api api;
  int64_t now_ms = kServicesNowMs;

  ApiAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                std::string_view query = {}) {
    return api.answer({method, path, query, body}, now_ms);
  }
  ApiAnswer post(const Service& service) { return ask("POST", "/api/services", services::to_json(service)); }
  ApiAnswer withdraw(Service service, uint8_t number) {
    service.timestamp_ms = now_ms;
    service.withdrawn = true;
    sign_again(service, number);
    return ask("DELETE", "/api/services", services::to_json(service));
  }
  std::vector<Service> list(std::string_view query = "type=visor") {
    ApiAnswer answer = ask("GET", "/api/services", {}, query);
    REQUIRE(answer.status == 200);
    auto services = services::parse_services(answer.body);
    REQUIRE(services);
    return *services;
  }
};

std::string next_cursor(const ApiAnswer& answer) {
  for (const auto& [name, value] : answer.headers) {
    if (name == "x-next-cursor") return value;
  }
  return {};
}

}  // namespace

TEST_CASE("service discovery: what is posted is listed by type until it is not renewed", "[services]") {
  World world;
  CHECK(world.list().empty());
  Service visor = signed_service(1), group = signed_service(1, "skychat", "kayaking");
  CHECK(world.post(visor).status == 200);
  CHECK(world.post(group).status == 200);
  CHECK(world.list() == std::vector{visor});
  CHECK(world.list("type=skychat") == std::vector{group});
  CHECK(world.list("") == std::vector{group, visor});
  CHECK(world.list("type=vpn").empty());
  world.now_ms += 120'000;
  CHECK(world.post(signed_service(1, "visor", {}, world.now_ms)).status == 200);
  world.now_ms += 60'000;
  CHECK(world.list("type=skychat").empty());
  CHECK(world.list().size() == 1);
  world.now_ms += 120'000;
  CHECK(world.list().empty());
  world.now_ms += 600'000;
  world.api.sweep(world.now_ms);
  CHECK(world.book.size() == 0);
  CHECK(world.drive.empty());
  CHECK(world.api.counters().expired == 2);
}

TEST_CASE("service discovery: one service by its address", "[services]") {
  World world;
  Service service = signed_service(1);
  REQUIRE(world.post(service).status == 200);
  auto at = [&](const std::string& address) { return world.ask("GET", "/api/services/" + address); };
  CHECK(at(service.name.address()).body == "[" + services::to_json(service) + "]\n");
  CHECK(at(to_hex(service.name.key) + ":45").status == 404);
  CHECK(at(signed_service(2).name.address()).status == 404);
  CHECK(at("x").status == 400);
  CHECK(world.list("pk=" + to_hex(service.name.key)).size() == 1);
  CHECK(world.list("pk=" + to_hex(test::key_pair(2).key)).empty());
}

TEST_CASE("service discovery: nobody posts for another, or again what was said before", "[services]") {
  World world;
  Service service = signed_service(1);
  REQUIRE(world.post(service).status == 200);
  ApiAnswer again = world.post(service);
  CHECK(again.status == 409);
  CHECK(again.body.find("\"timestamp_ms\":" + std::to_string(kServicesNowMs)) != std::string::npos);
  Service forged = signed_service(2);
  forged.name.key = service.name.key;
  forged.timestamp_ms += 1;
  CHECK(world.post(forged).status == 401);
  // The entry that anybody has read does not withdraw it; one that was withdrawn is not posted again.
  CHECK(world.ask("DELETE", "/api/services", services::to_json(service)).status == 400);
  Service gone = service;
  gone.withdrawn = true;
  CHECK(world.ask("DELETE", "/api/services", services::to_json(gone)).status == 401);
  world.now_ms += 1000;
  CHECK(world.withdraw(service, 1).status == 200);
  CHECK(world.list().empty());
  CHECK(world.post(service).status == 409);
  world.now_ms += 200'000;
  world.api.sweep(world.now_ms);
  CHECK(world.post(service).status == 409);
  world.now_ms += 200'000;
  world.api.sweep(world.now_ms);
  CHECK(world.book.size() == 0);
  CHECK(world.post(service).status == 400);  // it is too old by now
  CHECK(world.api.counters().refused_time == 1);
}

TEST_CASE("service discovery: times that are far off are told so", "[services]") {
  World world;
  for (int64_t off : {-300'001, 300'001}) {
    ApiAnswer answer = world.post(signed_service(1, "visor", {}, kServicesNowMs + off));
    CHECK(answer.status == 400);
    CHECK(answer.body.find("clock") != std::string::npos);
  }
  for (int64_t off : {-300'000, 300'000}) {
    CHECK(world.post(signed_service(1, "visor", {}, kServicesNowMs + off)).status == 200);
  }
}

TEST_CASE("service discovery: what it does not list, and what it has no room for", "[services]") {
  World world({.types = {"visor"}, .max_services = 3, .max_of_key = 2});
  CHECK(world.post(signed_service(1, "skychat")).status == 400);
  CHECK(world.post(signed_service(1, "visor", "a")).status == 200);
  CHECK(world.post(signed_service(1, "visor", "b")).status == 200);
  CHECK(world.post(signed_service(1, "visor", "c")).status == 507);
  CHECK(world.post(signed_service(2)).status == 200);
  CHECK(world.post(signed_service(3)).status == 507);
  CHECK(world.post(signed_service(2, "visor", {}, kServicesNowMs + 1)).status == 200);
  world.full = true;
  CHECK(world.post(signed_service(2, "visor", {}, kServicesNowMs + 2)).status == 500);
  CHECK(world.list().size() == 3);
}

TEST_CASE("service discovery: addresses of one's own machine only for tests", "[services]") {
  for (const char* address : {"tcp://127.0.0.1:7000", "ws://localhost:80/skywire", "ws://[::1]:80/skywire"}) {
    Service service = signed_service(1);
    service.addresses = {{"stcpr", "tcp://192.0.2.1:7000"}, {"swsr", address}};
    sign_again(service, 1);
    World strict, lax({.test_mode = true});
    CHECK(strict.post(service).status == 400);
    CHECK(lax.post(service).status == 200);
  }
}

TEST_CASE("service discovery: a long list comes in pages", "[services]") {
  World world;
  std::set<visor_key> all;
  for (uint8_t i = 1; i <= 25; ++i) {
    REQUIRE(world.post(signed_service(i)).status == 200);
    all.insert(test::key_pair(i).key);
  }
  for (const char* type : {"type=visor&", ""}) {
    std::set<visor_key> seen;
    std::string cursor;
    int pages = 0;
    do {
      std::string query = std::string(type) + "limit=7" + (cursor.empty() ? "" : "&cursor=" + cursor);
      ApiAnswer answer = world.ask("GET", "/api/services", {}, query);
      REQUIRE(answer.status == 200);
      auto page = services::parse_services(answer.body);
      REQUIRE(page);
      for (const Service& each : *page) {
        CHECK(seen.insert(each.name.key).second);
      }
      cursor = next_cursor(answer);
      REQUIRE(++pages <= 4);
    } while (!cursor.empty());
    CHECK(seen == all);
  }
  // From any key on, so that not everybody begins with the same ones.
  auto behind = world.list("type=visor&cursor=" + to_hex(*std::next(all.begin(), 19)));
  CHECK(behind.size() == 5);
  for (const char* query :
       {"limit=0", "limit=x", "type=A", "pk=1", "type=visor&cursor=x", "cursor=x", "type=%zz"}) {
    CHECK(world.ask("GET", "/api/services", {}, query).status == 400);
  }
}

TEST_CASE("service discovery: methods and bodies that do not belong", "[services]") {
  World world;
  CHECK(world.ask("PUT", "/api/services").status == 405);
  CHECK(world.ask("POST", "/api/services/x", "{}").status == 405);
  CHECK(world.ask("POST", "/api/services", "{}").status == 400);
  CHECK(world.ask("POST", "/api/services", std::string(services::kMaxServiceJson + 1, 'x')).status == 413);
  CHECK(world.ask("GET", "/api/other").status == 404);
  CHECK(world.api.counters().refused_malformed == 2);
}

TEST_CASE("service discovery: records as they are kept", "[services]") {
  Record record{signed_service(1, "skychat", "kayaking"), 12345};
  Bytes kept = encode_record(record);
  auto read = decode_record(kept);
  REQUIRE(read);
  CHECK(read->service == record.service);
  CHECK(read->expires_ms == 12345);
  for (size_t size = 0; size < kept.size(); ++size) {
    CHECK_FALSE(decode_record(ByteView(kept).first(size)));
  }
  kept[0] = 2;
  CHECK_FALSE(decode_record(kept));
  CHECK(key_of(signed_service(1).name) != key_of(signed_service(1, "visor", "x").name));
}

}  // namespace visor::service_discovery
