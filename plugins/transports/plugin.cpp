// transports: measured point-to-point transports, and the network "skynet" over them.
#include <visor/plugin.hpp>

#include <algorithm>

#include "calls.hpp"
#include "lib/codec/json_fields.hpp"
#include "relay_carrier.hpp"
#include "report.hpp"
#include "service.hpp"

namespace visor::transports {
namespace {

constexpr char kVersion[] = "1.0.0";
/* Where transports to a visor are asked for on networks that go by key; here only part of its name. */
constexpr uint16_t kTransportPort = 45;

class Transports final : public Instance {
 public:
  explicit Transports(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override { started(set_up()); }
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view) {
    return report_status({*manager_, *skynet_, own(), calls_->watchers(), Calls::kMaxWatchers,
                          automatic_.get(), registration_.get()});
  }
  Result<std::string> list(std::string_view) { return report_list(*manager_); }
  Result<void> watch(visor_call* call, std::string_view args) {
    auto fields = codec::parse_fields(args, "the arguments");
    if (!fields) return std::unexpected(fields.error());
    uint64_t interval_ms = manager_->config().interval_ms;
    codec::read_field(*fields, "interval_ms", interval_ms);
    return calls_->watch(call, interval_ms);
  }
  Result<void> add(visor_call* call, std::string_view args);
  Result<std::string> remove(std::string_view args);

 private:
  Result<void> set_up();
  Result<void> offer();
  Result<void> use_services(const Config& config);
  Result<void> list_oneself(const Listing& listing, std::string_view accepting);
  void end(Stopped stopped);
  void changed();
  const visor_key& own() { return *identity_->api->key(identity_); }

