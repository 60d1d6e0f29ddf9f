// What follows from the time alone: assertions that expire, days and visors that are forgotten.
#include <algorithm>

#include "aggregator.hpp"

namespace visor::transport_discovery {
namespace {

constexpr size_t kSweepParts = 64; /* ticks in which all transports are looked at once */
constexpr size_t kSweepAtLeast = 64;

// Takes the days up to `last` out of an ascending list; which these were.
template <class T>
void take_until(std::vector<T>& days, UnixDay last, std::vector<UnixDay>& taken) {
  auto end = std::ranges::upper_bound(days, last, {}, &T::date);
  for (auto day = days.begin(); day != end; ++day) taken.push_back(day->date);
  days.erase(days.begin(), end);
}

}  // namespace

void Aggregator::expire(Moment now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono_ms) {
    visor_key key = deadlines_.extract(deadlines_.begin()).value().second;
    auto at = visors_.find(key);
    if (at == visors_.end() || !at->second->fresh) continue;
    Visor& reporter = *at->second;
    int64_t deadline = reporter.refreshed_mono_ms + options_.assertion_ttl_ms;
    if (deadline > now.mono_ms) {
      deadlines_.emplace(deadline, key);
      continue;
    }
    reporter.fresh = false;
    --fresh_reporters_;
    ++counters_.expired_reporters;
    for (Transport* transport : reporter.transports) update_live(*transport, now);
    forget_visor_if_unused(reporter);
  }
}

// Days that nobody may ask for any more go from the drive, older ones from memory alone.
void Aggregator::drop_old_days(Transport& transport, UnixDay today, Removed& removed) {
  take_until(transport.days, today - kDaysKept, removed.days);
  for (; transport.is_archived() && transport.archived_from <= today - kDaysKept; ++transport.archived_from)
    removed.days.push_back(transport.archived_from);
  if (!transport.is_archived()) transport.archived_from = 0, transport.archived_until = -1;
  if (!archive_) return;
  std::vector<UnixDay> archived; /* only what the drive has already */
  take_until(transport.days, std::min(today - kHotDays, transport.dirty_days_from - 1), archived);
  if (archived.empty()) return;
  if (!transport.is_archived()) transport.archived_from = archived.front();
  transport.archived_until = std::max(transport.archived_until, archived.back());
  transport.archived_from = std::min(transport.archived_from, archived.front());
}

void Aggregator::drop_old(Visor& visor, Moment now) {
  UnixDay today = codec::day_of(now.unix_s);
  RemovedVisor removed{visor.key, false, {}, {}};
  take_until(visor.days, today - kDaysKept, removed.days);
  take_until(visor.uptime, today - kUptimeDaysKept, removed.uptime);
  if (!removed.days.empty() || !removed.uptime.empty()) removed_visors_.push_back(std::move(removed));
  if (!visor.transports.empty() || visor.fresh) return;
  if (visor.heard_unix_s < now.unix_s - kVisorDaysKept * codec::kSecondsPerDay || !remembered(visor))
    forget_visor(visor);
}

// Whether nothing is left of it that anybody would ask for.
bool Aggregator::drop_old(Transport& transport, Moment now) {
  UnixDay today = codec::day_of(now.unix_s);
  Removed removed{transport.id, false, {}, {}};
  drop_old_days(transport, today, removed);
  take_until(transport.uptime, today - kUptimeDaysKept, removed.uptime);
  if (!removed.days.empty() || !removed.uptime.empty()) removed_.push_back(std::move(removed));
  int64_t oldest = now.unix_s - kDaysKept * codec::kSecondsPerDay;
  if (transport.latency.known() && transport.latency.measured_at_s < oldest) {
    transport.latency = {};
    mark_dirty(transport);
  }
  if (transport.throughput_at_s != 0 && transport.throughput_at_s < oldest) {
    transport.throughput_at_s = 0;
    transport.throughput_bytes_per_s = 0;
    mark_dirty(transport);
  }
  if (!transport.live) RowBlocks::touch(transport);  // some renderings show it for a while after its end
  bool asserted = asserted_by(transport, 0) != 0 || asserted_by(transport, 1) != 0;
  // Its last counters may come after the list that lacks it.
  bool long_ended = now.unix_s - transport.ended_at_s > options_.assertion_ttl_ms / 1000;
  return !asserted && long_ended && !transport.has_history();
}

void Aggregator::sweep(Moment now) {
  size_t left = std::max(kSweepAtLeast, transports_.size() / kSweepParts);
  Transport* next = blocks_.after(swept_);
  for (; next && left > 0; --left) {
    Transport& transport = *next;
    swept_ = transport.id;
    next = blocks_.after(swept_);
    if (drop_old(transport, now)) erase(transport);
  }
  if (!next) swept_ = {};
}

void Aggregator::sweep_visors(Moment now) {
  size_t left = std::max(kSweepAtLeast, visors_.size() / kSweepParts);
  auto next = visors_in_order_.upper_bound(swept_visor_);
  for (; next != visors_in_order_.end() && left > 0; --left) {
    swept_visor_ = next->first;
    Visor& visor = *next->second;
    ++next;
    drop_old(visor, now);
  }
  if (next == visors_in_order_.end()) swept_visor_ = {};
}

void Aggregator::tick(Moment now) {
  expire(now);
  expire_registrations(now);
  sweep(now);
  sweep_visors(now);
  totals_.drop_until(codec::day_of(now.unix_s) - kDaysKept);
}

}  // namespace visor::transport_discovery
