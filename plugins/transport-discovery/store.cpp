#include "store.hpp"

#include <cmath>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::transport_discovery {
namespace {

using codec::Reader;
using codec::Writer;

constexpr uint8_t kTransportVersion = 1;
constexpr uint8_t kVisorVersion = 2;                           /* 1: without when it was heard of */
constexpr uint8_t kListed = 1, kReported = 2, kRegistered = 4; /* flags of a side */

// Unix seconds of the next thousands of years: what calculations with them cannot overflow.
constexpr int64_t kLastTime = int64_t(1) << 38;

int64_t read_time(Reader& reader) {
  int64_t time = reader.i64();
  if (time < 0 || time > kLastTime) reader.fail("a time out of range");
  return time;
}

Bytes key_of(char kind, ByteView name) {
  Bytes key{static_cast<uint8_t>(kind)};
  codec::append(key, name);
  return key;
}

Bytes day_key(char kind, ByteView name, UnixDay date) {
  Bytes key = key_of(kind, name);
  codec::append_be<uint16_t>(key, static_cast<uint16_t>(date));
  return key;
}

// --- transports --------------------------------------------------------------------------------

void write_side(Writer& writer, const Side& side, uint64_t registered, int64_t until_unix_s) {
  writer.u8(static_cast<uint8_t>((side.listed ? kListed : 0) | (side.reported ? kReported : 0) |
                                 (registered != 0 ? kRegistered : 0)));
  if (registered != 0) {
    writer.u64(registered);
    writer.i64(until_unix_s);
  }
  writer.u64(side.withdrawn);
  writer.u64(side.total.sent);
  writer.u64(side.total.received);
  std::span<const CounterLives::Life> lives = side.lives.lives();
  writer.count(lives.size());
  for (const CounterLives::Life& life : lives) {
    writer.u64(life.epoch);
    writer.u64(life.last.sent);
    writer.u64(life.last.received);
  }
}

struct ReadSide {
  Side side;
  uint64_t registered = 0;
  int64_t until_unix_s = 0;
};

void read_side(Reader& reader, ReadSide& out) {
  Side& side = out.side;
  uint8_t flags = reader.u8();
  if (flags & kRegistered) {
    out.registered = reader.u64();
    out.until_unix_s = read_time(reader);
  }
  side.listed = (flags & kListed) != 0;
  side.reported = (flags & kReported) != 0;
  side.withdrawn = reader.u64();
  side.total.sent = reader.u64();
  side.total.received = reader.u64();
  size_t count = reader.count();
  if (count > CounterLives::kRemembered) return reader.fail("more lives of a counter than are remembered");
  std::array<CounterLives::Life, CounterLives::kRemembered> lives;
  for (size_t i = 0; i < count; ++i) {
    lives[i].epoch = reader.u64();
    lives[i].last.sent = reader.u64();
    lives[i].last.received = reader.u64();
  }
  side.lives.restore({lives.data(), count});
}

Bytes encode_transport(const Aggregator& aggregator, const Transport& transport) {
  Bytes out;
  Writer writer(out);
  writer.u8(kTransportVersion);
  for (const Side& side : transport.sides) writer.key(side.visor->key);
  writer.text(aggregator.type_of(transport));
  writer.text(aggregator.label_of(transport));
  writer.u8(transport.creator);
  const Aggregator::Registration* registration = aggregator.registration(transport);
  for (size_t side = 0; side < 2; ++side) {
    write_side(writer, transport.sides[side], registration ? registration->order[side] : 0,
               registration ? registration->until_unix_s[side] : 0);
  }
  writer.u32(transport.latency.min_us);
  writer.u32(transport.latency.max_us);
  writer.u32(transport.latency.avg_us);
  writer.i64(transport.latency.measured_at_s);
  writer.f64(transport.throughput_bytes_per_s);
  writer.i64(transport.throughput_at_s);
  writer.i64(transport.first_seen_s);
  writer.i64(transport.ended_at_s);
  return out;
}

bool restore_transport(Aggregator& aggregator, const TransportId& id, ByteView value) {
  Reader reader(value);
  if (reader.u8() != kTransportVersion) return false;
  std::array<visor_key, 2> edges{reader.key(), reader.key()};
  std::string type(reader.text());
  std::string label(reader.text());
  uint8_t creator = reader.u8();
  Transport read;
  ReadSide sides[2];
  for (ReadSide& side : sides) read_side(reader, side);
  read.latency.min_us = reader.u32();
  read.latency.max_us = reader.u32();
  read.latency.avg_us = reader.u32();
  read.latency.measured_at_s = read_time(reader);
  read.throughput_bytes_per_s = reader.f64();
  read.throughput_at_s = read_time(reader);
  read.first_seen_s = read_time(reader);
  read.ended_at_s = read_time(reader);
  if (!std::isfinite(read.throughput_bytes_per_s)) reader.fail("a throughput that is no number");
  if (!reader.finish() || codec::transport_id(edges[0], edges[1], type) != id) return false;
  Transport* transport = aggregator.restore_transport(id, edges, type, label, creator);
  if (!transport) return false;
  for (size_t side = 0; side < 2; ++side) {
    sides[side].side.visor = transport->sides[side].visor;
    sides[side].side.position = transport->sides[side].position;
    transport->sides[side] = sides[side].side;
    if (sides[side].registered != 0)
      aggregator.restore_registration(*transport, side, sides[side].registered, sides[side].until_unix_s);
  }
  transport->latency = read.latency;
  transport->throughput_bytes_per_s = read.throughput_bytes_per_s;
  transport->throughput_at_s = read.throughput_at_s;
  transport->first_seen_s = read.first_seen_s;
  transport->ended_at_s = read.ended_at_s;
  return true;
}

// --- days --------------------------------------------------------------------------------------

Bytes encode_day(const Day& day) {
  Bytes out;
  Writer writer(out);
  for (const Traffic& side : day.side) {
    writer.u64(side.sent);
    writer.u64(side.received);
  }
  writer.u32(day.latency_samples);
  writer.u64(day.latency_sum_us);
  return out;
}

bool decode_day(ByteView value, Day& day) {
  Reader reader(value);
  for (Traffic& side : day.side) {
    side.sent = reader.u64();
    side.received = reader.u64();
  }
  if (!reader.at_end()) { /* the first version had no latency */
    day.latency_samples = reader.u32();
    day.latency_sum_us = reader.u64();
  }
  return reader.finish().has_value();
}

template <class T>
bool append_day(std::vector<T>& days, const T& day) {
  if (!days.empty() && days.back().date >= day.date) return false;
  days.push_back(day);
  return true;
}

bool restore_day(Aggregator& aggregator, Transport& transport, UnixDay date, ByteView value, UnixDay today) {
  if (!aggregator.is_hot(date, today)) {
    if (!transport.is_archived()) transport.archived_from = date;
    transport.archived_until = date;
    return true;
  }
  Day day{.date = date, .side = {}};
  return decode_day(value, day) && append_day(transport.days, day);
}

bool restore_uptime(std::vector<UptimeDay>& days, UnixDay date, ByteView value) {
  Result<codec::UptimeBitmap> slots = codec::UptimeBitmap::decode(value);
  return slots && append_day(days, {date, *slots});
}

bool restore_visor_day(Visor& visor, UnixDay date, ByteView value) {
  Reader reader(value);
  VisorDay day{date, {}};
  day.traffic.sent = reader.u64();
  day.traffic.received = reader.u64();
  return reader.finish().has_value() && append_day(visor.days, day);
}

// --- the network -------------------------------------------------------------------------------

Bytes encode_network_day(const Aggregator& aggregator, const NetworkDay& day) {
  Bytes out;
  Writer writer(out);
  for (size_t type = 0; type < day.size(); ++type) {
    if (day[type].none()) continue;
    writer.text(aggregator.types().at(static_cast<uint8_t>(type)));
    writer.u64(day[type].bytes);
    writer.u64(day[type].latency_sum_us);
    writer.u64(day[type].latency_samples);
  }
  return out;
}

bool restore_network_day(Aggregator& aggregator, UnixDay date, ByteView value) {
  Reader reader(value);
  while (reader.ok() && !reader.at_end()) {
    std::string type(reader.text());
    TypeTotal total;
    total.bytes = reader.u64();
    total.latency_sum_us = reader.u64();
    total.latency_samples = reader.u64();
    std::optional<uint8_t> number = reader.ok() ? aggregator.restore_type(type) : std::nullopt;
    if (number) aggregator.totals().restore(date, *number, total);
  }
  return reader.finish().has_value();
}

// --- visors ------------------------------------------------------------------------------------

Bytes encode_visor(const Visor& visor) {
  Bytes out;
  Writer writer(out);
  writer.u8(kVisorVersion);
  writer.u64(visor.asserted);
  writer.i64(visor.refreshed_unix_s);
  writer.i64(visor.heartbeat_slot);
  writer.text(visor.version);
  writer.i64(visor.heard_unix_s);
  return out;
}

bool restore_visor(Aggregator& aggregator, ByteView key_bytes, ByteView value) {
  Reader reader(value);
  uint8_t form = reader.u8();
  if (form == 0 || form > kVisorVersion) return false;
  uint64_t asserted = reader.u64();
  int64_t refreshed = read_time(reader);
  int64_t heartbeat = reader.i64();
  std::string version(reader.text());
  int64_t heard = form == 1 ? refreshed : read_time(reader);
  visor_key key{};
  if (!reader.finish() || key_bytes.size() != sizeof key.bytes) return false;
  std::memcpy(key.bytes, key_bytes.data(), sizeof key.bytes);
  Visor* visor = aggregator.restore_visor(key);
  if (!visor) return false;
  visor->asserted = asserted;
  visor->refreshed_unix_s = refreshed;
  visor->heartbeat_slot = heartbeat;
  visor->heard_unix_s = heard;
  visor->version = std::move(version);
  return true;
}

// --- changes -----------------------------------------------------------------------------------

void collect_transport(const Aggregator& aggregator, Transport& transport, Batch& batch) {
  batch.put(key_of('t', transport.id), encode_transport(aggregator, transport));
  for (const Day& day : transport.days) {
    if (day.date >= transport.dirty_days_from)
      batch.put(day_key('d', transport.id, day.date), encode_day(day));
  }
  for (const UptimeDay& day : transport.uptime) {
    if (day.date < transport.dirty_uptime_from) continue;
    ByteView slots = day.slots.bytes();
    batch.put(day_key('u', transport.id, day.date), Bytes(slots.begin(), slots.end()));
  }
  transport.dirty = false;
  transport.dirty_days_from = transport.dirty_uptime_from = kClean;
}

void collect_visor(Visor& visor, Batch& batch) {
  ByteView key = bytes(visor.key);
  batch.put(key_of('v', key), encode_visor(visor));
  for (const VisorDay& day : visor.days) {
    if (day.date < visor.dirty_days_from) continue;
    Bytes value;
    Writer writer(value);
    writer.u64(day.traffic.sent);
    writer.u64(day.traffic.received);
    batch.put(day_key('D', key, day.date), std::move(value));
  }
  for (const UptimeDay& day : visor.uptime) {
    if (day.date < visor.dirty_uptime_from) continue;
    ByteView slots = day.slots.bytes();
    batch.put(day_key('U', key, day.date), Bytes(slots.begin(), slots.end()));
  }
  visor.dirty = false;
  visor.dirty_days_from = visor.dirty_uptime_from = kClean;
}

void collect_removed(const RemovedVisor& removed, Batch& batch) {
  ByteView key = bytes(removed.key);
  if (removed.whole) batch.erase(key_of('v', key));
  for (UnixDay date : removed.days) batch.erase(day_key('D', key, date));
  for (UnixDay date : removed.uptime) batch.erase(day_key('U', key, date));
}

void collect_totals(Aggregator& aggregator, Batch& batch) {
  Totals& totals = aggregator.totals();
  for (UnixDay date : totals.take_removed()) batch.erase(day_key('n', {}, date));
  for (UnixDay date : totals.take_dirty())
    batch.put(day_key('n', {}, date), encode_network_day(aggregator, totals.days().at(date)));
}

void collect_removed(const Removed& removed, Batch& batch) {
  if (removed.whole) batch.erase(key_of('t', removed.id));
  for (UnixDay date : removed.days) batch.erase(day_key('d', removed.id, date));
  for (UnixDay date : removed.uptime) batch.erase(day_key('u', removed.id, date));
}

}  // namespace

