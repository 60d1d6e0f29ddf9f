// Who asserts what, by a list or beside one, and what is live because of it.
#include <algorithm>

#include "aggregator.hpp"
#include "lib/codec/transport_type.hpp"
#include "sides.hpp"

namespace visor::transport_discovery {
namespace {

Side& other_side(Transport& transport, size_t side) {
  return transport.sides[1 - side];
}

}  // namespace

bool Aggregator::asserted_live(const Transport& transport) const {
  for (size_t side = 0; side < 2; ++side) {
    uint64_t asserted = asserted_by(transport, side);
    if (asserted != 0 && transport.sides[1 - side].withdrawn <= asserted) return true;
  }
  return false;
}

// The number of this edge's latest assertion that has not expired; 0: there is none.
uint64_t Aggregator::asserted_by(const Transport& transport, size_t side) const {
  const Side& own = transport.sides[side];
  uint64_t listed = own.listed && own.visor->fresh ? own.visor->asserted : 0;
  if (!transport.registered) return listed;
  return std::max(listed, registrations_.find(transport.id)->second.order[side]);
}

void Aggregator::count_live(Transport& transport, bool live) {
  transport.live = live;
  size_t one = live ? 1 : static_cast<size_t>(-1);
  live_ += one;
  live_by_type_[transport.type] += one;
  for (Side& side : transport.sides) {
    if (codec::transport_type(type_of(transport)) != codec::TransportType::kDmsg)
      side.visor->live_direct += one;
    size_t before = std::exchange(side.visor->live_transports, side.visor->live_transports + one);
    if (before == 0 || side.visor->live_transports == 0) live_visors_ += one;
  }
}

void Aggregator::update_live(Transport& transport, Moment now) {
  bool live = asserted_live(transport);
  if (live == transport.live) return;
  count_live(transport, live);
  transport.ended_at_s = live ? 0 : now.unix_s;
  RowBlocks::touch(transport);
  mark_dirty(transport);
}

void Aggregator::begin_assertion(Visor& reporter, Moment now) {
  reporter.asserted = ++order_;
  reporter.refreshed_mono_ms = now.mono_ms;
  reporter.refreshed_unix_s = now.unix_s;
  mark_dirty(reporter);
  if (!reporter.fresh) {
    reporter.fresh = true;
    ++fresh_reporters_;
    deadlines_.emplace(now.mono_ms + options_.assertion_ttl_ms, reporter.key);
    for (Transport* transport : reporter.transports) update_live(*transport, now);
  }
  for (const TransportId& id : std::exchange(reporter.contested, {})) {
    if (Transport* transport = lookup(id)) update_live(*transport, now);
  }
}

bool Aggregator::assert_row(Visor& reporter, const codec::ListedTransport& row, Moment now) {
  Transport* transport = lookup(row.entry.id);
  if (!transport) transport = create(reporter, row, now);
  size_t own = transport ? side_of(*transport, reporter) : 2;
  if (own > 1) {
    ++counters_.refused_listed_rows;
    return false;
  }
  ++counters_.listed_rows;
  if (row.alias) aliases_.emplace(*row.alias, row.entry.id);
  Side& side = transport->sides[own];
  side.generation = reporter.list_generation;
  if (side.listed) return false;
  side.listed = true;
  side.withdrawn = 0;
  mark_dirty(*transport);
  mark_uptime(*transport, now.unix_s);
  update_live(*transport, now);
  return true;
}

void Aggregator::withdraw(Transport& transport, size_t side, Moment now) {
  end_registration(transport, side);
  transport.sides[side].listed = false;
  transport.sides[side].withdrawn = ++order_;
  mark_dirty(transport);
  Side& other = other_side(transport, side);
  if (other.listed) other.visor->contested.push_back(transport.id);
  update_live(transport, now);
}

std::vector<TransportId> Aggregator::apply_list(const visor_key& reporter_key,
                                                std::span<const codec::ListedTransport> rows,
                                                std::string_view version, Moment now) {
  std::vector<TransportId> added;
  Visor* reporter = intern(reporter_key);
  if (!reporter) return added;
  ++counters_.lists;
  reporter->version = version;
  begin_assertion(*reporter, now);
  ++reporter->list_generation;
  for (const codec::ListedTransport& row : rows) {
    if (assert_row(*reporter, row, now)) added.push_back(row.entry.id);
  }
  for (Transport* transport : reporter->transports) {
    size_t side = side_of(*transport, *reporter);
    const Side& own = transport->sides[side];
    bool asserted = own.listed || (transport->registered && asserted_by(*transport, side) != 0);
    if (asserted && own.generation != reporter->list_generation) withdraw(*transport, side, now);
  }
  heartbeat(*reporter, now);
  return added;
}

std::vector<TransportId> Aggregator::remember_ended(const visor_key& reporter_key,
                                                    std::span<const codec::ListedTransport> rows,
                                                    Moment now) {
  std::vector<TransportId> added;
  Visor* reporter = rows.empty() ? nullptr : intern(reporter_key);
  if (!reporter) return added;
  for (const codec::ListedTransport& row : rows) {
    if (lookup(row.entry.id)) continue;
    Transport* transport = create(*reporter, row, now);
    if (!transport) {
      ++counters_.refused_listed_rows;
      continue;
    }
    transport->ended_at_s = now.unix_s;
    mark_dirty(*transport);
    added.push_back(row.entry.id);
  }
  forget_visor_if_unused(*reporter);
  return added;
}

// --- assertions beside lists --------------------------------------------------------------------

bool Aggregator::register_transport(const visor_key& reporter_key, const codec::ListedTransport& row,
                                    Moment now) {
  Visor* reporter = intern(reporter_key);
  if (!reporter) return false;
  Transport* transport = lookup(row.entry.id);
  if (!transport) transport = create(*reporter, row, now);
  size_t own = transport ? side_of(*transport, *reporter) : 2;
  if (own > 1) {
    ++counters_.refused_listed_rows;
    forget_visor_if_unused(*reporter);
    return false;
  }
  if (row.alias) aliases_.emplace(*row.alias, row.entry.id);
  ++counters_.registered_rows;
  transport->registered = true;
  Registration& registration = registrations_[transport->id];
  registration.order[own] = ++order_;
  registration.until_mono_ms[own] = now.mono_ms + options_.assertion_ttl_ms;
  registration.until_unix_s[own] = now.unix_s + options_.assertion_ttl_ms / 1000;
  registration_deadlines_.emplace(registration.until_mono_ms[own], transport->id, own);
  Side& side = transport->sides[own];
  side.withdrawn = 0;
  mark_dirty(*transport);
  mark_uptime(*transport, now.unix_s);
  update_live(*transport, now);
  mark_visor_up(*reporter, now);
  return true;
}

void Aggregator::end_registration(Transport& transport, size_t side) {
  if (!transport.registered) return;
  auto at = registrations_.find(transport.id);
  at->second.order[side] = 0;
  if (at->second.order[1 - side] != 0) return;
  registrations_.erase(at);
  transport.registered = false;
}

Aggregator::Outcome Aggregator::deregister(const visor_key& reporter, const TransportId& id, Moment now) {
  Transport* transport = lookup(id);
  if (!transport) return Outcome::kUnknown;
  for (size_t side = 0; side < 2; ++side) {
    if (transport->sides[side].visor->key != reporter) continue;
    withdraw(*transport, side, now);
    return Outcome::kApplied;
  }
  return Outcome::kNotEdge;
}

bool Aggregator::deregister_by_monitor(const TransportId& id, Moment now) {
  Transport* transport = lookup(id);
  if (!transport) return false;
  for (size_t side = 0; side < 2; ++side) withdraw(*transport, side, now);
  return true;
}

void Aggregator::expire_registrations(Moment now) {
  while (!registration_deadlines_.empty() && std::get<0>(*registration_deadlines_.begin()) <= now.mono_ms) {
    auto [deadline, id, side] = registration_deadlines_.extract(registration_deadlines_.begin()).value();
    auto at = registrations_.find(id);
    // Renewed since: another deadline stands for it.
    if (at == registrations_.end() || at->second.order[side] == 0 ||
        at->second.until_mono_ms[side] > deadline)
      continue;
    Transport& transport = *lookup(id);
    end_registration(transport, side);
    mark_dirty(transport);
    update_live(transport, now);
  }
}

bool Aggregator::visor_heartbeat(const visor_key& key, std::string_view version, Moment now) {
  bool known = find_visor(key) != nullptr;
  if (!known && visors_.size() - visors_with_transports_ >= options_.max_idle_visors) return false;
  Visor* visor = intern(key);
  if (!visor) return false;
  if (!version.empty() && visor->version != version) {
    visor->version = version;
    mark_dirty(*visor);
  }
  mark_visor_up(*visor, now);
  return true;
}

bool Aggregator::refresh(const visor_key& reporter_key, Moment now) {
  auto at = visors_.find(reporter_key);
  if (at == visors_.end() || !at->second->fresh) return false;
  ++counters_.refreshes;
  begin_assertion(*at->second, now);
  heartbeat(*at->second, now);
  return true;
}

}  // namespace visor::transport_discovery
