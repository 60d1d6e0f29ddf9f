// dmsg_server: a relay of the network dmsg.  Clients hold sessions with it and dial one another through it.
#include <visor/plugin.hpp>

#include "lib/codec/json_fields.hpp"
#include "report.hpp"

namespace visor::dmsg_server {
namespace {

constexpr size_t kDefaultRows = 100;

class DmsgServer final : public Instance {
 public:
  explicit DmsgServer(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override { started(set_up()); }
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view) {
    return report_status({config_, own(), std::string(listener_.address()), *relay_, *entrance_, *web_,
                          registration_ ? &registration_->counters() : nullptr});
  }
  Result<std::string> sessions(std::string_view args);

 private:
  Result<void> set_up();
  Result<void> listen(visor_sockets* sockets);
  Result<void> enlist();
  void changed();
  const visor_key& own() { return *identity_->api->key(identity_); }

  Tasks tasks_;
  Config config_;
  visor_identity* identity_ = nullptr;
  // Each after what it uses, so that it goes first.
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Web> web_;
  std::unique_ptr<Entrance> entrance_;
  Listener listener_;
  std::unique_ptr<dmsg::Directory> directory_;
  std::unique_ptr<dmsg::Registration> registration_;
};

Result<void> DmsgServer::set_up() {
  auto config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  config_ = std::move(*config);
  identity_ = host().find<visor_identity>(VISOR_IDENTITY_1);
  auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
  if (!identity_ || !sockets) return failure(VISOR_ENOENT, "the host offers no identity or no sockets");

  relay_ = std::make_unique<Relay>(host(), identity_, config_, [this] { changed(); });
  web_ = std::make_unique<Web>(host(), *relay_, config_);
  entrance_ = std::make_unique<Entrance>(
      host(), config_,
      Entrance::Events{.session = [this](Arrival arrival) { relay_->accept(std::move(arrival), "tcp"); },
                       .web = [this](Arrival arrival) { web_->accept(std::move(arrival)); },
                       .welcomes = [this](const std::string& address) { return relay_->welcomes(address); }});
  if (auto listening = listen(sockets); !listening) return listening;
  if (auto enlisted = enlist(); !enlisted) return enlisted;
  return web_->start();
}

Result<void> DmsgServer::listen(visor_sockets* sockets) {
  if (config_.listen.empty()) return {};
  auto listening = listener_.listen(host(), sockets, config_.listen,
                                    [this](visor_stream* stream) { entrance_->accept(stream); });
  if (!listening) return listening;
  host().info("relaying at " + std::string(listener_.address()) + " for clients who know " + to_hex(own()));
  return {};
}

Result<void> DmsgServer::enlist() {
  if (config_.discovery.empty()) return {};
  if (config_.public_address.empty() && !listener_) {
    return failure(VISOR_EINVAL,
                   "a relay that registers needs \"public_address\", or \"listen\" to take it from");
  }
  auto directory = dmsg::Directory::over_fetch(host(), config_.discovery);
  if (!directory) return std::unexpected(directory.error());
  directory_ = std::move(*directory);
  registration_ =
      std::make_unique<dmsg::Registration>(host(), own(), dmsg::sign_with(host(), identity_), *directory_,
                                           dmsg::RegistrationOptions{.refresh_ms = config_.interval_ms});
  changed();
  return {};
}

/* The discovery lists a relay as long as it says that there is room. */
void DmsgServer::changed() {
  if (!registration_) return;
  constexpr std::string_view kScheme = "tcp://";
  dmsg::ServerPart part;
  part.address = config_.public_address.empty() ? std::string(listener_.address().substr(kScheme.size()))
                                                : config_.public_address;
  part.address_ws = config_.public_ws;
  size_t open = std::min(relay_->sessions(), config_.max_sessions);
  part.available_sessions = static_cast<int64_t>(config_.max_sessions - open);
  dmsg::OwnEntry entry;
  entry.server = std::move(part);
  registration_->set(std::move(entry));
}

void DmsgServer::stop(Stopped stopped) {
  listener_.close();
  entrance_->close();
  auto waiting = std::make_shared<int>(2);
  auto one_less = [this, waiting, stopped = std::move(stopped)] {
    if (--*waiting > 0) return;
    // What has just been closed goes on the next turn; only then is no code of ours under way.
    tasks_.post([this, stopped] { tasks_.post(stopped); });
  };
  web_->stop(one_less);
  relay_->close();
  if (!registration_) return one_less();
  registration_->withdraw(one_less);
}

Result<std::string> DmsgServer::sessions(std::string_view args) {
  auto arguments = codec::parse_fields(args, "the arguments");
  if (!arguments) return std::unexpected(arguments.error());
  size_t limit = kDefaultRows;
  codec::read_field(*arguments, "limit", limit);
  return report_sessions(*relay_, limit);
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_SOCKETS_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status", "Sessions and streams, what was refused and why, the registration, every queue and its bound",
     R"({"type":"object","additionalProperties":false})", VISOR_COMMAND_READS, 0,
     command<&DmsgServer::status>},
    {"sessions", "Each client that has a session: key, address, round trip, streams, bytes", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "limit": {"type": "integer", "minimum": 1, "maximum": 100000, "description": "rows at most; 100 if not said"}},
  "examples": [{"limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&DmsgServer::sessions>},
};

}  // namespace
}  // namespace visor::dmsg_server

VISOR_PLUGIN(dmsg_server) = {
    VISOR_PLUGIN_HEAD,
    .name = "dmsg_server",
    .version = "1.0.0",
    .summary = "A relay of the network dmsg: sessions with clients, streams between them",
    .license = "MIT",
    .schema = visor::dmsg_server::kConfigSchema,
    .needs = visor::dmsg_server::kNeeds,
    .offers = nullptr,
    .commands = visor::dmsg_server::kCommands,
    .command_count = std::size(visor::dmsg_server::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::dmsg_server::DmsgServer>,
    .stop = visor::stop<visor::dmsg_server::DmsgServer>,
    .configure = nullptr,
};
