#include "lib/codec/telemetry_snapshot.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <limits>

#include "lib/codec/telemetry_text.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::codec;

namespace {

constexpr int64_t kNow = 1790000000;

// The specification's own example.
constexpr std::string_view kLive =
    R"({"sent_bytes":10485760,"recv_bytes":2097152,"latency_min_ms":10.4,"latency_max_ms":18.9,)"
    R"("latency_avg_ms":11,"throughput_bps":125000,"sampled_at":"2026-07-02T14:03:00Z","type":"webrtc"})";
constexpr std::string_view kDay =
    R"({"date":"2026-07-02","sent_bytes":734003200,"recv_bytes":98566144,)"
    R"("latency_min_ms":9.8,"latency_max_ms":240.1,"latency_avg_ms":12.6,"samples":1432})";

}  // namespace

TEST_CASE("telemetry: a live snapshot is the specified JSON", "[telemetry][codec]") {
  Result<LiveSnapshot> read = decode_live_snapshot(bytes(kLive), kNow);
  REQUIRE(read);
  CHECK(read->sent_bytes == 10485760);
  CHECK(read->received_bytes == 2097152);
  CHECK(read->latency_min_ms == 10.4);
  CHECK(read->latency_max_ms == 18.9);
  CHECK(read->latency_avg_ms == 11);
  CHECK(read->throughput_bytes_per_s == 125000);
  CHECK(time_text(read->sampled_at_s) == "2026-07-02T14:03:00Z");
  CHECK(read->type == "webrtc");
  CHECK(encode_live_snapshot(*read) == kLive);
}

TEST_CASE("telemetry: what was not measured is not in a snapshot", "[telemetry][codec]") {
  LiveSnapshot snapshot;
  snapshot.sampled_at_s = kNow;
  CHECK(encode_live_snapshot(snapshot) ==
        R"({"sent_bytes":0,"recv_bytes":0,"sampled_at":"2026-09-21T14:13:20Z"})");
  Result<LiveSnapshot> read = decode_live_snapshot(bytes(encode_live_snapshot(snapshot)), kNow);
  REQUIRE(read);
  CHECK(*read == snapshot);
}

TEST_CASE("telemetry: a snapshot that cannot be true is refused", "[telemetry][codec]") {
  auto taken = [](std::string_view members) {
    std::string json = R"({"sampled_at":"2026-07-02T14:03:00Z",)" + std::string(members) + "}";
    return decode_live_snapshot(bytes(json), kNow).has_value();
  };
  CHECK(taken(R"("sent_bytes":18446744073709551615)"));
  CHECK(taken(R"("unknown":[1,2,{}])"));
  for (const char* members :
       {R"("sent_bytes":-1)", R"("sent_bytes":1.5)", R"("sent_bytes":"1")",
        R"("sent_bytes":18446744073709551616)", R"("recv_bytes":null)", R"("latency_min_ms":-0.5)",
        R"("latency_avg_ms":1e999)", R"("latency_avg_ms":true)", R"("throughput_bps":{})", R"("type":5)",
        R"("type":"a-name-of-seventeen")"}) {
    INFO(members);
    CHECK_FALSE(taken(members));
  }
  CHECK_FALSE(decode_live_snapshot(bytes(kLive), 0));
  CHECK_FALSE(decode_live_snapshot(bytes(std::string_view("{}")), kNow));
  CHECK_FALSE(decode_live_snapshot(Bytes(kMaxSnapshotBytes + 1, ' '), kNow));
  for (size_t size = 0; size < kLive.size(); ++size) {
    CHECK_FALSE(decode_live_snapshot(bytes(kLive).first(size), kNow));
  }
}

TEST_CASE("telemetry: days and tombstones are the specified JSON", "[telemetry][codec]") {
  Result<DailyRollup> day = decode_daily_rollup(bytes(kDay));
  REQUIRE(day);
  CHECK(date_text(day->date) == "2026-07-02");
  CHECK(day->samples == 1432);
  CHECK(day->latency_max_ms == 240.1);
  CHECK(encode_daily_rollup(*day) == kDay);
  CHECK_FALSE(decode_daily_rollup(bytes(std::string_view(R"({"date":"2026-02-30"})"))));
  CHECK_FALSE(decode_daily_rollup(bytes(std::string_view(R"({"date":"2026-02-20","samples":4294967296})"))));

  constexpr std::string_view kTombstone = R"({"deleted_at":"2026-07-02T14:10:00Z"})";
  Result<int64_t> deleted = decode_tombstone(bytes(kTombstone));
  REQUIRE(deleted);
  CHECK(encode_tombstone(*deleted) == kTombstone);
  CHECK_FALSE(decode_tombstone(bytes(std::string_view(R"({"deleted_at":"yesterday"})"))));
}

TEST_CASE("telemetry: numbers are written exactly", "[telemetry][codec]") {
  auto scaled = [](uint64_t value, int digits) {
    std::string out;
    append_scaled(out, value, digits);
    return out;
  };
  CHECK(scaled(0, 6) == "0");
  CHECK(scaled(10400, 6) == "0.0104");
  CHECK(scaled(1, 6) == "0.000001");
  CHECK(scaled(2000000, 6) == "2");
  CHECK(scaled(std::numeric_limits<uint64_t>::max(), 0) == "18446744073709551615");
  CHECK(scaled(std::numeric_limits<uint64_t>::max(), 18) == "18.446744073709551615");
  auto decimal = [](double value, int digits) {
    std::string out;
    append_decimal(out, value, digits);
    return out;
  };
  CHECK(decimal(10.4, 3) == "10.4");
  CHECK(decimal(0.0005, 3) == "0.001");
  CHECK(decimal(-3, 3) == "0");
  CHECK(decimal(std::numeric_limits<double>::quiet_NaN(), 3) == "0");
  CHECK(decimal(std::numeric_limits<double>::infinity(), 3) == "1000000000000000");
  CHECK(decimal(1e300, 3) == "1000000000000000");
}

TEST_CASE("telemetry: whatever the bytes, the text is a JSON string", "[telemetry][codec]") {
  auto quoted = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\"b\\c\n\t\r\x01") == "\"a\\\"b\\\\c\\n\\t\\r\\u0001\"");
  CHECK(quoted("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  CHECK(quoted("\xff") == "\"\xef\xbf\xbd\"");
  CHECK(quoted("\xc0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(quoted("\xed\xa0\x80").find("\xed\xa0") == std::string::npos);
  test::Seeded random(13);
  for (int i = 0; i < 2000; ++i) {
    Bytes noise = random.bytes(random.below(30));
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(quoted(text(noise)), error);
    CHECK_FALSE(error);
    CHECK(value.is_string());
  }
}
