// What is to be stored, and how it is taken up again after a restart.
#include <algorithm>

#include "aggregator.hpp"

namespace visor::transport_discovery {

void Aggregator::mark_dirty(Transport& transport) {
  if (std::exchange(transport.dirty, true)) return;
  dirty_transports_.push_back(transport.id);
}

void Aggregator::mark_dirty(Visor& visor) {
  if (std::exchange(visor.dirty, true)) return;
  dirty_visors_.push_back(visor.key);
}

std::vector<Transport*> Aggregator::take_dirty_transports() {
  std::vector<Transport*> out;
  for (const TransportId& id : std::exchange(dirty_transports_, {})) {
    auto at = transports_.find(id);
    if (at != transports_.end() && at->second->dirty) out.push_back(at->second.get());
  }
  return out;
}

std::vector<Visor*> Aggregator::take_dirty_visors() {
  std::vector<Visor*> out;
  for (const visor_key& key : std::exchange(dirty_visors_, {})) {
    auto at = visors_.find(key);
    if (at != visors_.end() && at->second->dirty) out.push_back(at->second.get());
  }
  return out;
}

std::vector<Removed> Aggregator::take_removed() {
  return std::exchange(removed_, {});
}

std::vector<RemovedVisor> Aggregator::take_removed_visors() {
  return std::exchange(removed_visors_, {});
}

Transport* Aggregator::restore_transport(const TransportId& id, const std::array<visor_key, 2>& edges,
                                         std::string_view type, std::string_view label, uint8_t creator) {
  if (transports_.contains(id) || creator > 1) return nullptr;
  Visor* a = intern(edges[0]);
  Visor* b = intern(edges[1]);
  std::optional<uint8_t> type_word = types_.intern(type);
  if (!a || !b || a == b || !type_word) return nullptr;
  return &insert(id, *a, *b, *type_word, labels_.intern(label).value_or(*labels_.find("other")), creator);
}

Transport* Aggregator::restored(const TransportId& id) {
  auto at = transports_.find(id);
  return at == transports_.end() ? nullptr : at->second.get();
}

Visor* Aggregator::restore_visor(const visor_key& key) {
  return intern(key);
}

Visor* Aggregator::restored_visor(const visor_key& key) {
  auto at = visors_.find(key);
  return at == visors_.end() ? nullptr : at->second.get();
}

void Aggregator::restore_registration(Transport& transport, size_t side, uint64_t order,
                                      int64_t until_unix_s) {
  transport.registered = true;
  Registration& registration = registrations_[transport.id];
  registration.order[side] = order;
  registration.until_unix_s[side] = until_unix_s;
}

void Aggregator::finish_restore(Moment now) {
  for (auto& [id, registration] : registrations_) {
    for (size_t side = 0; side < 2; ++side) {
      if (registration.order[side] == 0) continue;
      order_ = std::max(order_, registration.order[side]);
      // At most one life long, whatever the calendar has done.
      int64_t left_ms = std::clamp<int64_t>((registration.until_unix_s[side] - now.unix_s) * 1000, 0,
                                            options_.assertion_ttl_ms);
      registration.until_mono_ms[side] = now.mono_ms + left_ms;
      registration_deadlines_.emplace(registration.until_mono_ms[side], id, side);
    }
  }
  for (auto& [key, visor] : visors_in_order_) {
    order_ = std::max(order_, visor->asserted);
    if (visor->asserted == 0) continue;
    // A clock that was set back in between makes it as fresh as can be, not fresh for ever.
    int64_t age_ms = std::max<int64_t>(0, now.unix_s - visor->refreshed_unix_s) * 1000;
    visor->refreshed_mono_ms = now.mono_ms - age_ms;
    visor->fresh = age_ms < options_.assertion_ttl_ms;
    if (!visor->fresh) continue;
    ++fresh_reporters_;
    deadlines_.emplace(visor->refreshed_mono_ms + options_.assertion_ttl_ms, key);
  }
  for (auto& [id, transport] : transports_) {
    for (size_t side = 0; side < 2; ++side) {
      order_ = std::max(order_, transport->sides[side].withdrawn);
      if (transport->sides[side].listed && transport->sides[1 - side].withdrawn != 0) {
        transport->sides[side].visor->contested.push_back(id);
      }
    }
    update_live(*transport, now);
    if (!transport->live && transport->ended_at_s == 0) transport->ended_at_s = now.unix_s;
  }
  std::vector<Visor*> unused;
  for (auto& [key, visor] : visors_in_order_) {
    if (visor->transports.empty() && !visor->fresh && !remembered(*visor)) unused.push_back(visor);
  }
  for (Visor* visor : unused) forget_visor(*visor);
}

}  // namespace visor::transport_discovery
