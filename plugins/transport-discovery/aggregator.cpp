#include "aggregator.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"
#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::transport_discovery {
namespace {

constexpr size_t kSweepParts = 64; /* ticks in which all transports are looked at once */
constexpr size_t kSweepAtLeast = 64;

Side& other_side(Transport& transport, size_t side) {
  return transport.sides[1 - side];
}

// The side of the transport that `visor` is; 2 if it is neither.
size_t side_of(const Transport& transport, const Visor& visor) {
  return transport.sides[0].visor == &visor ? 0 : transport.sides[1].visor == &visor ? 1 : 2;
}

}  // namespace

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

// --- assertions --------------------------------------------------------------------------------

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

// --- time --------------------------------------------------------------------------------------

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

namespace {

// Takes the days up to `last` out of an ascending list; which these were.
template <class T>
void take_until(std::vector<T>& days, UnixDay last, std::vector<UnixDay>& taken) {
  auto end = std::ranges::upper_bound(days, last, {}, &T::date);
  for (auto day = days.begin(); day != end; ++day) taken.push_back(day->date);
  days.erase(days.begin(), end);
}

}  // namespace

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
