#include "lib/codec/telemetry_list.hpp"

#include <catch2/catch.hpp>

#include "lib/codec/gzip.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::codec;

namespace {

constexpr std::string_view kA = "0323272a60895f56aad82cb767fb5c413807adcf7c9fb0578b1b1c5807c7f29d4c";
constexpr std::string_view kB = "03ec4f6221e6b41b3740369fd8146c1be6229c7b265723b473c9822034bdbe1aa3";
constexpr std::string_view kC = "0202037ce4ca982cb8d4b2c1b41df1ccc64ffcf58dfbb38ed0c3c7e41465668545";

visor_key key(std::string_view hex) {
  return *key_from_hex(hex);
}

Result<TransportList> decode(std::string_view json, std::string_view reporter = kA) {
  return decode_transport_list(bytes(json), key(reporter));
}

std::string row(std::string_view remote, std::string_view type, std::string_view more = "") {
  return "{\"r\":\"" + std::string(remote) + "\",\"t\":\"" + std::string(type) + "\"" + std::string(more) +
         "}";
}

std::string list(const std::string& rows) {
  return "{\"version\":\"v1\",\"c\":[" + rows + "]}";
}

}  // namespace

TEST_CASE("telemetry: a list names the other edges, and identifiers follow", "[telemetry][codec]") {
  ListRow rows[] = {{key(kC), "sudph", "automatic"}, {key(kB), "sudph", "user"}};
  std::string json = encode_transport_list("v1.3.98", rows);
  CHECK(json == "{\"version\":\"v1.3.98\",\"c\":[{\"r\":\"" + std::string(kC) +
                    "\",\"t\":\"sudph\"},{\"r\":\"" + std::string(kB) +
                    "\",\"t\":\"sudph\",\"l\":\"user\"}]}");
  Result<TransportList> read = decode(json);
  REQUIRE(read);
  CHECK(read->version == "v1.3.98");
  CHECK(read->refused_rows == 0);
  REQUIRE(read->rows.size() == 2);
  // Both identifiers are of the live network, as the specification cites them.
  CHECK(to_uuid(read->rows[0].entry.id) == "7b4eda5b-327b-092a-adee-a066430f68ad");
  CHECK(read->rows[0].entry.label == "automatic");
  CHECK(to_uuid(read->rows[1].entry.id) == "f1983e71-1681-0bda-bb08-c8ac60f1d6ac");
  CHECK(read->rows[1].entry.label == "user");
  CHECK(read->rows[1].entry.edges[0] == key(kA));
  CHECK(read->rows[1].entry.edges[1] == key(kB));
  CHECK_FALSE(read->rows[1].alias);
}

TEST_CASE("telemetry: an empty list is a list", "[telemetry][codec]") {
  CHECK(encode_transport_list("v1", {}) == "{\"version\":\"v1\",\"c\":[]}");
  for (const char* json : {R"({"version":"v1","c":[]})", R"({"version":"v1","c":null})",
                           R"({"version":"v1"})", R"({"entries":[]})", R"({"entries":null})"}) {
    Result<TransportList> read = decode(json);
    INFO(json);
    REQUIRE(read);
    CHECK(read->rows.empty());
    CHECK(read->refused_rows == 0);
  }
}

TEST_CASE("telemetry: what is no list is refused whole", "[telemetry][codec]") {
  for (const char* json :
       {"", "[]", "null", "{}", "{", R"({"c":1})", R"({"entries":"x"})", "\x1f\x8b", "\x1f\x8b\x08"}) {
    INFO(json);
    CHECK_FALSE(decode(json));
  }
  std::string deep = R"({"c":)" + std::string(100, '[') + std::string(100, ']') + "}";
  CHECK_FALSE(decode(deep));
  CHECK_FALSE(decode(std::string(kMaxListBytes + 1, ' ')));
}

TEST_CASE("telemetry: a list may be gzip, and a bomb stays small", "[telemetry][codec]") {
  std::string json = list(row(kB, "sudph"));
  Result<TransportList> read = decode_transport_list(gzip(bytes(json)), key(kA));
  REQUIRE(read);
  CHECK(read->rows.size() == 1);
  Bytes bomb = gzip(Bytes(64 * kMaxListBytes, ' '));
  CHECK(bomb.size() < kMaxListBytes);
  Result<TransportList> refused = decode_transport_list(bomb, key(kA));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == VISOR_ENOSPC);
}

