#include "history.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/codec/reader.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/codec/writer.hpp"

namespace visor::telemetry {

using codec::JsonObjectText;
using codec::Reader;
using codec::UnixDay;
using codec::UptimeBitmap;
using codec::Writer;

namespace {

Bytes key_of(char kind, ByteView name) {
  Bytes key{static_cast<uint8_t>(kind)};
  codec::append(key, name);
  return key;
}

Bytes with_day(Bytes key, UnixDay date) {
  codec::append_be<uint16_t>(key, static_cast<uint16_t>(date));
  return key;
}

// Names end with a zero, so that none is the beginning of another.
Bytes uptime_key(char kind, std::string_view name) {
  Bytes key = key_of(kind, bytes(name));
  key.push_back(0);
  return key;
}

UnixDay day_at_end(ByteView key) {
  return key.size() < 2 ? 0 : codec::load_be<uint16_t>(key.data() + key.size() - 2);
}

std::string percentage(const UptimeBitmap& slots) {
  int hundredths = (slots.set_slots() * 10'000 + UptimeBitmap::kSlots / 2) / UptimeBitmap::kSlots;
  std::string out = std::to_string(hundredths / 100) + ".";
  if (hundredths % 100 < 10) out += '0';
  return out + std::to_string(hundredths % 100);
}

}  // namespace

// --- rows --------------------------------------------------------------------------------------

void DayRow::add(uint64_t sent, uint64_t received, const Tracked& sample) {
  rollup.sent_bytes += sent;
  rollup.received_bytes += received;
  ++rollup.samples;
  if (!(sample.latency_avg_ms > 0) || !(sample.latency_min_ms > 0) || !(sample.latency_max_ms > 0)) return;
  rollup.latency_min_ms =
      measured == 0 ? sample.latency_min_ms : std::min(rollup.latency_min_ms, sample.latency_min_ms);
  rollup.latency_max_ms = std::max(rollup.latency_max_ms, sample.latency_max_ms);
  ++measured;
  rollup.latency_avg_ms += (sample.latency_avg_ms - rollup.latency_avg_ms) / measured;
}

Bytes encode_day_row(const DayRow& row) {
  Bytes out;
  Writer writer(out);
  writer.u64(row.rollup.sent_bytes);
  writer.u64(row.rollup.received_bytes);
  writer.f64(row.rollup.latency_min_ms);
  writer.f64(row.rollup.latency_max_ms);
  writer.f64(row.rollup.latency_avg_ms);
  writer.u32(row.rollup.samples);
  writer.u32(row.measured);
  return out;
}

Result<DayRow> decode_day_row(UnixDay date, ByteView value) {
  Reader reader(value);
  DayRow row;
  row.rollup.date = date;
  row.rollup.sent_bytes = reader.u64();
  row.rollup.received_bytes = reader.u64();
  double* latencies[] = {&row.rollup.latency_min_ms, &row.rollup.latency_max_ms, &row.rollup.latency_avg_ms};
  for (double* latency : latencies) {
    *latency = reader.f64();
    if (!std::isfinite(*latency) || *latency < 0) reader.fail("a latency that is none");
  }
  row.rollup.samples = reader.u32();
  row.measured = reader.u32();
  if (Result<void> read = reader.finish(); !read) return std::unexpected(read.error());
  return row;
}

// --- life --------------------------------------------------------------------------------------

void History::open(std::function<void(Result<void>)> ready) {
  search_.find(config_.drive, [this, ready = std::move(ready)](Result<visor_drive*> drive) {
    if (drive) return open_on(*drive, ready);
    if (!config_.drive.empty()) return ready(std::unexpected(drive.error()));
    problem_ = "no storage drive is there: days are not remembered";
    ready({});
  });
}

void History::open_on(visor_drive* drive, std::function<void(Result<void>)> ready) {
  visor_status status =
      opening_.start([&](visor_done done) { return drive->api->open(drive, to_span(kMapName), done); },
                     [this, ready](visor_status opened, visor_kv* kv) {
                       if (opened == VISOR_OK) {
                         kv_.reset(kv);
                       } else {
                         problem_ = host_.error(opened).text;
                       }
                       ready({});
                     });
  if (status == VISOR_OK) return;
  problem_ = host_.error(status).text;
  ready({});
}

void History::close() {
  kv_.reset();
}

// --- sampling ----------------------------------------------------------------------------------

struct History::Changes {
  std::vector<std::pair<Bytes, Bytes>> puts;
};

void History::begin_day(UnixDay date) {
  if (date == date_) return;
  date_ = date;
  uptime_.clear();
  // Counters go on over midnight; what was counted starts again.
  for (auto& [id, today] : today_) {
    today.row = {};
    today.row.rollup.date = date;
    today.slots = {};
  }
  forget_old(date);
}

// A transport that is new to this process may have a row from before.
History::Today& History::today_of(const Tracked& tracked, UnixDay date, int64_t unix_s) {
  auto [at, fresh] = today_.try_emplace(tracked.id);
  Today& today = at->second;
  if (!fresh) return today;
  today.row.rollup.date = date;
  today.first_seen_s = unix_s;
  visor_span value{};
  Bytes key = with_day(key_of('r', tracked.id), date);
  if (kv_->api->get(kv_.get(), to_span(ByteView(key)), &value) == VISOR_OK) {
    if (Result<DayRow> row = decode_day_row(date, bytes(value))) today.row = *row;
  }
  key[0] = 'b';
  if (kv_->api->get(kv_.get(), to_span(ByteView(key)), &value) == VISOR_OK) {
    if (Result<UptimeBitmap> slots = UptimeBitmap::decode(bytes(value))) today.slots = *slots;
  }
  key = key_of('t', tracked.id);
  if (kv_->api->get(kv_.get(), to_span(ByteView(key)), &value) == VISOR_OK) {
    Reader reader(bytes(value));
    reader.key();
    reader.text();
    reader.text();
    int64_t first = reader.i64();
    if (reader.ok() && first > 0) today.first_seen_s = first;
  }
  return today;
}

// Increments and never differences to a baseline: a restart adds to what the row has.
void History::add_transport(const Tracked& tracked, UnixDay date, int64_t unix_s, Changes& changes) {
  Today& today = today_of(tracked, date, unix_s);
  bool same = today.epoch == tracked.epoch;
  auto grown = [same](uint64_t now, uint64_t before) { return same && now >= before ? now - before : now; };
  uint64_t sent = grown(tracked.sent_bytes, today.sent_bytes);
  uint64_t received = grown(tracked.received_bytes, today.received_bytes);
  today.epoch = tracked.epoch;
  today.sent_bytes = tracked.sent_bytes;
  today.received_bytes = tracked.received_bytes;
  if (!tracked.serving && sent == 0 && received == 0) return;
  today.row.add(sent, received, tracked);
  changes.puts.emplace_back(with_day(key_of('r', tracked.id), date), encode_day_row(today.row));
  if (!tracked.serving) return;
  if (today.slots.set(UptimeBitmap::slot_of(unix_s))) {
    ByteView slots = today.slots.bytes();
    changes.puts.emplace_back(with_day(key_of('b', tracked.id), date), Bytes(slots.begin(), slots.end()));
  }
  Bytes record;
  Writer writer(record);
  writer.key(tracked.remote);
  writer.text(tracked.type);
  writer.text(tracked.label);
  writer.i64(today.first_seen_s);
  writer.i64(unix_s);
  changes.puts.emplace_back(key_of('t', tracked.id), std::move(record));
}

void History::add_uptime(char kind, std::string_view name, UnixDay date, int slot, Changes& changes) {
  Bytes key = uptime_key(kind, name);
  auto [at, fresh] = uptime_.try_emplace(std::string(text(ByteView(key))));
  key = with_day(std::move(key), date);
  if (fresh) {
    visor_span value{};
    if (kv_->api->get(kv_.get(), to_span(ByteView(key)), &value) == VISOR_OK) {
      if (Result<UptimeBitmap> slots = UptimeBitmap::decode(bytes(value))) at->second = *slots;
    }
  }
  if (!at->second.set(slot)) return;
  ByteView slots = at->second.bytes();
  changes.puts.emplace_back(std::move(key), Bytes(slots.begin(), slots.end()));
}

void History::sample(const Tracker& tracker, std::span<const Tier> tiers,
                     std::span<const std::string> services, int64_t unix_s) {
  if (!kv_) return;
  UnixDay date = codec::day_of(unix_s);
  begin_day(date);
  Changes changes;
  for (const auto& [id, tracked] : tracker.transports()) add_transport(tracked, date, unix_s, changes);
  std::erase_if(today_, [&](const auto& entry) { return !tracker.transports().contains(entry.first); });
  int slot = UptimeBitmap::slot_of(unix_s);
  for (const Tier& tier : tiers) {
    if (tier.up) add_uptime('i', tier.name, date, slot, changes);
  }
  for (const std::string& service : services) add_uptime('s', service, date, slot, changes);
  write(changes);
}

void History::write(const Changes& changes) {
  if (changes.puts.empty()) return;
  std::vector<visor_op> ops;
  ops.reserve(changes.puts.size());
  for (const auto& [key, value] : changes.puts) ops.push_back(put(ByteView(key), ByteView(value)));
  visor_status status = kv_->api->write(kv_.get(), ops.data(), ops.size());
  if (status == VISOR_OK) {
    ++counters_.writes;
    problem_.clear();
    return;
  }
  ++counters_.failures;
  std::string problem = host_.error(status).text;
  if (problem != problem_) host_.warn("telemetry: the drive takes no changes: " + problem);
  problem_ = std::move(problem);
}

// Once a day.  A transport's record goes when its last day does.
void History::forget_old(UnixDay today) {
  std::vector<Bytes> old;
  for (char kind : {'r', 'b', 'i', 's'}) {
    auto byte = static_cast<uint8_t>(kind);
    scan(kv_.get(), {&byte, 1}, [&](ByteView key, ByteView) {
      if (day_at_end(key) <= today - kDaysKept) old.emplace_back(key.begin(), key.end());
      return true;
    });
  }
  const uint8_t kind = 't';
  scan(kv_.get(), {&kind, 1}, [&](ByteView key, ByteView value) {
    Reader reader(value);
    reader.key();
    reader.text();
    reader.text();
    reader.i64();
    int64_t last = reader.i64();
    if (!reader.ok() || codec::day_of(last) <= today - kDaysKept) old.emplace_back(key.begin(), key.end());
    return true;
  });
  if (old.empty()) return;
  std::vector<visor_op> ops;
  ops.reserve(old.size());
  for (const Bytes& key : old) ops.push_back(erase(ByteView(key)));
  if (kv_->api->write(kv_.get(), ops.data(), ops.size()) != VISOR_OK) ++counters_.failures;
}

// --- reading -----------------------------------------------------------------------------------

std::string History::days_of(const codec::TransportId& id, UnixDay from) const {
  std::vector<std::string> days;
  Bytes prefix = key_of('r', id);
  scan(kv_.get(), prefix, [&](ByteView key, ByteView value) {
    Result<DayRow> row = decode_day_row(day_at_end(key), value);
    if (row && row->rollup.date >= from) days.push_back(codec::encode_daily_rollup(row->rollup));
    return true;
  });
  std::string out = "[";
  for (auto day = days.rbegin(); day != days.rend(); ++day) out += (out.size() > 1 ? "," : "") + *day;
  return out + "]";
}

std::string History::transports(UnixDay days, size_t limit, const codec::TransportId* id) const {
  std::string out = "[";
  if (!kv_) return out + "]";
  UnixDay from = codec::day_of(host_.unix_ns() / 1'000'000'000) - days + 1;
  Bytes prefix = key_of('t', id ? ByteView(*id) : ByteView());
  scan(kv_.get(), prefix, [&](ByteView key, ByteView value) {
    codec::TransportId found;
    if (key.size() != 1 + found.bytes.size()) return true;
    std::copy_n(key.begin() + 1, found.bytes.size(), found.bytes.begin());
    Reader reader(value);
    visor_key remote = reader.key();
    std::string type(reader.text()), label(reader.text());
    int64_t first = reader.i64(), last = reader.i64();
    if (!reader.finish()) return true;
    if (out.size() > 1) out += ",\n";
    out += JsonObjectText()
               .text("id", codec::to_uuid(found))
               .text("remote", to_hex(remote))
               .text("type", type)
               .text("label", label)
               .text("first_seen", codec::time_text(first))
               .text("last_seen", codec::time_text(last))
               .json("daily", days_of(found, from))
               .finish();
    return --limit > 0;
  });
  return out + "]";
}

std::string History::uptime_of(char kind, UnixDay from, bool timelines) const {
  std::map<std::string, std::vector<std::pair<UnixDay, UptimeBitmap>>> names;
  auto byte = static_cast<uint8_t>(kind);
  scan(kv_.get(), {&byte, 1}, [&](ByteView key, ByteView value) {
    Result<UptimeBitmap> slots = UptimeBitmap::decode(value);
    if (key.size() < 4 || !slots || day_at_end(key) < from) return true;
    names[std::string(text(key.subspan(1, key.size() - 4)))].emplace_back(day_at_end(key), *slots);
    return true;
  });
  JsonObjectText out;
  for (const auto& [name, days] : names) {
    JsonObjectText rows;
    for (auto day = days.rbegin(); day != days.rend(); ++day)
      rows.text(codec::date_text(day->first), timelines ? day->second.text() : percentage(day->second));
    out.json(name, rows.finish());
  }
  return out.finish();
}

std::string History::uptime(UnixDay days, bool timelines) const {
  if (!kv_) return "{}";
  UnixDay from = codec::day_of(host_.unix_ns() / 1'000'000'000) - days + 1;
  return JsonObjectText()
      .json("tiers", uptime_of('i', from, timelines))
      .json("services", uptime_of('s', from, timelines))
      .finish();
}

}  // namespace visor::telemetry
