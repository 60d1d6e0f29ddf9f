#include "keeper.hpp"

namespace visor::dmsg_discovery {

void Keeper::open(std::function<void(Result<void>)> ready) {
  auto drive = find<visor_drive>(host_, config_.drive);
  if (!drive) return ready(std::unexpected(drive.error()));
  visor_status status =
      opening_.start([&](visor_done done) { return (*drive)->api->open(*drive, to_span(kMapName), done); },
                     [this, ready](visor_status opened, visor_kv* kv) {
                       if (opened != VISOR_OK) return ready(std::unexpected(host_.error(opened)));
                       kv_.reset(kv);
                       ready(load());
                     });
  if (status != VISOR_OK) ready(std::unexpected(host_.error(status)));
}

Result<void> Keeper::load() {
  visor_status status = scan(kv_.get(), {}, [this](ByteView, ByteView value) {
    auto record = decode_record(value);
    if (record) book_.put(std::move(*record));
    ++(record ? counters_.restored : counters_.damaged);
    return true;
  });
  if (status != VISOR_OK) return std::unexpected(host_.error(status));
  if (counters_.damaged > 0) {
    host_.warn(std::to_string(counters_.damaged) + " stored entries cannot be read and are left out");
  }
  return {};
}

Result<void> Keeper::keep(const visor_key& key, const Record* record) {
  Bytes value;
  visor_op op{};
  op.kind = VISOR_DELETE;
  op.key = to_span(bytes(key));
  if (record) {
    value = encode_record(*record);
    op.kind = VISOR_PUT;
    op.value = to_span(ByteView(value));
  }
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

void Keeper::sync() {
  if (kv_ && changed_ && !syncing_.pending()) sync_then({});
}

void Keeper::sync_then(std::function<void()> done) {
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

void Keeper::refused(visor_status status) {
  std::string problem = host_.error(status).text;
  if (problem != problem_) host_.warn("the drive takes no changes: " + problem);
  problem_ = std::move(problem);
  changed_ = true;
}

void Keeper::close(std::function<void()> closed) {
  if (!kv_) return closed();
  sync_then([this, closed = std::move(closed)] {
    kv_.reset();
    closed();
  });
}

}  // namespace visor::dmsg_discovery
