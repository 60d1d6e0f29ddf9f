#include <boost/json.hpp>

#include "gateway.hpp"
#include "lib/http/report.hpp"

namespace visor::gateway {
namespace {
namespace json = boost::json;
}

Result<std::string> Gateway::status(std::string_view) {
  const http::ServerCounters& c = server_->counters();
  const http::ServerLimits& l = server_->limits();
  json::object answers;
  for (int hundreds = 1; hundreds < 6; ++hundreds) {
    answers[std::to_string(hundreds) + "xx"] = c.answers[hundreds];
  }
  json::object page{{"root", settings_.root},
                    {"files", files_.count()},
                    {"files_limit", Files::kMaxFiles},
                    {"bytes", files_.total_bytes()},
                    {"bytes_limit", Files::kMaxBytes}};
  json::array networks;
  for (const auto& network : networks_) networks.push_back(http::network_report(*network));
  return json::serialize(json::object{{"address", address_},
                                      {"networks", std::move(networks)},
                                      {"token_required", !settings_.token.empty()},
                                      {"connections", c.open_connections},
                                      {"connections_limit", l.connections},
                                      {"connections_per_address_limit", l.connections_per_address},
                                      {"connections_accepted", c.accepted},
                                      {"connections_refused", c.refused},
                                      {"websockets", c.open_websockets},
                                      {"websockets_opened", c.websockets},
                                      {"streams", c.open_streams},
                                      {"exchanges", c.open_exchanges},
                                      {"calls", api_->open_calls()},
                                      {"calls_total", api_->calls()},
                                      {"requests", c.requests},
                                      {"requests_malformed", c.malformed},
                                      {"requests_guarded", guarded_},
                                      {"requests_turned_away", turned_away_},
                                      {"timeouts", c.timeouts},
                                      {"answers", std::move(answers)},
                                      {"received_bytes", c.received_bytes},
                                      {"sent_bytes", c.sent_bytes},
                                      {"queued_bytes_limit_each", l.queued_bytes},
                                      {"header_bytes_limit", l.message.header_bytes},
                                      {"body_bytes_limit", l.message.body_bytes},
                                      {"routes", router_.size()},
                                      {"routes_limit", Router::kMaxRoutes},
                                      {"page", std::move(page)}});
}

Result<std::string> Gateway::routes(std::string_view) {
  json::array out;
  router_.each([&](const Router::Route& route) {
    out.push_back(json::object{{"prefix", route.prefix.empty() ? "/" : route.prefix},
                               {"public", route.is_public()},
                               {"requests", route.requests}});
  });
  return json::serialize(json::object{{"routes", std::move(out)}});
}

/* Reads the page's files again; the answer follows when they are there. */
Result<void> Gateway::reload(visor_call* call, std::string_view) {
  load_files([this, call](Result<void> loaded) {
    if (!loaded) return call->api->finish(call, host().fail(loaded.error()));
    std::string value =
        json::serialize(json::object{{"files", files_.count()}, {"bytes", files_.total_bytes()}});
    visor_status status = call->api->emit(call, to_span(std::string_view(value)));
    call->api->finish(call, status);
  });
  return {};
}

namespace {

constexpr const char* kNoArguments = R"({"type": "object", "additionalProperties": false})";
constexpr const char* kNeeds[] = {VISOR_SOCKETS_1, VISOR_COMMANDS_1, nullptr};
constexpr const char* kOffers[] = {VISOR_HTTP_1, nullptr};
constexpr visor_command kCommands[] = {
    {"status", "Connections, requests, limits and the page's files", kNoArguments, VISOR_COMMAND_READS, 0,
     command<&Gateway::status>},
    {"routes", "What is mounted on this server", kNoArguments, VISOR_COMMAND_READS, 0,
     command<&Gateway::routes>},
    {"reload", "Read the page's files again", kNoArguments, 0, 0, command<&Gateway::reload>},
};

}  // namespace
}  // namespace visor::gateway

VISOR_PLUGIN(gateway) = {
    VISOR_PLUGIN_HEAD,
    .name = "gateway",
    .version = "1.0.0",
    .summary = "The HTTP server: the page, the commands under /api, and what other plugins mount",
    .license = "MIT",
    .schema = visor::gateway::kSettingsSchema,
    .needs = visor::gateway::kNeeds,
    .offers = visor::gateway::kOffers,
    .commands = visor::gateway::kCommands,
    .command_count = std::size(visor::gateway::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::gateway::Gateway>,
    .stop = visor::stop<visor::gateway::Gateway>,
    .configure = visor::configure<visor::gateway::Gateway>,
};
