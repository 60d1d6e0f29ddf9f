// The tables: who and what is known, and how it comes and goes.
#include "aggregator.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "sides.hpp"

namespace visor::transport_discovery {
// Both are outputs of hash functions or points, so that mixing in the seed is enough.
size_t Aggregator::Hasher::operator()(const TransportId& id) const {
  uint64_t value = (codec::load_le<uint64_t>(id.bytes.data()) ^ seed) * 0x9e3779b97f4a7c15u;
  return static_cast<size_t>(value ^ (value >> 32));
}
size_t Aggregator::Hasher::operator()(const visor_key& key) const {
  uint64_t value = (codec::load_le<uint64_t>(key.bytes + 1) ^ seed) * 0x9e3779b97f4a7c15u;
  return static_cast<size_t>(value ^ (value >> 32));
}

Aggregator::Aggregator(AggregatorOptions options)
    : options_(options),
      transports_(0, Hasher{options.hash_seed}),
      visors_(0, Hasher{options.hash_seed}),
      aliases_(0, Hasher{options.hash_seed}),
      types_({"", "stcpr", "sudph", "stcp", "dmsg", "squicr", "webrtc", "swtr", "swsr"}),
      labels_({"user", "automatic", "skycoin", "other"}) {}

Aggregator::~Aggregator() = default;

// --- tables ------------------------------------------------------------------------------------

Transport* Aggregator::lookup(const TransportId& id) const {
  auto at = transports_.find(id);
  if (at != transports_.end()) return at->second.get();
  auto alias = aliases_.find(id);
  if (alias == aliases_.end()) return nullptr;
  at = transports_.find(alias->second);
  return at == transports_.end() ? nullptr : at->second.get();
}

const Transport* Aggregator::find(const TransportId& id) const {
  return lookup(id);
}

const Visor* Aggregator::find_visor(const visor_key& key) const {
  auto at = visors_.find(key);
  return at == visors_.end() ? nullptr : at->second.get();
}

// The check of the curve is the dear part, and needed once a key: the zero key and its like never get
// further.
Visor* Aggregator::intern(const visor_key& key) {
  auto at = visors_.find(key);
  if (at != visors_.end()) return at->second.get();
  if (!crypto::valid_public_key(key)) return nullptr;
  auto owned = std::make_unique<Visor>();
  Visor* visor = owned.get();
  visor->key = key;
  visor->hex = to_hex(key);
  visors_.emplace(key, std::move(owned));
  visors_in_order_.emplace(key, visor);
  return visor;
}

const Visor* Aggregator::visor_after(const visor_key& key) const {
  auto at = visors_in_order_.upper_bound(key);
  return at == visors_in_order_.end() ? nullptr : at->second;
}

// Who has reported is known for long after, so that its uptime and bytes can be asked for.
bool Aggregator::remembered(const Visor& visor) const {
  return visor.heard_unix_s != 0 && visors_.size() - visors_with_transports_ <= options_.max_idle_visors;
}

void Aggregator::forget_visor_if_unused(Visor& visor) {
  if (!visor.transports.empty() || visor.fresh || remembered(visor)) return;
  forget_visor(visor);
}

void Aggregator::forget_visor(Visor& visor) {
  RemovedVisor removed{visor.key, true, {}, {}};
  for (const VisorDay& day : visor.days) removed.days.push_back(day.date);
  for (const UptimeDay& day : visor.uptime) removed.uptime.push_back(day.date);
  if (visor.heard_unix_s != 0) removed_visors_.push_back(std::move(removed));
  visor_key key = visor.key;  // goes with the visor
  visors_in_order_.erase(key);
  visors_.erase(key);
}

std::vector<Day> Aggregator::days_of(const Transport& transport, UnixDay from) const {
  std::vector<Day> out;
  if (archive_ && transport.is_archived() && transport.archived_until >= from) {
    archive_->read(transport.id, std::max(from, transport.archived_from), transport.archived_until, out);
  }
  auto hot = std::ranges::lower_bound(transport.days, from, {}, &Day::date);
  out.insert(out.end(), hot, transport.days.end());
  return out;
}

Transport& Aggregator::insert(const TransportId& id, Visor& a, Visor& b, uint8_t type, uint8_t label,
                              uint8_t creator) {
  auto owned = std::make_unique<Transport>();
  Transport& transport = *owned;
  transport.id = id;
  transport.type = type;
  transport.label = label;
  transport.creator = creator;
  Visor* visors[] = {&a, &b};
  for (size_t side = 0; side < 2; ++side) {
    transport.sides[side].visor = visors[side];
    transport.sides[side].position = visors[side]->transports.size();
    if (visors[side]->transports.empty()) ++visors_with_transports_;
    visors[side]->transports.push_back(&transport);
  }
  ++visors[creator]->created;
  transports_.emplace(id, std::move(owned));
  blocks_.insert(transport);
  return transport;
}

Transport* Aggregator::create(Visor& reporter, const codec::ListedTransport& row, Moment now) {
  const codec::TransportEntry& entry = row.entry;
  if (transports_.size() >= options_.max_transports) return nullptr;
  if (reporter.created >= options_.max_created_by_reporter) evict_created_by(reporter);
  std::optional<uint8_t> type = types_.intern(entry.type);
  if (!type) return nullptr;
  Visor* a = intern(entry.edges[0]);
  Visor* b = intern(entry.edges[1]);
  if (!a || !b) return nullptr;  // one is the reporter, who stays
  uint8_t label = labels_.intern(entry.label).value_or(*labels_.find("other"));
  Transport& transport = insert(entry.id, *a, *b, *type, label, &reporter == a ? 0 : 1);
  transport.first_seen_s = now.unix_s;
  return &transport;
}

void Aggregator::erase(Transport& transport) {
  if (transport.live) count_live(transport, false);
  Removed removed{transport.id, true, {}, {}};
  for (const Day& day : transport.days) removed.days.push_back(day.date);
  for (const UptimeDay& day : transport.uptime) removed.uptime.push_back(day.date);
  for (UnixDay date = transport.archived_from; date <= transport.archived_until; ++date)
    removed.days.push_back(date);
  removed_.push_back(std::move(removed));
  registrations_.erase(transport.id);
  for (std::string_view legacy : codec::legacy_names(codec::transport_type(types_.at(transport.type)))) {
    aliases_.erase(codec::transport_id(transport.sides[0].visor->key, transport.sides[1].visor->key, legacy));
  }
  --transport.sides[transport.creator].visor->created;
  blocks_.erase(transport);
  for (Side& side : transport.sides) {
    std::vector<Transport*>& of_visor = side.visor->transports;
    Transport* last = of_visor.back();
    of_visor[side.position] = last;
    last->sides[side_of(*last, *side.visor)].position = side.position;
    of_visor.pop_back();
    if (of_visor.empty()) --visors_with_transports_;
    forget_visor_if_unused(*side.visor);
  }
  ++counters_.forgotten_transports;
  TransportId id = transport.id;  // goes with the transport
  transports_.erase(id);
}

// A reporter that keeps listing new transports pays with its own oldest history, and in lots, so that the
// search is not made for each.
void Aggregator::evict_created_by(Visor& reporter) {
  std::vector<std::pair<int64_t, TransportId>> ended;
  for (Transport* transport : reporter.transports) {
    bool idle = !transport->sides[0].listed && !transport->sides[1].listed;
    if (idle && transport->sides[transport->creator].visor == &reporter) {
      ended.emplace_back(transport->ended_at_s, transport->id);
    }
  }
  std::ranges::sort(ended);
  ended.resize((ended.size() + 1) / 2);
  for (const auto& [at, id] : ended) erase(*lookup(id));
}

}  // namespace visor::transport_discovery
