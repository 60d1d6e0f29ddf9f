// telemetry: publishes this visor's transports on its own feed, and announces the feed to the TPD.
#include <algorithm>
#include <visor/plugin.hpp>

#include "history.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/queue_text.hpp"
#include "lib/codec/transport_type.hpp"
#include "registration.hpp"
#include "stats.hpp"

namespace visor::telemetry {
namespace {

using codec::JsonObjectText;

constexpr char kVersion[] = "v" VISOR_VERSION; /* of the visor, as lists tell it */
constexpr size_t kTransportsOfSkynet = 2;      /* that must serve for the network to be up */

class Telemetry final : public Instance {
 public:
  explicit Telemetry(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view);
  Result<std::string> registration(std::string_view);
  Result<std::string> history(std::string_view args);
  Result<std::string> uptime(std::string_view args);

 private:
  Result<void> set_up();
  Result<void> serve();
  Result<void> announce();
  void announce_anew();
  void begin();
  void sample();
  void on_change();
  void collect();
  void on_announced(visor_status status);
  void announce_again();
  void remember();
  RegistrationSources sources() const;

  Tasks tasks_;
  Config config_;
  visor_key own_{};
  visor_transports* transports_ = nullptr;
  visor_feeds* feeds_ = nullptr;
  Announcing announcing_;
  size_t connections_ = 0; /* of peers that may subscribe */
  bool tpd_near_ = false;  /* a transport to the TPD serves */
  uint64_t samples_ = 0, changes_ = 0;
  uint64_t published_ms_ = 0;
  // Each after what it uses, so that it goes first.
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<OwnFeed> feed_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Stats> stats_;
  Owned<visor_handle> watching_, serving_, announced_;
  Timer interval_, debounce_, announcing_again_;
};

Result<void> Telemetry::set_up() {
  Result<Config> config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  config_ = std::move(*config);
  auto* identity = host().find<visor_identity>(VISOR_IDENTITY_1);
  transports_ = host().find<visor_transports>(VISOR_TRANSPORTS_1);
  feeds_ = host().find<visor_feeds>(VISOR_FEEDS_1);
  if (!identity || !transports_ || !feeds_) {
    return failure(VISOR_ENOENT, "the host offers no identity, no transports or no feeds");
  }
  own_ = *identity->api->key(identity);
  tracker_ = std::make_unique<Tracker>(own_, config_.linger_ms());
  publisher_ = std::make_unique<Publisher>(kVersion, config_.older_leaves);
  feed_ = std::make_unique<OwnFeed>(host(), feeds_, config_, *tracker_, *publisher_);
  history_ = std::make_unique<History>(host(), config_);
  stats_ = std::make_unique<Stats>(host(), config_, *history_);
  return {};
}

void Telemetry::start(Started started) {
  if (Result<void> ready = set_up(); !ready) return started(std::move(ready));
  feed_->open([this, started = std::move(started)](Result<void> opened) {
    if (opened) opened = serve();
    if (opened) opened = announce();
    if (!opened) return started(std::move(opened));
    history_->open([this, started](Result<void> remembers) {
      if (!remembers) return started(std::move(remembers));
      begin();
      started(stats_->start());
    });
  });
}

Result<void> Telemetry::serve() {
  std::string_view network = config_.network;
  visor_handle* handle = nullptr;
  auto peer = [](void* ctx, const visor_addr*, bool here) {
    auto* self = static_cast<Telemetry*>(ctx);
    self->connections_ =
        here ? self->connections_ + 1 : self->connections_ - std::min<size_t>(self->connections_, 1);
  };
  visor_status status = feeds_->api->serve(feeds_, to_span(network), config_.port, +peer, this, &handle);
  if (status != VISOR_OK) return std::unexpected(host().error(status));
  serving_.reset(handle);
  return {};
}

// The connection that announces the feed is the one that the TPD subscribes on; it may also dial back.
Result<void> Telemetry::announce() {
  if (!config_.tpd || *config_.tpd == own_) return {};
  std::string_view network = config_.network;
  visor_handle* handle = nullptr;
  visor_addr tpd{*config_.tpd, config_.port};
  auto state = [](void* ctx, visor_status announced) {
    static_cast<Telemetry*>(ctx)->on_announced(announced);
  };
  visor_status status = feeds_->api->announce(feeds_, to_span(network), &tpd, +state, this, &handle);
  if (status != VISOR_OK) return std::unexpected(host().error(status));
  announced_.reset(handle);
  announcing_.failed = false;
  if (!announcing_.standing) tracker_->reader(false, host().now_ms());
  return {};
}

// An attempt that has failed is repeated on the rhythm; what stands is left alone.
void Telemetry::announce_again() {
  if (announcing_.standing || !announcing_.failed) return;
  announced_.reset();
  if (Result<void> again = announce(); !again) host().warn("telemetry: " + again.error().text);
}

// A TPD that was away for long is tried at long intervals; a transport to it says that it is back.
void Telemetry::announce_anew() {
  bool near = std::ranges::any_of(tracker_->transports(), [this](const auto& entry) {
    return entry.second.serving && entry.second.remote == config_.tpd;
  });
  if (std::exchange(tpd_near_, near) || !near || announcing_.standing) return;
  announced_.reset();
  if (Result<void> again = announce(); !again) host().warn("telemetry: " + again.error().text);
}

void Telemetry::begin() {
  visor_handle* handle = nullptr;
  auto changed = [](void* ctx) { static_cast<Telemetry*>(ctx)->on_change(); };
  if (transports_->api->watch(transports_, +changed, this, &handle) == VISOR_OK) {
    watching_.reset(handle);
  } else {
    host().warn("telemetry: changes of transports are seen only with the next sample: " +
                host().error(VISOR_EINTERNAL).text);
  }
  interval_ = Timer::every(host(), config_.interval_ms, [this] {
    sample();
    remember();
  });
  announcing_again_ =
      Timer::every(host(), std::max<uint64_t>(1, config_.announce_ms()), [this] { announce_again(); });
  sample();
  remember();
}

void Telemetry::on_announced(visor_status status) {
  uint64_t now_ms = std::max<uint64_t>(1, host().now_ms());
  announcing_.standing = status == VISOR_OK;
  tracker_->reader(announcing_.standing, now_ms);
  if (status == VISOR_OK) {
    ++announcing_.successes;
    announcing_.succeeded_ms = now_ms;
    return;
  }
  ++announcing_.failures;
  announcing_.failed = true;
  announcing_.failed_ms = now_ms;
  announcing_.problem = host().error(status).text;
}

void Telemetry::stop(Stopped stopped) {
  interval_.cancel();
  debounce_.cancel();
  announcing_again_.cancel();
  watching_.reset();
  announced_.reset();
  serving_.reset();
  feed_.reset();
  stats_.reset();
  history_.reset();
  // What was closed just now goes on the next turn; only then is no code of ours under way.
  tasks_.post(std::move(stopped));
}

// --- sampling ----------------------------------------------------------------------------------

void Telemetry::collect() {
  tracker_->begin();
  struct Collection {
    Tracker& tracker;
    int64_t unix_s;
  } collection{*tracker_, host().unix_ns() / 1'000'000'000};
  transports_->api->each(
      transports_,
      [](void* ctx, const visor_transport* transport) {
        auto* into = static_cast<Collection*>(ctx);
        into->tracker.see(*transport, into->unix_s);
      },
      &collection);
  tracker_->end(host().now_ms(), host().unix_ns() / 1'000'000'000);
}

void Telemetry::sample() {
  ++samples_;
  debounce_.cancel();
  collect();
  published_ms_ = host().now_ms();
  feed_->publish();
}

// The relay network is up while a relayed transport serves.
void Telemetry::remember() {
  bool relayed = std::ranges::any_of(tracker_->transports(), [](const auto& entry) {
    return entry.second.serving && codec::transport_type(entry.second.type) == codec::TransportType::kDmsg;
  });
  const History::Tier tiers[] = {
      {"process", true}, {"dmsg", relayed}, {"skynet", tracker_->serving() >= kTransportsOfSkynet}};
  const std::string services[] = {"visor"};
  history_->sample(*tracker_, tiers, services, host().unix_ns() / 1'000'000'000);
}

// At once, unless that was just done; counters of what closes are taken in any case, for they are soon gone.
void Telemetry::on_change() {
  ++changes_;
  collect();
  announce_anew();
  uint64_t since_ms = host().now_ms() - published_ms_;
  uint64_t wait_ms = since_ms >= config_.debounce_ms() ? 0 : config_.debounce_ms() - since_ms;
  debounce_ = Timer::once(host(), wait_ms, [this] { sample(); });
}

// --- status ------------------------------------------------------------------------------------

RegistrationSources Telemetry::sources() const {
  return {config_, own_, *tracker_, *publisher_, *feed_, announcing_, connections_, host().now_ms()};
}

Result<std::string> Telemetry::registration(std::string_view) {
  return registration_json(sources());
}

Result<std::string> Telemetry::history(std::string_view args) {
  const Result<boost::json::object> object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  auto days = codec::number_at<codec::UnixDay>(*object, "days").value_or(History::kDefaultDays);
  auto limit = codec::number_at<size_t>(*object, "limit").value_or(History::kDefaultRows);
  std::string_view uuid = codec::string_at(*object, "id");
  if (uuid.empty()) return history_->transports(days, limit, nullptr);
  Result<codec::TransportId> id = codec::transport_id_from_uuid(uuid);
  if (!id) return std::unexpected(id.error());
  return history_->transports(days, limit, &*id);
}

Result<std::string> Telemetry::uptime(std::string_view args) {
  const Result<boost::json::object> object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  bool timelines = false;
  codec::read_field(*object, "timeline", timelines);
  return history_->uptime(codec::number_at<codec::UnixDay>(*object, "days").value_or(History::kDefaultDays),
                          timelines);
}

Result<std::string> Telemetry::status(std::string_view) {
  size_t closed = tracker_->transports().size() - tracker_->serving();
  return JsonObjectText()
      .text("network", config_.network)
      .integer("port", config_.port)
      .integer("interval_ms", config_.interval_ms)
      .integer("samples", samples_)
      .integer("changes", changes_)
      .integer("writes", feed_->counters().writes)
      .integer("failed_writes", feed_->counters().failures)
      .json("transport_registration", registration_json(sources()))
      .json("history", JsonObjectText()
                           .boolean("kept", history_->open())
                           .integer("writes", history_->counters().writes)
                           .integer("failed_writes", history_->counters().failures)
                           .text("problem", history_->problem())
                           .finish())
      .json("stats", JsonObjectText()
                         .integer("readers", config_.stats_readers.size())
                         .boolean("mounted", stats_->mounted())
                         .integer("answered", stats_->counters().answered)
                         .integer("refused", stats_->counters().refused)
                         .finish())
      .json("queues", JsonObjectText()
                          .json("writes", codec::queue_text(feed_->writing() ? 1 : 0, 1))
                          .json("closed_transports", codec::queue_text(closed, Tracker::kMaxClosed))
                          .finish())
      .finish();
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_TRANSPORTS_1, VISOR_FEEDS_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status",
     "What is published, when it was, and what became of announcing it: why a transport is not shown",
     R"({"type":"object","additionalProperties":false})", VISOR_COMMAND_READS, 0,
     command<&Telemetry::status>},
    {"registration",
     "Why is my transport not shown: what is listed, published and announced, and what to do about it",
     R"({"type":"object","additionalProperties":false})", VISOR_COMMAND_READS, 0,
     command<&Telemetry::registration>},
    {"history", "This visor's transports by day, as it has counted itself: bytes, latency in milliseconds",
     R"({
  "type": "object", "additionalProperties": false, "properties": {
    "id": {"type": "string", "description": "only this transport"},
    "days": {"type": "integer", "minimum": 1, "maximum": 30, "description": "today and those before; 7 if not said"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 5000, "description": "transports at most; 100 if not said"}},
  "examples": [{"days": 30}]
})",
     VISOR_COMMAND_READS, 0, command<&Telemetry::history>},
    {"uptime", "How long this visor, its networks and its services were up, by day", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "days": {"type": "integer", "minimum": 1, "maximum": 30, "description": "today and those before; 7 if not said"},
    "timeline": {"type": "boolean", "description": "288 characters a day, a dot for each five minutes, instead of a percentage"}}
})",
     VISOR_COMMAND_READS, 0, command<&Telemetry::uptime>},
};

}  // namespace
}  // namespace visor::telemetry

VISOR_PLUGIN(telemetry) = {
    VISOR_PLUGIN_HEAD,
    .name = "telemetry",
    .version = VISOR_VERSION,
    .summary = "Publishes this visor's transports on its feed and announces it to the transport discovery",
    .license = "MIT",
    .schema = visor::telemetry::kConfigSchema,
    .needs = visor::telemetry::kNeeds,
    .offers = nullptr,
    .commands = visor::telemetry::kCommands,
    .command_count = std::size(visor::telemetry::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::telemetry::Telemetry>,
    .stop = visor::stop<visor::telemetry::Telemetry>,
    .configure = nullptr,
};
