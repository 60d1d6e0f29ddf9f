// Specification telemetry.md, 4: requests that are signed, and what they register and take away.
#include "lib/codec/transport_entry.hpp"
#include "service.hpp"

using namespace visor;
using namespace visor::test;

namespace {

struct Caller {
  crypto::KeyPair pair;
  uint64_t nonce = 0;

  explicit Caller(uint64_t seed) {
    Seeded random(seed);
    pair = *crypto::random_key_pair(random.source());
  }
  const visor_key& key() const { return pair.key; }
};

struct Signed : Service {
  Caller alice{101}, bob{102}, carol{103};

  uint64_t next_nonce(const visor_key& key) {
    return json("/security/nonces/" + to_hex(key)).get_object().at("next_nonce").to_number<uint64_t>();
  }
  Answer call(const Caller& caller, std::string_view method, std::string_view path, const std::string& body,
              std::optional<uint64_t> nonce = std::nullopt, std::string_view query = "") {
    std::string number = std::to_string(nonce ? *nonce : next_nonce(caller.key()));
    crypto::Hash hash = crypto::sha256({bytes(std::string_view(body)), bytes(std::string_view(number))});
    std::string signature = to_hex(crypto::sign_recoverable(hash, caller.pair.secret)->bytes);
    std::map<std::string, std::string, std::less<>> headers{{"sw-public", to_hex(caller.key())},
                                                            {"sw-nonce", number},
                                                            {"sw-sig", signature},
                                                            {"sw-visor-version", "v9"}};
    return ask({method, path, query, "", "", body, [&](std::string_view name) -> std::string_view {
                  auto at = headers.find(name);
                  return at == headers.end() ? std::string_view() : std::string_view(at->second);
                }});
  }
  static std::string array(const std::vector<codec::TransportEntry>& entries) {
    std::string out = "[";
    for (const codec::TransportEntry& entry : entries)
      out += (out.size() > 1 ? "," : "") + codec::to_json(entry);
    return out + "]";
  }
};

codec::TransportEntry between(const Caller& a, const Caller& b, std::string_view type = "stcpr") {
  return codec::make_transport_entry(a.key(), b.key(), type, "user");
}

std::string message_of(const Answer& answer) {
  boost::json::value body = boost::json::parse(answer.body);
  const boost::json::value& error = body.get_object().at("error");
  if (const boost::json::string* text = error.if_string()) return std::string(*text);
  CHECK(error.get_object().at("code").to_number<int>() == answer.status);
  return std::string(error.get_object().at("message").get_string());
}

}  // namespace

TEST_CASE("tpd registration: an edge registers, both its edges are found, it expires by itself",
          "[telemetry][tpd]") {
  Signed tpd;
  codec::TransportEntry own = between(tpd.alice, tpd.bob), foreign = between(tpd.bob, tpd.carol);
  Answer made = tpd.call(tpd.alice, "POST", "/v3/transports/", Signed::array({own, foreign}));
  CHECK(made.status == 201);
  boost::json::value rows = boost::json::parse(made.body);
  REQUIRE(rows.get_array().size() == 1);
  CHECK(rows.get_array()[0].get_object().at("t_id").get_string() == codec::to_uuid(own.id));
  CHECK(tpd.tpd.live(own.id));
  CHECK(tpd.tpd.find(foreign.id) == nullptr);
  CHECK(tpd.rows("/v3/transports/edge:" + to_hex(tpd.bob.key())) == 1);
  CHECK(tpd.call(tpd.carol, "GET", "/transports/edge:" + to_hex(tpd.bob.key()), "").status == 200);
  CHECK(tpd.call(tpd.carol, "GET", "/transports/edge:" + to_hex(tpd.carol.key()), "").status == 404);
  CHECK(tpd.call(tpd.carol, "GET", "/transports/id:" + codec::to_uuid(own.id), "").body ==
        codec::to_json(own) + "\n");
  CHECK(tpd.json("/versions").get_object().at(to_hex(tpd.alice.key())).get_string() == "v9");
  tpd.tpd.pass(299);
  CHECK(tpd.tpd.live(own.id));
  tpd.tpd.pass(1);
  CHECK_FALSE(tpd.tpd.live(own.id));
  CHECK(tpd.call(tpd.carol, "GET", "/transports/id:" + codec::to_uuid(own.id), "").status == 404);
}

