// A drive over std::map, and variants of it that break one promise of storage.h each
// (VISOR_CHECK_DEFECT=...).
#include <sys/stat.h>
#include <visor/plugin.hpp>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

namespace {

using visor::Host;
using visor::Result;

/* The one rule that this process's copy breaks, named by the environment. */
bool is(std::string_view defect) {
  static const char* chosen = std::getenv("VISOR_CHECK_DEFECT");
  return chosen && defect == chosen;
}

struct Less {
  bool operator()(const std::string& a, const std::string& b) const {
    if (!is("unsorted_keys")) return a < b;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};
using Map = std::map<std::string, std::string, Less>;

std::string copy(visor_span s) {
  return std::string(visor::text(s));
}

/* A drive that says it is durable writes the whole map into one file, whose rename is what makes a batch
 * whole. */
struct Shelf {
  std::string file;
  Map map;
  size_t cursors = 0; /* that were ever made, of cursors_hold_map */

  void load() {
    std::ifstream in(file, std::ios::binary);
    std::string key, value;
    auto text = [&in](std::string& out) {
      uint32_t size = 0;
      if (!in.read(reinterpret_cast<char*>(&size), sizeof size)) return false;
      out.resize(size);
      return static_cast<bool>(in.read(out.data(), size));
    };
    while (!file.empty() && text(key) && text(value)) map[key] = value;
  }
  void save() const {
    if (file.empty()) return;
    std::string target = is("tears_when_killed") ? file : file + ".new";
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    for (const auto& [key, value] : map) {
      for (const std::string* text : {&key, &value}) {
        auto size = static_cast<uint32_t>(text->size());
        out.write(reinterpret_cast<const char*>(&size), sizeof size);
        out.write(text->data(), size);
        if (is("tears_when_killed")) out.flush();
      }
    }
    out.close();
    if (target != file) std::rename(target.c_str(), file.c_str());
  }
};
using ShelfPtr = std::shared_ptr<Shelf>;

class Cursor final : public visor::CursorProvider {
 public:
  Cursor(Host host, ShelfPtr shelf)
      : CursorProvider(host), shelf_(std::move(shelf)), copy_(shelf_->map), at_(map().end()) {}

  visor_status seek(visor_span raw, int32_t how) override {
    std::string target = copy(raw);
    const Map& all = map();
    switch (how) {
      case VISOR_FIRST:
        at_ = all.begin();
        break;
      case VISOR_LAST:
        at_ = all.empty() ? all.end() : std::prev(all.end());
        break;
      case VISOR_AT_OR_AFTER:
        at_ = all.lower_bound(target);
        break;
      case VISOR_AT_OR_BEFORE:
        at_ = all.upper_bound(target);
        at_ = at_ == all.begin() ? all.end() : std::prev(at_);
        break;
      default:
        return host().fail(VISOR_EINVAL, "no such way to seek");
    }
    return show();
  }
  visor_status step(int32_t direction) override {
    if (direction != 1 && direction != -1) return host().fail(VISOR_EINVAL, "a step is +1 or -1");
    if (at_ == map().end()) return VISOR_ENOENT;
    if (direction > 0 || is("cursor_backwards")) {
      ++at_;
    } else {
      at_ = at_ == map().begin() ? map().end() : std::prev(at_);
    }
    return show();
  }

 private:
  const Map& map() const { return is("cursor_sees_later") ? shelf_->map : copy_; }
  visor_status show() {
    key = value = visor_span{};
    if (at_ == map().end()) return VISOR_ENOENT;
    key = visor::to_span(std::string_view(at_->first));
    value = visor::to_span(std::string_view(at_->second));
    return VISOR_OK;
  }
  ShelfPtr shelf_;
  Map copy_;
  Map::const_iterator at_;
};

class Kv final : public visor::KvProvider {
 public:
  Kv(Host host, ShelfPtr shelf, bool snapshot)
      : KvProvider(host), shelf_(std::move(shelf)), snapshot_(snapshot), tasks_(host) {}

  visor_status get(visor_span key, visor_span* out) override {
    if (is("keeps_key")) {
      if (kept_.size > 0) touched_ += static_cast<const char*>(kept_.data)[0];
      kept_ = key;
    }
    auto at = shelf_->map.find(copy(key));
    if (at == shelf_->map.end()) return VISOR_ENOENT;
    *out = visor::to_span(std::string_view(at->second));
    return VISOR_OK;
  }
  visor_status sync(visor_done raw) override {
    if (is("sync_never")) return VISOR_OK;
    if (is("sync_early")) {
      raw.fn(raw.ctx, VISOR_OK, nullptr);
      return VISOR_OK;
    }
    if (is("sync_dies_with_map")) {
      tasks_.post([raw] { raw.fn(raw.ctx, VISOR_OK, nullptr); });
      return VISOR_OK;
    }
    auto done = std::make_shared<visor::Done>(host(), raw);
    visor::post(host(), [done, raw] {
      done->complete(VISOR_OK);
      if (is("sync_twice")) raw.fn(raw.ctx, VISOR_OK, nullptr);
    });
    return VISOR_OK;
  }
  visor_status stats(visor_span* json) override {
    stats_ = is("stats_no_json") ? "bytes: 7" : "{\"bytes\":" + std::to_string(shelf_->map.size()) + "}";
    *json = visor::to_span(std::string_view(stats_));
    return VISOR_OK;
  }

