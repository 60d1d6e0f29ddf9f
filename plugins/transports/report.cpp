#include "report.hpp"

#include "lib/codec/queue_text.hpp"

namespace visor::transports {
namespace {

using codec::JsonObjectText;
using codec::queue_text;

std::string_view state_name(Transport::State state) {
  switch (state) {
    case Transport::State::kSettling:
    case Transport::State::kRefusing:
      return "settling";
    case Transport::State::kServing:
      return "serving";
    case Transport::State::kClosed:
      return "closed";
  }
  return "closed";
}

std::string quoted_key(const visor_key& key) {
  return "\"" + to_hex(key) + "\"";
}

}  // namespace

std::string report(const Transport& transport) {
  const codec::TransportEntry& entry = transport.entry();
  visor_transport row = transport.describe();
  session::Counters session = transport.session_counters();
  uint8_t epoch[8];
  std::memcpy(epoch, &row.epoch, sizeof epoch);
  JsonObjectText out;
  out.text("id", codec::to_uuid(entry.id))
      .json("edges", "[" + quoted_key(entry.edges[0]) + "," + quoted_key(entry.edges[1]) + "]")
      .text("type", entry.type)
      .text("remote", to_hex(transport.peer()))
      .text("address", transport.terms().address)
      .boolean("dialed", transport.terms().dialed)
      .text("state", state_name(transport.state()))
      .text("label", entry.label)
      .number("latency_ms", transport.latency().last_ms)
      .number("latency_min_ms", row.latency_min_ms)
      .number("latency_max_ms", row.latency_max_ms)
      .number("latency_avg_ms", row.latency_avg_ms)
      .integer("sent_bytes", row.sent_bytes)
      .integer("received_bytes", row.received_bytes)
      .number("throughput_bytes_per_s", row.throughput_bytes_per_s)
      .integer("since_unix_ms", static_cast<uint64_t>(row.since) / 1'000'000)
      .text("epoch", to_hex(epoch))
      .integer("missed_pings", transport.pings().missed())
      .integer("unmatched_pongs", transport.pings().unmatched())
      .integer("dropped_pongs", transport.counters().dropped_pongs)
      .integer("ignored_packets", transport.counters().ignored_packets)
      .integer("refused_streams", transport.counters().refused_streams)
      .integer("streams", session.mux.streams)
      .integer("queued_bytes", session.mux.queued_bytes)
      .integer("unread_bytes", session.mux.unread_bytes);
  return out.finish();
}

std::string report_list(const Manager& manager) {
  std::string out = "[";
  manager.each([&](const Transport& transport) {
    if (transport.state() == Transport::State::kClosed) return;
    if (out.size() > 1) out += ",";
    out += report(transport);
  });
  return out + "]";
}

namespace {

std::string report_automatic(const Automatic& from) {
  const Automatic::Counters& counted = from.counters();
  return JsonObjectText()
      .json("transports", queue_text(from.serving(), from.count()))
      .json("dialing", queue_text(from.dialing(), from.count()))
      .json("avoided", queue_text(from.avoided(), Automatic::kMaxAvoided))
      .integer("passes", counted.passes)
      .integer("listed", counted.listed)
      .integer("dialed", counted.dialed)
      .integer("made", counted.made)
      .integer("failed", counted.failed)
      .text("problem", counted.problem)
      .finish();
}

std::string report_registration(const services::RegistrationCounters& from) {
  return JsonObjectText()
      .boolean("registered", from.registered)
      .integer("posted_ms", static_cast<uint64_t>(from.posted_ms))
      .integer("posts", from.posts)
      .integer("failures", from.failures)
      .text("problem", from.last_error)
      .finish();
}

}  // namespace

std::string report_status(const StatusSources& from) {
  const Manager& manager = from.manager;
  const Skynet& skynet = from.skynet;
  const Manager::Counters& counted = manager.counters();
  const Limits& limits = manager.config().limits;
  JsonObjectText carriers;
  for (const auto& carrier : manager.carriers()) carriers.text(carrier->type(), carrier->listening());
  JsonObjectText out;
  out.text("pk", to_hex(from.own))
      .json("listening", carriers.finish())
      .integer("interval_ms", manager.config().interval_ms)
      .json("transports", queue_text(manager.serving(), limits.transports))
      .json("settling", queue_text(manager.settling(), limits.settling))
      .json("dialing", queue_text(manager.dialing(), limits.transports))
      .json("watchers", queue_text(from.watchers, from.max_watchers))
      .integer("dialed", counted.dialed)
      .integer("accepted", counted.accepted)
      .integer("settled", counted.settled)
      .integer("failed", counted.failed)
      .integer("refused", counted.refused)
      .integer("replaced", counted.replaced)
      .integer("closed", counted.closed)
      .json("skynet", JsonObjectText()
                          .integer("ports", skynet.listening())
                          .integer("dialed", skynet.counters().dialed)
                          .integer("accepted", skynet.counters().accepted)
                          .integer("unreachable", skynet.counters().unreachable)
                          .integer("relayed", skynet.counters().relayed)
                          .json("relaying", queue_text(skynet.relaying(), Skynet::kMaxRelaying))
                          .integer("unheard", skynet.counters().unheard)
                          .finish());
  if (from.automatic) out.json("auto", report_automatic(*from.automatic));
  if (from.registration) out.json("public", report_registration(from.registration->counters()));
  return out.finish();
}

}  // namespace visor::transports
