#include "lib/storage/kept_map.hpp"

namespace visor::storage {

void KeptMap::open(Restore restore, std::function<void(Result<void>)> ready) {
  search_.find(drive_, [this, restore = std::move(restore), ready](Result<visor_drive*> drive) {
    drive ? open_on(*drive, restore, ready) : ready(std::unexpected(drive.error()));
  });
}

void KeptMap::open_on(visor_drive* drive, Restore restore, std::function<void(Result<void>)> ready) {
  visor_status status = opening_.start(
      [&](visor_done done) { return drive->api->open(drive, to_span(std::string_view(map_)), done); },
      [this, restore = std::move(restore), ready](visor_status opened, visor_kv* kv) {
        if (opened != VISOR_OK) return ready(std::unexpected(host_.error(opened)));
        kv_.reset(kv);
        ready(load(restore));
      });
  if (status != VISOR_OK) ready(std::unexpected(host_.error(status)));
}

Result<void> KeptMap::load(const Restore& restore) {
  visor_status status = scan(kv_.get(), {}, [&](ByteView key, ByteView value) {
    ++(restore(key, value) ? counters_.restored : counters_.damaged);
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  if (counters_.damaged > 0) {
    host_.warn(std::to_string(counters_.damaged) + " records of " + map_ +
               " cannot be read and are left out");
  }
  return {};
}

Result<void> KeptMap::put(ByteView key, ByteView value) {
  visor_op op{};
  op.kind = VISOR_PUT;
  op.key = to_span(key);
  op.value = to_span(value);
  return write(op);
}

Result<void> KeptMap::erase(ByteView key) {
  visor_op op{};
  op.kind = VISOR_DELETE;
  op.key = to_span(key);
  return write(op);
}

Result<void> KeptMap::write(const visor_op& op) {
  visor_status status = kv_->api->write(kv_.get(), &op, 1);
  if (status != VISOR_OK) {
    ++counters_.failed_writes;
    refused(status);
    return std::unexpected(Error{status, problem_});
  }
  problem_.clear();
  ++counters_.writes;
  changed_ = true;
  return {};
}

void KeptMap::sync() {
  if (kv_ && changed_ && !syncing_.pending()) sync_then({});
}

void KeptMap::sync_then(std::function<void()> done) {
  changed_ = false;
  visor_status status = syncing_.start([&](visor_done synced) { return kv_->api->sync(kv_.get(), synced); },
                                       [this, done](visor_status synced, void*) {
                                         if (synced == VISOR_OK) {
                                           ++counters_.syncs;
                                         } else {
                                           refused(synced);
                                         }
                                         if (done) done();
                                       });
  if (status == VISOR_OK) return;
  refused(status);
  if (done) done();
}

void KeptMap::refused(visor_status status) {
  std::string problem = host_.error(status).text;
  if (problem != problem_) host_.warn("the drive takes no changes: " + problem);
  problem_ = std::move(problem);
  changed_ = true;
}

void KeptMap::close(std::function<void()> closed) {
  if (!kv_) return closed();
  sync_then([this, closed = std::move(closed)] {
    kv_.reset();
    closed();
  });
}

}  // namespace visor::storage
