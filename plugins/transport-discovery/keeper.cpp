#include "keeper.hpp"

namespace visor::transport_discovery {
namespace {

constexpr int64_t kSessionEverySeconds = 60; /* between two notes that we are up */

}  // namespace

void Keeper::open(std::function<void(Result<void>)> ready) {
  search_.find(config_.drive, [this, ready = std::move(ready)](Result<visor_drive*> drive) {
    drive ? open_on(*drive, ready) : ready(std::unexpected(drive.error()));
  });
}

void Keeper::open_on(visor_drive* drive, std::function<void(Result<void>)> ready) {
  visor_status status = opening_.start(
      [&](visor_done done) { return drive->api->open(drive, to_span(kMapName), done); },
      [this, ready](visor_status opened, visor_kv* kv) {
        if (opened != VISOR_OK) return ready(std::unexpected(host_.error(opened)));
        kv_.reset(kv);
        Result<void> loaded = load();
        if (loaded)
          timer_ = Timer::every(host_, std::max<uint64_t>(1, config_.flush_ms()), [this] { flush(); });
        ready(std::move(loaded));
      });
  if (status != VISOR_OK) ready(std::unexpected(host_.error(status)));
}

Result<void> Keeper::load() {
  aggregator_.set_archive(this);
  UnixDay today = codec::day_of(host_.unix_ns() / 1'000'000'000);
  for (const char& kind : kRestoreOrder) {
    visor_status status =
        scan(kv_.get(), ByteView(reinterpret_cast<const uint8_t*>(&kind), 1),
             [this, today](ByteView key, ByteView value) {
               ++(restore_entry(aggregator_, key, value, today) ? counters_.restored : counters_.refused);
               return true;
             });
    if (status != VISOR_OK) return std::unexpected(host_.error(status));
  }
  if (Result<void> sessions = load_sessions(); !sessions) return sessions;
  aggregator_.finish_restore({static_cast<int64_t>(host_.now_ms()), host_.unix_ns() / 1'000'000'000});
  if (counters_.refused > 0) {
    host_.warn("transport_discovery: " + std::to_string(counters_.refused) +
               " stored entries could not be read and are left out");
  }
  return {};
}

Result<void> Keeper::load_sessions() {
  const uint8_t kind = 's';
  visor_status status = scan(kv_.get(), {&kind, 1}, [this](ByteView key, ByteView value) {
    ++(restore_session(sessions_, key, value) ? counters_.restored : counters_.refused);
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  started_at_s_ = host_.unix_ns() / 1'000'000'000;
  flush_session();
  return {};
}

void Keeper::flush_session() {
  int64_t now_s = host_.unix_ns() / 1'000'000'000;
  if (now_s - session_written_s_ < kSessionEverySeconds) return;
  session_written_s_ = now_s;
  sessions_.see(started_at_s_, std::max(started_at_s_, now_s));
  Batch batch;
  put_session(batch, started_at_s_, std::max(started_at_s_, now_s));
  write(batch);
}

bool Keeper::write(const Batch& batch) {
  std::vector<visor_op> ops = batch.ops();
  visor_status status = kv_->api->write(kv_.get(), ops.data(), ops.size());
  if (status != VISOR_OK) {
    ++counters_.failed_writes;
    std::string problem = host_.error(status).text;
    if (problem != problem_) host_.warn("transport_discovery: the drive takes no changes: " + problem);
    problem_ = std::move(problem);
    return false;
  }
  problem_.clear();
  ++counters_.writes;
  counters_.written_bytes += batch.bytes();
  return true;
}

// While the drive refuses, changes gather in the tables, where each transport counts once.
void Keeper::flush() {
  while (!pending_.empty()) {
    if (!write(pending_.front())) return;
    pending_.pop_front();
  }
  flush_session();
  if (!aggregator_.dirty()) return;
  collect_changes(aggregator_, kBatchBytes, [this](const Batch& batch) {
    if (!pending_.empty() || !write(batch)) pending_.push_back(batch);
  });
  if (!syncing_.pending()) sync({});
}

void Keeper::sync(std::function<void()> done) {
  visor_status status = syncing_.start([&](visor_done synced) { return kv_->api->sync(kv_.get(), synced); },
                                       [this, done](visor_status synced, void*) {
                                         if (synced != VISOR_OK) problem_ = host_.error(synced).text;
                                         if (done) done();
                                       });
  if (status == VISOR_OK) return;
  problem_ = host_.error(status).text;
  if (done) done();
}

// A drive that cannot be read shows fewer days and says so in its status.
void Keeper::read(const TransportId& id, UnixDay from, UnixDay until, std::vector<Day>& out) const {
  visor_cursor* raw = nullptr;
  if (!kv_ || kv_->api->cursor(kv_.get(), &raw) != VISOR_OK) return;
  Owned<visor_cursor> cursor(raw);
  Bytes first = archive_key(id, from), last = archive_key(id, until);
  visor_status status = raw->api->seek(raw, to_span(ByteView(first)), VISOR_AT_OR_AFTER);
  for (; status == VISOR_OK && text(raw->key) <= text(ByteView(last)); status = raw->api->step(raw, +1)) {
    Day day;
    if (decode_archived_day(bytes(raw->key), bytes(raw->value), day)) out.push_back(day);
  }
}

void Keeper::close(std::function<void()> closed) {
  timer_.cancel();
  if (!kv_) return closed();
  flush();
  sync([this, closed = std::move(closed)] {
    kv_.reset();
    closed();
  });
}

}  // namespace visor::transport_discovery
