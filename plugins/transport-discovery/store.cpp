#include "store.hpp"

#include <cmath>

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::transport_discovery {
namespace {

using codec::Reader;
using codec::Writer;

constexpr uint8_t kTransportVersion = 1;
constexpr uint8_t kVisorVersion = 1;
constexpr uint8_t kListed = 1, kReported = 2; /* flags of a side */

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

Bytes day_key(char kind, const TransportId& id, UnixDay date) {
  Bytes key = key_of(kind, id);
  codec::append_be<uint16_t>(key, static_cast<uint16_t>(date));
  return key;
}

// --- transports --------------------------------------------------------------------------------

void write_side(Writer& writer, const Side& side) {
  writer.u8(static_cast<uint8_t>((side.listed ? kListed : 0) | (side.reported ? kReported : 0)));
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

void read_side(Reader& reader, Side& side) {
  uint8_t flags = reader.u8();
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
  for (const Side& side : transport.sides) write_side(writer, side);
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
  for (Side& side : read.sides) read_side(reader, side);
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
    read.sides[side].visor = transport->sides[side].visor;
    read.sides[side].position = transport->sides[side].position;
    transport->sides[side] = read.sides[side];
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
  return out;
}

bool restore_day(Transport& transport, UnixDay date, ByteView value) {
  Day day{.date = date, .side = {}};
  Reader reader(value);
  for (Traffic& side : day.side) {
    side.sent = reader.u64();
    side.received = reader.u64();
  }
  bool ascending = transport.days.empty() || transport.days.back().date < date;
  if (!reader.finish() || !ascending) return false;
  transport.days.push_back(day);
  return true;
}

bool restore_uptime(Transport& transport, UnixDay date, ByteView value) {
  Result<codec::UptimeBitmap> slots = codec::UptimeBitmap::decode(value);
  bool ascending = transport.uptime.empty() || transport.uptime.back().date < date;
  if (!slots || !ascending) return false;
  transport.uptime.push_back({date, *slots});
  return true;
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
  return out;
}

bool restore_visor(Aggregator& aggregator, ByteView key_bytes, ByteView value) {
  Reader reader(value);
  if (reader.u8() != kVisorVersion) return false;
  uint64_t asserted = reader.u64();
  int64_t refreshed = read_time(reader);
  int64_t heartbeat = reader.i64();
  std::string version(reader.text());
  visor_key key{};
  if (!reader.finish() || key_bytes.size() != sizeof key.bytes) return false;
  std::memcpy(key.bytes, key_bytes.data(), sizeof key.bytes);
  Visor* visor = aggregator.restore_visor(key);
  if (!visor) return false;
  visor->asserted = asserted;
  visor->refreshed_unix_s = refreshed;
  visor->heartbeat_slot = heartbeat;
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
  transport.dirty_days_from = transport.dirty_uptime_from = Transport::kClean;
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
  for (const visor_key& key : aggregator.take_removed_visors()) batch.erase(key_of('v', bytes(key)));
  for (Visor* visor : aggregator.take_dirty_visors()) {
    batch.put(key_of('v', bytes(visor->key)), encode_visor(*visor));
    visor->dirty = false;
    flush(max_bytes);
  }
  for (Transport* transport : aggregator.take_dirty_transports()) {
    collect_transport(aggregator, *transport, batch);
    flush(max_bytes);
  }
  flush(0);
}

bool restore_entry(Aggregator& aggregator, ByteView key, ByteView value) {
  if (key.empty()) return false;
  char kind = static_cast<char>(key[0]);
  ByteView name = key.subspan(1);
  if (kind == 'v') return restore_visor(aggregator, name, value);
  TransportId id;
  if (name.size() < id.bytes.size()) return false;
  std::copy_n(name.begin(), id.bytes.size(), id.bytes.begin());
  ByteView date_bytes = name.subspan(id.bytes.size());
  if (kind == 't') return date_bytes.empty() && restore_transport(aggregator, id, value);
  Transport* transport = aggregator.restored(id);
  if (!transport || date_bytes.size() != 2) return false;
  UnixDay date = codec::load_be<uint16_t>(date_bytes.data());
  if (kind == 'd') return restore_day(*transport, date, value);
  return kind == 'u' && restore_uptime(*transport, date, value);
}

}  // namespace visor::transport_discovery