std::vector<visor_op> Batch::ops() const {
  std::vector<visor_op> out;
  out.reserve(changes_.size());
  for (const Change& change : changes_) {
    out.push_back({change.put ? VISOR_PUT : VISOR_DELETE, 0, to_span(ByteView(change.key)),
                   to_span(ByteView(change.value))});
  }
  return out;
}

void collect_changes(Aggregator& aggregator, size_t max_bytes,
                     const std::function<void(const Batch&)>& write) {
  Batch batch;
  auto flush = [&](size_t at_least) {
    if (batch.size() == 0 || batch.bytes() < at_least) return;
    write(batch);
    batch = {};
  };
  // What was removed goes first: it may have come again since.
  for (const Removed& removed : aggregator.take_removed()) {
    collect_removed(removed, batch);
    flush(max_bytes);
  }
  for (const RemovedVisor& removed : aggregator.take_removed_visors()) {
    collect_removed(removed, batch);
    flush(max_bytes);
  }
  for (Transport* transport : aggregator.take_dirty_transports()) {
    collect_transport(aggregator, *transport, batch);
    flush(max_bytes);
  }
  // Sums come behind what they were summed from: a crash between two batches may cost them this flush, and
  // never makes them count anything twice.
  for (Visor* visor : aggregator.take_dirty_visors()) {
    collect_visor(*visor, batch);
    flush(max_bytes);
  }
  collect_totals(aggregator, batch);
  flush(0);
}

