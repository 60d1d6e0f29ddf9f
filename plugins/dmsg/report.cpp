#include "report.hpp"

#include <boost/json.hpp>

#include "lib/codec/queue_report.hpp"
#include "pipes.hpp"

namespace visor::dmsg_client {
namespace {

namespace json = boost::json;

std::string_view state_of(const SessionPointer& session) {
  if (!session) return "none";
  return session->ready() ? "ready" : "connecting";
}

json::object session_row(const Sessions::Row& row, uint64_t now_ms) {
  json::object out{{"pk", to_hex(row.server.key)},
                   {"state", std::string(state_of(row.session))},
                   {"kept", row.kept},
                   {"failures", row.failures}};
  if (!row.problem.empty()) out["problem"] = row.problem;
  if (!row.session) return out;
  session::Counters counted = row.session->counters();
  out["address"] = row.session->url();
  out["age_ms"] = now_ms - row.session->begun_ms();
  out["latency_ms"] = static_cast<double>(counted.mux.round_trip_ns) / 1e6;
  out["streams"] = counted.mux.streams;
  out["opened"] = counted.mux.opened;
  out["accepted"] = counted.mux.accepted;
  out["sent_bytes"] = counted.sent_bytes;
  out["received_bytes"] = counted.received_bytes;
  out["queued_bytes"] = counted.mux.queued_bytes;
  out["unread_bytes"] = counted.mux.unread_bytes;
  out["waiting_bytes"] = counted.waiting_bytes;
  return out;
}

json::object discovery_part(const Discovery& discovery) {
  const Discovery::Counters& lists = discovery.counters();
  const dmsg::RegistrationCounters& entry = discovery.registration();
  json::object out{{"address", discovery.where()},   {"listed_servers", lists.listed},
                   {"asked", lists.asked},           {"failed", lists.failed},
                   {"registered", entry.registered}, {"sequence", entry.sequence},
                   {"posts", entry.posts},           {"post_failures", entry.failures}};
  if (entry.posted_ns > 0) out["posted_unix_ms"] = entry.posted_ns / 1'000'000;
  if (!lists.problem.empty()) out["problem"] = lists.problem;
  if (!entry.last_error.empty()) out["post_problem"] = entry.last_error;
  return out;
}

}  // namespace

std::string report_status(const Network& network, const Discovery* discovery, size_t pipes,
                          const visor_key& own) {
  const Limits& limits = network.config().limits;
  const Network::Counters& counted = network.counters();
  const Sessions& sessions = network.sessions();
  json::array servers;
  for (const SessionPointer& session : sessions.ready()) servers.emplace_back(to_hex(session->key()));
  json::object out{{"pk", to_hex(own)},
                   {"servers", std::move(servers)},
                   {"known_servers", sessions.known()},
                   {"sessions", codec::queue_report(sessions.size(), limits.sessions)},
                   {"waiting_for_sessions", sessions.waiting()},
                   {"dials", codec::queue_report(network.dialing(), limits.dials)},
                   {"setups", codec::queue_report(network.setting_up(), limits.setups)},
                   {"accepting", codec::queue_report(network.accepting(), limits.accepting)},
                   {"leaving", codec::queue_report(network.leaving(), Farewell::kMaxStreams)},
                   {"ephemeral_ports", codec::queue_report(network.ephemeral(), Ports::kEphemeral)},
                   {"listening", network.listening()},
                   {"pipes", codec::queue_report(pipes, limits.pipes)},
                   {"dialed", counted.dialed},
                   {"failed", counted.failed},
                   {"accepted", counted.accepted},
                   {"unheard", counted.unheard},
                   {"malformed", counted.malformed},
                   {"refused", counted.refused},
                   {"sessions_connected", sessions.counters().connected},
                   {"sessions_failed", sessions.counters().failed},
                   {"sessions_lost", sessions.counters().lost}};
  if (const Entries* entries = network.entries()) {
    out["cached_entries"] = codec::queue_report(entries->cached(), Entries::kMaxCached);
    out["lookups"] = codec::queue_report(entries->under_way(), Entries::kMaxLookups);
  }
  if (discovery) out["discovery"] = discovery_part(*discovery);
  return json::serialize(out);
}

std::string report_sessions(const Network& network, uint64_t now_ms) {
  json::array rows;
  network.sessions().each([&](const Sessions::Row& row) { rows.push_back(session_row(row, now_ms)); });
  return json::serialize(rows);
}

}  // namespace visor::dmsg_client