  visor_identity* identity_ = nullptr;
  Tasks tasks_;
  bool telling_ = false;
  // Each after what it uses, so that it goes first.
  std::unique_ptr<Manager> manager_;
  std::unique_ptr<Skynet> skynet_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Calls> calls_;
  std::unique_ptr<services::Directory> directory_, listing_;
  std::unique_ptr<Automatic> automatic_;                 /* null: not configured */
  std::unique_ptr<services::Registration> registration_; /* null: not configured */
};

Result<void> Transports::set_up() {
  auto config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  identity_ = host().find<visor_identity>(VISOR_IDENTITY_1);
  auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
  if (!identity_ || !sockets) return failure(VISOR_ENOENT, "the host offers no identity or no sockets");

  manager_ = std::make_unique<Manager>(
      host(), identity_, *config,
      Manager::Events{.changed = [this] { changed(); },
                      .stream = [this](const Transport&, uint16_t port,
                                       visor_stream* stream) { skynet_->take(port, stream); }});
  skynet_ = std::make_unique<Skynet>(host(), *manager_);
  service_ = std::make_unique<Service>(host(), *manager_);
  calls_ = std::make_unique<Calls>(host(), *manager_);

  auto tcp = std::make_unique<TcpCarrier>(host(), sockets);
  if (!config->listen.empty()) {
    auto listening = tcp->listen(config->listen, [this](visor_stream* s) { manager_->accept("stcpr", s); });
    if (!listening) return listening;
    host().info("transports: accepting TCP at " + std::string(tcp->listening()));
  }
  auto web = std::make_unique<WebSocketCarrier>(host(), sockets);
  auto serving = web->serve([this] { return manager_->has_room(); },
                            [this](visor_stream* s) { manager_->accept("swsr", s); });
  if (!serving) return serving;
  auto relay = std::make_unique<RelayCarrier>(host());
  auto relayed = relay->serve([this](visor_stream* s) { manager_->accept(RelayCarrier::kType, s); });
  if (!relayed) return relayed;
  std::string accepting(tcp->listening());
  manager_->add_carrier(std::move(tcp));
  manager_->add_carrier(std::move(web));
  manager_->add_carrier(std::move(relay));
  if (auto using_them = use_services(*config); !using_them) return using_them;
  if (!config->listing.discovery.empty()) {
    if (auto listed = list_oneself(config->listing, accepting); !listed) return listed;
  }
  if (auto offered = offer(); !offered) return offered;
  manager_->start();
  return {};
}

Result<void> Transports::use_services(const Config& config) {
  if (config.automatic.discovery.empty()) return {};
  auto directory = services::Directory::open(host(), config.automatic.discovery);
  if (!directory) return std::unexpected(directory.error());
  directory_ = std::move(*directory);
  automatic_ = std::make_unique<Automatic>(host(), *manager_, *directory_, own(), config.automatic.count);
  manager_->set_resolve([this](const visor_key& key, std::string_view type, auto done) {
    return automatic_->resolve(key, type, std::move(done));
  });
  automatic_->start();
  return {};
}

Result<void> Transports::list_oneself(const Listing& listing, std::string_view accepting) {
  auto directory = services::Directory::open(host(), listing.discovery);
  if (!directory) return std::unexpected(directory.error());
  services::Service own_entry;
  own_entry.name = {std::string(services::kVisor), own(), kTransportPort, {}};
  own_entry.version = kVersion;
  own_entry.addresses = listing.addresses;
  if (own_entry.addresses.empty() && !accepting.empty()) {
    own_entry.addresses.push_back({"stcpr", std::string(accepting)});
  }
  bool anywhere = std::ranges::any_of(own_entry.addresses, [](const services::Address& each) {
    return each.address.find("//0.0.0.0:") != each.address.npos ||
           each.address.find("//[::]:") != each.address.npos;
  });
  if (own_entry.addresses.empty() || anywhere) {
    return failure(
        VISOR_EINVAL,
        "\"public\" needs \"addresses\" that others can reach, or a \"listen\" at one: nobody can dial " +
            (anywhere ? std::string("0.0.0.0") : std::string("a visor that accepts nothing")));
  }
  listing_ = std::move(*directory);
  registration_ = std::make_unique<services::Registration>(
      host(), *listing_, dmsg::sign_with(host(), identity_),
      services::RegistrationOptions{.refresh_ms = manager_->config().interval_ms,
                                    .retry_most_ms = manager_->config().interval_ms});
  registration_->set(std::move(own_entry));
  return {};
}

Result<void> Transports::offer() {
  auto transports = host().offer(VISOR_TRANSPORTS_1, nullptr, static_cast<visor_transports*>(service_.get()));
  if (!transports) return transports;
  auto net = host().offer(VISOR_NET_1, "skynet", static_cast<visor_net*>(skynet_.get()));
  if (!net) host().withdraw(static_cast<visor_transports*>(service_.get()));
  return net;
}

void Transports::stop(Stopped stopped) {
  host().withdraw(static_cast<visor_transports*>(service_.get()));
  host().withdraw(static_cast<visor_net*>(skynet_.get()));
  calls_->finish_all();
  automatic_.reset();
  skynet_->stop();
  manager_->stop();
  if (!registration_) return end(std::move(stopped));
  registration_->withdraw([this, stopped = std::move(stopped)]() mutable { end(std::move(stopped)); });
}

void Transports::end(Stopped stopped) {
  registration_.reset();
  // What has just been closed goes on the next turn; only then is no code of ours under way.
  tasks_.post([this, stopped = std::move(stopped)]() mutable { tasks_.post(std::move(stopped)); });
}

// Many changes of one turn are told once, and never inside the call that made them.
void Transports::changed() {
  if (std::exchange(telling_, true)) return;
  tasks_.post([this] {
    telling_ = false;
    service_->tell();
    calls_->tell();
    if (automatic_) automatic_->changed();
  });
}

Result<void> Transports::add(visor_call* call, std::string_view args) {
  auto fields = codec::parse_fields(args, "the arguments");
  if (!fields) return std::unexpected(fields.error());
  auto text = [&](std::string_view name) { return codec::string_at(*fields, name); };
  auto key = key_from_hex(text("pk"));
  if (!key) return std::unexpected(key.error());
  return calls_->add(call, *key, text("type"), text("address"), text("label"));
}

Result<std::string> Transports::remove(std::string_view args) {
  auto fields = codec::parse_fields(args, "the arguments");
  if (!fields) return std::unexpected(fields.error());
  auto id = codec::transport_id_from_uuid(codec::string_at(*fields, "id"));
  if (!id) return std::unexpected(id.error());
  if (auto removed = manager_->remove(*id); !removed) return std::unexpected(removed.error());
  return "{\"removed\":\"" + codec::to_uuid(*id) + "\"}";
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_SOCKETS_1, nullptr};
constexpr const char* kOffers[] = {VISOR_TRANSPORTS_1, VISOR_NET_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr visor_command kCommands[] = {
    {"status", "Where transports are accepted, how many there are, every queue and its bound", kNoArguments,
     VISOR_COMMAND_READS, 0, command<&Transports::status>},
    {"list", "Each transport: peer, type, state, latency, payload bytes", kNoArguments, VISOR_COMMAND_READS,
     0, command<&Transports::list>},
    {"watch", "The list, now, at each change and each interval", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "description": "at least so often; the configured interval if not said"}}
})",
     VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, command<&Transports::watch>},
    {"add", "Makes a transport to a visor, or finds the one that is there", R"({
  "type": "object", "additionalProperties": false, "required": ["pk", "type"], "properties": {
    "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the visor's public key"},
    "type": {"type": "string", "enum": ["stcpr", "swsr", "ws", "dmsg"], "description": "stcpr: TCP; swsr: WebSocket; dmsg: by a relay"},
    "address": {"type": "string", "maxLength": 512, "description": "tcp://host:port or ws://host:port/skywire; looked up in the service directory if not said; dmsg needs none"},
    "label": {"type": "string", "enum": ["user", "automatic"]}},
  "examples": [{"pk": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "type": "stcpr", "address": "tcp://192.0.2.1:7777"}]
})",
     0, 0, command<&Transports::add>},
    {"remove", "Closes a transport and does not make it again", R"({
  "type": "object", "additionalProperties": false, "required": ["id"], "properties": {
    "id": {"type": "string", "minLength": 36, "maxLength": 36, "description": "the transport's identifier"}},
  "examples": [{"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}]
})",
     0, 0, command<&Transports::remove>},
};

}  // namespace
}  // namespace visor::transports

VISOR_PLUGIN(transports) = {
    VISOR_PLUGIN_HEAD,
    .name = "transports",
    .version = visor::transports::kVersion,
    .summary = "Measured transports to other visors, and the network skynet over them",
    .license = "MIT",
    .schema = visor::transports::kConfigSchema,
    .needs = visor::transports::kNeeds,
    .offers = visor::transports::kOffers,
    .commands = visor::transports::kCommands,
    .command_count = std::size(visor::transports::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::transports::Transports>,
    .stop = visor::stop<visor::transports::Transports>,
    .configure = nullptr,
};
