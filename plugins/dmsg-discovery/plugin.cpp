// dmsg_discovery: the directory of a relay network.  Says which servers there are, and through which of them
// a client can be reached.
#include <visor/plugin.hpp>

#include "lib/codec/json_fields.hpp"
#include "report.hpp"

namespace visor::dmsg_discovery {
namespace {

constexpr char kVersion[] = "1.0.0";
constexpr char kMapName[] = "dmsg_discovery";
constexpr size_t kDefaultRows = 100;

class DmsgDiscovery final : public Instance {
 public:
  explicit DmsgDiscovery(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view);
  Result<std::string> entries(std::string_view args);
  Result<std::string> servers(std::string_view) { return report_servers(book_, host().unix_ns()); }
  Result<std::string> entry(std::string_view args);

 private:
  Result<void> set_up();
  Result<void> serve();

  Tasks tasks_;
  Config config_;
  Book book_;
  // Each after what it uses.
  std::optional<http::Limiter> keys_, addresses_;
  std::unique_ptr<storage::KeptMap> kept_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Web> web_;
  std::unique_ptr<http::NetworkServer> network_;
  Timer sweep_;
};

Result<void> DmsgDiscovery::set_up() {
  auto config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  config_ = std::move(*config);
  auto identity = find<visor_identity>(host());
  if (!identity) return std::unexpected(identity.error());
  keys_.emplace(config_.requests_per_s, config_.burst);
  addresses_.emplace(config_.address_requests_per_s, config_.address_burst);
  kept_ = std::make_unique<storage::KeptMap>(host(), config_.drive, kMapName);
  ApiOptions options{.test_mode = config_.test_mode,
                     .server_life_ms = config_.server_life_ms(),
                     .client_life_ms = config_.client_life_ms(),
                     .short_life_ms = config_.short_life_ms(),
                     .max_entries = config_.max_entries,
                     .official_servers = config_.official_servers,
                     .version = kVersion,
                     .dmsg_address = {},
                     .started_ns = host().unix_ns()};
  if (!config_.network.empty()) {
    options.dmsg_address =
        to_hex(*(*identity)->api->key(*identity)) + ":" + std::to_string(http::NetworkServer::kPort);
  }
  api_ = std::make_unique<Api>(book_, std::move(options), [this](const visor_key& key, const Record* record) {
    if (!record) return kept_->erase(bytes(key));
    return kept_->put(bytes(key), encode_record(*record));
  });
  web_ = std::make_unique<Web>(host(), *api_, *addresses_, *keys_);
  if (!config_.network.empty()) {
    network_ = std::make_unique<http::NetworkServer>(
        host(), config_.network, http::NetworkServer::kPort, network_limits(),
        [this](http::Exchange& exchange) { web_->answer_peer(exchange); });
  }
  return {};
}

void DmsgDiscovery::start(Started started) {
  if (auto ready = set_up(); !ready) return started(std::move(ready));
  auto restore = [this](ByteView, ByteView value) -> Result<void> {
    auto record = decode_record(value);
    if (!record) return std::unexpected(record.error());
    book_.put(std::move(*record));
    return {};
  };
  kept_->open(std::move(restore), [this, started = std::move(started)](Result<void> loaded) {
    started(loaded ? serve() : std::move(loaded));
  });
}

Result<void> DmsgDiscovery::serve() {
  sweep_ = Timer::every(host(), config_.sweep_ms(), [this] {
    api_->sweep(host().unix_ns());
    keys_->sweep(host().now_ms());
    addresses_->sweep(host().now_ms());
    kept_->sync();
  });
  auto mounted = web_->start();
  if (!mounted || !network_) return mounted;
  return network_->start();
}

void DmsgDiscovery::stop(Stopped stopped) {
  sweep_.cancel();
  web_->stop();
  auto close = [this, stopped = std::move(stopped)] {
    // What was closed just now goes on the next turn; only then is no code of ours under way.
    kept_->close([this, stopped] { tasks_.post(stopped); });
  };
  if (network_) {
    network_->stop(std::move(close));
  } else {
    close();
  }
}

// --- commands

Result<std::string> DmsgDiscovery::status(std::string_view) {
  return report_status({config_, book_, *api_, *kept_, *web_, network_.get(), *keys_, *addresses_});
}

Result<std::string> DmsgDiscovery::entries(std::string_view args) {
  auto object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  size_t limit = codec::number_at<size_t>(*object, "limit").value_or(kDefaultRows);
  return report_entries(book_, limit, host().unix_ns());
}

Result<std::string> DmsgDiscovery::entry(std::string_view args) {
  auto object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  auto key = key_from_hex(codec::string_at(*object, "pk"));
  if (!key) return std::unexpected(key.error());
  const Record* record = book_.find(*key, host().unix_ns());
  if (!record) return failure(VISOR_ENOENT, "there is no entry of " + to_hex(*key));
  return dmsg::to_json(record->entry);
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_DRIVE_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr visor_command kCommands[] = {
    {"status", "What is known, what was refused, every queue and its bound", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&DmsgDiscovery::status>},
    {"entries", "Each entry: key, age, servers of a client, address and room of a server", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "limit": {"type": "integer", "minimum": 1, "maximum": 5000, "default": 100, "description": "rows at most"}},
  "examples": [{"limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&DmsgDiscovery::entries>},
    {"servers", "Each server: key, age, address, how many sessions it has room for", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&DmsgDiscovery::servers>},
    {"entry", "One entry as it was signed", R"({
  "type": "object", "additionalProperties": false, "required": ["pk"], "properties": {
    "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "whose"}},
  "examples": [{"pk": "021c99e2bf597f4d0599bbb343ca9c4be415c3604daaef80b5ed01babc720cc1b0"}]
})",
     VISOR_COMMAND_READS, 0, command<&DmsgDiscovery::entry>},
};

}  // namespace
}  // namespace visor::dmsg_discovery

VISOR_PLUGIN(dmsg_discovery) = {
    VISOR_PLUGIN_HEAD,
    .name = "dmsg_discovery",
    .version = visor::dmsg_discovery::kVersion,
    .summary = "Directory of a relay network: which servers there are, and how clients are reached",
    .license = "MIT",
    .schema = visor::dmsg_discovery::kConfigSchema,
    .needs = visor::dmsg_discovery::kNeeds,
    .offers = nullptr,
    .commands = visor::dmsg_discovery::kCommands,
    .command_count = std::size(visor::dmsg_discovery::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::dmsg_discovery::DmsgDiscovery>,
    .stop = visor::stop<visor::dmsg_discovery::DmsgDiscovery>,
    .configure = nullptr,
};
