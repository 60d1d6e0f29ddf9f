// storage_leveldb: a drive that keeps each map in a LevelDB of its own, a folder under `path`.
#include <leveldb/write_batch.h>
#include <visor/plugin.hpp>

#include <boost/json.hpp>
#include <filesystem>

#include "database.hpp"
#include "lib/storage/drive_status.hpp"

namespace visor::storage_leveldb {
namespace {

namespace fs = std::filesystem;

// An empty span may have no address; LevelDB compares what it is given with memcmp, which wants one.
leveldb::Slice slice(visor_span s) {
  return {s.size == 0 ? "" : static_cast<const char*>(s.data), s.size};
}
visor_span span(const leveldb::Slice& s) {
  return {s.data(), s.size()};
}

struct Snapshot {
  explicit Snapshot(DatabasePtr d) : database(std::move(d)), snapshot(database->db().GetSnapshot()) {}
  ~Snapshot() { database->db().ReleaseSnapshot(snapshot); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  DatabasePtr database;
  const leveldb::Snapshot* snapshot;
};
using SnapshotPtr = std::shared_ptr<Snapshot>;

leveldb::ReadOptions read_options(const SnapshotPtr& snapshot) {
  leveldb::ReadOptions options;
  options.verify_checksums = true;  // VISOR_ECORRUPT is what the interface has for it
  if (snapshot) options.snapshot = snapshot->snapshot;
  return options;
}

class Cursor final : public CursorProvider {
 public:
  Cursor(Host host, DatabasePtr database, SnapshotPtr snapshot)
      : CursorProvider(host),
        database_(std::move(database)),
        snapshot_(std::move(snapshot)),
        at_(database_->db().NewIterator(read_options(snapshot_))) {}

  visor_status seek(visor_span target, int32_t how) override {
    WatchedEnv::forget_last_read();
    switch (how) {
      case VISOR_FIRST:
        at_->SeekToFirst();
        break;
      case VISOR_LAST:
        at_->SeekToLast();
        break;
      case VISOR_AT_OR_AFTER:
        at_->Seek(slice(target));
        break;
      case VISOR_AT_OR_BEFORE:
        at_->Seek(slice(target));
        if (!at_->Valid()) {
          at_->SeekToLast();
        } else if (at_->key().compare(slice(target)) > 0) {
          at_->Prev();
        }
        break;
      default:
        return host().fail(VISOR_EINVAL, "seek is told VISOR_FIRST, LAST, AT_OR_AFTER or AT_OR_BEFORE; got " +
                                             std::to_string(how));
    }
    return show();
  }
  visor_status step(int32_t direction) override {
    if (direction != 1 && direction != -1) {
      return host().fail(VISOR_EINVAL, "a step is +1 or -1; got " + std::to_string(direction));
    }
    if (failed_ || !at_->Valid()) return show();
    direction > 0 ? at_->Next() : at_->Prev();
    return show();
  }

 private:
  // LevelDB passes over a block that it cannot read and tells at the end; here nothing is shown beyond it.
  // Asking costs as much as a step, so it is asked when something was read.
  visor_status show() {
    key = value = visor_span{};
    uint64_t reads = WatchedEnv::table_reads();
    if (!at_->Valid() || failed_ || std::exchange(reads_, reads) != reads) {
      auto status = at_->status();
      failed_ = !status.ok();
      if (failed_) return host().fail(database_->error(status));
    }
    if (!at_->Valid()) return VISOR_ENOENT;
    key = span(at_->key());
    value = span(at_->value());
    return VISOR_OK;
  }

  DatabasePtr database_;
  SnapshotPtr snapshot_;
  std::unique_ptr<leveldb::Iterator> at_;
  uint64_t reads_ = 0;
  bool failed_ = false;
};

class Kv final : public KvProvider {
 public:
  // snapshot null: the map itself, else a read-only view of it.
  Kv(Host host, DatabasePtr database, SnapshotPtr snapshot = nullptr)
      : KvProvider(host), database_(std::move(database)), snapshot_(std::move(snapshot)) {}

  visor_status get(visor_span key, visor_span* out) override {
    WatchedEnv::forget_last_read();
    auto status = database_->db().Get(read_options(snapshot_), slice(key), &value_);
    if (status.IsNotFound()) return VISOR_ENOENT;
    if (!status.ok()) return host().fail(database_->error(status));
    *out = to_span(std::string_view(value_));
    return VISOR_OK;
  }

  visor_status sync(visor_done raw) override {
    struct Work {
      DatabasePtr database;
      Result<void> synced;
      Done done;
    };
    auto* work = new Work{database_, {}, Done(host(), raw)};
    auto run = [](void* ctx) {
      auto* self = static_cast<Work*>(ctx);
      self->synced = self->database->sync();
    };
    auto ran = [](void* ctx, visor_status status, void*) {
      std::unique_ptr<Work> self(static_cast<Work*>(ctx));
      if (status == VISOR_OK && !self->synced) return self->done.complete(self->synced.error());
      self->done.complete(status);
    };
    visor_status status = host().raw()->api->work(host().raw(), run, work, {ran, work});
    if (status != VISOR_OK) {
      work->done.dismiss();
      delete work;
    }
    return status;
  }

  visor_status stats(visor_span* json) override {
    const std::string last(16, '\xff');
    leveldb::Range all("", last);
    uint64_t bytes = 0;
    database_->db().GetApproximateSizes(&all, 1, &bytes);
    std::string memory;
    database_->db().GetProperty("leveldb.approximate-memory-usage", &memory);
    stats_ =
        "{\"bytes\":" + std::to_string(bytes) + ",\"memory_bytes\":" + (memory.empty() ? "0" : memory) + "}";
    *json = to_span(std::string_view(stats_));
    return VISOR_OK;
  }

