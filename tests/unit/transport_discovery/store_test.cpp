// A restart loses nothing and counts nothing twice.
#include "plugins/transport-discovery/store.hpp"

#include <map>

#include "fixture.hpp"
#include "plugins/transport-discovery/rows.hpp"

using namespace visor;
using namespace visor::test;

namespace {

// A drive's map, and the archive that it is too.
struct Map final : std::map<Bytes, Bytes>, DayArchive {
  void read(const TransportId& id, UnixDay from, UnixDay until, std::vector<Day>& out) const override {
    for (auto at = lower_bound(archive_key(id, from)); at != end() && at->first <= archive_key(id, until);
         ++at) {
      Day day;
      REQUIRE(decode_archived_day(at->first, at->second, day));
      out.push_back(day);
    }
  }
};

void store(Aggregator& aggregator, Map& map, size_t batch_bytes = 1 << 20) {
  collect_changes(aggregator, batch_bytes, [&](const Batch& batch) {
    for (const visor_op& op : batch.ops()) {
      ByteView key_view = visor::bytes(op.key), value = visor::bytes(op.value);
      Bytes key(key_view.begin(), key_view.end());
      if (op.kind == VISOR_PUT) {
        map[key] = Bytes(value.begin(), value.end());
      } else {
        map.erase(key);
      }
    }
  });
}

size_t restore(Aggregator& aggregator, const Map& map, Moment now) {
  size_t refused = 0;
  for (char kind : kRestoreOrder) {
    for (const auto& [key, value] : map) {
      if (key.empty() || static_cast<char>(key[0]) != kind) continue;
      refused += !restore_entry(aggregator, key, value, codec::day_of(now.unix_s));
    }
  }
  aggregator.finish_restore(now);
  return refused;
}

std::string all_rows(const Aggregator& aggregator, Moment now) {
  std::string out;
  RowOptions options{.edges = true};
  for (size_t b = 0; b < aggregator.blocks().size(); ++b) {
    for (const Transport* transport : aggregator.blocks().at(b).rows) {
      if (append_json_row(out, aggregator, *transport, options, codec::day_of(now.unix_s))) out += '\n';
    }
  }
  return out;
}

}  // namespace

TEST_CASE("tpd store: what was known before a restart is known after it", "[telemetry][tpd]") {
  Tpd before;
  auto keys = make_keys(4);
  Map map;
  TransportId id = id_of(keys[0], keys[1]);
  before.list(keys[0], {listed(keys[0], keys[1]), listed(keys[0], keys[2], "stcpr", "user")});
  before.list(keys[1], {listed(keys[0], keys[1])});
  before.sample(keys[0], id, 100, 50, 77);
  before.sample(keys[1], id, 50, 100, 78);
  before.sample(keys[2], id_of(keys[0], keys[2], "stcpr"), 1, 2);
  before.measure(keys[0], {.id = id,
                           .traffic = {100, 50},
                           .epoch = 77,
                           .throughput_bytes_per_s = 1234.5,
                           .latency_min_ms = 1,
                           .latency_max_ms = 3,
                           .latency_avg_ms = 2});
  store(before.aggregator, map, 64);
  CHECK_FALSE(before.aggregator.dirty());
  before.pass(codec::kSecondsPerDay / 2);
  before.list(keys[0], {listed(keys[0], keys[1])});
  before.sample(keys[0], id, 300, 50, 77);
  store(before.aggregator, map);

  Tpd after;
  after.now = {5, before.now.unix_s + 10};  // another monotonic clock
  CHECK(restore(after.aggregator, map, after.now) == 0);
  CHECK(all_rows(after.aggregator, after.now) == all_rows(before.aggregator, before.now));
  CHECK(after.aggregator.live() == 1);
  REQUIRE(after.find(id_of(keys[0], keys[2], "stcpr")) != nullptr);
  CHECK(after.aggregator.label_of(*after.find(id_of(keys[0], keys[2], "stcpr"))) == "user");
  CHECK(after.find(id)->throughput_bytes_per_s == 1234.5);
  CHECK(after.find(id)->uptime.size() == 2);
  // The same counters add nothing, and growth adds what it is.
  after.sample(keys[0], id, 300, 50, 77);
  after.sample(keys[1], id, 50, 100, 78);
  CHECK(after.day(id, 0) == before.day(id, 0));
  after.sample(keys[0], id, 310, 51, 77);
  CHECK(after.day(id, 0) == Traffic{210, 1});
  // Assertions go on from when they were made.
  after.pass(289);
  CHECK(after.live(id));
  after.pass(1);
  CHECK_FALSE(after.live(id));
}

