// service_discovery: the directory of what visors offer to anybody: themselves, public groups.
#include <visor/plugin.hpp>

#include "lib/codec/json_fields.hpp"
#include "lib/http/loopback.hpp"
#include "lib/http/network_server.hpp"
#include "lib/services/directory.hpp"
#include "report.hpp"

namespace visor::service_discovery {
namespace {

constexpr char kVersion[] = "1.0.0";
constexpr char kMapName[] = "service_discovery";
constexpr size_t kDefaultRows = 100;
constexpr size_t kMaxEntryBytes = services::kMaxServiceJson + 1; /* so that what answers is the interface */

void refuse(visor_exchange* exchange) {
  respond(exchange, 429, "application/json", "{\"error\":\"asked too often; wait a second\"}\n");
}

class ServiceDiscovery final : public Instance {
 public:
  explicit ServiceDiscovery(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;

  Result<std::string> status(std::string_view) {
    return report_status({config_, book_, *api_, *kept_, routes_, network_.get(), *addresses_, *keys_});
  }
  Result<std::string> list(std::string_view args);

 private:
  Result<void> set_up();
  Result<void> serve();
  void answer(visor_exchange* exchange);
  void answer_peer(http::Exchange& exchange);
  void reply(visor_exchange* exchange);
  int64_t now_ms() const { return host().unix_ns() / 1'000'000; }

  Tasks tasks_;
  Config config_;
  Book book_;
  // Each after what it uses.
  std::optional<http::Limiter> addresses_, keys_;
  std::unique_ptr<storage::KeptMap> kept_;
  std::unique_ptr<Api> api_;
  http::MountedRoutes routes_;
  std::unique_ptr<http::NetworkServer> network_;
  Timer sweep_;
};

Result<void> ServiceDiscovery::set_up() {
  auto config = read_config(host().config());
  if (!config) return std::unexpected(config.error());
  config_ = std::move(*config);
  addresses_.emplace(config_.requests_per_s, config_.burst);
  keys_.emplace(config_.requests_per_s, config_.burst);
  kept_ = std::make_unique<storage::KeptMap>(host(), config_.drive, kMapName);
  api_ = std::make_unique<Api>(book_, config_.api, [this](const ServiceName& name, const Record* record) {
    return record ? kept_->put(key_of(name), encode_record(*record)) : kept_->erase(key_of(name));
  });
  if (config_.network.empty()) return {};
  network_ = std::make_unique<http::NetworkServer>(
      host(), config_.network, http::NetworkServer::kPort, http::NetworkServer::usual_limits(kMaxEntryBytes),
      [this](http::Exchange& exchange) { answer_peer(exchange); });
  return {};
}

void ServiceDiscovery::start(Started started) {
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

Result<void> ServiceDiscovery::serve() {
  sweep_ = Timer::every(host(), config_.sweep_ms(), [this] {
    api_->sweep(now_ms());
    addresses_->sweep(host().now_ms());
    keys_->sweep(host().now_ms());
    kept_->sync();
  });
  auto mounted =
      routes_.open(host(), {std::string(services::kServicesPath)},
                   {.asked = [this](visor_exchange* exchange) { answer(exchange); },
                    .refused = [this](std::string_view, const Error& error) { host().warn(error.text); }});
  if (!mounted || !network_) return mounted;
  return network_->start();
}

void ServiceDiscovery::answer(visor_exchange* exchange) {
  std::string_view origin = text(exchange->api->request(exchange)->origin);
  std::string_view address = origin.substr(0, std::min(origin.rfind(':'), origin.size()));
  // A proxy on this machine asks for many others.
  if (!http::is_loopback_address(origin) && !addresses_->take(address, host().now_ms()))
    return refuse(exchange);
  reply(exchange);
}

void ServiceDiscovery::answer_peer(http::Exchange& exchange) {
  if (!keys_->take(http::asker(exchange), host().now_ms())) return refuse(&exchange);
  reply(&exchange);
}

void ServiceDiscovery::reply(visor_exchange* exchange) {
  const visor_http_request& request = *exchange->api->request(exchange);
  ApiAnswer answer = api_->answer(
      {text(request.method), text(request.path), text(request.query), text(request.body)}, now_ms());
  std::vector<visor_span> headers = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json")};
  for (const auto& [name, value] : answer.headers) {
    headers.push_back(to_span(std::string_view(name)));
    headers.push_back(to_span(std::string_view(value)));
  }
  exchange->api->respond(exchange, answer.status, headers.data(), headers.size(),
                         to_span(std::string_view(answer.body)));
}

void ServiceDiscovery::stop(Stopped stopped) {
  sweep_.cancel();
  routes_.close();
  auto close = [this, stopped = std::move(stopped)] {
    // What was closed just now goes on the next turn; only then is no code of ours under way.
    kept_->close([this, stopped] { tasks_.post(stopped); });
  };
  if (!network_) return close();
  network_->stop(std::move(close));
}

Result<std::string> ServiceDiscovery::list(std::string_view args) {
  auto object = codec::parse_fields(args, "the arguments");
  if (!object) return std::unexpected(object.error());
  size_t limit = codec::number_at<size_t>(*object, "limit").value_or(kDefaultRows);
  return report_services(book_, codec::string_at(*object, "type"), limit, now_ms());
}

constexpr const char* kNeeds[] = {VISOR_DRIVE_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status", "What is listed, what was refused, every queue and its bound",
     R"({"type":"object","additionalProperties":false})", VISOR_COMMAND_READS, 0,
     command<&ServiceDiscovery::status>},
    {"list", "Each service: type, whose, port, age, addresses, what it says of itself", R"({
  "type": "object", "additionalProperties": false, "properties": {
    "type": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,31}$", "description": "only those of this type"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 5000, "default": 100, "description": "rows at most"}},
  "examples": [{"type": "visor", "limit": 20}]
})",
     VISOR_COMMAND_READS, 0, command<&ServiceDiscovery::list>},
};

}  // namespace
}  // namespace visor::service_discovery

VISOR_PLUGIN(service_discovery) = {
    VISOR_PLUGIN_HEAD,
    .name = "service_discovery",
    .version = visor::service_discovery::kVersion,
    .summary = "Directory of services: which visors and public groups there are, and where",
    .license = "MIT",
    .schema = visor::service_discovery::kConfigSchema,
    .needs = visor::service_discovery::kNeeds,
    .offers = nullptr,
    .commands = visor::service_discovery::kCommands,
    .command_count = std::size(visor::service_discovery::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::service_discovery::ServiceDiscovery>,
    .stop = visor::stop<visor::service_discovery::ServiceDiscovery>,
    .configure = nullptr,
};
