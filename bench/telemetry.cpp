// The TPD's tables by themselves: 100,000 series rendered for a scrape, what a series costs in memory, signed
// Roots applied in a second.
#include <malloc.h>

#include <map>
#include <random>
#include <visor/plugin.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "lib/codec/telemetry_shard.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "plugins/transport-discovery/api.hpp"
#include "plugins/transport-discovery/ingest.hpp"

namespace visor::bench {
namespace {

using namespace transport_discovery;

constexpr size_t kSeriesOfOne = 9; /* live, three latencies, throughput, sent and received of both edges */
constexpr size_t kTransports = 100'000 / kSeriesOfOne + 1;
constexpr size_t kVisors = 1000;
constexpr int64_t kNow = 1'790'000'000;

struct Random {
  std::mt19937_64 engine{1};
  uint64_t below(uint64_t limit) { return engine() % limit; }
  crypto::Random source() {
    return [this](std::span<uint8_t> out) {
      for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine());
    };
  }
};

/* A network of kVisors with kTransports between them, everything measured by both edges. */
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

std::string scrape(Api& api, Moment now, std::string_view encoding) {
  Answer answer = api.answer({"GET", "/metrics", "", "application/openmetrics-text", encoding}, now);
  if (answer.status != 200) give_up("/metrics answers " + std::to_string(answer.status));
  while (answer.rest && answer.rest->next(answer.body)) {
  }
  return std::move(answer.body);
}

void metrics(Network& network, Aggregator& aggregator, std::string_view name, std::string_view encoding) {
  Api api(aggregator, {.process_metrics = [](bool) { return std::string(); },
                       .version = "0",
                       .address = "",
                       .network = "skynet"});
  std::string bytes = scrape(api, network.now(), encoding);
  std::fprintf(stderr, "%s: %zu bytes\n", std::string(name).c_str(), bytes.size());
  measure({.name = std::string(name),
           .unit = "ms",
           .better = Better::kLess,
           .ours =
               [&] {
                 network.change_one(aggregator);
                 return seconds([&] {
                          if (scrape(api, network.now(), encoding).empty()) give_up("nothing came");
                        }) *
                        1000;
               },
           .floor =
               [&] {
                 std::string copy;
                 double taken = seconds([&] { copy.assign(bytes); });
                 if (copy.size() != bytes.size()) give_up("the copy is short");
                 return taken * 1000;
               }});
}

/* Roots of a visor with ten transports: its signature is checked, its list is the same, its shards are read.
 */
void roots(Network& network, Aggregator& aggregator) {
  constexpr size_t kRounds = 4;
  IngestCounters counters;
  struct Reporter {
    std::unique_ptr<ReporterFeed> feed;
    crypto::Hash hash;
    crypto::Signature signature;
    std::vector<std::pair<std::string, Bytes>> leaves;
  };
  std::vector<Reporter> reporters(kVisors);
  for (size_t i = 0; i < kVisors; ++i) {
    Reporter& one = reporters[i];
    one.feed = std::make_unique<ReporterFeed>(aggregator, counters, network.key(i).key);
    one.hash = crypto::sha256(bytes(std::to_string(i)));
    one.signature = *crypto::sign_recoverable(one.hash, network.key(i).secret);
    std::map<uint8_t, std::vector<codec::TelemetryRow>> shards;
    for (const auto& row : network.list(i)) {
      codec::TelemetryRow out;
      out.id = row.entry.id;
      out.sent_bytes = uint64_t(1) << 32;
      out.latency_min_ms = out.latency_max_ms = out.latency_avg_ms = 12;
      out.sampled_at_s = static_cast<uint32_t>(kNow);
      out.type_code = 8;
      shards[codec::telemetry_shard_of(out.id)].push_back(out);
    }
    for (const auto& [shard, rows] : shards)
      one.leaves.emplace_back(codec::shard_path(shard), codec::encode_telemetry_shard(shard, rows));
  }
  auto verify_all = [&] {
    for (size_t i = 0; i < kVisors; ++i) {
      if (!crypto::verify(network.key(i).key, reporters[i].signature, reporters[i].hash))
        give_up("a bad signature");
    }
  };
  auto nothing = [](std::string_view) { return std::optional<ByteView>(); };
  measure({.name = "telemetry.apply_roots_s",
           .unit = "1/s",
           .better = Better::kMore,
           .ours =
               [&] {
                 return kRounds * kVisors / seconds([&] {
                          for (size_t round = 0; round < kRounds; ++round) {
                            verify_all();
                            for (Reporter& one : reporters) {
                              std::vector<visor_op> ops;
                              for (auto& [path, leaf] : one.leaves) {
                                ++leaf[codec::kTelemetryShardHead + 16];  // sent bytes of the first row
                                ops.push_back(put(std::string_view(path), ByteView(leaf)));
                              }
                              one.feed->root(ops, nothing, network.now());
                            }
                          }
                        });
               },
           .floor =
               [&] {
                 return kRounds * kVisors / seconds([&] {
                          for (size_t round = 0; round < kRounds; ++round) verify_all();
                        });
               }});
}

}  // namespace
}  // namespace visor::bench

int main() {
  using namespace visor::bench;
  Network network;
  size_t before = ::mallinfo2().uordblks;
  auto aggregator = std::make_unique<visor::transport_discovery::Aggregator>(
      visor::transport_discovery::AggregatorOptions{.hash_seed = 1});
  network.fill(*aggregator);
  double series = kTransports * kSeriesOfOne;
  double each = static_cast<double>(::mallinfo2().uordblks - before) / series;
  measure({.name = "telemetry.series_bytes",
           .unit = "bytes",
           .better = Better::kLess,
           .ours = [each] { return each; },
           .floor = [] { return 16.0; }}); /* a value and its time */
  metrics(network, *aggregator, "telemetry.metrics_100k_ms", "gzip");
  metrics(network, *aggregator, "telemetry.metrics_100k_plain_ms", "");
  roots(network, *aggregator);
}
