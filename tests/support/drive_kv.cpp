// A store's map on the drive that this program has linked in, through its plugin; the map of the test follows
// it, and a test that changes the map has changed the drive.
#include <catch2/catch.hpp>

#include "tests/support/catalog.hpp"
#include "tests/support/memory_kv.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/world.hpp"

namespace visor::test {
namespace {

/* A kernel with the drive, as long as the program runs. */
class Drive {
 public:
  static Drive& the() {
    static Drive drive;
    return drive;
  }
  Owned<visor_kv> open(const std::string& name) {
    auto opened = world_.await<visor_kv>(node_, [&](visor_done done) {
      return drive_->api->open(drive_, to_span(std::string_view(name)), done);
    });
    INFO((opened ? std::string() : opened.error().text));
    REQUIRE(opened);
    return Owned<visor_kv>(*opened);
  }
  void sync(visor_kv* kv) {
    REQUIRE(world_.await<void>(node_, [&](visor_done done) { return kv->api->sync(kv, done); }));
  }
  std::shared_ptr<std::string> new_name() {
    return std::make_shared<std::string>("disk" + std::to_string(++names_));
  }
  std::string error(visor_status status) const { return node_.host().error(status).text; }

 private:
  Node& add() {
    NodeOptions options;
    options.directory = folder_.path();
    const std::string plugin = plugins().find("storage_leveldb") ? "storage_leveldb" : "storage_memory";
    return world_.add("drive", R"({"plugins":[{"plugin":")" + plugin + R"(","as":"disk"}]})",
                      std::move(options));
  }

  Scratch folder_;
  SimWorld world_;
  Node& node_ = add();
  visor_drive* drive_ = node_.find<visor_drive>(VISOR_DRIVE_1, "disk");
  size_t names_ = 0;
};

class DriveKv final : public KvProvider {
 public:
  DriveKv(Host host, MemoryDisk& disk) : KvProvider(host), disk_(disk) {
    if (!disk_.name) disk_.name = Drive::the().new_name();
    kv_ = Drive::the().open(*disk_.name);
    make_equal();
  }

 private:
  /* What the test did to the map while nobody had it open. */
  void make_equal() {
    std::map<std::string, std::string> stored;
    scan(kv_.get(), {}, [&](ByteView key, ByteView value) {
      stored.emplace(text(key), text(value));
      return true;
    });
    std::vector<visor_op> ops;
    for (const auto& [key, value] : stored) {
      if (!disk_.map.contains(key)) ops.push_back(erase(bytes(key)));
    }
    for (const auto& [key, value] : disk_.map) {
      auto found = stored.find(key);
      if (found == stored.end() || found->second != value) ops.push_back(put(bytes(key), bytes(value)));
    }
    if (!ops.empty()) REQUIRE(kv_->api->write(kv_.get(), ops.data(), ops.size()) == VISOR_OK);
  }
  visor_status pass(visor_status status) {
    return status == VISOR_OK ? status : host().fail(status, Drive::the().error(status));
  }
  visor_status get(visor_span key, visor_span* value) override {
    ++disk_.reads;
    if (disk_.call_fails()) return host().fail(VISOR_EIO, "the disk failed");
    if (!disk_.map.contains(std::string(text(key)))) {
      return host().fail(VISOR_ENOENT, "no such key");  // or one that the test took away just now
    }
    const visor_status status = kv_->api->get(kv_.get(), key, value);
    if (status == VISOR_OK && text(*value) != disk_.map[std::string(text(key))]) {
      FAIL("the drive gives another value than was written");
    }
    return pass(status);
  }
  visor_status on_write(std::span<const visor_op> ops) override {
    if (disk_.fails()) return host().fail(VISOR_EIO, "the disk failed");
    const visor_status status = kv_->api->write(kv_.get(), ops.data(), ops.size());
    if (status == VISOR_OK) disk_.apply(ops);
    return pass(status);
  }
  class Cursor final : public CursorProvider {
   public:
    Cursor(Host host, MemoryDisk& disk, Owned<visor_cursor> cursor)
        : CursorProvider(host), disk_(disk), cursor_(std::move(cursor)) {}

   private:
    visor_status seek(visor_span from, int32_t how) override {
      return show(cursor_->api->seek(cursor_.get(), from, how));
    }
    visor_status step(int32_t direction) override {
      return show(cursor_->api->step(cursor_.get(), direction));
    }
    visor_status show(visor_status status) {
      ++disk_.reads;
      if (disk_.call_fails()) return host().fail(VISOR_EIO, "the disk failed");
      key = cursor_->key;
      value = cursor_->value;
      return status;
    }
    MemoryDisk& disk_;
    Owned<visor_cursor> cursor_;
  };
  Result<std::unique_ptr<CursorProvider>> make_cursor() override {
    visor_cursor* cursor = nullptr;
    REQUIRE(kv_->api->cursor(kv_.get(), &cursor) == VISOR_OK);
    return std::make_unique<Cursor>(host(), disk_, Owned<visor_cursor>(cursor));
  }
  Result<std::unique_ptr<KvProvider>> make_snapshot() override {
    return failure(VISOR_ENOSYS, "no snapshots");
  }
  visor_status sync(visor_done done) override {
    if (disk_.call_fails()) {
      Done(host(), done).later(Error{VISOR_EIO, "the disk failed"});
      return VISOR_OK;
    }
    Drive::the().sync(kv_.get());
    Done(host(), done).later(VISOR_OK);
    return VISOR_OK;
  }
  visor_status stats(visor_span*) override { return host().fail(VISOR_ENOSYS, "no statistics"); }

  MemoryDisk& disk_;
  Owned<visor_kv> kv_;
};

}  // namespace

Owned<visor_kv> open_disk(Host host, MemoryDisk& disk) {
  return Owned<visor_kv>(new DriveKv(host, disk));
}

}  // namespace visor::test
