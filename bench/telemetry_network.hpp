/* A network as the TPD knows it, for its benches: 1,000 visors, transports of 100,000 series between them,
 * everything measured by both edges. */
#ifndef VISOR_BENCH_TELEMETRY_NETWORK_HPP
#define VISOR_BENCH_TELEMETRY_NETWORK_HPP
#include <map>
#include <random>

#include "bench/machine.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "plugins/transport-discovery/aggregator.hpp"

namespace visor::bench {

using namespace transport_discovery;

inline constexpr size_t kSeriesOfOne =
    9; /* live, three latencies, throughput, sent and received of both edges */
inline constexpr size_t kTransports = 100'000 / kSeriesOfOne + 1;
inline constexpr size_t kVisors = 1000;
inline constexpr int64_t kNow = 1'790'000'000;

struct Random {
  std::mt19937_64 engine{1};
  uint64_t below(uint64_t limit) { return engine() % limit; }
  crypto::Random source() {
    return [this](std::span<uint8_t> out) {
      for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine());
    };
  }
};

class Network {
 public:
  Network() {
    for (size_t i = 0; i < kVisors; ++i) keys_.push_back(*crypto::random_key_pair(random_.source()));
  }
  const crypto::KeyPair& key(size_t number) const { return keys_[number]; }

  void fill(Aggregator& aggregator) {
    std::vector<std::vector<codec::ListedTransport>> lists(kVisors);
    for (size_t made = 0; made < kTransports; ++made) {
      size_t a = made % kVisors, b = (made + 1 + made / kVisors) % kVisors;
      lists[a].push_back({codec::make_transport_entry(keys_[a].key, keys_[b].key, "swsr", "automatic"), {}});
      lists[b].push_back(lists[a].back());
    }
    for (size_t i = 0; i < kVisors; ++i) aggregator.apply_list(keys_[i].key, lists[i], "v1", now_);
    for (size_t i = 0; i < kVisors; ++i) {
      for (const auto& row : lists[i]) sample(aggregator, keys_[i].key, row.entry.id, random_.below(1 << 30));
    }
    lists_ = std::move(lists);
  }
  void sample(Aggregator& aggregator, const visor_key& reporter, const TransportId& id, uint64_t bytes) {
    double latency_ms = 1 + static_cast<double>(random_.below(300'000)) / 1000;
    Aggregator::Outcome outcome = aggregator.apply(reporter,
                                                   {.id = id,
                                                    .traffic = {bytes, bytes / 3},
                                                    .epoch = 1,
                                                    .throughput_bytes_per_s = 125'000,
                                                    .latency_min_ms = latency_ms,
                                                    .latency_max_ms = latency_ms * 2,
                                                    .latency_avg_ms = latency_ms * 1.2,
                                                    .sampled_at_s = kNow},
                                                   now_);
    if (outcome != Aggregator::Outcome::kApplied) give_up("a sample was refused");
  }
  /* One transport is measured again. */
  void change_one(Aggregator& aggregator) {
    sample(aggregator, keys_[0].key, lists_[0][0].entry.id, (uint64_t(1) << 31) + ++changes_);
  }
  const std::vector<codec::ListedTransport>& list(size_t number) const { return lists_[number]; }
  Moment now() const { return now_; }

 private:
  Random random_;
  std::vector<crypto::KeyPair> keys_;
  std::vector<std::vector<codec::ListedTransport>> lists_;
  Moment now_{1'000'000, kNow};
  uint64_t changes_ = 0;
};

}  // namespace visor::bench
#endif  // VISOR_BENCH_TELEMETRY_NETWORK_HPP
