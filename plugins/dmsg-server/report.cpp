#include "report.hpp"

#include <boost/json.hpp>

#include "lib/codec/queue_report.hpp"

namespace visor::dmsg_server {
namespace {

namespace json = boost::json;

json::object sessions(const Relay& relay, const Config& config) {
  const RelayCounters& counted = relay.counters();
  return {{"now", relay.sessions()},
          {"listed_limit", config.max_sessions},
          {"limit", config.limits.sessions},
          {"handshaking", codec::queue_report(relay.handshaking(), config.limits.handshakes)},
          {"handshakes", counted.handshakes},
          {"established", counted.established},
          {"failed", counted.failed},
          {"replaced", counted.replaced},
          {"refused", counted.refused},
          {"expelled", counted.expelled}};
}

json::object streams(const Relay& relay) {
  const RelayCounters& counted = relay.counters();
  return {
      {"connected_now", relay.passages(Passage::State::kOpen)},
      {"connecting_now", relay.passages(Passage::State::kRequest) + relay.passages(Passage::State::kAnswer)},
      {"ending_now", relay.passages(Passage::State::kEnding)},
      {"requests", counted.requests},
      {"connected", counted.connected},
      {"unreachable", counted.unreachable},
      {"unanswered", counted.unanswered},
      {"rejected", counted.rejected},
      {"malformed", counted.malformed},
      {"abandoned", counted.abandoned},
      {"over_limit", counted.over_limit},
      {"idle", counted.idle},
      {"probes", counted.probes},
      {"relayed_bytes", counted.relayed_bytes}};
}

json::object entrance(const Entrance& from, const Config& config) {
  return {{"waiting", codec::queue_report(from.waiting(), config.limits.handshakes)},
          {"refused", from.counters().refused},
          {"silent", from.counters().silent},
          {"broken", from.counters().broken}};
}

json::object web(const Web& from) {
  const http::ServerCounters& counted = from.counters();
  return {{"mounted", from.mounted()},
          {"open_connections", counted.open_connections},
          {"open_websockets", counted.open_websockets},
          {"requests", counted.requests},
          {"refused", counted.refused},
          {"malformed", counted.malformed},
          {"timeouts", counted.timeouts}};
}

json::value registration(const dmsg::RegistrationCounters* from) {
  if (!from) return nullptr;
  return json::object{{"registered", from->registered},
                      {"sequence", from->sequence},
                      {"posted_unix_ms", from->posted_ns / 1'000'000},
                      {"posts", from->posts},
                      {"failures", from->failures},
                      {"overtaken", from->overtaken},
                      {"last_error", from->last_error}};
}

}  // namespace

std::string report_status(const Sources& from) {
  json::object out{
      {"pk", to_hex(from.own)},
      {"listening", from.listening},
      {"interval_ms", from.config.interval_ms},
      {"sessions", sessions(from.relay, from.config)},
      {"streams", streams(from.relay)},
      {"held_bytes", codec::queue_report(from.relay.held_bytes(), from.config.limits.held_bytes)},
      {"addresses", codec::queue_report(from.relay.addresses(), AddressLimits::kMaxAddresses)},
      {"entrance", entrance(from.entrance, from.config)},
      {"web", web(from.web)},
      {"registration", registration(from.registration)}};
  return json::serialize(out);
}

std::string report_sessions(const Relay& relay, size_t limit) {
  json::array out;
  for (const auto& [key, client] : relay.clients()) {
    if (out.size() >= limit) break;
    if (!client->session) continue;
    session::Counters counted = client->session->counters();
    out.push_back(json::object{{"pk", to_hex(key)},
                               {"from", client->origin.text},
                               {"carrier", client->carrier},
                               {"since_unix_ms", client->since_ns / 1'000'000},
                               {"round_trip_ms", static_cast<double>(counted.mux.round_trip_ns) / 1e6},
                               {"streams", counted.mux.streams},
                               {"dialed", client->dialed},
                               {"accepted", client->accepted},
                               {"refused", client->refused},
                               {"received_bytes", counted.received_bytes},
                               {"sent_bytes", counted.sent_bytes},
                               {"queued_bytes", counted.mux.queued_bytes},
                               {"unread_bytes", counted.mux.unread_bytes}});
  }
  return json::serialize(out);
}

}  // namespace visor::dmsg_server
