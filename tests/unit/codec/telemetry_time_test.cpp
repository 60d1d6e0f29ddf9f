#include "lib/codec/telemetry_time.hpp"

#include <catch2/catch.hpp>

#include "lib/codec/telemetry_bitmap.hpp"
#include "tests/unit/seeded.hpp"

using namespace visor::codec;

TEST_CASE("telemetry: days and times are written as UTC and read back", "[telemetry][codec]") {
  CHECK(date_text(0) == "1970-01-01");
  CHECK(date_text(day_of(1790000000)) == "2026-09-21");
  CHECK(time_text(1790000000) == "2026-09-21T14:13:20Z");
  CHECK(parse_time("2026-09-21T14:13:20Z") == 1790000000);
  CHECK(parse_time("2026-09-21T14:13:20.987654321Z") == 1790000000);
  CHECK(parse_time("2026-09-21T16:13:20+02:00") == 1790000000);
  CHECK(parse_time("2026-09-21T08:43:20-05:30") == 1790000000);
  CHECK(parse_date("2024-02-29") == day_of(1709164800));
  for (UnixDay day = 0; day < 60000; day += 37) CHECK(parse_date(date_text(day)) == day);
}

TEST_CASE("telemetry: a day begins at midnight UTC, before 1970 too", "[telemetry][codec]") {
  CHECK(day_of(0) == 0);
  CHECK(day_of(86399) == 0);
  CHECK(day_of(86400) == 1);
  CHECK(day_of(-1) == -1);
  CHECK(day_of(-86400) == -1);
  CHECK(day_of(-86401) == -2);
}

TEST_CASE("telemetry: what is no day or no time is refused", "[telemetry][codec]") {
  const char* dates[] = {"",           "2026-7-02",  "2026-07-2",  "2026-02-29",  "2026-13-01",
                         "2026-00-01", "2026-07-00", "2026-07-32", "1969-12-31",  "2026-07-02 ",
                         "2026/07/02", "20260702",   "+026-07-02", "2026-07-02T", "abcd-ef-gh"};
  for (const char* date : dates) {
    INFO(date);
    CHECK_FALSE(parse_date(date));
  }
  const char* times[] = {"",
                         "2026-07-02",
                         "2026-07-02T14:03:00",
                         "2026-07-02 14:03:00Z",
                         "2026-07-02T24:00:00Z",
                         "2026-07-02T14:60:00Z",
                         "2026-07-02T14:03:61Z",
                         "2026-07-02T14:03:00.Z",
                         "2026-07-02T14:03:00Zz",
                         "2026-07-02T14:03:00+2:00",
                         "2026-07-02T14:03:00+24:00",
                         "1970-01-01T00:00:00+01:00"};
  for (const char* time : times) {
    INFO(time);
    CHECK_FALSE(parse_time(time));
  }
}

TEST_CASE("telemetry: parsers of time survive any bytes", "[telemetry][codec]") {
  visor::test::Seeded random(11);
  for (int i = 0; i < 2000; ++i) {
    std::string text = time_text(1790000000);
    text[random.below(text.size())] = static_cast<char>(random.below(256));
    text.resize(random.below(text.size() + 1));
    if (std::optional<int64_t> time = parse_time(text)) CHECK(*time >= 0);
    if (std::optional<UnixDay> day = parse_date(text.substr(0, 10))) CHECK(*day >= 0);
  }
}

TEST_CASE("telemetry: an uptime bitmap puts each five minutes at its bit", "[telemetry][codec]") {
  constexpr int64_t kMidnight = 20000 * kSecondsPerDay;
  UptimeBitmap bitmap;
  CHECK(UptimeBitmap::slot_of(kMidnight + 7 * 60) == 1);
  CHECK(bitmap.set(UptimeBitmap::slot_of(kMidnight + 7 * 60)));
  CHECK(bitmap.bytes()[0] == 0x40);
  CHECK(UptimeBitmap::slot_of(kMidnight + 86399) == 287);
  CHECK(bitmap.set(287));
  CHECK(bitmap.bytes()[35] == 0x01);
  CHECK_FALSE(bitmap.set(287));
  CHECK(bitmap.set_slots() == 2);
  std::string text = bitmap.text();
  CHECK(text.size() == 288);
  CHECK(text[1] == '.');
  CHECK(text[287] == '.');
  CHECK(text[0] == ' ');
}

TEST_CASE("telemetry: bitmaps are merged bit by bit, and have one length", "[telemetry][codec]") {
  UptimeBitmap a, b;
  a.set(0);
  a.set(100);
  b.set(100);
  b.set(200);
  a.merge(b);
  CHECK(a.set_slots() == 3);
  visor::Result<UptimeBitmap> read = UptimeBitmap::decode(a.bytes());
  REQUIRE(read);
  CHECK(*read == a);
  visor::Bytes long_one(37);
  for (size_t size = 0; size < long_one.size() + 1; ++size) {
    if (size == UptimeBitmap::kBytes) continue;
    CHECK_FALSE(UptimeBitmap::decode(visor::ByteView(long_one).first(std::min(size, long_one.size()))));
  }
}