TEST_CASE("tpd registration: each edge has its own assertion, with its own expiry", "[telemetry][tpd]") {
  Signed tpd;
  codec::TransportEntry one = between(tpd.alice, tpd.bob);
  std::string body = Signed::array({one});
  tpd.call(tpd.alice, "POST", "/v3/transports/", body);
  tpd.tpd.pass(200);
  tpd.call(tpd.bob, "POST", "/v3/transports/", body);
  tpd.tpd.pass(200);
  CHECK(tpd.tpd.live(one.id));  // bob's
  // Renewed in time, the first deadline ends nothing.
  tpd.call(tpd.bob, "POST", "/v3/transports/", body);
  tpd.tpd.pass(200);
  CHECK(tpd.tpd.live(one.id));
  tpd.tpd.pass(101);
  CHECK_FALSE(tpd.tpd.live(one.id));
  // What one takes back is gone, whatever the other said before; said later, it is back.
  tpd.call(tpd.alice, "POST", "/v3/transports/", body);
  CHECK(tpd.call(tpd.bob, "DELETE", "/transports/id:" + codec::to_uuid(one.id), "").body ==
        "transport deleted");
  CHECK_FALSE(tpd.tpd.live(one.id));
  tpd.call(tpd.alice, "POST", "/v3/transports/", body);
  CHECK(tpd.tpd.live(one.id));
  // A complete list that lacks it takes it away too.
  tpd.tpd.list(tpd.alice.key(), {});
  CHECK_FALSE(tpd.tpd.live(one.id));
}

TEST_CASE("tpd registration: a list and a registration of the same edge are two assertions",
          "[telemetry][tpd]") {
  Signed tpd;
  codec::TransportEntry one = between(tpd.alice, tpd.bob);
  tpd.tpd.list(tpd.alice.key(), {{one, std::nullopt}});
  tpd.tpd.pass(250);
  tpd.call(tpd.alice, "POST", "/v3/transports/", Signed::array({one}));
  tpd.tpd.pass(100);
  CHECK(tpd.tpd.live(one.id));
  tpd.tpd.pass(201);
  CHECK_FALSE(tpd.tpd.live(one.id));
}

TEST_CASE("tpd registration: only edges take away, in a batch too", "[telemetry][tpd]") {
  Signed tpd;
  codec::TransportEntry one = between(tpd.alice, tpd.bob), other = between(tpd.alice, tpd.carol);
  tpd.call(tpd.alice, "POST", "/v3/transports/", Signed::array({one, other}));
  CHECK(tpd.call(tpd.carol, "DELETE", "/transports/id:" + codec::to_uuid(one.id), "").status == 401);
  CHECK(tpd.tpd.live(one.id));
  std::string ids = "[\"" + codec::to_uuid(one.id) + "\",\"" + codec::to_uuid(other.id) + "\"]";
  Answer batch = tpd.call(tpd.carol, "POST", "/transports/delete-batch", ids);
  CHECK(batch.body == "{\"deleted\":1,\"skipped\":1}\n");
  CHECK(tpd.tpd.live(one.id));
  CHECK_FALSE(tpd.tpd.live(other.id));
  CHECK(tpd.call(tpd.bob, "DELETE", "/transports/id:" + codec::to_uuid(between(tpd.bob, tpd.carol).id), "")
            .status == 404);
}

TEST_CASE("tpd registration: an entry whose identifier is another's is refused", "[telemetry][tpd]") {
  Signed tpd;
  std::string body = Signed::array({between(tpd.alice, tpd.bob)});
  std::string uuid = codec::to_uuid(between(tpd.alice, tpd.bob).id);
  body.replace(body.find(uuid), uuid.size(), codec::to_uuid(between(tpd.alice, tpd.carol).id));
  CHECK(tpd.call(tpd.alice, "POST", "/v3/transports/", body).status == 400);
  for (const char* bad : {"", "{}", "[1]", "[{}]", "[{\"t_id\":1}]"})
    CHECK(tpd.call(tpd.bob, "POST", "/v3/transports/", bad).status == 400);
  CHECK(tpd.tpd.aggregator.size() == 0);
}

