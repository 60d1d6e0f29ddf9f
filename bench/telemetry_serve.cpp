// The TPD's /metrics behind a real gateway, with 100,000 series.
#include <cstdio>

#include "bench/bench.hpp"
#include "bench/dmsg_visor.hpp"
#include "bench/telemetry_network.hpp"
#include "bench/telemetry_parts.hpp"
#include "plugins/transport-discovery/ingest.hpp"
#include "plugins/transport-discovery/web.hpp"

namespace visor::bench {
namespace {

using namespace transport_discovery;

constexpr double kSamplesOfRow = 6; /* sent, received, throughput, three latencies */

/* Shards of every visor, each row newer than before, decoded and applied: samples in a second. */
class Samples {
 public:
  Samples(Network& network, Aggregator& aggregator) : network_(network) {
    for (size_t i = 0; i < kVisors; ++i) {
      feeds_.push_back(std::make_unique<ReporterFeed>(aggregator, counters_, network.key(i).key));
    }
  }
  double rate() {
    bytes_ += 1000;
    std::vector<std::vector<std::pair<std::string, Bytes>>> leaves(kVisors);
    double samples = 0;
    for (size_t i = 0; i < kVisors; ++i) {
      std::map<uint8_t, std::vector<codec::TelemetryRow>> shards;
      for (const auto& listed : network_.list(i)) {
        codec::TelemetryRow row;
        row.id = listed.entry.id;
        row.sent_bytes = row.received_bytes = bytes_;
        row.latency_min_ms = row.latency_max_ms = row.latency_avg_ms = 12;
        row.throughput_bytes_per_s = 1;
        row.sampled_at_s = static_cast<uint32_t>(kNow);
        row.type_code = 8;
        shards[codec::telemetry_shard_of(row.id)].push_back(row);
        samples += kSamplesOfRow;
      }
      for (auto& [shard, rows] : shards)
        leaves[i].emplace_back(codec::shard_path(shard), codec::encode_telemetry_shard(shard, rows));
    }
    auto nothing = [](std::string_view) { return std::optional<ByteView>(); };
    return samples / seconds([&] {
             for (size_t i = 0; i < kVisors; ++i) {
               std::vector<visor_op> ops;
               for (auto& [path, leaf] : leaves[i])
                 ops.push_back(put(std::string_view(path), ByteView(leaf)));
               feeds_[i]->root(ops, nothing, network_.now());
             }
           });
  }

 private:
  Network& network_;
  IngestCounters counters_;
  std::vector<std::unique_ptr<ReporterFeed>> feeds_;
  uint64_t bytes_ = uint64_t(1) << 33;
};

}  // namespace

void run_served() {
  Visor visor(R"({"plugin":"gateway","config":{"listen":"tcp://127.0.0.1:0"}})");
  Network network;
  Aggregator aggregator({.hash_seed = 1});
  network.fill(aggregator);
  Samples samples(network, aggregator);
  Api api(aggregator, {.process_metrics = [](bool) { return std::string(); }, .version = "0"});
  Web web(visor.host(), api);
  if (auto started = web.start(); !started) give_up(started.error().text);
  std::printf("%s\n", json_field(visor.call("gateway", "status"), "address").c_str());
  std::fflush(stdout);
  visor.obey([&](const std::string& line) {
    if (line == "samples") return std::to_string(samples.rate());
    network.change_one(aggregator);
    return std::string("changed");
  });
}

}  // namespace visor::bench