 protected:
  visor_status on_write(std::span<const visor_op> ops) override {
    if (snapshot_ && !is("snapshot_writes")) return host().fail(VISOR_EPERM, "a snapshot is read-only");
    for (const visor_op& op : ops) {
      std::string key = copy(op.key), value = copy(op.value);
      if (op.kind == VISOR_DELETE) {
        shelf_->map.erase(key);
      } else if (is("forgets_empty") && key.empty()) {
        continue;
      } else if (is("first_word_counts")) {
        shelf_->map.emplace(key, value);
      } else {
        if (is("cuts_large")) value.resize(std::min<size_t>(value.size(), 4u << 20));
        shelf_->map[key] = value;
      }
      if (is("half_batch") && ops.size() > 5000 && shelf_->map.size() > 5000) break;
    }
    shelf_->save();
    return VISOR_OK;
  }
  Result<std::unique_ptr<visor::CursorProvider>> make_cursor() override {
    if (is("cursors_hold_map")) ++shelf_->cursors;
    return std::make_unique<Cursor>(host(), shelf_);
  }
  Result<std::unique_ptr<KvProvider>> make_snapshot() override {
    auto shelf =
        is("snapshot_sees_later") ? shelf_ : std::make_shared<Shelf>(Shelf{.file = "", .map = shelf_->map});
    return std::make_unique<Kv>(host(), shelf, true);
  }

 private:
  ShelfPtr shelf_;
  const bool snapshot_;
  visor::Tasks tasks_;
  std::string stats_;
  visor_span kept_{};
  int touched_ = 0;
};

/* Takes over from the glue what opens_twice needs to do wrong. */
class Drive final : public visor::DriveProvider {
 public:
  Drive(Host host, std::string folder)
      : DriveProvider(host, !folder.empty()), folder_(std::move(folder)), table_(*this->api) {
    if (is("opens_twice")) {
      table_.open = [](visor_drive* drive, visor_span name, visor_done raw) -> visor_status {
        auto* self = static_cast<Drive*>(drive);
        auto done = std::make_shared<visor::Done>(self->host(), raw);
        self->on_open(copy(name),
                      [done](auto made) { done->later(VISOR_OK, static_cast<visor_kv*>(made->release())); });
        return VISOR_OK;
      };
      this->api = &table_;
    }
  }

 protected:
  void on_open(const std::string& name, Opened opened) override {
    auto& shelf = shelves_[is("names_share") ? "" : name];
    if (!shelf) {
      shelf = std::make_shared<Shelf>();
      if (!folder_.empty())
        shelf->file = folder_ + "/" + visor::to_hex(visor::bytes(std::string_view(name))).substr(0, 200);
      if (!is("forgets_on_restart")) shelf->load();
    }
    opened(std::make_unique<Kv>(host(), shelf, false));
  }
  void on_erase(const std::string& name, Erased erased) override {
    auto at = shelves_.find(name);
    if (at != shelves_.end() && at->second->cursors > 0) {
      return erased(visor::failure(VISOR_EEXIST, "a cursor reads it"));
    }
    if (at != shelves_.end()) {
      std::remove(at->second->file.c_str());
      shelves_.erase(at);
    }
    erased({});
  }

 private:
  const std::string folder_;
  visor_drive_api table_;
  std::map<std::string, ShelfPtr> shelves_;
};

class Plugin final : public visor::Instance {
 public:
  using Instance::Instance;
  void start(Started started) override {
    std::string folder(host().directory());
    const bool durable = is("forgets_on_restart") || is("tears_when_killed");
    if (durable) {
      std::string made;
      for (char c : folder + "/") {
        if (c == '/' && !made.empty()) (void)::mkdir(made.c_str(), 0700);
        made += c;
      }
    }
    drive_.emplace(host(), durable ? folder : "");
    started(host().offer(VISOR_DRIVE_1, nullptr, static_cast<visor_drive*>(&*drive_)));
  }
  void stop(Stopped stopped) override {
    host().withdraw(static_cast<visor_drive*>(&*drive_));
    stopped();
  }

 private:
  std::optional<Drive> drive_;
};

constexpr const char* kOffers[] = {VISOR_DRIVE_1, nullptr};

}  // namespace

VISOR_PLUGIN(broken_drive) = {
    VISOR_PLUGIN_HEAD,
    .name = "broken_drive",
    .version = "1.0.0",
    .summary = "A drive for the tests of visor check",
    .license = "MIT",
    .schema = R"({"type":"object","additionalProperties":false})",
    .needs = nullptr,
    .offers = kOffers,
    .commands = nullptr,
    .command_count = 0,
    .command_size = sizeof(visor_command),
    .start = visor::start<Plugin>,
    .stop = visor::stop<Plugin>,
    .configure = nullptr,
};
