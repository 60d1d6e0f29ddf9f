#include "manager.hpp"

#include <algorithm>

#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::transports {
namespace {

constexpr uint64_t kMs = 1'000'000;

// "[::1]:4242" and "192.0.2.1:4242" without the port.
std::string host_of(std::string_view origin) {
  return std::string(origin.substr(0, origin.rfind(':')));
}

std::string describe(const codec::TransportEntry& entry, const visor_key& own) {
  return entry.type + " to " + to_hex(codec::other_edge(entry, own)) + " (" + codec::to_uuid(entry.id) + ")";
}

}  // namespace

Manager::Manager(Host host, visor_identity* identity, const Config& config, Events events)
    : host_(host), identity_(identity), config_(config), events_(std::move(events)), tasks_(host) {
  for (const PersistentPeer& peer : config.peers) {
    persistent_.push_back({peer, codec::transport_id(own(), peer.key, peer.type), false, 0, {}});
  }
}

void Manager::start() {
  // Small against the interval, so that pings are on time; never more than the cleanup's second.
  uint64_t period_ms = std::clamp<uint64_t>(config_.interval_ms / 4, 10, 1000);
  timer_ = Timer::every(host_, period_ms, [this] { tick(); });
  keep_persistent(host_.now_ns());
}

void Manager::stop() {
  if (std::exchange(stopped_, true)) return;
  timer_.cancel();
  carriers_.clear();
  answering_.clear();
  auto dials = std::exchange(dials_, {});
  auto settling = std::exchange(settling_, {});
  auto serving = std::exchange(serving_, {});
  held_.clear();
  closed_.clear();
  Error why{VISOR_ECANCELED, "the transports are stopping"};
  for (auto& [id, dial] : dials) {
    if (dial.transport) dial.transport->close(why);
  }
  for (auto& transport : settling) transport->close(why);
  for (auto& [id, transport] : serving) transport->close(why);
}

void Manager::changed() const {
  if (!stopped_ && events_.changed) events_.changed();
}

Carrier* Manager::carrier(std::string_view type) const {
  auto at = std::ranges::find_if(carriers_, [&](const auto& each) { return each->type() == type; });
  return at == carriers_.end() ? nullptr : at->get();
}

/* --- dialling ------------------------------------------------------------------------------- */

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
    if (auto begun = begin_dial(std::move(entry), address, false); !begun)
      return std::unexpected(begun.error());
  }
  auto& waiters = dials_.at(id).waiters;
  if (waiters.size() >= kMaxWaiters) {
    return failure(VISOR_EAGAIN, std::to_string(kMaxWaiters) + " others wait for this transport already");
  }
  waiters.push_back({number, std::move(saved)});
  return number;
}