TEST_CASE("tpd store: withdrawals keep their place in the order of events", "[telemetry][tpd]") {
  Tpd before;
  auto keys = make_keys(2);
  Map map;
  TransportId id = id_of(keys[0], keys[1]);
  before.list(keys[0], {listed(keys[0], keys[1])});
  before.list(keys[1], {listed(keys[0], keys[1])});
  before.sample(keys[0], id, 1, 1);
  before.list(keys[1], {});
  store(before.aggregator, map);
  Tpd after;
  restore(after.aggregator, map, after.now);
  CHECK_FALSE(after.live(id));
  CHECK(after.aggregator.refresh(keys[0], after.now));
  CHECK(after.live(id));
  after.list(keys[0], {});
  CHECK_FALSE(after.live(id));
}

TEST_CASE("tpd store: what is forgotten leaves the drive", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  Map map;
  tpd.list(keys[0], {listed(keys[0], keys[1]), listed(keys[0], keys[2])});
  tpd.sample(keys[0], id_of(keys[0], keys[1]), 5, 5);
  store(tpd.aggregator, map);
  CHECK_FALSE(map.empty());
  tpd.list(keys[0], {});
  tpd.pass(36 * codec::kSecondsPerDay);
  CHECK(tpd.aggregator.size() == 0);
  store(tpd.aggregator, map);
  CHECK(map.size() == 1);  // the visor
  tpd.pass(400 * codec::kSecondsPerDay);
  store(tpd.aggregator, map);
  CHECK(map.empty());
}

TEST_CASE("tpd store: gone and back between two writes", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  Map map;
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  store(tpd.aggregator, map);
  tpd.list(keys[0], {});
  tpd.pass(301);
  CHECK(tpd.aggregator.size() == 0);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  store(tpd.aggregator, map);
  Tpd after;
  after.now.unix_s = tpd.now.unix_s;
  CHECK(restore(after.aggregator, map, after.now) == 0);
  CHECK(after.aggregator.live() == 1);
}

TEST_CASE("tpd store: a clock that was set back makes nothing live for ever", "[telemetry][tpd]") {
  Tpd before;
  auto keys = make_keys(2);
  Map map;
  before.list(keys[0], {listed(keys[0], keys[1])});
  store(before.aggregator, map);
  Tpd after;
  after.now.unix_s = before.now.unix_s - 40 * codec::kSecondsPerDay;
  restore(after.aggregator, map, after.now);
  CHECK(after.aggregator.live() == 1);
  after.pass(301);
  CHECK(after.aggregator.live() == 0);
}

TEST_CASE("tpd store: entries that are damaged are missing and nothing else", "[telemetry][tpd]") {
  Tpd before;
  auto keys = make_keys(5);
  Map map;
  for (size_t i = 1; i < 5; ++i) {
    before.list(keys[i], {listed(keys[0], keys[i])});
    before.sample(keys[i], id_of(keys[0], keys[i]), i, i, i);
  }
  store(before.aggregator, map);
  Seeded random(3);
  for (int round = 0; round < 500; ++round) {
    Map damaged;
    for (const auto& [key, value] : map) {
      Bytes k = key, v = value;
      if (random.below(4) == 0) k[random.below(k.size())] ^= static_cast<uint8_t>(1 + random.below(255));
      if (random.below(4) == 0) v[random.below(v.size())] ^= static_cast<uint8_t>(1 + random.below(255));
      if (random.below(6) == 0) v.resize(random.below(v.size() + 1));
      if (random.below(6) == 0) k.resize(random.below(k.size() + 1));
      damaged[k] = v;
    }
    Tpd after;
    restore(after.aggregator, damaged, after.now);
    CHECK(after.aggregator.size() <= 4);
    after.list(keys[1], {listed(keys[0], keys[1])});
    after.sample(keys[1], id_of(keys[0], keys[1]), 5, 5);
    after.pass(60);
  }
}

