// What one edge's measurements change: bytes, latency, throughput, uptime.
#include <algorithm>
#include <cmath>

#include "aggregator.hpp"
#include "lib/codec/transport_type.hpp"
#include "sides.hpp"

namespace visor::transport_discovery {
namespace {

bool listed(const Transport& transport) {
  return transport.sides[0].listed || transport.sides[1].listed;
}

// A day's place in an ascending list; most often the last.
template <class T>
T& day_in(std::vector<T>& days, UnixDay date) {
  if (days.empty() || days.back().date < date) {
    days.emplace_back().date = date;
    return days.back();
  }
  auto at = std::ranges::lower_bound(days, date, {}, &T::date);
  if (at->date != date) {
    at = days.emplace(at);
    at->date = date;
  }
  return *at;
}

bool measured(double ms) {
  return std::isfinite(ms) && ms > 0 && ms <= kMaxLatencyMs;
}

// Also makes good a few slots that were missed since the last one of the same day.
void set_slot(codec::UptimeBitmap& slots, int slot) {
  slots.set(slot);
  if (slot > 0 && slots.test(slot - 1)) return;
  for (int missed = 1; missed <= kMaxFilledSlots && slot - missed - 1 >= 0; ++missed) {
    if (!slots.test(slot - missed - 1)) continue;
    for (int i = 1; i <= missed; ++i) slots.set(slot - i);
    break;
  }
}

uint32_t to_us(double ms) {
  return std::max<uint32_t>(1, static_cast<uint32_t>(std::lround(ms * 1000)));
}

}  // namespace

Aggregator::Outcome Aggregator::apply(const visor_key& reporter, const Sample& sample, Moment now) {
  Transport* transport = lookup(sample.id);
  if (!transport) {
    ++counters_.refused_samples_unknown;
    return Outcome::kUnknown;
  }
  size_t side = side_of(*transport, reporter);
  if (side > 1) {
    ++counters_.refused_samples_not_edge;
    return Outcome::kNotEdge;
  }
  ++counters_.samples;
  mark_dirty(*transport);
  Side& own = transport->sides[side];
  own.reported = true;
  add_traffic(*transport, side, own.lives.advance(sample.traffic, sample.epoch), codec::day_of(now.unix_s));
  // The last counters of a transport that was just closed still count; they say nothing about now.
  if (!listed(*transport)) return Outcome::kApplied;
  apply_latency(*transport, sample, now);
  if (sample.throughput_bytes_per_s > 0 && sample.throughput_bytes_per_s <= kMaxThroughputBytesPerS) {
    if (transport->throughput_bytes_per_s != sample.throughput_bytes_per_s) RowBlocks::touch(*transport);
    transport->throughput_bytes_per_s = sample.throughput_bytes_per_s;
    transport->throughput_at_s = now.unix_s;
  }
  if (sample.sampled_at_s >= now.unix_s - kMaxHeartbeatAgeSeconds) {
    mark_uptime(*transport, std::min(sample.sampled_at_s, now.unix_s));
  }
  return Outcome::kApplied;
}

Aggregator::Outcome Aggregator::count(const visor_key& reporter, const TransportId& id,
                                      const Traffic& traffic, uint64_t epoch, Moment now) {
  Transport* transport = lookup(id);
  if (!transport) return Outcome::kUnknown;
  size_t side = side_of(*transport, reporter);
  if (side > 1) return Outcome::kNotEdge;
  mark_dirty(*transport);
  Side& own = transport->sides[side];
  own.reported = true;
  add_traffic(*transport, side, own.lives.advance(traffic, epoch), codec::day_of(now.unix_s));
  return Outcome::kApplied;
}

void Aggregator::add_traffic(Transport& transport, size_t side, const Traffic& more, UnixDay date) {
  if (more.none()) return;
  Side& own = transport.sides[side];
  own.total += more;
  Day& day = day_in(transport.days, date);
  uint64_t before = day.bandwidth();
  day.side[side] += more;
  totals_.add_bytes(date, transport.type, day.bandwidth() - before);
  transport.dirty_days_from = std::min(transport.dirty_days_from, date);
  day_in(own.visor->days, date).traffic += more;
  own.visor->dirty_days_from = std::min(own.visor->dirty_days_from, date);
  mark_dirty(*own.visor);
  RowBlocks::touch(transport);
}

// Of days with bytes only: who has measured has sent.
void Aggregator::note_latency(Transport& transport, const Latency& latency, UnixDay date) {
  totals_.add_latency(date, transport.type, latency.avg_us);
  if (transport.days.empty() || transport.days.back().date != date) return;
  Day& day = transport.days.back();
  ++day.latency_samples;
  day.latency_sum_us = saturating_add(day.latency_sum_us, latency.avg_us);
  transport.dirty_days_from = std::min(transport.dirty_days_from, date);
}

// All three or nothing, so that an edge that has not measured yet does not erase what the other one has.
void Aggregator::apply_latency(Transport& transport, const Sample& sample, Moment now) {
  if (!measured(sample.latency_min_ms) || !measured(sample.latency_max_ms) ||
      !measured(sample.latency_avg_ms)) {
    return;
  }
  Latency latency{to_us(sample.latency_min_ms), to_us(sample.latency_max_ms), to_us(sample.latency_avg_ms),
                  now.unix_s};
  bool same = transport.latency.min_us == latency.min_us && transport.latency.max_us == latency.max_us &&
              transport.latency.avg_us == latency.avg_us;
  transport.latency = latency;
  note_latency(transport, latency, codec::day_of(now.unix_s));
  if (!same) RowBlocks::touch(transport);
}

// --- uptime ------------------------------------------------------------------------------------

bool Aggregator::counts_uptime(const Transport& transport) const {
  codec::TransportType type = codec::transport_type(type_of(transport));
  return type != codec::TransportType::kUnknown && type != codec::TransportType::kDmsg;
}

UptimeDay& Aggregator::uptime_day(Transport& transport, UnixDay date) {
  transport.dirty_uptime_from = std::min(transport.dirty_uptime_from, date);
  mark_dirty(transport);
  return day_in(transport.uptime, date);
}

void Aggregator::mark_uptime(Transport& transport, int64_t unix_s) {
  if (!counts_uptime(transport)) return;
  UnixDay date = codec::day_of(unix_s);
  int slot = codec::UptimeBitmap::slot_of(unix_s);
  if (!transport.uptime.empty() && transport.uptime.back().date == date &&
      transport.uptime.back().slots.test(slot)) {
    return;
  }
  set_slot(uptime_day(transport, date).slots, slot);
}

void Aggregator::mark_visor_up(Visor& visor, Moment now) {
  visor.heard_unix_s = now.unix_s;
  mark_dirty(visor);
  UnixDay date = codec::day_of(now.unix_s);
  int slot = codec::UptimeBitmap::slot_of(now.unix_s);
  codec::UptimeBitmap& slots = day_in(visor.uptime, date).slots;
  if (slots.test(slot)) return;
  set_slot(slots, slot);
  visor.dirty_uptime_from = std::min(visor.dirty_uptime_from, date);
}

// Once for each five minutes: a list says that all in it is up.
void Aggregator::heartbeat(Visor& reporter, Moment now) {
  mark_visor_up(reporter, now);
  int64_t slot = now.unix_s / codec::UptimeBitmap::kSlotSeconds;
  if (slot == reporter.heartbeat_slot) return;
  reporter.heartbeat_slot = slot;
  for (Transport* transport : reporter.transports) {
    if (transport->sides[side_of(*transport, reporter.key)].listed) mark_uptime(*transport, now.unix_s);
  }
}

Aggregator::Outcome Aggregator::apply_timeline(const visor_key& reporter, const TransportId& id, UnixDay date,
                                               const codec::UptimeBitmap& slots, Moment now) {
  Transport* transport = lookup(id);
  if (!transport) return Outcome::kUnknown;
  if (side_of(*transport, reporter) > 1) return Outcome::kNotEdge;
  UnixDay today = codec::day_of(now.unix_s);
  if (date <= today - kUptimeDaysKept || date > today || !counts_uptime(*transport)) return Outcome::kApplied;
  uptime_day(*transport, date).slots.merge(slots);
  return Outcome::kApplied;
}

}  // namespace visor::transport_discovery