Result<void> Manager::begin_dial(codec::TransportEntry entry, std::string_view address, bool persistent) {
  Carrier* by = carrier(entry.type);
  if (!by) {
    std::string known;
    for (const auto& each : carriers_) known += (known.empty() ? "" : ", ") + std::string(each->type());
    return failure(VISOR_ENOSYS,
                   "transports of type \"" + entry.type + "\" are not made here; types are " + known);
  }
  if (address.empty()) {
    return failure(VISOR_EINVAL, "an address is needed: nobody here resolves a key to one");
  }
  if (serving_.size() + dials_.size() >= config_.limits.transports) {
    return failure(VISOR_ENOSPC, "there are " + std::to_string(serving_.size()) +
                                     " transports and more under way; the limit is " +
                                     std::to_string(config_.limits.transports));
  }
  codec::TransportId id = entry.id;
  uint64_t limit_ms = persistent ? kPersistentDialMs : Transport::kSettlementMs;
  auto connecting =
      by->dial(address, limit_ms, [this, id](Result<visor_stream*> stream) { on_connected(id, stream); });
  if (!connecting) return std::unexpected(connecting.error());
  ++counters_.dialed;
  dials_.emplace(id, Dial{std::move(entry),
                          std::string(address),
                          {},
                          persistent,
                          host_.now_ns(),
                          limit_ms,
                          std::move(*connecting),
                          nullptr});
  return {};
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

/* --- accepting ------------------------------------------------------------------------------ */

bool Manager::has_room() const {
  return !stopped_ && settling_.size() < config_.limits.settling;
}

void Manager::accept(std::string_view type, visor_stream* stream) {
  std::string origin(text(stream->api->origin(stream)));
  AddressUse& use = addresses_[host_of(origin)];
  if (!has_room() || use.settling >= config_.limits.settling_per_address ||
      use.all >= config_.limits.per_address) {
    ++counters_.refused;
    host_.debug("transports: no room for a connection from " + origin);
    stream->api->close(stream);
    if (use.all == 0) addresses_.erase(host_of(origin));
    return;
  }
  ++use.all;
  ++use.settling;
  ++counters_.accepted;
  auto transport = std::make_shared<Transport>(host_, identity_,
                                               Transport::Terms{.dialed = false,
                                                                .type = std::string(type),
                                                                .label = std::string(codec::kLabelUser),
                                                                .address = std::move(origin),
                                                                .peer = {},
                                                                .interval_ms = config_.interval_ms},
                                               *this);
  settling_.push_back(transport);
  transport->begin(stream);
}

bool Manager::on_identified(Transport& transport) {
  auto same = std::ranges::count_if(
      settling_, [&](const auto& each) { return each->identified() && each->peer() == transport.peer(); });
  bool wanted = static_cast<size_t>(same) <= kMaxSettlingPerPeer;
  if (!wanted) ++counters_.refused;
  return wanted;
}

void Manager::on_proposed(Transport& transport) {
  const codec::TransportId& id = transport.entry().id;
  if (!dials_.contains(id) || transport.peer() < own()) return decide(transport);
  // Both dial: ours goes before, as the peer knows too; it is answered when ours has failed.
  Transport* before = std::exchange(held_[id], &transport);
  if (before) before->refuse("the peer has proposed again");
}

void Manager::release_held(const codec::TransportId& id) {
  auto at = held_.find(id);
  if (at == held_.end()) return;
  Transport& transport = *at->second;
  held_.erase(at);
  decide(transport);
}

void Manager::decide(Transport& transport) {
  auto live = serving_.find(transport.entry().id);
  if (live == serving_.end() && serving_.size() >= config_.limits.transports) {
    ++counters_.refused;
    return transport.refuse("the limit of " + std::to_string(config_.limits.transports) +
                            " transports is reached");
  }
  // A connection that the peer began before it knew of ours, and that overtook its end.
  if (live != serving_.end() && live->second->terms().dialed && own() < transport.peer() &&
      host_.now_ns() - live->second->created_ns() < Transport::kSettlementMs * kMs) {
    return transport.refuse("our own dial to this peer, at the same moment, goes before");
  }
  transport.accept();
}

/* --- what becomes of them ------------------------------------------------------------------- */

void Manager::on_settled(Transport& transport) {
  std::shared_ptr<Transport> keep = transport.shared_from_this();
  codec::TransportId id = transport.entry().id;
  ++counters_.settled;
  if (auto live = serving_.find(id); live != serving_.end()) {
    ++counters_.replaced;
    live->second->close({VISOR_ECLOSED, "replaced by a newer connection of the same peer"});
  }
  if (!transport.terms().dialed) {
    std::erase(settling_, keep);
    --addresses_[host_of(transport.terms().address)].settling;
  }
  serving_[id] = keep;
  if (auto at = dials_.find(id); at != dials_.end()) {
    Dial dial = std::move(at->second);
    dials_.erase(at);
    answer_later(std::move(dial.waiters), id, std::nullopt);
    if (dial.transport && dial.transport != keep) {
      dial.transport->close({VISOR_ECLOSED, "the peer's own dial, at the same moment, goes before"});
    }
  }
  if (auto held = held_.find(id); held != held_.end()) {
    Transport* late = held->second;
    held_.erase(held);
    if (late != &transport) late->refuse("our own dial to this peer, at the same moment, goes before");
  }
  note_problem(id, "");
  host_.info("transport up: " + describe(transport.entry(), own()) +
             (transport.terms().dialed ? ", dialled " : ", from ") + transport.terms().address);
  changed();
}

void Manager::on_measured(Transport&) {
  changed();
}

void Manager::on_stream(Transport& transport, uint16_t port, visor_stream* stream) {
  if (stopped_) return stream->api->close(stream);
  events_.stream(transport, port, stream);
}

void Manager::on_closed(Transport& transport, const Error& error) {
  if (stopped_) return;
  std::shared_ptr<Transport> keep = transport.shared_from_this();
  bool was_settling = std::erase(settling_, keep) > 0;
  if (!transport.terms().dialed) {
    auto use = addresses_.find(host_of(transport.terms().address));
    if (was_settling) --use->second.settling;
    if (--use->second.all == 0) addresses_.erase(use);
  }
  if (!transport.identified()) {
    ++counters_.failed;
    return host_.debug("transports: connection from " + transport.terms().address + " ended: " + error.text);
  }
  codec::TransportId id = transport.entry().id;
  if (auto held = held_.find(id); held != held_.end() && held->second == &transport) held_.erase(held);
  if (auto live = serving_.find(id); live != serving_.end() && live->second == keep) {
    serving_.erase(live);
    ++counters_.closed;
    if (closed_.size() < kMaxClosedShown) closed_.push_back(keep);
    host_.info("transport closed: " + describe(transport.entry(), own()) + ": " + error.text);
    return changed();
  }
  if (was_settling) {
    ++counters_.failed;
    host_.debug("transports: " + describe(transport.entry(), own()) + " was not settled: " + error.text);
  } else if (auto dial = dials_.find(id); dial != dials_.end() && dial->second.transport == keep) {
    end_dial(id, error);
  }
}

std::vector<Transport*> Manager::serving_to(const visor_key& peer) const {
  std::vector<Transport*> found;
  for (const auto& each : carriers_) {
    auto at = serving_.find(codec::transport_id(own(), peer, each->type()));
    if (at != serving_.end()) found.push_back(at->second.get());
  }
  std::ranges::stable_sort(found, {}, [](const Transport* transport) {
    double ms = transport->latency().avg_ms;
    return ms > 0 ? ms : 1e9;
  });
  return found;
}

/* --- the one loop --------------------------------------------------------------------------- */

void Manager::tick() {
  uint64_t now_ns = host_.now_ns();
  if (!std::exchange(closed_, {}).empty()) changed();
  std::vector<std::shared_ptr<Transport>> all(settling_);
  for (const auto& [id, dial] : dials_) {
    if (dial.transport) all.push_back(dial.transport);
  }
  for (const auto& [id, transport] : serving_) all.push_back(transport);
  for (const auto& transport : all) transport->tick(now_ns);

  std::vector<codec::TransportId> late;
  for (const auto& [id, dial] : dials_) {
    if (dial.connecting && now_ns - dial.started_ns >= dial.limit_ms * kMs) late.push_back(id);
  }
  for (const auto& id : late) end_dial(id, {VISOR_ETIMEDOUT, "the address did not answer in time"});
  keep_persistent(now_ns);
}

void Manager::keep_persistent(uint64_t now_ns) {
  uint64_t retry_ns = std::min(kRetryMs, config_.interval_ms) * kMs;
  for (Persistent& each : persistent_) {
    if (serving_.contains(each.id) || dials_.contains(each.id)) continue;
    if (each.tried && now_ns - each.tried_ns < retry_ns) continue;
    each.tried = true;
    each.tried_ns = now_ns;
    auto entry = codec::make_transport_entry(own(), each.peer.key, each.peer.type, codec::kLabelUser);
    auto begun = each.peer.key == own()
                     ? failure(VISOR_EINVAL, "this is our own key: a visor makes no transport to itself")
                     : begin_dial(std::move(entry), each.peer.address, true);
    if (!begun) note_problem(codec::TransportId(each.id), begun.error().text);
  }
}

// A peer that is away is tried again and again: each of its problems is told once.
void Manager::note_problem(const codec::TransportId& id, const std::string& problem) {
  for (Persistent& each : persistent_) {
    if (each.id != id || each.problem == problem) continue;
    each.problem = problem;
    if (!problem.empty()) {
      host_.warn("no transport to " + to_hex(each.peer.key) + " at " + each.peer.address + " (" + problem +
                 "); it is tried again");
    }
  }
}

}  // namespace visor::transports
