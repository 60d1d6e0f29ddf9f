// transport_discovery: the TPD.  Follows the feed of every visor that announces itself, and serves what they
// say of their transports at /metrics.
#include <visor/plugin.hpp>

#include "lib/codec/json_fields.hpp"
#include "lib/codec/transport_type.hpp"
#include "report.hpp"

namespace visor::transport_discovery {
namespace {

constexpr char kVersion[] = VISOR_VERSION;
constexpr size_t kDefaultRows = 100;

class TransportDiscovery final : public Instance {
 public:
  explicit TransportDiscovery(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view) { return report_status(sources()); }
  Result<std::string> reporters(std::string_view) { return report_reporters(sources()); }
  Result<std::string> transports(std::string_view args) { return rows(args, append_json_row); }
  Result<std::string> metrics(std::string_view args) { return rows(args, append_table_row); }

 private:
  Result<std::string> rows(std::string_view args, decltype(append_json_row)* append) const;
  Result<void> set_up();
  std::map<std::string, std::string> addresses() const;
  Result<void> serve();
  void on_peer(const visor_key& key, bool here);
  void reconcile();
  Moment now() const { return {static_cast<int64_t>(host().now_ms()), host().unix_ns() / 1'000'000'000}; }
  ReportSources sources() const {
    return {config_, own_,       *aggregator_,       ingest_,      *keeper_,
            *web_,   reporters_, refused_reporters_, started_at_s_};
  }

  Tasks tasks_;
  Config config_;
  visor_key own_{};
  int64_t started_at_s_ = 0;
  visor_feeds* feeds_ = nullptr;
  IngestCounters ingest_;
  uint64_t refused_reporters_ = 0;
  // Each after what it uses, so that it goes first.
  std::unique_ptr<Aggregator> aggregator_;
  Sessions sessions_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Web> web_;
  std::map<visor_key, std::unique_ptr<Reporter>>
      reporters_; /* ordered: nothing that shows depends on chance */
  Owned<visor_handle> serving_;
  Timer tick_, reconcile_;
};

Result<void> TransportDiscovery::set_up() {
  Result<Config> config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  config_ = std::move(*config);
  auto* identity = host().find<visor_identity>(VISOR_IDENTITY_1);
  feeds_ = host().find<visor_feeds>(VISOR_FEEDS_1);
  if (!identity || !feeds_) return failure(VISOR_ENOENT, "the host offers no identity or no feeds");
  own_ = *identity->api->key(identity);
  started_at_s_ = now().unix_s;

  uint64_t seed = 0;
  host().random({reinterpret_cast<uint8_t*>(&seed), sizeof seed});
  aggregator_ = std::make_unique<Aggregator>(
      AggregatorOptions{.assertion_ttl_ms = static_cast<int64_t>(config_.assertion_ttl_ms()),
                        .max_transports = config_.max_transports,
                        .hash_seed = seed});
  keeper_ = std::make_unique<Keeper>(host(), config_, *aggregator_, sessions_);
  api_ = std::make_unique<Api>(
      *aggregator_,
      Api::Service{
          .process_metrics = [this](bool open_metrics) { return report_metrics(sources(), open_metrics); },
          .version = kVersion,
          .addresses = addresses(),
          .started_at_s = started_at_s_,
          .sessions = &sessions_,
          .monitors = config_.monitors});
  web_ = std::make_unique<Web>(host(), *api_);
  return {};
}

// Of the feeds, and of this interface (specification dmsg.md, 3.2).
std::map<std::string, std::string> TransportDiscovery::addresses() const {
  constexpr char kHttpPort[] = ":80";
  std::map<std::string, std::string> out{
      {config_.network, to_hex(own_) + ":" + std::to_string(config_.port)}};
  if (!config_.http_network.empty()) out[config_.http_network] = to_hex(own_) + kHttpPort;
  return out;
}

void TransportDiscovery::start(Started started) {
  if (Result<void> ready = set_up(); !ready) return started(std::move(ready));
  keeper_->open([this, started = std::move(started)](Result<void> loaded) {
    if (loaded) loaded = serve();
    if (loaded) loaded = web_->start();
    started(std::move(loaded));
  });
}

Result<void> TransportDiscovery::serve() {
  auto peer = [](void* ctx, const visor_addr* from, bool here) {
    static_cast<TransportDiscovery*>(ctx)->on_peer(from->key, here);
  };
  visor_handle* handle = nullptr;
  visor_status status = feeds_->api->serve(feeds_, to_span(std::string_view(config_.network)), config_.port,
                                           +peer, this, &handle);
  if (status != VISOR_OK) return std::unexpected(host().error(status));
  serving_.reset(handle);
  tick_ =
      Timer::every(host(), std::max<uint64_t>(1, config_.tick_ms()), [this] { aggregator_->tick(now()); });
  reconcile_ = Timer::every(host(), std::max<uint64_t>(1, config_.reconcile_ms()), [this] { reconcile(); });
  return {};
}

void TransportDiscovery::on_peer(const visor_key& key, bool here) {
  auto at = reporters_.find(key);
  if (!here) {
    if (at != reporters_.end()) at->second->left();
    return;
  }
  if (at == reporters_.end()) {
    if (reporters_.size() >= config_.max_reporters) {
      ++refused_reporters_;
      return;
    }
    at = reporters_
             .emplace(key, std::make_unique<Reporter>(host(), feeds_, config_, key, *aggregator_, ingest_))
             .first;
  }
  at->second->arrived();
}

void TransportDiscovery::reconcile() {
  uint64_t now_ms = host().now_ms();
  std::erase_if(reporters_, [&](const auto& entry) { return !entry.second->reconcile(now_ms); });
}

void TransportDiscovery::stop(Stopped stopped) {
  serving_.reset();
  tick_.cancel();
  reconcile_.cancel();
  web_->stop();
  reporters_.clear();
  // What these have just closed goes on the next turn; only then is no code of ours under way.
  keeper_->close([this, stopped = std::move(stopped)]() mutable { tasks_.post(std::move(stopped)); });
}

// --- commands ----------------------------------------------------------------------------------

Result<std::string> TransportDiscovery::rows(std::string_view args, decltype(append_json_row)* append) const {
  const Result<boost::json::object> object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  RowOptions options{.edges = true};
  if (std::string_view live = codec::string_at(*object, "live"); !live.empty()) {
    options.live = live == "true"    ? LiveFilter::kLive
                   : live == "false" ? LiveFilter::kEnded
                                     : LiveFilter::kAll;
  }
  if (std::string_view type = codec::string_at(*object, "type"); !type.empty())
    options.types.emplace_back(codec::canonical_type(type));
  size_t left = codec::number_at<size_t>(*object, "limit").value_or(kDefaultRows);
  const std::string_view pk = codec::string_at(*object, "pk");

  UnixDay today = codec::day_of(now().unix_s);
  std::string out = "[";
  for (const Transport* next = aggregator_->blocks().first(); next && left > 0;
       next = aggregator_->blocks().after(next->id)) {
    if (!pk.empty() && next->sides[0].visor->hex != pk && next->sides[1].visor->hex != pk) continue;
    size_t before = out.size();
    if (out.size() > 1) out += ",\n";
    if (append(out, *aggregator_, *next, options, today)) {
      --left;
    } else {
      out.resize(before);
    }
  }
  return out + "]";
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_FEEDS_1, VISOR_DRIVE_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr char kWhichRows[] = R"({
  "type": "object", "additionalProperties": false, "properties": {
    "pk": {"type": "string", "pattern": "^[0-9a-f]{66}$", "description": "only those of which this visor is an edge"},
    "type": {"type": "string", "description": "only those of this type"},
    "live": {"type": "string", "enum": ["true", "false", "all"], "description": "only live or only ended ones; all if not said"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 5000, "description": "rows at most; 100 if not said"}},
  "examples": [{"live": "true", "limit": 20}]
})";

constexpr visor_command kCommands[] = {
    {"status", "What is known, what was refused, every queue and its bound", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&TransportDiscovery::status>},
    {"reporters", "Each visor whose feed is followed: connections, Roots, what was wrong with its leaves",
     kNoArguments, VISOR_COMMAND_READS, 0, command<&TransportDiscovery::reporters>},
    {"transports", "Transports as in /metrics: latency in microseconds, bytes by day and edge", kWhichRows,
     VISOR_COMMAND_READS, 0, command<&TransportDiscovery::transports>},
    {"metrics", "Each transport in a row: edges, latency in milliseconds, bytes of today and of 35 days",
     kWhichRows, VISOR_COMMAND_READS, 0, command<&TransportDiscovery::metrics>},
};

}  // namespace
}  // namespace visor::transport_discovery

VISOR_PLUGIN(transport_discovery) = {
    VISOR_PLUGIN_HEAD,
    .name = "transport_discovery",
    .version = visor::transport_discovery::kVersion,
    .summary = "Transport discovery: aggregates what visors report of their transports, serves /metrics",
    .license = "MIT",
    .schema = visor::transport_discovery::kConfigSchema,
    .needs = visor::transport_discovery::kNeeds,
    .offers = nullptr,
    .commands = visor::transport_discovery::kCommands,
    .command_count = std::size(visor::transport_discovery::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::transport_discovery::TransportDiscovery>,
    .stop = visor::stop<visor::transport_discovery::TransportDiscovery>,
    .configure = nullptr,
};
