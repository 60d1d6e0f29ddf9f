// A store's map that is in memory alone; what it lends is gone with the next call.
#include "tests/support/memory_kv.hpp"

#include <catch2/catch.hpp>

namespace visor::test {
namespace {

class MemoryKv final : public KvProvider {
 public:
  MemoryKv(Host host, MemoryDisk& disk) : KvProvider(host), disk_(disk) {
    REQUIRE_FALSE(disk_.open);
    disk_.open = true;
  }
  ~MemoryKv() override { disk_.open = false; }

 private:
  visor_status get(visor_span key, visor_span* value) override {
    ++disk_.reads;
    if (disk_.call_fails()) return host().fail(VISOR_EIO, "the disk failed");
    auto found = disk_.map.find(std::string(text(key)));
    if (found == disk_.map.end()) return host().fail(VISOR_ENOENT, "no such key");
    lent_ = std::make_unique<std::string>(found->second);
    *value = to_span(std::string_view(*lent_));
    return VISOR_OK;
  }
  visor_status on_write(std::span<const visor_op> ops) override {
    lent_.reset();
    if (disk_.fails()) return host().fail(VISOR_EIO, "the disk failed");
    disk_.apply(ops);
    return VISOR_OK;
  }
  class Cursor final : public CursorProvider {
   public:
    Cursor(Host host, MemoryDisk& disk) : CursorProvider(host), disk_(disk), at_(disk_.map.end()) {}

   private:
    visor_status seek(visor_span from, int32_t how) override {
      const std::string wanted(text(from));
      auto& map = disk_.map;
      switch (how) {
        case VISOR_FIRST:
          at_ = map.begin();
          return show();
        case VISOR_LAST:
          at_ = map.end();
          return back();
        case VISOR_AT_OR_BEFORE:
          at_ = map.upper_bound(wanted);
          return back();
        default:
          at_ = map.lower_bound(wanted);
          return show();
      }
    }
    visor_status step(int32_t direction) override {
      if (direction < 0) return back();
      ++at_;
      return show();
    }
    visor_status back() {
      if (at_ == disk_.map.begin()) return VISOR_ENOENT;
      --at_;
      return show();
    }
    visor_status show() {
      ++disk_.reads;
      if (disk_.call_fails()) return host().fail(VISOR_EIO, "the disk failed");
      if (at_ == disk_.map.end()) return VISOR_ENOENT;
      key = to_span(std::string_view(at_->first));
      value = to_span(std::string_view(at_->second));
      return VISOR_OK;
    }
    MemoryDisk& disk_;
    std::map<std::string, std::string>::iterator at_;
  };
  Result<std::unique_ptr<CursorProvider>> make_cursor() override {
    return std::make_unique<Cursor>(host(), disk_);
  }
  Result<std::unique_ptr<KvProvider>> make_snapshot() override {
    return failure(VISOR_ENOSYS, "no snapshots");
  }
  visor_status sync(visor_done done) override {
    if (disk_.call_fails()) {
      Done(host(), done).later(Error{VISOR_EIO, "the disk failed"});
    } else {
      Done(host(), done).later(VISOR_OK);
    }
    return VISOR_OK;
  }
  visor_status stats(visor_span*) override { return host().fail(VISOR_ENOSYS, "no statistics"); }

  MemoryDisk& disk_;
  std::unique_ptr<std::string> lent_;
};

}  // namespace

Owned<visor_kv> open_disk(Host host, MemoryDisk& disk) {
  return Owned<visor_kv>(new MemoryKv(host, disk));
}

}  // namespace visor::test
