#include "lib/codec/telemetry_shard.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "lib/codec/telemetry_meta.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor;
using namespace visor::codec;

namespace {

constexpr int64_t kNow = 1790000000;

// One row in shard 0f, as specified.
constexpr std::string_view kVector =
    "020f0100f1983e7116810bdabb08c8ac60f1d6ace803000000000000d0070000000000000024f447"
    "000030410000584100004041803bb16a02";

Bytes unhex(std::string_view hex) {
  Bytes out(hex.size() / 2);
  REQUIRE(from_hex(hex, out));
  return out;
}

TelemetryRow vector_row() {
  TelemetryRow row;
  row.id = *transport_id_from_uuid("f1983e71-1681-0bda-bb08-c8ac60f1d6ac");
  row.sent_bytes = 1000;
  row.received_bytes = 2000;
  row.throughput_bytes_per_s = 125000;
  row.latency_min_ms = 11;
  row.latency_max_ms = 13.5;
  row.latency_avg_ms = 12;
  row.sampled_at_s = 1790000000;
  row.type_code = 2;
  return row;
}

}  // namespace

TEST_CASE("telemetry: a shard is the specified bytes", "[telemetry][codec]") {
  TelemetryRow row = vector_row();
  CHECK(to_hex(encode_telemetry_shard(15, {&row, 1})) == kVector);
  Result<TelemetryShard> shard = decode_telemetry_shard(unhex(kVector), kNow);
  REQUIRE(shard);
  CHECK(shard->shard == 15);
  CHECK(shard->refused_rows == 0);
  REQUIRE(shard->rows.size() == 1);
  CHECK(shard->rows[0] == row);
  CHECK(telemetry_shard_name(15) == "0f");
  CHECK(telemetry_shard_name(0) == "00");
}

TEST_CASE("telemetry: a shard that is cut, longer, of another version or number is refused",
          "[telemetry][codec]") {
  Bytes whole = unhex(kVector);
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(decode_telemetry_shard(ByteView(whole).first(size), kNow));
  }
  Bytes longer = whole;
  longer.push_back(0);
  CHECK_FALSE(decode_telemetry_shard(longer, kNow));
  Bytes version = whole;
  version[0] = 1;
  CHECK_FALSE(decode_telemetry_shard(version, kNow));
  Bytes number = whole;
  number[1] = 16;
  CHECK_FALSE(decode_telemetry_shard(number, kNow));
  CHECK_FALSE(decode_telemetry_shard(Bytes(kMaxTelemetryShardBytes + 1), kNow));
}

TEST_CASE("telemetry: a flag beside the type's code does not hide the type", "[telemetry][codec]") {
  Bytes flagged = unhex(kVector);
  flagged.back() = 0x82;
  Result<TelemetryShard> shard = decode_telemetry_shard(flagged, kNow);
  REQUIRE(shard);
  REQUIRE(shard->rows.size() == 1);
  CHECK(shard->rows[0].type_code == 2);
  CHECK(shard->rows[0].flags == 0x80);
  CHECK(encode_telemetry_shard(15, shard->rows) == flagged);
}

TEST_CASE("telemetry: rows that cannot be true are left out and counted", "[telemetry][codec]") {
  auto refused = [](TelemetryRow row) {
    TelemetryRow rows[] = {vector_row(), row};
    Result<TelemetryShard> shard = decode_telemetry_shard(encode_telemetry_shard(15, rows), kNow);
    REQUIRE(shard);
    CHECK(shard->rows.size() == 2 - shard->refused_rows);
    return shard->refused_rows == 1;
  };
  constexpr float kBad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), -1.0f};
  for (float bad : kBad) {
    for (float TelemetryRow::* member : {&TelemetryRow::throughput_bytes_per_s, &TelemetryRow::latency_min_ms,
                                         &TelemetryRow::latency_max_ms, &TelemetryRow::latency_avg_ms}) {
      TelemetryRow row = vector_row();
      row.*member = bad;
      CHECK(refused(row));
    }
  }
  TelemetryRow row = vector_row();
  row.id.bytes[0] = 0xe1;
  CHECK(refused(row));
  row = vector_row();
  row.sampled_at_s = static_cast<uint32_t>(kNow + kMaxClockAheadSeconds + 1);
  CHECK(refused(row));
  row.sampled_at_s = static_cast<uint32_t>(kNow + kMaxClockAheadSeconds);
  CHECK_FALSE(refused(row));
}

