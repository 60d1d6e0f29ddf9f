// Specification telemetry.md, 3.3 and 3.6, and 10, items 5 and 6: who is believed, what is live.
#include <set>

#include "fixture.hpp"

using namespace visor::test;

TEST_CASE("tpd: a listed transport is live until its list says otherwise", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  TransportId id = id_of(keys[0], keys[1]);
  CHECK(tpd.list(keys[0], {listed(keys[0], keys[1]), listed(keys[0], keys[2])}).size() == 2);
  CHECK(tpd.live(id));
  CHECK(tpd.aggregator.live() == 2);
  CHECK(tpd.aggregator.live_visors() == 3);
  CHECK(tpd.list(keys[0], {listed(keys[0], keys[2])}).empty());
  CHECK_FALSE(tpd.live(id));
  CHECK(tpd.aggregator.live() == 1);
  CHECK(tpd.aggregator.live_visors() == 2);
  CHECK(tpd.list(keys[0], {}).empty());
  CHECK(tpd.aggregator.live() == 0);
  CHECK(tpd.aggregator.live_visors() == 0);
}

TEST_CASE("tpd: the order of edges does not matter", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  tpd.list(keys[1], {listed(keys[1], keys[0])});
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  CHECK(tpd.aggregator.size() == 1);
  CHECK(tpd.aggregator.live() == 1);
}

TEST_CASE("tpd: an assertion expires by itself, and a Root that says the same renews it",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.sample(keys[0], id, 1, 1);
  for (int i = 0; i < 20; ++i) {
    tpd.pass(4 * kMinute);
    CHECK(tpd.live(id));
    CHECK(tpd.aggregator.refresh(keys[0], tpd.now));
  }
  tpd.pass(4 * kMinute + 59);
  CHECK(tpd.live(id));
  tpd.pass(1);
  CHECK_FALSE(tpd.live(id));
  CHECK(tpd.find(id) != nullptr);  // its history stays
  // Expired assertions cannot be renewed, only made again.
  CHECK_FALSE(tpd.aggregator.refresh(keys[0], tpd.now));
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  CHECK(tpd.live(id));
}

TEST_CASE("tpd: the other edge keeps a transport live that one edge is silent about", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.pass(4 * kMinute);
  tpd.list(keys[1], {listed(keys[0], keys[1])});
  tpd.pass(4 * kMinute);
  CHECK(tpd.live(id));
  tpd.pass(kMinute);
  CHECK_FALSE(tpd.live(id));
}

TEST_CASE("tpd: what one edge withdraws is gone within that list, whatever the other said before",
          "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.list(keys[1], {listed(keys[0], keys[1])});
  tpd.pass(10);
  tpd.list(keys[1], {});
  CHECK_FALSE(tpd.live(id));
  // The other edge's next Root is newer than the withdrawal.
  tpd.pass(10);
  CHECK(tpd.aggregator.refresh(keys[0], tpd.now));
  CHECK(tpd.live(id));
  // A silent list of the edge that has withdrawn already is no second withdrawal.
  CHECK(tpd.aggregator.refresh(keys[1], tpd.now));
  tpd.list(keys[1], {});
  CHECK(tpd.live(id));
  tpd.list(keys[0], {});
  CHECK_FALSE(tpd.live(id));
}

TEST_CASE("tpd: an edge that comes back asserts anew", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  TransportId id = id_of(keys[0], keys[1]);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.list(keys[0], {});
  CHECK_FALSE(tpd.live(id));
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  CHECK(tpd.live(id));
}

TEST_CASE("tpd: a key that is no point is nobody, on either edge", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(1);
  visor_key zero{};
  visor_key off_curve{};
  off_curve.bytes[0] = 2;
  std::ranges::fill(std::span(off_curve.bytes).subspan(1), uint8_t(0xff));
  for (const visor_key& bad : {zero, off_curve}) {
    CHECK(tpd.list(keys[0], {listed(keys[0], bad)}).empty());
    CHECK(tpd.list(bad, {listed(keys[0], bad)}).empty());
  }
  CHECK(tpd.aggregator.size() == 0);
  CHECK(tpd.aggregator.counters().refused_listed_rows == 2);
  CHECK(tpd.aggregator.find_visor(zero) == nullptr);
}

TEST_CASE("tpd: samples of a stranger, and of what nobody has listed, change nothing", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  TransportId id = id_of(keys[0], keys[1]);
  CHECK(tpd.sample(keys[0], id, 100, 100) == Aggregator::Outcome::kUnknown);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  Sample lie{.id = id,
             .traffic = {1000, 1000},
             .epoch = 9,
             .throughput_bytes_per_s = 1e9,
             .latency_min_ms = 1,
             .latency_max_ms = 1,
             .latency_avg_ms = 1,
             .sampled_at_s = tpd.now.unix_s};
  CHECK(tpd.aggregator.apply(keys[2], lie, tpd.now) == Aggregator::Outcome::kNotEdge);
  CHECK(tpd.find(id)->days.empty());
  CHECK_FALSE(tpd.find(id)->latency.known());
  CHECK(tpd.find(id)->throughput_at_s == 0);
  CHECK(tpd.aggregator.apply_timeline(keys[2], id, visor::codec::day_of(tpd.now.unix_s), {}, tpd.now) ==
        Aggregator::Outcome::kNotEdge);
  CHECK(tpd.sample(keys[1], id, 10, 10) == Aggregator::Outcome::kApplied);
}

