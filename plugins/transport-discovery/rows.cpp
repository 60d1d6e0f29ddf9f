#include "rows.hpp"

#include <algorithm>

#include "lib/codec/telemetry_text.hpp"

namespace visor::transport_discovery {
namespace {

using codec::append_json_string;
using codec::append_scaled;
using codec::append_unsigned;

constexpr int kMicro = 6;

enum FamilyNumber : size_t { kLive, kLatency, kThroughput, kSent, kReceived };
constexpr Family kFamilies[kTransportFamilies] = {
    {"visor_transport_live", false, "",
     "Whether one edge asserts the transport and the other has not withdrawn it."},
    {"visor_transport_latency_seconds", false, "seconds",
     "Round trip between the edges, as one of them measured it last."},
    {"visor_transport_throughput_bytes_per_second", false, "",
     "Highest throughput that an edge has observed."},
    {"visor_transport_sent_bytes", true, "bytes", "Payload that an edge has sent, as it reports itself."},
    {"visor_transport_received_bytes", true, "bytes",
     "Payload that an edge has received, as it reports itself."},
};

void append_uuid(std::string& out, const TransportId& id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[36];
  char* at = text;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = kDigits[id.bytes[i] >> 4];
    *at++ = kDigits[id.bytes[i] & 15];
  }
  out.append(text, sizeof text);
}

bool is_shown(const Aggregator& aggregator, const Transport& transport, const RowOptions& options) {
  if (options.live == LiveFilter::kLive && !transport.live) return false;
  if (options.live == LiveFilter::kEnded && transport.live) return false;
  if (options.types.empty()) return true;
  return std::ranges::find(options.types, aggregator.type_of(transport)) != options.types.end();
}

void append_edges(std::string& out, const Transport& transport) {
  out += "\"edges\":[\"";
  out += transport.sides[0].visor->hex;
  out += "\",\"";
  out += transport.sides[1].visor->hex;
  out += "\"]";
}

void append_latency(std::string& out, const Latency& latency) {
  out += ",\"latency\":{\"min\":";
  append_unsigned(out, latency.min_us);
  out += ",\"max\":";
  append_unsigned(out, latency.max_us);
  out += ",\"avg\":";
  append_unsigned(out, latency.avg_us);
  out += '}';
}

void append_day(std::string& out, const Day& day) {
  out += "{\"date\":\"";
  out += codec::date_text(day.date);
  for (size_t side = 0; side < 2; ++side) {
    out += side == 0 ? "\",\"a\":{\"sent\":" : ",\"b\":{\"sent\":";
    append_unsigned(out, day.side[side].sent);
    out += ",\"recv\":";
    append_unsigned(out, day.side[side].received);
    out += '}';
  }
  out += '}';
}

void append_labels(std::string& out, const Aggregator& aggregator, const Transport& transport) {
  out += "{id=\"";
  append_uuid(out, transport.id);
  out += "\",type=\"";
  out += aggregator.type_of(transport);  // a word without anything to escape
  out += "\",edge_a=\"";
  out += transport.sides[0].visor->hex;
  out += "\",edge_b=\"";
  out += transport.sides[1].visor->hex;
  out += '"';
}

}  // namespace

bool append_json_row(std::string& out, const Aggregator& aggregator, const Transport& transport,
                     const RowOptions& options, UnixDay today) {
  if (!is_shown(aggregator, transport, options)) return false;
  UnixDay oldest = today - options.days + 1;
  if (!aggregator.has_days(transport, oldest) && !transport.latency.known()) return false;
  out += "{\"id\":\"";
  append_uuid(out, transport.id);
  out += "\",\"type\":";
  append_json_string(out, aggregator.type_of(transport));
  out += transport.live ? ",\"live\":true" : ",\"live\":false";
  if (options.edges) {
    out += ',';
    append_edges(out, transport);
  }
  if (options.latency && transport.latency.known()) append_latency(out, transport.latency);
  if (options.bandwidth) {
    out += ",\"daily\":[";
    std::vector<Day> days = aggregator.days_of(transport, oldest);
    for (auto day = days.rbegin(); day != days.rend(); ++day) {
      if (day != days.rbegin()) out += ',';
      append_day(out, *day);
    }
    out += ']';
  }
  out += '}';
  return true;
}

