// Specification telemetry.md, 3.7 to 3.9, and 10, items 3 and 4: bytes by day and edge, latency, uptime,
// retention.
#include "fixture.hpp"
#include "plugins/transport-discovery/store.hpp"

using namespace visor;
using namespace visor::test;

namespace {

Sample measured(const TransportId& id, double min, double max, double avg, int64_t at) {
  return {.id = id,
          .traffic = {},
          .epoch = {},
          .latency_min_ms = min,
          .latency_max_ms = max,
          .latency_avg_ms = avg,
          .sampled_at_s = at};
}

}  // namespace

TEST_CASE("tpd: both edges are kept apart", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 100, 50);
  tpd.sample(keys[1], id, 51, 101);
  tpd.sample(keys[0], id, 130, 50);
  CHECK(tpd.day(id, 0) == Traffic{130, 50});
  CHECK(tpd.day(id, 1) == Traffic{51, 101});
}

TEST_CASE("tpd: only one edge reports", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[1], {listed(keys[0], keys[1])});
  tpd.sample(keys[1], id, 10, 20);
  CHECK(tpd.day(id, 0) == Traffic{});
  CHECK(tpd.day(id, 1) == Traffic{10, 20});
  CHECK_FALSE(tpd.find(id)->sides[0].reported);
}

TEST_CASE("tpd: a gap of half an hour is one difference, not all over again", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1000, 0);
  tpd.pass(30 * kMinute);
  CHECK_FALSE(tpd.live(id));
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1500, 0);
  CHECK(tpd.day(id, 0) == Traffic{1500, 0});
}

TEST_CASE("tpd: a new day begins with what was added since the last sample", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1000, 10, 1);
  tpd.pass(codec::kSecondsPerDay / 2);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1600, 10, 1);
  CHECK(tpd.day(id, 0) == Traffic{600, 0});
  CHECK(tpd.day(id, 0, 1) == Traffic{1000, 10});
  CHECK(tpd.find(id)->sides[0].total == Traffic{1600, 10});
}

TEST_CASE("tpd: the last counters of a closed transport still count", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.list(keys[0], {});
  CHECK(tpd.sample(keys[0], id, 70, 7, 1) == Aggregator::Outcome::kApplied);
  CHECK(tpd.day(id, 0) == Traffic{70, 7});
  CHECK_FALSE(tpd.live(id));
}

TEST_CASE("tpd: a latency is taken whole or not at all", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.aggregator.apply(keys[0], measured(id, 10.4, 18.9, 11, tpd.now.unix_s), tpd.now);
  auto unchanged = [&] {
    const Latency& latency = tpd.find(id)->latency;
    return latency.min_us == 10400 && latency.max_us == 18900 && latency.avg_us == 11000;
  };
  CHECK(unchanged());
  for (double bad : {0.0, -1.0, 30000.5, 1e300}) {
    tpd.aggregator.apply(keys[1], measured(id, bad, 5, 5, tpd.now.unix_s), tpd.now);
    tpd.aggregator.apply(keys[1], measured(id, 5, bad, 5, tpd.now.unix_s), tpd.now);
    tpd.aggregator.apply(keys[1], measured(id, 5, 5, bad, tpd.now.unix_s), tpd.now);
    CHECK(unchanged());
  }
  tpd.aggregator.apply(keys[1], measured(id, 1, 30000, 2, tpd.now.unix_s), tpd.now);
  CHECK(tpd.find(id)->latency.max_us == 30'000'000);
}

TEST_CASE("tpd: a latency outlives the assertion, and not its own time", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.aggregator.apply(keys[0], measured(id, 1, 2, 1.5, tpd.now.unix_s), tpd.now);
  tpd.sample(keys[0], id, 9, 9);
  tpd.pass(34 * codec::kSecondsPerDay);
  REQUIRE(tpd.find(id) != nullptr);
  CHECK(tpd.find(id)->latency.known());
  CHECK(tpd.find(id)->days.size() == 1);
  tpd.pass(2 * codec::kSecondsPerDay);
  CHECK(tpd.find(id) == nullptr);
  CHECK(tpd.aggregator.size() == 0);
}