namespace {

bool restore_of_visor(Aggregator& aggregator, char kind, ByteView name, ByteView value) {
  if (kind == 'v') return restore_visor(aggregator, name, value);
  visor_key key{};
  if (name.size() != sizeof key.bytes + 2) return false;
  std::memcpy(key.bytes, name.data(), sizeof key.bytes);
  Visor* visor = aggregator.restored_visor(key);
  if (!visor) return false;
  UnixDay date = codec::load_be<uint16_t>(name.data() + sizeof key.bytes);
  return kind == 'D' ? restore_visor_day(*visor, date, value) : restore_uptime(visor->uptime, date, value);
}

}  // namespace

void put_session(Batch& batch, int64_t started_at_s, int64_t seen_at_s) {
  Bytes key{'s'}, value;
  codec::append_be<uint64_t>(key, static_cast<uint64_t>(started_at_s));
  Writer(value).i64(seen_at_s);
  batch.put(std::move(key), std::move(value));
}

bool restore_session(Sessions& sessions, ByteView key, ByteView value) {
  Reader reader(value);
  int64_t seen = read_time(reader);
  if (key.size() != 9 || !reader.finish()) return false;
  auto started = static_cast<int64_t>(codec::load_be<uint64_t>(key.data() + 1));
  if (started < 0 || started > seen || seen - started > int64_t(kDaysKept) * 100 * codec::kSecondsPerDay)
    return false;
  sessions.see(started, seen);
  return true;
}

