// feeds: replicated, signed, ordered maps of leaves (CXO), visor.feeds/1.
#include <visor/plugin.hpp>

#include "calls.hpp"
#include "config.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/queue_report.hpp"
#include "registry.hpp"
#include "report.hpp"
#ifndef __wasi__
#include "transfers.hpp"  // a tab has no files
#endif

namespace visor::feeds {
namespace {

namespace json = boost::json;

class Feeds final : public Instance {
 public:
  explicit Feeds(Host host) : Instance(host), tasks_(host), search_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view) {
    json::object transfers = codec::queue_report(0, 0);
#ifndef __wasi__
    transfers = codec::queue_report(transfers_->running(), Transfers::kMaxTransfers);
#endif
    return report_status(*service_, *calls_, std::move(transfers), host());
  }
  Result<std::string> list(std::string_view) { return report_list(*service_, host()); }
  Result<std::string> peers(std::string_view) { return report_peers(*service_, host()); }
  void tree(Answer answer, std::string_view args);
  void get(Answer answer, std::string_view args);
  void publish(Answer answer, std::string_view args);
  void watch(Answer answer, std::string_view args);
#ifndef __wasi__
  void export_feed(Answer answer, std::string_view args);
  void import_feed(Answer answer, std::string_view args);
#endif

 private:
  Result<void> set_up(const Config& config);
  using Use = std::function<void(Answer& answer, const Readable& feed, const json::object& args)>;
  void read(Answer answer, std::string_view args, Use use);

  Tasks tasks_;
  storage::DriveSearch search_;
  std::unique_ptr<Service> service_;
  // Users of the service, which go first.
  std::unique_ptr<Calls> calls_;
  std::unique_ptr<Kept> kept_;
#ifndef __wasi__
  std::unique_ptr<Transfers> transfers_;
#endif
};

void Feeds::start(Started started) {
  Result<Config> config = read_config(host().config());
  if (!config) return started(std::unexpected(config.error()));
  // It is opened when somebody opens a feed; that it is not there is said now.
  const std::string drive = config->service.stores.drive;
  search_.find(drive, [this, config = std::move(*config),
                       started = std::move(started)](const Result<visor_drive*>& found) {
    started(found ? set_up(config) : std::unexpected(found.error()));
  });
}

Result<void> Feeds::set_up(const Config& config) {
  // Everything is stored and sent under this address: better not to start than to start with another.
  if (Result<Registry> registry = make_tree_registry(); !registry) return std::unexpected(registry.error());
  auto* identity = host().find<visor_identity>(VISOR_IDENTITY_1);
  if (!identity) return failure(VISOR_ENOENT, "the host offers no identity");
  service_ = std::make_unique<Service>(host(), identity, config.service);
  if (Result<void> begun = service_->begin(); !begun) return begun;
  calls_ = std::make_unique<Calls>(host(), *service_);
#ifndef __wasi__
  transfers_ =
      std::make_unique<Transfers>(host(), *service_, config.folder, config.service.node.feed.fill.limits);
#endif
  Result<std::unique_ptr<Kept>> kept = Kept::open(host(), *service_, config.serve);
  if (!kept) return std::unexpected(kept.error());
  kept_ = std::move(*kept);
  return host().offer(VISOR_FEEDS_1, nullptr, static_cast<visor_feeds*>(service_.get()));
}

void Feeds::stop(Stopped stopped) {
  host().withdraw(static_cast<visor_feeds*>(service_.get()));
  calls_->finish_all();
#ifndef __wasi__
  transfers_->finish_all();
#endif
  kept_.reset();
  // What was told or closed just now ends on the next turn; only then is no code of ours under way.
  service_->stop([this, stopped = std::move(stopped)]() mutable { tasks_.post(std::move(stopped)); });
}

/* Finds the feed that a command means, wherever it is, and does with it what the command is for. */
void Feeds::read(Answer answer, std::string_view text, Use use) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  visor_key owner = service_->own();
  if (std::string_view hex = codec::string_at(*args, "owner"); !hex.empty()) {
    Result<OwnerAddress> address = read_owner(hex);
    if (!address) return answer.finish(address.error());
    owner = address->key;
  }
  const std::optional<uint16_t> port = codec::number_at<uint16_t>(*args, "port");
  auto held = std::make_shared<Answer>(std::move(answer));
  service_->read(owner, port, [held, args = std::move(*args), use = std::move(use)](Result<Readable> feed) {
    feed ? use(*held, *feed, args) : held->finish(feed.error());
  });
}

void say(Answer& answer, const Result<std::string>& report) {
  if (!report) return answer.finish(report.error());
  answer.say(*report);
  answer.finish();
}

void Feeds::tree(Answer answer, std::string_view text) {
  read(std::move(answer), text, [](Answer& to, const Readable& feed, const json::object& args) {
    say(to, report_tree(feed, codec::string_at(args, "prefix"),
                        codec::number_at<size_t>(args, "limit").value_or(1000)));
  });
}

void Feeds::get(Answer answer, std::string_view text) {
  read(std::move(answer), text, [](Answer& to, const Readable& feed, const json::object& args) {
    say(to, report_leaf(feed, codec::string_at(args, "path")));
  });
}

void Feeds::publish(Answer answer, std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  calls_->publish(std::move(answer), *args);
}

void Feeds::watch(Answer answer, std::string_view text) {
  Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  calls_->watch(std::move(answer), *args);
}

#ifndef __wasi__
void Feeds::export_feed(Answer answer, std::string_view text) {
  read(std::move(answer), text, [this](Answer& to, const Readable& feed, const json::object& args) {
    transfers_->export_feed(std::move(to), feed, codec::string_at(args, "file"));
  });
}

