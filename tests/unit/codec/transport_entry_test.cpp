#include "lib/codec/transport_entry.hpp"

#include <map>

#include "../seeded.hpp"
#include "../vectors.hpp"
#include "lib/codec/transport_type.hpp"

using namespace visor;
using namespace visor::codec;

namespace {

crypto::KeyPair key_pair(test::Seeded& seeded) {
  auto pair = crypto::random_key_pair(seeded.source());
  REQUIRE(pair);
  return std::move(*pair);
}

crypto::Signature sign(const TransportEntry& entry, const crypto::KeyPair& by) {
  auto signature = crypto::sign_recoverable(signing_hash(entry), by.secret);
  REQUIRE(signature);
  return *signature;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

std::string why_refused(std::string_view json) {
  auto entry = transport_entry_from_json(json);
  REQUIRE_FALSE(entry);
  CHECK(entry.error().status == VISOR_EPROTO);
  return entry.error().text;
}

}  // namespace

TEST_CASE("transport types: names, codes and names of the past", "[codec][transport]") {
  std::map<std::string_view, int> codes = {{"stcpr", 1},  {"sudph", 2},  {"stcp", 3}, {"dmsg", 4},
                                           {"squicr", 5}, {"webrtc", 6}, {"swtr", 7}, {"swsr", 8}};
  for (auto [name, code] : codes) {
    INFO(name);
    CHECK(static_cast<int>(transport_type(name)) == code);
    CHECK(name_of(transport_type(name)) == name);
    CHECK(canonical_type(name) == name);
  }
  CHECK(canonical_type("wt") == "swtr");
  CHECK(canonical_type("ws") == "swsr");
  CHECK(canonical_type("quic") == "squicr");
  CHECK(canonical_type("squic") == "squicr");
  CHECK(transport_type("later") == TransportType::kUnknown);
  CHECK(canonical_type("later") == "later");
  CHECK(transport_type("") == TransportType::kUnknown);
  CHECK(name_of(static_cast<TransportType>(77)).empty());

  CHECK(valid_transport_word("automatic"));
  CHECK_FALSE(valid_transport_word(""));
  CHECK_FALSE(valid_transport_word("a\"b"));
  CHECK_FALSE(valid_transport_word(std::string(33, 'a')));
}

TEST_CASE("transport identifiers equal the network's, whatever the order of the edges",
          "[codec][transport]") {
  auto vectors = test::load_vectors("transport.json");
  for (const auto& row : test::array(vectors, "ids")) {
    auto edges = test::array(row, "edges");
    auto a = key_from_hex(test::text(edges[0])), b = key_from_hex(test::text(edges[1]));
    REQUIRE((a && b));
    std::string type = test::text(row, "type"), uuid = test::text(row, "id");
    CHECK(to_uuid(transport_id(*a, *b, type)) == uuid);
    CHECK(to_uuid(transport_id(*b, *a, type)) == uuid);
    CHECK(transport_id(*a, *b, "stcpr") != transport_id(*a, *b, type));
    auto parsed = transport_id_from_uuid(uuid);
    REQUIRE(parsed);
    CHECK(*parsed == transport_id(*a, *b, type));
  }
  for (const char* bad : {"", "f1983e71-1681-0bda-bb08-c8ac60f1d6a", "f1983e71-1681-0bda-bb08-c8ac60f1d6acc",
                          "f1983e7101681-0bda-bb08-c8ac60f1d6ac", "g1983e71-1681-0bda-bb08-c8ac60f1d6ac",
                          "f1983e7116810bdabb08c8ac60f1d6ac----"}) {
    INFO(bad);
    CHECK_FALSE(transport_id_from_uuid(bad));
  }
}

TEST_CASE("a transport's entry is written as the network writes it and read back", "[codec][transport]") {
  std::string json = test::text(test::load_vectors("transport.json"), "entry");
  auto entry = transport_entry_from_json(json);
  REQUIRE(entry);
  CHECK(entry->type == "sudph");
  CHECK(entry->label == "automatic");
  CHECK(to_uuid(entry->id) == "f1983e71-1681-0bda-bb08-c8ac60f1d6ac");
  CHECK(to_json(*entry) == json);
  CHECK(edge_of(*entry, entry->edges[1]) == 1);
  CHECK(edge_of(*entry, visor_key{}) == 2);
  CHECK(other_edge(*entry, entry->edges[0]) == entry->edges[1]);

  auto unlabelled = transport_entry_from_json(replaced(json, ",\"label\":\"automatic\"", ""));
  REQUIRE(unlabelled);
  CHECK(unlabelled->label == kLabelUser);
}

TEST_CASE("a transport's entry that lies or is malformed is refused with the reason", "[codec][transport]") {
  std::string json = test::text(test::load_vectors("transport.json"), "entry");
  std::string first = "0323272a60895f56aad82cb767fb5c413807adcf7c9fb0578b1b1c5807c7f29d4c";
  std::string second = "03ec4f6221e6b41b3740369fd8146c1be6229c7b265723b473c9822034bdbe1aa3";

  CHECK(why_refused(replaced(json, "f1983e71", "f1983e72")).find("make the identifier f1983e71") !=
        std::string::npos);
  CHECK(why_refused(replaced(json, "sudph", "stcpr")).find("make the identifier") != std::string::npos);
  CHECK(why_refused(replaced(json, first, second)).find("ascending") != std::string::npos);
  CHECK(why_refused(replaced(json, "\"0323", "\"0423")).find("edge 0") != std::string::npos);
  CHECK(why_refused(replaced(json, first, std::string(66, '0'))).find("edge 0") != std::string::npos);
  CHECK(why_refused(replaced(json, "\"" + first + "\",", "")).find("edges") != std::string::npos);
  CHECK(why_refused(replaced(json, "\"sudph\"", "7")).find("type") != std::string::npos);
  CHECK(why_refused(replaced(json, "automatic", "Auto matic")).find("label") != std::string::npos);
  CHECK(why_refused(replaced(json, "t_id", "tid")).find("t_id") != std::string::npos);
  CHECK(why_refused("[]").find("object") != std::string::npos);
  CHECK(why_refused(json + std::string(5000, ' ')).find("at most 4096") != std::string::npos);
  CHECK(why_refused(std::string(100, '[')).find("is JSON; got") != std::string::npos);
  for (size_t size = 0; size < json.size(); ++size)
    CHECK_FALSE(transport_entry_from_json(json.substr(0, size)));
}

TEST_CASE("an identifier calculated from a legacy type is an alias", "[codec][transport]") {
  test::Seeded seeded(1);
  auto a = key_pair(seeded), b = key_pair(seeded);
  TransportEntry entry = make_transport_entry(a.key, b.key, "wt", kLabelUser);
  CHECK(entry.type == "swtr");
  CHECK(entry.id == transport_id(a.key, b.key, "swtr"));

  std::string canonical = to_json(entry);
  TransportId alias = transport_id(a.key, b.key, "wt");
  std::string old = replaced(replaced(canonical, "swtr", "wt"), to_uuid(entry.id), to_uuid(alias));
  auto read = transport_entry_from_json(old);
  REQUIRE(read);
  CHECK(to_json(*read) == canonical);

  SignedEntry signed_entry{entry, {}, 0};
  size_t edge = edge_of(entry, a.key);
  auto hash =
      crypto::sha256({alias, bytes(entry.edges[0]), bytes(entry.edges[1]), bytes(std::string_view("wt"))});
  signed_entry.signatures[edge] = *crypto::sign_recoverable(hash, a.secret);
  CHECK(verify_edge(signed_entry, edge));
}

TEST_CASE("both edges sign an entry, and each signature holds for its edge only", "[codec][transport]") {
  test::Seeded seeded(2);
  auto a = key_pair(seeded), b = key_pair(seeded);
  TransportEntry entry = make_transport_entry(a.key, b.key, "stcpr", kLabelAutomatic);
  SignedEntry out{entry, {}, 1790000000000000000};
  size_t ours = edge_of(entry, a.key), theirs = edge_of(entry, b.key);
  CHECK_FALSE(verify_edge(out, ours));
  out.signatures[ours] = sign(entry, a);

  auto half = signed_entry_from_json(to_json(out));
  REQUIRE(half);
  CHECK(half->registered == 1790000000000000000);
  CHECK(is_signed(*half, ours));
  CHECK_FALSE(is_signed(*half, theirs));
  CHECK(verify_edge(*half, ours));
  CHECK_FALSE(verify_edge(*half, theirs));

  half->signatures[theirs] = sign(entry, a);
  CHECK_FALSE(verify_edge(*half, theirs));
  half->signatures[theirs] = sign(entry, b);
  auto whole = signed_entry_from_json(to_json(*half));
  REQUIRE(whole);
  CHECK(verify_edge(*whole, ours));
  CHECK(verify_edge(*whole, theirs));

  whole->entry = make_transport_entry(a.key, b.key, "swsr", kLabelAutomatic);
  CHECK_FALSE(verify_edge(*whole, ours));
  whole->entry = make_transport_entry(a.key, b.key, "stcpr", kLabelUser);  // the label is not signed
  CHECK(verify_edge(*whole, ours));
}

TEST_CASE("a signed entry that is malformed is refused", "[codec][transport]") {
  test::Seeded seeded(3);
  auto a = key_pair(seeded), b = key_pair(seeded);
  std::string json = to_json(SignedEntry{make_transport_entry(a.key, b.key, "stcpr", kLabelUser), {}, 5});
  REQUIRE(signed_entry_from_json(json));
  for (auto [what, with] :
       std::vector<std::pair<std::string, std::string>>{{"\"signatures\"", "\"signature\""},
                                                        {"\"entry\"", "\"entries\""},
                                                        {"[\"00", "[\"0x"},
                                                        {"[\"00", "[\"000"},
                                                        {":5}", ":\"5\"}"},
                                                        {":5}", ":1e300}"}}) {
    INFO(what << " -> " << with);
    CHECK_FALSE(signed_entry_from_json(replaced(json, what, with)));
  }
  for (size_t size = 0; size < json.size(); ++size) CHECK_FALSE(signed_entry_from_json(json.substr(0, size)));
}