TEST_CASE("tpd registration: the older form carries signatures, and they are checked", "[telemetry][tpd]") {
  Signed tpd;
  codec::SignedEntry entry{between(tpd.alice, tpd.bob), {}, 0};
  size_t own = codec::edge_of(entry.entry, tpd.alice.key());
  auto post = [&] { return tpd.call(tpd.alice, "POST", "/transports/", "[" + codec::to_json(entry) + "]"); };
  CHECK(post().status == 400);
  crypto::Hash hash = codec::signing_hash(entry.entry);
  entry.signatures[own] = *crypto::sign_recoverable(hash, tpd.alice.pair.secret);
  Answer made = post();
  CHECK(made.status == 201);
  CHECK(boost::json::parse(made.body).get_array().at(0).get_object().at("registered").to_number<int64_t>() ==
        tpd.tpd.now.unix_s * 1'000'000'000);
  CHECK(tpd.tpd.live(entry.entry.id));
  entry.signatures[1 - own] = *crypto::sign_recoverable(hash, tpd.carol.pair.secret);
  CHECK(post().status == 400);
  entry.signatures[1 - own] = *crypto::sign_recoverable(hash, tpd.bob.pair.secret);
  CHECK(post().status == 201);
  CHECK(tpd.call(tpd.carol, "POST", "/transports/", "[" + codec::to_json(entry) + "]").status == 400);
}

TEST_CASE("tpd authority: a signature is good once, of that key, over that body", "[telemetry][tpd]") {
  Signed tpd;
  std::string body = Signed::array({between(tpd.alice, tpd.bob)});
  uint64_t nonce = tpd.next_nonce(tpd.alice.key());
  CHECK(tpd.call(tpd.alice, "POST", "/v3/transports/", body, nonce + 1).status == 401);
  CHECK(tpd.call(tpd.alice, "POST", "/v3/transports/", body, nonce).status == 201);
  Answer again = tpd.call(tpd.alice, "POST", "/v3/transports/", body, nonce);
  CHECK(again.status == 401);
  CHECK(message_of(again) == "SW-Nonce does not match");
  CHECK(tpd.next_nonce(tpd.alice.key()) == nonce + 1);
  CHECK(tpd.get("/security/nonces/xyz").status == 400);
  Answer unsigned_one = tpd.ask({"POST", "/v3/transports/", "", "", "", body});
  CHECK(unsigned_one.status == 401);
  CHECK_FALSE(message_of(unsigned_one).empty());
  // Another's key in the header does not use up that key's nonce.
  Caller liar(103);
  liar.pair.key = tpd.alice.key();
  CHECK(tpd.call(liar, "POST", "/v3/transports/", body).status == 401);
  CHECK(tpd.next_nonce(tpd.alice.key()) == nonce + 1);
  // A later life of the service asks for numbers that were never signed.
  Signed reborn;
  reborn.tpd.now.unix_s = tpd.tpd.now.unix_s + 1;
  CHECK(reborn.next_nonce(tpd.alice.key()) > nonce + 1);
}

TEST_CASE("tpd authority: thirty requests a minute of one key, ten at once", "[telemetry][tpd]") {
  Signed tpd;
  auto ask = [&](const Caller& caller) {
    return tpd.call(caller, "GET", "/v4/update", "", std::nullopt, "version=v2");
  };
  for (int i = 0; i < 10; ++i) CHECK(ask(tpd.alice).status == 200);
  Answer limited = ask(tpd.alice);
  CHECK(limited.status == 429);
  CHECK_FALSE(message_of(limited).empty());
  CHECK(ask(tpd.bob).body == "{\"status\":\"ok\"}\n");
  tpd.tpd.pass(2);
  CHECK(ask(tpd.alice).status == 200);
  CHECK(ask(tpd.alice).status == 429);
}

TEST_CASE("tpd authority: as many keys as there is room for", "[telemetry][tpd]") {
  Authority authority;
  Seeded random(8);
  for (size_t i = 0; i < Authority::kMaxKeys + 100; ++i) {
    visor_key key{};
    for (uint8_t& byte : key.bytes) byte = static_cast<uint8_t>(random.below(256));
    authority.next_nonce(key, {1, 1});
  }
  CHECK(authority.keys() == Authority::kMaxKeys);
}

TEST_CASE("tpd registration: a monitor whom the operator named takes away what is not its own",
          "[telemetry][tpd]") {
  Signed tpd;
  Api api(
      tpd.tpd.aggregator,
      {.process_metrics = [](bool) { return std::string(); }, .version = "1", .monitors = {tpd.carol.key()}});
  codec::TransportEntry one = between(tpd.alice, tpd.bob);
  tpd.tpd.list(tpd.alice.key(), {{one, std::nullopt}});
  std::string body = "[\"" + codec::to_uuid(one.id) + "\"]";
  auto ask = [&](const Caller& caller, const std::string& signed_body) {
    std::string pk = to_hex(caller.key());
    std::string sign = to_hex(
        crypto::sign_recoverable(crypto::sha256(bytes(std::string_view(signed_body))), caller.pair.secret)
            ->bytes);
    return api.answer({"DELETE", "/transports/deregister", "", "", "", body,
                       [&](std::string_view name) -> std::string_view {
                         return name == "nm-pk" ? pk : name == "nm-sign" ? sign : std::string_view();
                       }},
                      tpd.tpd.now);
  };
  CHECK(ask(tpd.bob, body).status == 403);
  CHECK(ask(tpd.carol, "other").status == 401);
  CHECK(tpd.tpd.live(one.id));
  CHECK(ask(tpd.carol, body).body == "{\"deleted\":1,\"skipped\":0}\n");
  CHECK_FALSE(tpd.tpd.live(one.id));
}
