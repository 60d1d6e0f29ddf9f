#include "report.hpp"

#include "lib/codec/queue_text.hpp"

namespace visor::transport_discovery {
namespace {

using codec::JsonObjectText;
using codec::queue_text;

std::string_view name_of(Reporter::State state) {
  switch (state) {
    case Reporter::State::kWaiting:
      return "waiting";
    case Reporter::State::kOpening:
      return "opening";
    case Reporter::State::kFollowing:
      return "following";
  }
  return "waiting";
}

std::string live_by_type(const Aggregator& aggregator) {
  JsonObjectText out;
  for (size_t type = 0; type < aggregator.types().size(); ++type) {
    auto number = static_cast<uint8_t>(type);
    size_t live = aggregator.live_of_type(number);
    if (live > 0) out.integer(aggregator.types().at(number), live);
  }
  return out.finish();
}

std::string reports(const ReportSources& sources) {
  const AggregatorCounters& counters = sources.aggregator.counters();
  return JsonObjectText()
      .integer("roots", sources.ingest.roots)
      .integer("early_lists", sources.ingest.early_lists)
      .integer("lists", counters.lists)
      .integer("registered_rows", counters.registered_rows)
      .integer("refreshes", counters.refreshes)
      .integer("samples", counters.samples)
      .integer("refused_leaves", sources.ingest.bad_leaves)
      .integer("refused_rows", sources.ingest.refused_rows)
      .integer("refused_listed_rows", counters.refused_listed_rows)
      .integer("refused_samples_unknown", counters.refused_samples_unknown)
      .integer("refused_samples_not_edge", counters.refused_samples_not_edge)
      .integer("expired_reporters", counters.expired_reporters)
      .integer("forgotten_transports", counters.forgotten_transports)
      .finish();
}

std::string drive(const Keeper& keeper) {
  const Keeper::Counters& counters = keeper.counters();
  return JsonObjectText()
      .integer("restored_entries", counters.restored)
      .integer("unreadable_entries", counters.refused)
      .integer("writes", counters.writes)
      .integer("written_bytes", counters.written_bytes)
      .integer("failed_writes", counters.failed_writes)
      .integer("refused_batches", keeper.pending())
      .text("problem", keeper.problem())
      .finish();
}

std::string http(const Web& web) {
  return JsonObjectText()
      .boolean("mounted", web.mounted())
      .integer("requests", web.counters().requests)
      .integer("answering_us", web.counters().answering_us)
      .integer("streamed", web.counters().streamed)
      .integer("refused", web.counters().refused)
      .text("problem", web.problem())
      .finish();
}

}  // namespace

std::string report_status(const ReportSources& sources) {
  const Aggregator& aggregator = sources.aggregator;
  return JsonObjectText()
      .text("pk", to_hex(sources.own))
      .text("network", sources.config.network)
      .integer("port", sources.config.port)
      .integer("interval_ms", sources.config.interval_ms)
      .text("started_at", codec::time_text(sources.started_at_s))
      .integer("live_transports", aggregator.live())
      .json("live_by_type", live_by_type(aggregator))
      .integer("live_visors", aggregator.live_visors())
      .integer("fresh_reporters", aggregator.fresh_reporters())
      .json("reports", reports(sources))
      .json("drive", drive(sources.keeper))
      .json("http", http(sources.web))
      .json("queues",
            JsonObjectText()
                .json("reporters", queue_text(sources.reporters.size(), sources.config.max_reporters))
                .json("transports", queue_text(aggregator.size(), sources.config.max_transports))
                .json("long_answers", queue_text(sources.web.streams(), Web::kMaxStreams))
                .finish())
      .integer("refused_reporters", sources.refused_reporters)
      .finish();
}

std::string report_reporters(const ReportSources& sources) {
  std::string out = "[";
  for (const auto& [key, reporter] : sources.reporters) {
    const Visor* visor = sources.aggregator.find_visor(key);
    size_t listed = 0;
    if (visor) {
      for (const Transport* transport : visor->transports) {
        for (const Side& side : transport->sides) listed += side.visor == visor && side.listed;
      }
    }
    JsonObjectText row;
    row.text("pk", to_hex(key))
        .text("state", name_of(reporter->state()))
        .integer("connections", reporter->connections())
        .integer("roots", reporter->ingest().roots())
        .integer("sequence", reporter->sequence())
        .integer("listed_transports", listed)
        .boolean("fresh", visor && visor->fresh);
    if (visor) row.text("version", visor->version);
    if (visor && visor->refreshed_unix_s > 0) row.text("heard_at", codec::time_text(visor->refreshed_unix_s));
    row.text("feed_problem", reporter->problem()).text("leaf_problem", reporter->ingest().problem());
    if (out.size() > 1) out += ",\n";
    out += row.finish();
  }
  return out + "]";
}

namespace {

/* One family after another. */
class Exposition {
 public:
  explicit Exposition(bool open_metrics) : open_metrics_(open_metrics) {}