Bytes archive_key(const TransportId& id, UnixDay date) {
  return day_key('d', id, date);
}

bool decode_archived_day(ByteView key, ByteView value, Day& out) {
  if (key.size() < 2) return false;
  out.date = codec::load_be<uint16_t>(key.data() + key.size() - 2);
  return decode_day(value, out);
}

bool restore_entry(Aggregator& aggregator, ByteView key, ByteView value, UnixDay today) {
  if (key.empty()) return false;
  char kind = static_cast<char>(key[0]);
  ByteView name = key.subspan(1);
  if (kind == 'n')
    return name.size() == 2 && restore_network_day(aggregator, codec::load_be<uint16_t>(name.data()), value);
  if (kind == 'v' || kind == 'D' || kind == 'U') return restore_of_visor(aggregator, kind, name, value);
  TransportId id;
  if (name.size() < id.bytes.size()) return false;
  std::copy_n(name.begin(), id.bytes.size(), id.bytes.begin());
  ByteView date_bytes = name.subspan(id.bytes.size());
  if (kind == 't') return date_bytes.empty() && restore_transport(aggregator, id, value);
  Transport* transport = aggregator.restored(id);
  if (!transport || date_bytes.size() != 2) return false;
  UnixDay date = codec::load_be<uint16_t>(date_bytes.data());
  if (kind == 'd') return restore_day(aggregator, *transport, date, value, today);
  return kind == 'u' && restore_uptime(transport->uptime, date, value);
}

}  // namespace visor::transport_discovery