 protected:
  visor_status on_write(std::span<const visor_op> ops) override {
    if (snapshot_)
      return host().fail(VISOR_EPERM, "a snapshot is read-only; write to the map that it was taken from");
    leveldb::WriteBatch batch;
    for (const visor_op& op : ops) {
      op.kind == VISOR_PUT ? batch.Put(slice(op.key), slice(op.value)) : batch.Delete(slice(op.key));
    }
    auto written = database_->write(batch);
    return written ? VISOR_OK : host().fail(written.error());
  }
  Result<std::unique_ptr<CursorProvider>> make_cursor() override {
    return std::make_unique<Cursor>(host(), database_, snapshot_);
  }
  Result<std::unique_ptr<KvProvider>> make_snapshot() override {
    return std::make_unique<Kv>(host(), database_,
                                snapshot_ ? snapshot_ : std::make_shared<Snapshot>(database_));
  }

 private:
  DatabasePtr database_;
  SnapshotPtr snapshot_;
  std::string value_, stats_;
};

class Drive final : public DriveProvider {
 public:
  Drive(Host host, fs::path root) : DriveProvider(host, true), root_(std::move(root)) {}

 protected:
  void on_open(const std::string& name, Opened opened) override {
    struct Outcome {
      Result<DatabasePtr> database = failure(VISOR_ECANCELED, "the drive stopped before the map was open");
      std::string said;
    };
    auto outcome = std::make_shared<Outcome>();
    work([outcome, folder = folder(name)] { outcome->database = Database::open(folder, outcome->said); },
         [host = host(), outcome, opened = std::move(opened)] {
           if (!outcome->said.empty()) host.warn(outcome->said);
           if (!outcome->database) return opened(std::unexpected(outcome->database.error()));
           opened(std::make_unique<Kv>(host, *outcome->database));
         });
  }
  void on_erase(const std::string& name, Erased erased) override {
    auto outcome = std::make_shared<Result<void>>();
    work([outcome, folder = folder(name)] { *outcome = Database::erase(folder); },
         [outcome, erased = std::move(erased)] { erased(std::move(*outcome)); });
  }

 private:
  // Names are any bytes; folders are letters, digits, '-' and '_', the rest as %XX.
  fs::path folder(const std::string& name) const {
    std::string safe;
    for (char c : name) {
      bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      plain ? safe += c : safe += "%" + to_hex(ByteView(reinterpret_cast<const uint8_t*>(&c), 1));
    }
    return root_ / safe;
  }
  // Runs `blocking` on a worker, then `after` on the loop; at once where the host refuses more work.
  void work(std::function<void()> blocking, std::function<void()> after) {
    struct Work {
      std::function<void()> blocking, after;
    };
    auto* both = new Work{std::move(blocking), std::move(after)};
    auto finished = [](void* ctx, visor_status, void*) {
      std::unique_ptr<Work> owned(static_cast<Work*>(ctx));
      owned->after();
    };
    auto run = [](void* ctx) { static_cast<Work*>(ctx)->blocking(); };
    if (host().raw()->api->work(host().raw(), run, both, {finished, both}) != VISOR_OK) {
      run(both);
      finished(both, VISOR_OK, nullptr);
    }
  }

  fs::path root_;
};

class StorageLeveldb final : public Instance {
 public:
  using Instance::Instance;

  void start(Started started) override {
    auto config = boost::json::parse(host().config());
    fs::path root(std::string(host().directory()));
    if (const auto* path = config.as_object().if_contains("path")) root = std::string(path->as_string());
    if (root.empty()) {
      return started(failure(VISOR_EINVAL, "this host gives no folder to keep files in; set \"path\""));
    }
    drive_.emplace(host(), root);
    started(host().offer(VISOR_DRIVE_1, nullptr, static_cast<visor_drive*>(&*drive_)));
  }
  void stop(Stopped stopped) override {
    host().withdraw(static_cast<visor_drive*>(&*drive_));
    stopped();
  }
  Result<std::string> status(std::string_view) { return storage::status_json(*drive_); }

 private:
  std::optional<Drive> drive_;
};

constexpr const char* kOffers[] = {VISOR_DRIVE_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status", "The maps that are open, and their sizes", R"({"type":"object","additionalProperties":false})",
     VISOR_COMMAND_READS, 0, command<&StorageLeveldb::status>},
};

constexpr const char* kSchema = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "path": {"type": "string", "minLength": 1,
             "description": "Folder that holds the maps; by default the instance's own folder"}}})";

}  // namespace
}  // namespace visor::storage_leveldb

VISOR_PLUGIN(storage_leveldb) = {
    VISOR_PLUGIN_HEAD,
    .name = "storage_leveldb",
    .version = "1.0.0",
    .summary = "A drive that keeps its maps on disk, each in a LevelDB of its own",
    .license = "MIT",
    .schema = visor::storage_leveldb::kSchema,
    .needs = nullptr,
    .offers = visor::storage_leveldb::kOffers,
    .commands = visor::storage_leveldb::kCommands,
    .command_count = std::size(visor::storage_leveldb::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::storage_leveldb::StorageLeveldb>,
    .stop = visor::stop<visor::storage_leveldb::StorageLeveldb>,
    .configure = nullptr,
};