TEST_CASE("tpd: uptime is recorded at the time of the sample, for types whose uptime counts",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  constexpr int kSlot = 12 * 12;  // noon
  struct Case {
    const char* type;
    int slots;
  };
  for (const Case& one : {Case{"swsr", 1}, Case{"dmsg", 0}, Case{"newfangled", 0}}) {
    INFO(one.type);
    TransportId id = id_of(keys[0], keys[1], one.type);
    tpd.list(keys[0], {listed(keys[0], keys[1], one.type)});
    tpd.sample(keys[0], id, 1, 1);
    const Transport* transport = tpd.find(id);
    CHECK(transport->uptime.size() == static_cast<size_t>(one.slots));
    if (one.slots) {
      CHECK(transport->uptime[0].slots.test(kSlot));
      CHECK(transport->uptime[0].slots.set_slots() == 1);
    }
  }
}

TEST_CASE("tpd: a few missed heartbeats are made good, a long absence is not", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  auto slots = [&] { return tpd.find(id)->uptime.back().slots.set_slots(); };
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1, 1);
  CHECK(slots() == 1);
  tpd.pass(35 * kMinute);  // six slots in between
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  CHECK(slots() == 8);
  tpd.pass(40 * kMinute);  // seven
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  CHECK(slots() == 9);
}

TEST_CASE("tpd: a day's uptime begins at midnight, and ends with its week", "[telemetry][tpd]") {
  Tpd tpd;
  tpd.now.unix_s = 20000 * codec::kSecondsPerDay - 1;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 5, 5);
  tpd.pass(1);
  CHECK(tpd.aggregator.refresh(keys[0], tpd.now));
  const Transport* transport = tpd.find(id);
  REQUIRE(transport->uptime.size() == 2);
  CHECK(transport->uptime[0].slots.test(287));
  CHECK(transport->uptime[1].slots.test(0));
  CHECK(transport->uptime[1].slots.set_slots() == 1);
  tpd.pass(8 * codec::kSecondsPerDay);
  CHECK(tpd.find(id)->uptime.empty());
}

TEST_CASE("tpd: a sample's time is believed for the last half hour only", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  for (int64_t at : {int64_t(0), tpd.now.unix_s - 1801, tpd.now.unix_s - codec::kSecondsPerDay}) {
    tpd.aggregator.apply(keys[0], measured(id, 0, 0, 0, at), tpd.now);
  }
  CHECK(tpd.find(id)->uptime.size() == 1);
  CHECK(tpd.find(id)->uptime[0].slots.set_slots() == 1);
  tpd.aggregator.apply(keys[0], measured(id, 0, 0, 0, tpd.now.unix_s - 1800), tpd.now);
  CHECK(tpd.find(id)->uptime[0].slots.set_slots() == 2);
}

TEST_CASE("tpd: timelines of older visors are added to what is known", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  UnixDay today = codec::day_of(tpd.now.unix_s);
  codec::UptimeBitmap slots;
  slots.set(3);
  CHECK(tpd.aggregator.apply_timeline(keys[0], id, today, slots, tpd.now) == Aggregator::Outcome::kUnknown);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  for (UnixDay date : {today, today - 7, today - 8, today + 1}) {
    tpd.aggregator.apply_timeline(keys[1], id, date, slots, tpd.now);
  }
  const Transport* transport = tpd.find(id);
  REQUIRE(transport->uptime.size() == 2);
  CHECK(transport->uptime[0].date == today - 7);
  CHECK(transport->uptime[1].slots.set_slots() == 2);
}

TEST_CASE("tpd: the calendar may be set back without harm", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 10, 0, 1);
  tpd.now.unix_s -= 3 * codec::kSecondsPerDay;
  tpd.aggregator.tick(tpd.now);
  CHECK(tpd.live(id));
  tpd.sample(keys[0], id, 30, 0, 1);
  CHECK(tpd.day(id, 0) == Traffic{20, 0});
  tpd.now.unix_s += 10 * codec::kSecondsPerDay;
  tpd.aggregator.tick(tpd.now);
  CHECK(tpd.live(id));  // expiry goes by the clock that cannot be set
  tpd.sample(keys[0], id, 60, 0, 1);
  CHECK(tpd.day(id, 0) == Traffic{30, 0});
  const Transport* transport = tpd.find(id);
  CHECK(std::ranges::is_sorted(transport->days, {}, &Day::date));
  CHECK(transport->days.size() == 3);
}