bool append_table_row(std::string& out, const Aggregator& aggregator, const Transport& transport,
                      const RowOptions& options, UnixDay today) {
  if (!is_shown(aggregator, transport, options)) return false;
  uint64_t all_bytes = 0, today_bytes = 0;
  for (const Day& day : aggregator.days_of(transport, today - options.days + 1)) {
    all_bytes = saturating_add(all_bytes, day.bandwidth());
    if (day.date == today) today_bytes = day.bandwidth();
  }
  out += codec::JsonObjectText()
             .text("id", codec::to_uuid(transport.id))
             .text("type", aggregator.type_of(transport))
             .boolean("live", transport.live)
             .text("a", transport.sides[0].visor->hex)
             .text("b", transport.sides[1].visor->hex)
             .number("latency_ms", static_cast<double>(transport.latency.avg_us) / 1000)
             .number("throughput_bytes_per_s", transport.throughput_bytes_per_s, 0)
             .integer("today_bytes", today_bytes)
             .integer("bytes", all_bytes)
             .finish();
  return true;
}

void append_entry(std::string& out, const Aggregator& aggregator, const Transport& transport) {
  out += "{\"t_id\":\"";
  append_uuid(out, transport.id);
  out += "\",";
  append_edges(out, transport);
  out += ",\"type\":";
  append_json_string(out, aggregator.type_of(transport));
  out += ",\"label\":";
  append_json_string(out, aggregator.label_of(transport));
  out += '}';
}

const Family& transport_family(size_t family) {
  return kFamilies[family];
}

void append_family_head(std::string& out, const Family& family, bool open_metrics) {
  std::string name(family.name);
  if (family.counter && !open_metrics) name += "_total";
  out += "# HELP " + name + " ";
  out += family.help;
  out += "\n# TYPE " + name + (family.counter ? " counter\n" : " gauge\n");
  if (!open_metrics || family.unit.empty()) return;
  out += "# UNIT " + name + " ";
  out += family.unit;
  out += '\n';
}

void append_samples(std::string& out, const Aggregator& aggregator, const Transport& transport, size_t family,
                    int64_t now_s) {
  if (!transport.live && now_s - transport.ended_at_s > kShownAfterEndSeconds) return;
  auto sample = [&](std::string_view label, std::string_view value_of_label) {
    out += kFamilies[family].name;
    if (kFamilies[family].counter) out += "_total";
    append_labels(out, aggregator, transport);
    if (!label.empty()) {
      out += ',';
      out += label;
      out += "=\"";
      out += value_of_label;
      out += '"';
    }
    out += "} ";
  };
  switch (family) {
    case kLive:
      sample({}, {});
      out += transport.live ? "1\n" : "0\n";
      return;
    case kLatency: {
      if (!transport.latency.known()) return;
      const std::pair<std::string_view, uint32_t> stats[] = {{"min", transport.latency.min_us},
                                                             {"max", transport.latency.max_us},
                                                             {"avg", transport.latency.avg_us}};
      for (const auto& [stat, us] : stats) {
        sample("stat", stat);
        append_scaled(out, us, kMicro);
        out += '\n';
      }
      return;
    }
    case kThroughput:
      if (transport.throughput_at_s == 0) return;
      sample({}, {});
      codec::append_decimal(out, transport.throughput_bytes_per_s, 3);
      out += '\n';
      return;
    default:
      for (size_t side = 0; side < 2; ++side) {
        if (!transport.sides[side].reported) continue;
        sample("edge", side == 0 ? "a" : "b");
        const Traffic& total = transport.sides[side].total;
        append_unsigned(out, family == kSent ? total.sent : total.received);
        out += '\n';
      }
  }
}

}  // namespace visor::transport_discovery
