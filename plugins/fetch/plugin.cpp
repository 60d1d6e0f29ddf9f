// fetch: HTTP requests for other plugins, where the host is no browser.
#include <boost/json.hpp>
#include <optional>
#include <visor/plugin.hpp>

#include "fetcher.hpp"

namespace visor::fetch {
namespace {

class Fetch final : public Instance {
 public:
  explicit Fetch(Host host) : Instance(host), tasks_(host) {}

  void start(Started started) override;
  void stop(Stopped stopped) override;
  Result<std::string> status(std::string_view);

 private:
  Tasks tasks_;
  Config config_;
  std::optional<Fetcher> fetcher_;
  Offer<visor_fetch> offer_;
};

void Fetch::start(Started started) {
  auto config = read_config(host().config());
  if (!config) return started(std::unexpected(config.error()));
  config_ = *config;
  auto sockets = find<visor_sockets>(host());
  if (!sockets) return started(std::unexpected(sockets.error()));
  fetcher_.emplace(host(), *sockets, config_);
  started(offer_.open(host(), &*fetcher_));
}

void Fetch::stop(Stopped stopped) {
  offer_.withdraw();
  fetcher_->stop();
  // Those that were just ended hear of it on the next turn; only then is no code of ours under way.
  tasks_.post(std::move(stopped));
}

Result<std::string> Fetch::status(std::string_view) {
  const Fetcher::Counters& c = fetcher_->counters();
  return boost::json::serialize(boost::json::object{{"under_way", fetcher_->under_way()},
                                                    {"under_way_limit", config_.max_requests},
                                                    {"body_bytes_limit", config_.max_body},
                                                    {"timeout_ms_limit", config_.max_timeout_ms},
                                                    {"requests", c.requests},
                                                    {"requests_refused", c.refused},
                                                    {"answers", c.answers},
                                                    {"failures", c.failures},
                                                    {"timeouts", c.timeouts},
                                                    {"canceled", c.canceled},
                                                    {"received_bytes", c.received_bytes},
                                                    {"sent_bytes", c.sent_bytes}});
}

constexpr const char* kNeeds[] = {VISOR_SOCKETS_1, nullptr};
constexpr const char* kOffers[] = {VISOR_FETCH_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status", "Requests under way, their limits, how the others ended",
     R"({"type":"object","additionalProperties":false})", VISOR_COMMAND_READS, 0, command<&Fetch::status>},
};

}  // namespace
}  // namespace visor::fetch

VISOR_PLUGIN(fetch) = {
    VISOR_PLUGIN_HEAD,
    .name = "fetch",
    .version = "1.0.0",
    .summary = "HTTP requests for other plugins; in a browser's tab the host has its own",
    .license = "MIT",
    .schema = visor::fetch::kConfigSchema,
    .needs = visor::fetch::kNeeds,
    .offers = visor::fetch::kOffers,
    .commands = visor::fetch::kCommands,
    .command_count = std::size(visor::fetch::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::fetch::Fetch>,
    .stop = visor::stop<visor::fetch::Fetch>,
    .configure = nullptr,
};
