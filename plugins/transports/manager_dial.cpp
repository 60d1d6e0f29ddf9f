// The dialling half of the manager: saves, those who wait for them, persistent peers.
#include <algorithm>

#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "manager.hpp"
#include "relay_carrier.hpp"

namespace visor::transports {
namespace {

constexpr uint64_t kMs = 1'000'000;

}  // namespace

Carrier* Manager::carrier(std::string_view type) const {
  auto at = std::ranges::find_if(carriers_, [&](const auto& each) { return each->type() == type; });
  return at == carriers_.end() ? nullptr : at->get();
}

bool Manager::has_relay() const {
  Carrier* relay = carrier(RelayCarrier::kType);
  return config_.relay && relay && !relay->address_of(own()).empty();
}

Result<uint64_t> Manager::save(const visor_key& remote, std::string_view type, std::string_view address,
                               std::string_view label, Saved saved) {
  if (stopped_) return failure(VISOR_ECLOSED, "the transports are stopping");
  if (!crypto::valid_public_key(remote)) {
    return failure(VISOR_EINVAL, "not a public key: " + to_hex(remote));
  }
  if (remote == own())
    return failure(VISOR_EINVAL, "this is our own key: a visor makes no transport to itself");
  if (label.empty()) label = codec::kLabelUser;
  if (label != codec::kLabelUser && label != codec::kLabelAutomatic) {
    return failure(VISOR_EINVAL, "a label is \"user\" or \"automatic\"; got \"" + std::string(label) + "\"");
  }
  codec::TransportEntry entry = codec::make_transport_entry(own(), remote, type, label);
  uint64_t number = ++last_number_;
  codec::TransportId id = entry.id;
  if (serving_.contains(id)) {
    std::vector<Waiter> waiters;
    waiters.push_back({number, std::move(saved)});
    answer_later(std::move(waiters), id, std::nullopt);
    return number;
  }
  if (!dials_.contains(id)) {
    if (auto begun = begin_dial(std::move(entry), address, nullptr); !begun)
      return std::unexpected(begun.error());
  }
  auto& waiters = dials_.at(id).waiters;
  if (waiters.size() >= kMaxWaiters) {
    return failure(VISOR_EAGAIN, std::to_string(kMaxWaiters) + " others wait for this transport already");
  }
  waiters.push_back({number, std::move(saved)});
  return number;
}

Result<void> Manager::begin_dial(codec::TransportEntry entry, std::string_view address,
                                 const Persistent* persistent) {
  Carrier* by = carrier(entry.type);
  if (!by) {
    std::string known;
    for (const auto& each : carriers_) known += (known.empty() ? "" : ", ") + std::string(each->type());
    return failure(VISOR_ENOSYS,
                   "transports of type \"" + entry.type + "\" are not made here; types are " + known);
  }
  std::string resolved;
  if (address.empty()) address = resolved = by->address_of(codec::other_edge(entry, own()));
  if (address.empty() && entry.type == RelayCarrier::kType) {
    return failure(VISOR_ENOENT, "there is no relay network here: start the plugin dmsg");
  }
  if (address.empty() && !resolve_) {
    return failure(VISOR_EINVAL, "an address is needed: nobody here resolves a key to one");
  }
  if (serving_.size() + dials_.size() >= config_.limits.transports) {
    return failure(VISOR_ENOSPC, "there are " + std::to_string(serving_.size()) +
                                     " transports and more under way; the limit is " +
                                     std::to_string(config_.limits.transports));
  }
  codec::TransportId id = entry.id;
  uint64_t limit_ms = persistent ? persistent->limit_ms : Transport::kSettlementMs;
  auto connecting = connect(id, entry, address, limit_ms);
  if (!connecting) return std::unexpected(connecting.error());
  ++counters_.dialed;
  dials_.emplace(id, Dial{std::move(entry),
                          std::string(address),
                          {},
                          persistent != nullptr,
                          host_.now_ns(),
                          limit_ms,
                          std::move(*connecting),
                          nullptr});
  return {};
}

Result<Carrier::Dial> Manager::connect(const codec::TransportId& id, const codec::TransportEntry& entry,
                                       std::string_view address, uint64_t limit_ms) {
  if (address.empty()) {
    return resolve_(codec::other_edge(entry, own()), entry.type,
                    [this, id](Result<std::string> found) { on_resolved(id, std::move(found)); });
  }
  return carrier(entry.type)->dial(address, limit_ms, [this, id](Result<visor_stream*> stream) {
    on_connected(id, stream);
  });
}

void Manager::on_resolved(const codec::TransportId& id, Result<std::string> address) {
  if (!address) return end_dial(id, address.error());
  Dial& dial = dials_.at(id);
  dial.address = std::move(*address);
  auto connecting = connect(id, dial.entry, dial.address, dial.limit_ms);
  if (!connecting) return end_dial(id, connecting.error());
  dial.connecting = std::move(*connecting);
}

void Manager::on_connected(const codec::TransportId& id, Result<visor_stream*> stream) {
  if (!stream) return end_dial(id, stream.error());
  Dial& dial = dials_.at(id);
  dial.connecting.reset();
  uint64_t spent_ms = (host_.now_ns() - dial.started_ns) / kMs;
  dial.transport = std::make_shared<Transport>(
      host_, identity_,
      Transport::Terms{.dialed = true,
                       .type = dial.entry.type,
                       .label = dial.entry.label,
                       .address = dial.address,
                       .peer = codec::other_edge(dial.entry, own()),
                       .settlement_ms = dial.limit_ms - std::min(spent_ms, dial.limit_ms - 1),
                       .interval_ms = config_.interval_ms},
      *this);
  dial.transport->begin(*stream);
  changed();
}

void Manager::end_dial(const codec::TransportId& id, const Error& error) {
  auto at = dials_.find(id);
  if (at == dials_.end()) return;
  Dial dial = std::move(at->second);
  dials_.erase(at);
  ++counters_.failed;
  note_problem(id, error.text);
  if (Persistent* each = persistent(id); each && error.status == VISOR_ETIMEDOUT)
    each->limit_ms = std::min(each->limit_ms * 2, Transport::kSettlementMs);
  answer_later(std::move(dial.waiters), id, error);
  if (dial.transport) dial.transport->close(error);
  changed();
  release_held(id);
}

void Manager::answer_later(std::vector<Waiter> waiters, const codec::TransportId& id,
                           std::optional<Error> error) {
  for (Waiter& waiter : waiters) {
    answering_.emplace(waiter.number, std::move(waiter.saved));
    tasks_.post([this, number = waiter.number, id, error] {
      auto at = answering_.find(number);
      if (at == answering_.end()) return;
      Saved saved = std::move(at->second);
      answering_.erase(at);
      if (error) return saved(std::unexpected(*error));
      auto live = serving_.find(id);
      if (live != serving_.end()) return saved(live->second.get());
      saved(failure(VISOR_ECLOSED, "the transport was closed right after it was settled"));
    });
  }
}

void Manager::cancel(uint64_t number) {
  answering_.erase(number);
  for (auto& [id, dial] : dials_) {
    if (std::erase_if(dial.waiters, [number](const Waiter& waiter) { return waiter.number == number; }) == 0)
      continue;
    if (dial.waiters.empty() && !dial.persistent) {
      end_dial(codec::TransportId(id), {VISOR_ECANCELED, "nobody waits for the transport any more"});
    }
    return;
  }
}

Result<void> Manager::remove(const codec::TransportId& id) {
  bool known = std::erase_if(persistent_, [&](const Persistent& each) { return each.id == id; }) > 0;
  Error why{VISOR_ECANCELED, "removed"};
  if (dials_.contains(id)) {
    known = true;
    end_dial(id, why);
  }
  if (auto at = serving_.find(id); at != serving_.end()) {
    known = true;
    at->second->close(why);
  }
  if (!known) return failure(VISOR_ENOENT, "no transport has the identifier " + codec::to_uuid(id));
  return {};
}

/* --- persistent peers ----------------------------------------------------------------------- */

void Manager::keep_persistent(uint64_t now_ns) {
  if (stopped_) return;
  uint64_t retry_ns = std::min(kRetryMs, config_.interval_ms) * kMs;
  for (Persistent& each : persistent_) {
    if (serving_.contains(each.id) || dials_.contains(each.id)) continue;
    if (each.tried && now_ns - each.tried_ns < retry_ns) continue;
    each.tried = true;
    each.tried_ns = now_ns;
    auto entry = codec::make_transport_entry(own(), each.peer.key, each.peer.type, codec::kLabelUser);
    auto begun = each.peer.key == own()
                     ? failure(VISOR_EINVAL, "this is our own key: a visor makes no transport to itself")
                     : begin_dial(std::move(entry), each.peer.address, &each);
    if (!begun) note_problem(codec::TransportId(each.id), begun.error().text);
  }
}

Manager::Persistent* Manager::persistent(const codec::TransportId& id) {
  auto at = std::ranges::find(persistent_, id, &Persistent::id);
  return at == persistent_.end() ? nullptr : &*at;
}

// A peer that is away is tried again and again: each of its problems is told once.
void Manager::note_problem(const codec::TransportId& id, const std::string& problem) {
  Persistent* each = persistent(id);
  if (!each || each->problem == problem) return;
  each->problem = problem;
  if (problem.empty()) return;
  host_.warn("no transport to " + to_hex(each->peer.key) + " at " + each->peer.address + " (" + problem +
             "); it is tried again");
}

}  // namespace visor::transports
