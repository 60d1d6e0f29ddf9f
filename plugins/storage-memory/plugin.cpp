// storage_memory: a drive that keeps its maps in memory, for as long as the instance runs.
#include <map>
#include <visor/plugin.hpp>

#include "lib/storage/drive_status.hpp"
#include "table.hpp"

namespace visor::storage_memory {
namespace {

using TablePtr = std::shared_ptr<Table>;

// A view of the table that stays as it was; cursors and snapshots hold one each.
class View {
 public:
  explicit View(TablePtr table) : table_(std::move(table)), sequence_(table_->open_view()) {}
  ~View() { table_->close_view(sequence_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  const Table& table() const { return *table_; }
  uint64_t sequence() const { return sequence_; }

 private:
  TablePtr table_;
  uint64_t sequence_;
};
using ViewPtr = std::shared_ptr<View>;

class Cursor final : public CursorProvider {
 public:
  Cursor(Host host, ViewPtr view) : CursorProvider(host), view_(std::move(view)) {}

  visor_status seek(visor_span target, int32_t how) override {
    switch (how) {
      case VISOR_FIRST:
        return show(table().first(), +1);
      case VISOR_LAST:
        return show(table().last(), -1);
      case VISOR_AT_OR_AFTER:
        return show(table().at_or_after(text(target)), +1);
      case VISOR_AT_OR_BEFORE:
        return show(table().at_or_before(text(target)), -1);
      default:
        return host().fail(VISOR_EINVAL, "seek is told VISOR_FIRST, LAST, AT_OR_AFTER or AT_OR_BEFORE; got " +
                                             std::to_string(how));
    }
  }
  visor_status step(int32_t direction) override {
    if (direction != 1 && direction != -1) {
      return host().fail(VISOR_EINVAL, "a step is +1 or -1; got " + std::to_string(direction));
    }
    if (!at_.entry) return VISOR_ENOENT;
    return show(direction > 0 ? table().next(at_) : table().previous(at_), direction);
  }

 private:
  const Table& table() const { return view_->table(); }

  // Shows the entry there, or the nearest visible one in the direction.
  visor_status show(Table::Position at, int direction) {
    for (; at.entry; at = direction > 0 ? table().next(at) : table().previous(at)) {
      const Table::Version* version = table().visible(*at.entry, view_->sequence());
      if (!version) continue;
      at_ = at;
      key = to_span(at.entry->key());
      value = to_span(version->value);
      return VISOR_OK;
    }
    at_ = {};
    key = value = visor_span{};
    return VISOR_ENOENT;
  }

  ViewPtr view_;
  Table::Position at_;
};

class Kv final : public KvProvider {
 public:
  // view null: the map itself, else a snapshot of it.
  Kv(Host host, TablePtr table, ViewPtr view = nullptr)
      : KvProvider(host), table_(std::move(table)), view_(std::move(view)) {}

  visor_status get(visor_span key, visor_span* value) override {
    const Table::Version* found = table_->get(text(key), view_ ? view_->sequence() : table_->latest());
    if (!found) return VISOR_ENOENT;
    *value = to_span(found->value);
    return VISOR_OK;
  }
  visor_status sync(visor_done done) override {
    Done(host(), done).later(VISOR_OK);
    return VISOR_OK;
  }
  visor_status stats(visor_span* json) override {
    stats_ = "{\"keys\":" + std::to_string(table_->keys()) +
             ",\"bytes\":" + std::to_string(table_->value_bytes()) +
             ",\"views\":" + std::to_string(table_->views()) +
             ",\"kept_versions\":" + std::to_string(table_->kept_versions()) + "}";
    *json = to_span(std::string_view(stats_));
    return VISOR_OK;
  }

 protected:
  visor_status on_write(std::span<const visor_op> ops) override {
    if (view_)
      return host().fail(VISOR_EPERM, "a snapshot is read-only; write to the map that it was taken from");
    table_->apply(ops);
    table_->commit();
    return VISOR_OK;
  }
  Result<std::unique_ptr<CursorProvider>> make_cursor() override {
    return std::make_unique<Cursor>(host(), view_ ? view_ : std::make_shared<View>(table_));
  }
  Result<std::unique_ptr<KvProvider>> make_snapshot() override {
    return std::make_unique<Kv>(host(), table_, view_ ? view_ : std::make_shared<View>(table_));
  }

 private:
  TablePtr table_;
  ViewPtr view_;
  std::string stats_;
};

class Drive final : public DriveProvider {
 public:
  explicit Drive(Host host) : DriveProvider(host, false) {}

 protected:
  void on_open(const std::string& name, Opened opened) override {
    TablePtr& table = tables_[name];
    if (!table) table = std::make_shared<Table>();
    opened(std::make_unique<Kv>(host(), table));
  }
  void on_erase(const std::string& name, Erased erased) override {
    tables_.erase(name);
    erased({});
  }

 private:
  std::map<std::string, TablePtr> tables_;
};

class StorageMemory final : public Instance {
 public:
  explicit StorageMemory(Host host) : Instance(host), drive_(host) {}

  void start(Started started) override {
    started(host().offer(VISOR_DRIVE_1, nullptr, static_cast<visor_drive*>(&drive_)));
  }
  void stop(Stopped stopped) override {
    host().withdraw(static_cast<visor_drive*>(&drive_));
    stopped();
  }
  Result<std::string> status(std::string_view) { return storage::status_json(drive_); }

 private:
  Drive drive_;
};

constexpr const char* kOffers[] = {VISOR_DRIVE_1, nullptr};

constexpr visor_command kCommands[] = {
    {"status", "The maps that are open, and their sizes", R"({"type":"object","additionalProperties":false})",
     VISOR_COMMAND_READS, 0, command<&StorageMemory::status>},
};

}  // namespace
}  // namespace visor::storage_memory

VISOR_PLUGIN(storage_memory) = {
    VISOR_PLUGIN_HEAD,
    .name = "storage_memory",
    .version = "1.0.0",
    .summary = "A drive that keeps its maps in memory, for as long as it runs",
    .license = "MIT",
    .schema = R"({"type":"object","additionalProperties":false})",
    .needs = nullptr,
    .offers = visor::storage_memory::kOffers,
    .commands = visor::storage_memory::kCommands,
    .command_count = std::size(visor::storage_memory::kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<visor::storage_memory::StorageMemory>,
    .stop = visor::stop<visor::storage_memory::StorageMemory>,
    .configure = nullptr,
};