TEST_CASE("telemetry: rows of a list that cannot be true are left out and counted", "[telemetry][codec]") {
  std::string zero(66, '0');
  std::vector<std::string> bad = {row(kA, "sudph"),    // to itself
                                  row(zero, "sudph"),  // the zero key
                                  row("04" + std::string(kB.substr(2)), "sudph"),
                                  row(kB.substr(2), "sudph"),
                                  row(kB, ""),
                                  row(kB, "SUDPH"),
                                  row(kB, "a\\\"b"),
                                  row(kB, std::string(33, 'x')),
                                  row(kB, "sudph", R"(,"l":"<b>")"),
                                  row(kB, "sudph", R"(,"l":7)"),
                                  R"({"t":"sudph"})",
                                  R"({"r":1,"t":2})",
                                  "7",
                                  "null",
                                  "[]"};
  for (const std::string& one : bad) {
    INFO(one);
    Result<TransportList> read = decode(list(one + "," + row(kC, "stcpr")));
    REQUIRE(read);
    CHECK(read->refused_rows == 1);
    REQUIRE(read->rows.size() == 1);
    CHECK(read->rows[0].entry.type == "stcpr");
  }
  Result<TransportList> twice = decode(list(row(kB, "swtr") + "," + row(kB, "wt")));
  REQUIRE(twice);
  CHECK(twice->rows.size() == 1);
  CHECK(twice->refused_rows == 1);
}

TEST_CASE("telemetry: a legacy type is the same transport, its old identifier an alias",
          "[telemetry][codec]") {
  Result<TransportList> read = decode(list(row(kB, "wt")));
  REQUIRE(read);
  REQUIRE(read->rows.size() == 1);
  const ListedTransport& listed = read->rows[0];
  CHECK(listed.entry.type == "swtr");
  CHECK(listed.entry.id == transport_id(key(kA), key(kB), "swtr"));
  REQUIRE(listed.alias);
  CHECK(*listed.alias == transport_id(key(kA), key(kB), "wt"));
}

TEST_CASE("telemetry: a list holds as many transports as a visor may report", "[telemetry][codec]") {
  std::string rows;
  for (size_t i = 0; i < kMaxListedTransports + 5; ++i) {
    if (i) rows += ',';
    rows += row(kB, "t" + std::to_string(i));
  }
  Result<TransportList> read = decode(list(rows));
  REQUIRE(read);
  CHECK(read->rows.size() == kMaxListedTransports);
  CHECK(read->refused_rows == 5);
}

TEST_CASE("telemetry: the older list of full entries, whose identifiers are calculated again",
          "[telemetry][codec]") {
  TransportEntry entry = make_transport_entry(key(kA), key(kB), "sudph", "automatic");
  TransportEntry strange = make_transport_entry(key(kC), key(kB), "sudph", "automatic");
  TransportEntry forged = entry;
  forged.id.bytes[3] ^= 1;
  std::string json = "{\"version\":\"v1\",\"c\":[],\"entries\":[" + to_json(entry) + "," + to_json(strange) +
                     "," + to_json(forged) + "]}";
  Result<TransportList> read = decode(json);
  REQUIRE(read);
  REQUIRE(read->rows.size() == 1);
  CHECK(read->rows[0].entry.id == entry.id);
  CHECK(read->refused_rows == 2);
  // Compact rows go before full ones.
  json = "{\"c\":[" + row(kC, "stcpr") + "],\"entries\":[" + to_json(entry) + "]}";
  REQUIRE(decode(json));
  CHECK(decode(json)->rows[0].entry.type == "stcpr");
}

TEST_CASE("telemetry: an entry leaf is the reporter's own", "[telemetry][codec]") {
  TransportEntry entry = make_transport_entry(key(kA), key(kB), "webrtc", "user");
  std::string leaf = encode_entry_leaf("v1.3.90", entry);
  Result<ListedTransport> read = decode_entry_leaf(bytes(leaf), key(kB));
  REQUIRE(read);
  CHECK(read->entry.id == entry.id);
  CHECK(read->entry.label == "user");
  CHECK_FALSE(decode_entry_leaf(bytes(leaf), key(kC)));
  CHECK_FALSE(decode_entry_leaf(bytes(std::string_view("{}")), key(kA)));
  for (size_t size = 0; size < leaf.size(); ++size) {
    CHECK_FALSE(decode_entry_leaf(bytes(leaf).first(size), key(kA)));
  }
}

TEST_CASE("telemetry: the list's decoder survives any bytes", "[telemetry][codec]") {
  test::Seeded random(5);
  TransportEntry entry = make_transport_entry(key(kA), key(kB), "sudph", "automatic");
  const std::string models[] = {list(row(kB, "wt") + "," + row(kC, "sudph", R"(,"l":"user")")),
                                "{\"entries\":[" + to_json(entry) + "]}", encode_entry_leaf("v1", entry)};
  for (int i = 0; i < 3000; ++i) {
    std::string json = models[random.below(3)];
    for (size_t change = random.below(4) + 1; change > 0; --change) {
      json[random.below(json.size())] =
          static_cast<char>(random.below(2) ? random.below(256) : "{}[],:\"0"[random.below(8)]);
    }
    json.resize(random.below(8) ? json.size() : random.below(json.size()));
    if (Result<TransportList> read = decode(json)) {
      for (const ListedTransport& listed : read->rows) {
        CHECK(edge_of(listed.entry, key(kA)) < 2);
        CHECK(listed.entry.edges[0] < listed.entry.edges[1]);
      }
    }
    if (Result<ListedTransport> read = decode_entry_leaf(bytes(json), key(kA))) {
      CHECK(edge_of(read->entry, key(kA)) < 2);
    }
  }
}