TEST_CASE("telemetry: only what a sample measured changes a shard's signature", "[telemetry][codec]") {
  TelemetryRow rows[] = {vector_row(), vector_row()};
  rows[1].id.bytes[15] ^= 1;
  Bytes before = without_sample_times(encode_telemetry_shard(15, rows));
  rows[0].sampled_at_s += 60;
  rows[1].sampled_at_s += 61;
  CHECK(without_sample_times(encode_telemetry_shard(15, rows)) == before);
  rows[1].sent_bytes += 1;
  CHECK(without_sample_times(encode_telemetry_shard(15, rows)) != before);
}

TEST_CASE("telemetry: the shard's decoder survives any bytes, and what it takes can be written again",
          "[telemetry][codec]") {
  test::Seeded random(7);
  for (int i = 0; i < 3000; ++i) {
    Bytes data =
        random.bytes(random.below(4) == 0 ? random.below(400) : 4 + kTelemetryRowBytes * random.below(6));
    if (data.size() >= 4 && random.below(4) != 0) {
      data[0] = 2;
      data[1] &= 15;
      data[2] = static_cast<uint8_t>((data.size() - 4) / kTelemetryRowBytes);
      data[3] = 0;
      for (size_t row = 4; row < data.size(); row += kTelemetryRowBytes) {
        if (random.below(2)) data[row] = static_cast<uint8_t>(data[1] << 4 | (data[row] & 15));
      }
    }
    Result<TelemetryShard> shard = decode_telemetry_shard(data, kNow);
    if (!shard) continue;
    CHECK(shard->rows.size() + shard->refused_rows == (data.size() - 4) / kTelemetryRowBytes);
    if (shard->refused_rows == 0) CHECK(encode_telemetry_shard(shard->shard, shard->rows) == data);
  }
}

TEST_CASE("telemetry: the meta leaf carries an epoch for each transport", "[telemetry][codec]") {
  std::vector<TelemetryEpoch> rows(2);
  rows[0].id = vector_row().id;
  rows[0].epoch = 0x0102030405060708;
  rows[1].id = rows[0].id;
  rows[1].id.bytes[0] = 0xff;
  rows[1].epoch = 1;
  Bytes leaf = encode_telemetry_meta(rows);
  CHECK(to_hex(leaf) ==
        "0100000002000000f1983e7116810bdabb08c8ac60f1d6ac0807060504030201"
        "ff983e7116810bdabb08c8ac60f1d6ac0100000000000000");
  Result<std::vector<TelemetryEpoch>> read = decode_telemetry_meta(leaf);
  REQUIRE(read);
  CHECK(*read == rows);
  CHECK(decode_telemetry_meta(encode_telemetry_meta({}))->empty());
}

TEST_CASE("telemetry: a meta leaf that is cut, unordered or of another version is refused",
          "[telemetry][codec]") {
  std::vector<TelemetryEpoch> rows(3);
  for (uint8_t i = 0; i < 3; ++i) rows[i].id.bytes[0] = i;
  Bytes leaf = encode_telemetry_meta(rows);
  for (size_t size = 0; size < leaf.size(); ++size) {
    CHECK_FALSE(decode_telemetry_meta(ByteView(leaf).first(size)));
  }
  Bytes version = leaf;
  version[0] = 2;
  CHECK_FALSE(decode_telemetry_meta(version));
  Bytes unused = leaf;
  unused[2] = 1;
  CHECK_FALSE(decode_telemetry_meta(unused));
  Bytes count = leaf;
  count[7] = 0xff;
  CHECK_FALSE(decode_telemetry_meta(count));
  std::swap(rows[0], rows[1]);
  CHECK_FALSE(decode_telemetry_meta(encode_telemetry_meta(rows)));
  rows[1] = rows[0];
  CHECK_FALSE(decode_telemetry_meta(encode_telemetry_meta(rows)));
  test::Seeded random(3);
  for (int i = 0; i < 1000; ++i) {
    Bytes noise = random.bytes(random.below(100));
    if (Result<std::vector<TelemetryEpoch>> read = decode_telemetry_meta(noise)) {
      CHECK(read->size() == (noise.size() - kTelemetryMetaHead) / kTelemetryEpochBytes);
    }
  }
}
