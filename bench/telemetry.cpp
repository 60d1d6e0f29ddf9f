// The TPD: 100,000 series rendered for a scrape, what a series costs in memory, signed Roots applied in a
// second, by themselves and from 1,000 connections.
//
//   bench_telemetry            all rows
//   bench_telemetry ingest     the row of the connections alone
//   bench_telemetry serve      a TPD with 100,000 series behind HTTP, for bench_telemetry_peers.mjs
#include <malloc.h>

#include <visor/plugin.hpp>

#include "bench/bench.hpp"
#include "bench/telemetry_network.hpp"
#include "bench/telemetry_parts.hpp"
#include "plugins/transport-discovery/api.hpp"
#include "plugins/transport-discovery/ingest.hpp"

namespace visor::bench {
namespace {

using namespace transport_discovery;

std::string scrape(Api& api, Moment now, std::string_view encoding) {
  transport_discovery::Answer answer =
      api.answer({"GET", "/metrics", "", "application/openmetrics-text", encoding}, now);
  if (answer.status != 200) give_up("/metrics answers " + std::to_string(answer.status));
  while (answer.rest && answer.rest->next(answer.body)) {
  }
  return std::move(answer.body);
}

void metrics(Network& network, Aggregator& aggregator, Api& api, std::string_view name,
             std::string_view encoding) {
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

namespace visor::bench {
namespace {

void tables() {
  Network network;
  size_t before = ::mallinfo2().uordblks;
  auto aggregator = std::make_unique<Aggregator>(AggregatorOptions{.hash_seed = 1});
  network.fill(*aggregator);
  double series = kTransports * kSeriesOfOne;
  double each = static_cast<double>(::mallinfo2().uordblks - before) / series;
  measure({.name = "telemetry.series_bytes",
           .unit = "bytes",
           .better = Better::kLess,
           .ours = [each] { return each; },
           .floor = [] { return 16.0; }}); /* a value and its time */
  // One for both: what it has rendered is kept with the rows.
  Api api(*aggregator, {.process_metrics = [](bool) { return std::string(); }, .version = "0"});
  metrics(network, *aggregator, api, "telemetry.metrics_100k_ms", "gzip");
  metrics(network, *aggregator, api, "telemetry.metrics_100k_plain_ms", "");
  roots(network, *aggregator);
}

}  // namespace
}  // namespace visor::bench

int main(int count, char** words) {
  using namespace visor::bench;
  std::string_view mode = count > 1 ? words[1] : "";
  if (mode == "tpd") return run_tpd(), 0;
  if (mode == "visors" && count == 4) return run_visors(words[2], words[3]), 0;
  if (mode == "serve") return run_served(), 0;
  if (mode.empty()) tables();
  measure_ingest();
}
