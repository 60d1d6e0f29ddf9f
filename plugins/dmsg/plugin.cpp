// dmsg: the relay network's client; the network "dmsg".
#include <visor/plugin.hpp>

#include "lib/codec/json_fields.hpp"
#include "pipes.hpp"
#include "report.hpp"

namespace visor::dmsg_client {
namespace {

class Dmsg final : public Instance {
 public:
  explicit Dmsg(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override { started(set_up()); }
  void stop(Stopped stopped) override;
  /* A discovery may be named while it runs, if none was. */
  Result<void> configure(std::string_view json) override;

  Result<std::string> status(std::string_view) {
    return report_status(*network_, discovery_.get(), pipes_->size(), own());
  }
  Result<std::string> sessions(std::string_view) { return report_sessions(*network_, host().now_ms()); }
  void dial(Answer answer, std::string_view args);
  void listen(Answer answer, std::string_view args);

 private:
  Result<void> set_up();
  Result<void> use_discovery(const std::string& where);
  const visor_key& own() { return *identity_->api->key(identity_); }

  visor_identity* identity_ = nullptr;
  Tasks tasks_;
  // Each after what it uses, so that it goes first.
  std::unique_ptr<Network> network_;
  std::unique_ptr<Discovery> discovery_; /* null: none is configured */
  std::unique_ptr<Pipes> pipes_;
  Offer<visor_net> offer_;
};

Result<void> Dmsg::set_up() {
  auto config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  auto identity = find<visor_identity>(host());
  if (!identity) return std::unexpected(identity.error());
  identity_ = *identity;
  auto sockets = find<visor_sockets>(host());
  if (!sockets) return std::unexpected(sockets.error());
  network_ = std::make_unique<Network>(host(), identity_, Carrier(host(), *sockets), *config);
  pipes_ = std::make_unique<Pipes>(host(), *network_);
  if (!config->discovery.empty()) {
    if (auto used = use_discovery(config->discovery); !used) return used;
  }
  if (auto offered = offer_.open(host(), network_.get(), "dmsg"); !offered) return offered;
  network_->start([this] {
    if (discovery_) discovery_->publish();
  });
  if (discovery_) discovery_->start();
  return {};
}

Result<void> Dmsg::use_discovery(const std::string& where) {
  auto discovery = Discovery::make(host(), identity_, *network_, where);
  if (!discovery) return std::unexpected(discovery.error());
  discovery_ = std::move(*discovery);
  network_->use(discovery_->directory());
  return {};
}

Result<void> Dmsg::configure(std::string_view json) {
  auto config = read_config(json);
  if (!config) return std::unexpected(config.error());
  auto before = codec::parse_fields(host().config(), "the configuration");
  auto after = codec::parse_fields(json, "the configuration");
  if (!before || !after) return std::unexpected(before ? after.error() : before.error());
  before->erase("discovery");
  after->erase("discovery");
  if (*before == *after && config->discovery == (discovery_ ? discovery_->where() : "")) return {};
  if (discovery_ || *before != *after) {
    return failure(VISOR_ENOSYS, "while it runs only a discovery can be named, where none was");
  }
  if (auto used = use_discovery(config->discovery); !used) return used;
  discovery_->publish();
  discovery_->start();
  return {};
}

void Dmsg::stop(Stopped stopped) {
  offer_.withdraw();
  pipes_->finish_all();
  auto close = [this, stopped = std::move(stopped)]() mutable {
    network_->stop();
    // What has just been closed goes on the next turn; only then is no code of ours under way.
    tasks_.post([this, stopped = std::move(stopped)]() mutable { tasks_.post(std::move(stopped)); });
  };
  if (!discovery_) return close();
  discovery_->withdraw(std::move(close)); /* while it can still be reached by our own sessions */
}

void Dmsg::dial(Answer answer, std::string_view args) {
  auto fields = codec::parse_fields(args, "the arguments");
  if (!fields) return answer.finish(fields.error());
  auto key = key_from_hex(codec::string_at(*fields, "pk"));
  if (!key) return answer.finish(key.error());
  Pipes::DialTerms terms;
  terms.to.key = *key;
  codec::read_field(*fields, "port", terms.to.port);
  codec::read_field(*fields, "count", terms.count);
  codec::read_field(*fields, "text", terms.text);
  codec::read_field(*fields, "idle_ms", terms.idle_ms);
  pipes_->dial(std::move(answer), std::move(terms));
}

void Dmsg::listen(Answer answer, std::string_view args) {
  auto fields = codec::parse_fields(args, "the arguments");
  if (!fields) return answer.finish(fields.error());
  Pipes::ListenTerms terms;
  codec::read_field(*fields, "port", terms.port);
  codec::read_field(*fields, "text", terms.text);
  codec::read_field(*fields, "echo", terms.echo);
  pipes_->listen(std::move(answer), std::move(terms));
}

constexpr const char* kNeeds[] = {VISOR_IDENTITY_1, VISOR_SOCKETS_1, nullptr};
constexpr const char* kOffers[] = {VISOR_NET_1, nullptr};

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";

constexpr visor_command kCommands[] = {
    {"status",
     "The servers that it is connected with, streams dialled and accepted, every queue and its bound",
     kNoArguments, VISOR_COMMAND_READS, 0, command<&Dmsg::status>},
    {"sessions",
     "Each server that is known: the session with it, its latency and bytes, what went wrong last",
     kNoArguments, VISOR_COMMAND_READS, 0, command<&Dmsg::sessions>},
    {"dial", "Dials a visor's port, says a text, shows what comes until either side ends", R"({
  "type": "object", "additionalProperties": false, "required": ["pk", "port"], "properties": {
    "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the visor's public key"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "count": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 1, "description": "streams to open at once; with more than one, each value names its stream"},
    "text": {"type": "string", "maxLength": 65536, "description": "what to say"},
    "idle_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "description": "end after so long without an answer; never, if not said"}},
  "examples": [{"pk": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "port": 7, "text": "hello", "idle_ms": 1000}]
})",
     VISOR_COMMAND_STREAMS, 0, command<&Dmsg::dial>},
    {"listen", "Listens on a port, shows who dials and what they say, until the caller leaves", R"({
  "type": "object", "additionalProperties": false, "required": ["port"], "properties": {
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "text": {"type": "string", "maxLength": 65536, "description": "said to each who dials"},
    "echo": {"type": "boolean", "default": false, "description": "send back what they say"}},
  "examples": [{"port": 7, "echo": true}]
})",
     VISOR_COMMAND_STREAMS, 0, command<&Dmsg::listen>},
};

}  // namespace
}  // namespace visor::dmsg_client

VISOR_PLUGIN(dmsg) = {
    VISOR_PLUGIN_HEAD,
    .name = "dmsg",
    .version = "1.0.0",
    .summary = "The relay network's client: streams to visors wherever they are, by way of servers",
    .license = "MIT",
    .schema = visor::dmsg_client::kConfigSchema,
    .needs = visor::dmsg_client::kNeeds,
    .offers = visor::dmsg_client::kOffers,
    .commands = visor::dmsg_client::kCommands,
    .command_count = std::size(visor::dmsg_client::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::dmsg_client::Dmsg>,
    .stop = visor::stop<visor::dmsg_client::Dmsg>,
    .configure = visor::configure<visor::dmsg_client::Dmsg>,
};
