/* What the TPD's cases share: visors with real keys, lists, samples, a clock turned by hand. */
#ifndef VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_FIXTURE_HPP
#define VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_FIXTURE_HPP
#include <algorithm>
#include <catch2/catch.hpp>

#include "lib/crypto/secp256k1.hpp"
#include "plugins/transport-discovery/aggregator.hpp"
#include "tests/unit/seeded.hpp"

namespace visor::test {

using namespace transport_discovery;

/* `count` keys, ascending. */
inline std::vector<visor_key> make_keys(size_t count, uint64_t seed = 1) {
  Seeded random(seed);
  std::vector<visor_key> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(crypto::random_key_pair(random.source())->key);
  std::ranges::sort(keys);
  return keys;
}

inline codec::ListedTransport listed(const visor_key& a, const visor_key& b, std::string_view type = "swsr",
                                     std::string_view label = "automatic") {
  return {codec::make_transport_entry(a, b, type, label), std::nullopt};
}

inline TransportId id_of(const visor_key& a, const visor_key& b, std::string_view type = "swsr") {
  return codec::transport_id(a, b, type);
}

constexpr int64_t kNoon = 20000 * codec::kSecondsPerDay + 43200;
constexpr int64_t kMinute = 60;

/* A TPD whose assertions live for five minutes. */
struct Tpd {
  explicit Tpd(AggregatorOptions options = {.hash_seed = 7}) : aggregator(options) {}

  Moment now{1'000'000, kNoon};
  Aggregator aggregator;

  void pass(int64_t seconds) {
    now.mono_ms += seconds * 1000;
    now.unix_s += seconds;
    aggregator.tick(now);
  }
  std::vector<TransportId> list(const visor_key& reporter, const std::vector<codec::ListedTransport>& rows) {
    return aggregator.apply_list(reporter, rows, "v1", now);
  }
  Aggregator::Outcome sample(const visor_key& reporter, const TransportId& id, uint64_t sent,
                             uint64_t received, std::optional<uint64_t> epoch = std::nullopt) {
    return aggregator.apply(
        reporter, {.id = id, .traffic = {sent, received}, .epoch = epoch, .sampled_at_s = now.unix_s}, now);
  }
  /* The same of all that is measured, now. */
  Aggregator::Outcome measure(const visor_key& reporter, Sample sample) {
    sample.sampled_at_s = now.unix_s;
    return aggregator.apply(reporter, sample, now);
  }
  const Transport* find(const TransportId& id) const { return aggregator.find(id); }
  bool live(const TransportId& id) const { return find(id) && find(id)->live; }
  /* What was counted for one edge on the day that is `days_ago`. */
  Traffic day(const TransportId& id, size_t side, UnixDay days_ago = 0) const {
    const Transport* transport = find(id);
    if (!transport) return {};
    UnixDay date = codec::day_of(now.unix_s) - days_ago;
    for (const Day& one : transport->days) {
      if (one.date == date) return one.side[side];
    }
    return {};
  }
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_TRANSPORT_DISCOVERY_FIXTURE_HPP
