#include "report.hpp"

#include <boost/json.hpp>
#include <cmath>

namespace visor::transports {
namespace {

/* Builds one object; values are written at once, so that a long list costs no tree. */
class Fields {
 public:
  Fields& text(std::string_view name, std::string_view value) {
    return raw(name, boost::json::serialize(boost::json::string_view(value.data(), value.size())));
  }
  Fields& number(std::string_view name, uint64_t value) { return raw(name, std::to_string(value)); }
  /* Not negative; to a thousandth. */
  Fields& real(std::string_view name, double value) {
    auto thousandths = static_cast<uint64_t>(std::llround(std::min(value, 1e15) * 1000));
    std::string fraction = std::to_string(1000 + thousandths % 1000).substr(1);
    return raw(name, std::to_string(thousandths / 1000) + "." + fraction);
  }
  Fields& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  /* The value is JSON already. */
  Fields& raw(std::string_view name, std::string_view json) {
    out_ += out_.size() == 1 ? "\"" : ",\"";
    out_.append(name).append("\":").append(json);
    return *this;
  }
  std::string close() { return std::move(out_) + "}"; }

 private:
  std::string out_ = "{";
};

std::string queue(size_t now, size_t limit) {
  return Fields().number("now", now).number("limit", limit).close();
}

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
  Fields out;
  out.text("id", codec::to_uuid(entry.id))
      .raw("edges", "[" + quoted_key(entry.edges[0]) + "," + quoted_key(entry.edges[1]) + "]")
      .text("type", entry.type)
      .raw("remote", quoted_key(transport.peer()))
      .text("address", transport.terms().address)
      .boolean("dialed", transport.terms().dialed)
      .text("state", state_name(transport.state()))
      .text("label", entry.label)
      .real("latency_ms", transport.latency().last_ms)
      .real("latency_min_ms", row.latency_min_ms)
      .real("latency_max_ms", row.latency_max_ms)
      .real("latency_avg_ms", row.latency_avg_ms)
      .number("sent_bytes", row.sent_bytes)
      .number("received_bytes", row.received_bytes)
      .real("throughput_bytes_per_s", row.throughput_bytes_per_s)
      .number("since_unix_ms", static_cast<uint64_t>(row.since) / 1'000'000)
      .text("epoch", to_hex(epoch))
      .number("missed_pings", transport.pings().missed())
      .number("unmatched_pongs", transport.pings().unmatched())
      .number("dropped_pongs", transport.counters().dropped_pongs)
      .number("ignored_packets", transport.counters().ignored_packets)
      .number("refused_streams", transport.counters().refused_streams)
      .number("streams", session.mux.streams)
      .number("queued_bytes", session.mux.queued_bytes)
      .number("unread_bytes", session.mux.unread_bytes);
  return out.close();
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
  return Fields()
      .raw("transports", queue(from.serving(), from.count()))
      .raw("dialing", queue(from.dialing(), from.count()))
      .raw("avoided", queue(from.avoided(), Automatic::kMaxAvoided))
      .number("passes", counted.passes)
      .number("listed", counted.listed)
      .number("dialed", counted.dialed)
      .number("made", counted.made)
      .number("failed", counted.failed)
      .text("problem", counted.problem)
      .close();
}

std::string report_registration(const services::RegistrationCounters& from) {
  return Fields()
      .boolean("registered", from.registered)
      .number("posted_ms", static_cast<uint64_t>(from.posted_ms))
      .number("posts", from.posts)
      .number("failures", from.failures)
      .text("problem", from.last_error)
      .close();
}

}  // namespace

std::string report_status(const StatusSources& from) {
  const Manager& manager = from.manager;
  const Skynet& skynet = from.skynet;
  const Manager::Counters& counted = manager.counters();
  const Limits& limits = manager.config().limits;
  std::string carriers = "{";
  for (const auto& carrier : manager.carriers()) {
    if (carriers.size() > 1) carriers += ",";
    carriers += Fields().text(carrier->type(), carrier->listening()).close().substr(1);
    carriers.pop_back();
  }
  Fields out;
  out.raw("pk", quoted_key(from.own))
      .raw("listening", carriers + "}")
      .number("interval_ms", manager.config().interval_ms)
      .raw("transports", queue(manager.serving(), limits.transports))
      .raw("settling", queue(manager.settling(), limits.settling))
      .raw("dialing", queue(manager.dialing(), limits.transports))
      .raw("watchers", queue(from.watchers, from.max_watchers))
      .number("dialed", counted.dialed)
      .number("accepted", counted.accepted)
      .number("settled", counted.settled)
      .number("failed", counted.failed)
      .number("refused", counted.refused)
      .number("replaced", counted.replaced)
      .number("closed", counted.closed)
      .raw("skynet", Fields()
                         .number("ports", skynet.listening())
                         .number("dialed", skynet.counters().dialed)
                         .number("accepted", skynet.counters().accepted)
                         .number("unreachable", skynet.counters().unreachable)
                         .number("relayed", skynet.counters().relayed)
                         .raw("relaying", queue(skynet.relaying(), Skynet::kMaxRelaying))
                         .number("unheard", skynet.counters().unheard)
                         .close());
  if (from.automatic) out.raw("auto", report_automatic(*from.automatic));
  if (from.registration) out.raw("public", report_registration(from.registration->counters()));
  return out.close();
}

}  // namespace visor::transports