void Feeds::import_feed(Answer answer, std::string_view text) {
  const Result<json::object> args = codec::parse_fields(text, "the arguments");
  if (!args) return answer.finish(args.error());
  transfers_->import_feed(std::move(answer), codec::string_at(*args, "file"));
}
#endif

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_DRIVE_1, nullptr};
constexpr const char* kOffers[] = {VISOR_FEEDS_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr visor_command kCommands[] = {
    {"status", "Whether our feeds are published, the stores, every queue and its bound", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&Feeds::status>},
    {"list", "Each feed that is open or stored: owner, newest Root, where it comes from, what went wrong",
     kNoArguments, VISOR_COMMAND_READS, 0, command<&Feeds::list>},
    {"tree", "The leaves of a feed that is open or stored here", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "owner": {"type": "string", "pattern": "^[0-9a-fA-F]{66}(@[^@]+:[0-9]{1,5})?$", "description": "the feed's key, or key@host:port; one's own if not said"},
    "port": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "of the feed; the first that has one if not said"},
    "prefix": {"type": "string", "maxLength": 4096, "description": "only what is under it"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000}},
  "examples": [{}, {"prefix": "transports/", "limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&Feeds::tree>},
    {"get", "One leaf of such a feed; what is not text is shown in hex", R"({
  "type": "object", "additionalProperties": false, "required": ["path"], "properties": {
    "owner": {"type": "string", "pattern": "^[0-9a-fA-F]{66}(@[^@]+:[0-9]{1,5})?$", "description": "the feed's key, or key@host:port; one's own if not said"},
    "port": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "of the feed; the first that has one if not said"},
    "path": {"type": "string", "minLength": 1, "maxLength": 4096, "description": "of the leaf, as visor feeds tree shows it"}},
  "examples": [{"path": "transports/telemetry/meta"}]
})",
     VISOR_COMMAND_READS, 0, command<&Feeds::get>},
    {"publish", "Writes a leaf of our own feed, or deletes it; answers when the Root with it is stored", R"({
  "type": "object", "additionalProperties": false, "required": ["port", "path"], "properties": {
    "port": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "of the feed"},
    "path": {"type": "string", "minLength": 1, "maxLength": 4096, "description": "of the leaf, as weather/berlin"},
    "value": {"type": "string", "description": "of the leaf, as text"},
    "value_hex": {"type": "string", "pattern": "^([0-9a-fA-F]{2})*$", "description": "of the leaf, in hex, where it is not text"},
    "delete": {"type": "boolean", "description": "delete the leaf"}},
  "examples": [{"port": 60, "path": "weather/berlin", "value": "rain"}, {"port": 60, "path": "weather/berlin", "delete": true}]
})",
     0, 0, command<&Feeds::publish>},
    {"watch", "The leaves of a feed, then every change of them", R"({
  "type": "object", "additionalProperties": false, "required": ["port"], "properties": {
    "owner": {"type": "string", "pattern": "^[0-9a-fA-F]{66}(@[^@]+:[0-9]{1,5})?$", "description": "the feed's key, or key@host:port; one's own if not said"},
    "port": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "of the feed"},
    "network": {"type": "string", "maxLength": 64, "description": "where its owner is dialed, as skynet; nowhere if not said"},
    "prefix": {"type": "string", "maxLength": 4096, "description": "only what is under it"},
    "values": {"type": "boolean", "description": "with the values, not their sizes alone"}},
  "examples": [{"port": 50, "prefix": "transports/"}, {"port": 50, "owner": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "network": "skynet", "values": true}]
})",
     VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, command<&Feeds::watch>},
#ifndef __wasi__
    {"export", "Writes the newest Root of a feed, with all its leaves, as one file", R"({
  "type": "object", "additionalProperties": false, "required": ["file"], "properties": {
    "owner": {"type": "string", "pattern": "^[0-9a-fA-F]{66}(@[^@]+:[0-9]{1,5})?$", "description": "the feed's key, or key@host:port; one's own if not said"},
    "port": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "of the feed; the first that has one if not said"},
    "file": {"type": "string", "minLength": 1, "maxLength": 200, "description": "its name in the folder that the configuration of feeds names"}},
  "examples": [{"port": 60, "file": "weather.feed"}]
})",
     0, 0, command<&Feeds::export_feed>},
    {"import", "Takes a feed from such a file, as if its owner had sent it", R"({
  "type": "object", "additionalProperties": false, "required": ["file"], "properties": {
    "file": {"type": "string", "minLength": 1, "maxLength": 200, "description": "its name in the folder that the configuration of feeds names"}},
  "examples": [{"file": "weather.feed"}]
})",
     0, 0, command<&Feeds::import_feed>},
#endif
    {"peers", "Connections of feeds, and the peers that one is wanted to", kNoArguments, VISOR_COMMAND_READS,
     0, command<&Feeds::peers>},
};

}  // namespace
}  // namespace visor::feeds

VISOR_PLUGIN(feeds) = {
    VISOR_PLUGIN_HEAD,
    .name = "feeds",
    .version = "1.0.0",
    .summary = "Replicated, signed, ordered maps of leaves",
    .license = "MIT",
    .schema = visor::feeds::kConfigSchema,
    .needs = visor::feeds::kNeeds,
    .offers = visor::feeds::kOffers,
    .commands = visor::feeds::kCommands,
    .command_count = std::size(visor::feeds::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::feeds::Feeds>,
    .stop = visor::stop<visor::feeds::Feeds>,
    .configure = nullptr,
};