TEST_CASE("tpd: a reporter that keeps listing new transports pays with its own history", "[telemetry][tpd]") {
  Tpd tpd({.max_created_by_reporter = 20, .hash_seed = 3});
  auto keys = make_keys(60);
  TransportId honest = id_of(keys[58], keys[59]);
  tpd.list(keys[58], {listed(keys[58], keys[59])});
  tpd.sample(keys[58], honest, 5, 5);
  tpd.list(keys[58], {});
  for (size_t i = 1; i < 50; ++i) {
    tpd.list(keys[0], {listed(keys[0], keys[i])});
    tpd.sample(keys[0], id_of(keys[0], keys[i]), 100, 100);
    tpd.pass(1);
  }
  CHECK(tpd.aggregator.size() <= 21);
  CHECK(tpd.live(id_of(keys[0], keys[49])));
  CHECK(tpd.find(honest) != nullptr);
}

TEST_CASE("tpd: there is an end to how many transports are kept", "[telemetry][tpd]") {
  Tpd tpd({.max_transports = 3, .hash_seed = 3});
  auto keys = make_keys(6);
  std::vector<visor::codec::ListedTransport> rows;
  for (size_t i = 1; i < 6; ++i) rows.push_back(listed(keys[0], keys[i]));
  CHECK(tpd.list(keys[0], rows).size() == 3);
  CHECK(tpd.aggregator.live() == 3);
  CHECK(tpd.aggregator.counters().refused_listed_rows == 2);
}

TEST_CASE("tpd: what was never measured is forgotten soon, and visors that never spoke", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(3);
  tpd.list(keys[0], {listed(keys[0], keys[1])});
  tpd.list(keys[0], {});
  tpd.pass(5 * kMinute);
  // Its last counters, on their way, still find it.
  CHECK(tpd.sample(keys[0], id_of(keys[0], keys[1]), 0, 0) == Aggregator::Outcome::kApplied);
  tpd.pass(1);
  CHECK(tpd.aggregator.size() == 0);
  CHECK(tpd.aggregator.visors() == 1);
  tpd.pass(401 * visor::codec::kSecondsPerDay);
  CHECK(tpd.aggregator.visors() == 0);
}

TEST_CASE("tpd: a transport under its legacy identifier is the same one", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  visor::codec::ListedTransport row = listed(keys[0], keys[1], "swtr");
  TransportId alias = id_of(keys[0], keys[1], "wt");
  row.alias = alias;
  tpd.list(keys[0], {row});
  CHECK(tpd.sample(keys[0], alias, 10, 20) == Aggregator::Outcome::kApplied);
  CHECK(tpd.find(alias) == tpd.find(id_of(keys[0], keys[1], "swtr")));
  CHECK(tpd.day(alias, 0) == Traffic{10, 20});
}

TEST_CASE("tpd: words that nobody knows have an end too", "[telemetry][tpd]") {
  Tpd tpd;
  auto keys = make_keys(2);
  std::vector<visor::codec::ListedTransport> rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back(listed(keys[0], keys[1], "type" + std::to_string(i), "label" + std::to_string(i)));
  }
  rows.push_back(listed(keys[0], keys[1], "swsr"));
  CHECK(tpd.list(keys[0], rows).size() < 65);
  CHECK(tpd.live(id_of(keys[0], keys[1])));
}

TEST_CASE("tpd: random churn keeps every sum right", "[telemetry][tpd]") {
  Seeded random(31);
  Tpd tpd;
  auto keys = make_keys(12);
  // A model of what each reporter asserts, and when each said something last.
  std::vector<std::set<TransportId>> lists(keys.size());
  std::vector<int64_t> said(keys.size(), -1'000'000);
  for (int step = 0; step < 3000; ++step) {
    size_t reporter = random.below(keys.size());
    if (random.below(5) == 0 && tpd.aggregator.refresh(keys[reporter], tpd.now)) {
      said[reporter] = tpd.now.unix_s;
    } else {
      std::vector<visor::codec::ListedTransport> rows;
      lists[reporter].clear();
      for (size_t other = 0; other < keys.size(); ++other) {
        if (other == reporter || random.below(3) != 0) continue;
        rows.push_back(listed(keys[reporter], keys[other], random.below(2) ? "swsr" : "stcpr"));
        lists[reporter].insert(rows.back().entry.id);
      }
      tpd.list(keys[reporter], rows);
      said[reporter] = tpd.now.unix_s;
    }
    if (random.below(3) == 0) {
      for (const TransportId& id : lists[reporter]) tpd.sample(keys[reporter], id, random.below(1000), 0, 1);
    }
    tpd.pass(static_cast<int64_t>(random.below(60)));
    // Live ones are asserted by somebody who is fresh; all sums agree with a count.
    size_t live = 0, by_type = 0, rows_seen = 0;
    std::set<visor_key> visors;
    const RowBlocks& blocks = tpd.aggregator.blocks();
    std::optional<TransportId> last;
    for (size_t b = 0; b < blocks.size(); ++b) {
      for (const Transport* transport : blocks.at(b).rows) {
        ++rows_seen;
        CHECK((!last || *last < transport->id));
        last = transport->id;
        if (!transport->live) continue;
        ++live;
        bool asserted = false;
        for (size_t i = 0; i < keys.size(); ++i) {
          asserted = asserted || (lists[i].contains(transport->id) && said[i] + 300 > tpd.now.unix_s);
        }
        CHECK(asserted);
        for (const Side& side : transport->sides) visors.insert(side.visor->key);
      }
    }
    for (size_t type = 0; type < tpd.aggregator.types().size(); ++type) {
      by_type += tpd.aggregator.live_of_type(static_cast<uint8_t>(type));
    }
    REQUIRE(rows_seen == tpd.aggregator.size());
    REQUIRE(live == tpd.aggregator.live());
    REQUIRE(by_type == live);
    REQUIRE(visors.size() == tpd.aggregator.live_visors());
  }
}
