#include "manager.hpp"

#include <algorithm>

#include "lib/codec/transport_type.hpp"

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
    persistent_.push_back({.peer = peer, .id = codec::transport_id(own(), peer.key, peer.type)});
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

/* --- accepting ------------------------------------------------------------------------------ */

bool Manager::has_room() const {
  return !stopped_ && settling_.size() < config_.limits.settling;
}

void Manager::accept(std::string_view type, visor_stream* stream) {
  // Who comes by a relay has a key for an address: the relay's own is everybody's.
  const visor_addr* from = stream->api->peer(stream);
  std::string origin = from ? "dmsg://" + to_hex(from->key) + ":" + std::to_string(from->port)
                            : std::string(text(stream->api->origin(stream)));
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
  if (Persistent* each = persistent(id)) each->limit_ms = kPersistentDialMs;
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
    if (closed_.size() < config_.limits.transports) closed_.push_back(keep);
    host_.info("transport closed: " + describe(transport.entry(), own()) + ": " + error.text);
    // Not at the next tick: those who talk through it wait.  How often is bounded there.
    if (persistent(id)) tasks_.post([this] { keep_persistent(host_.now_ns()); });
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
  auto latency_ms = [](const Transport* transport) {
    double ms = transport->latency().avg_ms;
    return ms > 0 ? ms : 1e9;
  };
  std::vector<Transport*> found;  // a few: one a carrier at most
  for (const auto& each : carriers_) {
    auto at = serving_.find(codec::transport_id(own(), peer, each->type()));
    if (at == serving_.end()) continue;
    Transport* transport = at->second.get();
    found.insert(std::ranges::upper_bound(found, latency_ms(transport), {}, latency_ms), transport);
  }
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

}  // namespace visor::transports