TEST_CASE("tpd store: fourteen days are in memory, thirty-five can be asked for", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  Map map;
  tpd.aggregator.set_archive(&map);
  uint64_t sent = 0;
  auto live_on = [&](Tpd& one, int days) {
    for (int day = 0; day < days; ++day) {
      one.list(keys[0], {listed(keys[0], keys[1])});
      one.sample(keys[0], id, sent += 10, 0, 1);
      store(one.aggregator, map);
      one.pass(codec::kSecondsPerDay);
    }
  };
  auto days_of = [&](Tpd& one) {
    return one.aggregator.days_of(*one.find(id), codec::day_of(one.now.unix_s) - kDaysKept + 1);
  };
  live_on(tpd, 20);
  CHECK(tpd.find(id)->days.size() <= kHotDays);
  CHECK(days_of(tpd).size() == 20);
  CHECK(std::ranges::is_sorted(days_of(tpd), {}, &Day::date));

  Tpd after;
  after.now = tpd.now;
  after.aggregator.set_archive(&map);
  REQUIRE(restore(after.aggregator, map, after.now) == 0);
  CHECK(after.find(id)->days.size() <= kHotDays);
  CHECK(days_of(after).size() == 20);
  live_on(after, 40);
  CHECK(days_of(after).size() == 34);  // today is not sampled yet
  for (const Day& day : days_of(after)) CHECK(day.side[0].sent == 10);
  store(after.aggregator, map);
  size_t stored = 0;
  for (const auto& [key, value] : map) stored += key[0] == 'd';
  CHECK(stored <= 36);
}

TEST_CASE("tpd store: sums of the network and of visors, uptime and registrations survive",
          "[telemetry][tpd]") {
  Tpd before;
  auto keys = make_keys(3);
  Map map;
  before.list(keys[0], {listed(keys[0], keys[1], "stcpr")});
  TransportId id = id_of(keys[0], keys[1], "stcpr");
  before.measure(keys[0], {.id = id,
                           .traffic = {700, 300},
                           .epoch = 1,
                           .latency_min_ms = 1,
                           .latency_max_ms = 3,
                           .latency_avg_ms = 2});
  REQUIRE(before.aggregator.register_transport(keys[2], listed(keys[2], keys[1]), before.now));
  store(before.aggregator, map);
  Tpd after;
  after.now = {5000, before.now.unix_s + 60};
  REQUIRE(restore(after.aggregator, map, after.now) == 0);
  UnixDay today = codec::day_of(after.now.unix_s);
  const NetworkDay& day = after.aggregator.totals().days().at(today);
  const TypeTotal& total = day.at(*after.aggregator.type_number("stcpr"));
  CHECK(total.bytes == 1000);
  CHECK(total.latency_sum_us == 2000);
  CHECK(total.latency_samples == 1);
  CHECK(after.aggregator.find_visor(keys[0])->days.at(0).traffic == Traffic{700, 300});
  CHECK(after.aggregator.find_visor(keys[0])->uptime.at(0).slots.set_slots() == 1);
  // What was registered has its own time left, and no more.
  CHECK(after.live(id_of(keys[2], keys[1])));
  after.pass(239);
  CHECK(after.live(id_of(keys[2], keys[1])));
  after.pass(2);
  CHECK_FALSE(after.live(id_of(keys[2], keys[1])));
}