  Exposition& family(std::string_view name, bool counter, std::string_view unit, std::string_view help) {
    family_ = {name, counter, unit, help};
    append_family_head(out_, family_, open_metrics_);
    return *this;
  }
  Exposition& sample(uint64_t value, std::string_view labels = {}) {
    out_ += family_.name;
    if (family_.counter) out_ += "_total";
    if (!labels.empty()) {
      out_ += '{';
      out_ += labels;
      out_ += '}';
    }
    out_ += ' ';
    codec::append_unsigned(out_, value);
    out_ += '\n';
    return *this;
  }
  Exposition& seconds(uint64_t microseconds) {
    out_ += family_.name;
    out_ += family_.counter ? "_total " : " ";
    codec::append_scaled(out_, microseconds, 6);
    out_ += '\n';
    return *this;
  }
  std::string finish() { return std::move(out_); }

 private:
  bool open_metrics_;
  Family family_{};
  std::string out_;
};

}  // namespace

std::string report_metrics(const ReportSources& sources, bool open_metrics) {
  const Aggregator& aggregator = sources.aggregator;
  const AggregatorCounters& counters = aggregator.counters();
  Exposition out(open_metrics);
  out.family("visor_tpd_start_time_seconds", false, "seconds",
             "When this transport discovery started, Unix time.")
      .sample(static_cast<uint64_t>(sources.started_at_s))
      .family("visor_tpd_reporters", false, "", "Visors whose feed is followed.")
      .sample(sources.reporters.size())
      .family("visor_tpd_fresh_reporters", false, "", "Visors whose list has not expired.")
      .sample(aggregator.fresh_reporters())
      .family("visor_tpd_transports", false, "", "Transports that are known, live and ended.")
      .sample(aggregator.live(), "state=\"live\"")
      .sample(aggregator.size() - aggregator.live(), "state=\"ended\"");
  out.family("visor_tpd_live_transports", false, "", "Live transports by type.");
  for (size_t type = 0; type < aggregator.types().size(); ++type) {
    auto number = static_cast<uint8_t>(type);
    size_t live = aggregator.live_of_type(number);
    if (live > 0) out.sample(live, "type=\"" + aggregator.types().at(number) + "\"");
  }
  out.family(
      "visor_tpd_network_bytes", true, "bytes",
      "Payload over all transports since the start, by type; of each, what the edge that counted more saw.");
  const NetworkDay& network = aggregator.totals().since_start();
  for (size_t type = 0; type < network.size(); ++type) {
    if (network[type].bytes == 0) continue;
    out.sample(network[type].bytes, "type=\"" + aggregator.types().at(static_cast<uint8_t>(type)) + "\"");
  }
  return out.family("visor_tpd_live_visors", false, "", "Visors that are an edge of a live transport.")
      .sample(aggregator.live_visors())
      .family("visor_tpd_roots", true, "", "Signed Roots that were read.")
      .sample(sources.ingest.roots)
      .family("visor_tpd_lists", true, "", "Lists of transports that were applied.")
      .sample(counters.lists)
      .family("visor_tpd_samples", true, "", "Samples of transports by what became of them.")
      .sample(counters.samples, "result=\"applied\"")
      .sample(counters.refused_samples_unknown, "result=\"unknown\"")
      .sample(counters.refused_samples_not_edge, "result=\"not_edge\"")
      .family("visor_tpd_refused_leaves", true, "", "Leaves of feeds that could not be read.")
      .sample(sources.ingest.bad_leaves)
      .family("visor_tpd_refused_rows", true, "", "Rows of lists and shards that cannot be true.")
      .sample(sources.ingest.refused_rows + counters.refused_listed_rows)
      .family("visor_tpd_drive_writes", true, "", "Batches by what the storage drive did with them.")
      .sample(sources.keeper.counters().writes, "result=\"written\"")
      .sample(sources.keeper.counters().failed_writes, "result=\"refused\"")
      .family("visor_tpd_http_requests", true, "", "Requests to the public paths.")
      .sample(sources.web.counters().requests)
      .family("visor_tpd_http_requests_in_flight", false, "", "Answers that clients are still reading.")
      .sample(sources.web.streams())
      .family("visor_tpd_http_request_seconds", true, "seconds", "Time spent on making answers.")
      .seconds(sources.web.counters().answering_us)
      .finish();
}

}  // namespace visor::transport_discovery
