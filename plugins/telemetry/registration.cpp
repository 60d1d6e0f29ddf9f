#include "registration.hpp"

#include "lib/codec/telemetry_text.hpp"

namespace visor::telemetry {
namespace {

using codec::JsonObjectText;

int64_t seconds_since(uint64_t moment_ms, uint64_t now_ms) {
  return moment_ms == 0 ? -1 : static_cast<int64_t>((now_ms - moment_ms) / 1000);
}

std::string live_transports(const RegistrationSources& sources) {
  std::string out = "[";
  for (const auto& [id, tracked] : sources.tracker.transports()) {
    auto edges = codec::sorted_edges(sources.own, tracked.remote);
    if (out.size() > 1) out += ',';
    out += JsonObjectText()
               .text("id", codec::to_uuid(id))
               .text("type", tracked.type)
               .json("edges", "[\"" + to_hex(edges[0]) + "\",\"" + to_hex(edges[1]) + "\"]")
               .boolean("closed", !tracked.serving)
               .finish();
  }
  return out + "]";
}

}  // namespace

std::string diagnosis(const RegistrationSources& sources) {
  const Announcing& announcing = sources.announcing;
  if (!sources.config.tpd)
    return "No transport discovery is configured: give its public key as \"tpd\" in telemetry's "
           "configuration.";
  if (*sources.config.tpd == sources.own) return "The transport discovery's key is this visor's own.";
  if (sources.tracker.serving() == 0) return "There is no live transport: see `visor transports list`.";
  if (!sources.feed.open()) return "The feed is not open; see `visor feeds status`.";
  if (!sources.feed.problem().empty())
    return "The feed takes no changes: " + sources.feed.problem() + "; see `visor feeds status`.";
  if (sources.feed.counters().list_writes == 0) return "The list has not been published yet.";
  if (announcing.standing) {
    return "Listed, published and announced: the transport discovery has it, or refuses it for a reason of "
           "its "
           "own; ask its `reporters`.";
  }
  if (announcing.failures > 0) {
    return "The transport discovery cannot be reached: " + announcing.problem +
           (announcing.successes > 0 ? "; it could before" : "; it never could");
  }
  return "The connection to the transport discovery is still being made.";
}

std::string registration_json(const RegistrationSources& sources) {
  const OwnFeed::Counters& writes = sources.feed.counters();
  const Announcing& announcing = sources.announcing;
  auto since = [&](uint64_t moment_ms) { return std::to_string(seconds_since(moment_ms, sources.now_ms)); };
  std::string list = JsonObjectText()
                         .integer("publishes", writes.list_writes)
                         .integer("last_count", sources.publisher.list_rows())
                         .integer("last_bytes", sources.publisher.list_bytes())
                         .text("last_err", sources.feed.problem())
                         .json("secs_since_last", since(writes.last_list_ms))
                         .finish();
  std::string announce = JsonObjectText()
                             .integer("oks", announcing.successes)
                             .integer("fails", announcing.failures)
                             .text("last_err", announcing.problem)
                             .json("secs_since_ok", since(announcing.succeeded_ms))
                             .json("secs_since_err", since(announcing.failed_ms))
                             .finish();
  std::string node = JsonObjectText()
                         .boolean("announced", announcing.standing)
                         .integer("connections", sources.connections)
                         .finish();
  std::string_view publishing = !sources.feed.problem().empty() ? "failing"
                                : sources.feed.writing()        ? "writing"
                                                                : "idle";
  std::string target =
      sources.config.tpd ? to_hex(*sources.config.tpd) + ":" + std::to_string(sources.config.port) : "";
  return JsonObjectText()
      .json("live_transports", live_transports(sources))
      .integer("live_count", sources.tracker.serving())
      .boolean("publisher_up", sources.feed.open())
      .text("feed", to_hex(sources.own))
      .text("publish_state", publishing)
      .json("node_stats", node)
      .text("tpd_target", target)
      .boolean("tpd_subscribe_allowed", true)
      .json("tp_list", list)
      .json("announce", announce)
      .text("diagnosis", diagnosis(sources))
      .finish();
}

}  // namespace visor::telemetry
