#include "kernel/instance_host.hpp"

#include <algorithm>
#include <memory>

namespace visor::kernel {
namespace {

visor_status record(Core& core, visor_status status, std::string_view why) {
  core.error = why.substr(0, Log::kMaxTextBytes);
  return status;
}

}  // namespace

const visor_host_api InstanceHost::kApi = {
    .size = sizeof(visor_host_api),
    .caps = 0,
    .find = [](visor_host* host, const char* id, const char* name) -> void* {
      return id ? self(host).core_.registry.find(id, name) : nullptr;
    },
    .offer = [](visor_host* host, const char* id, const char* name,
                void* object) { return self(host).offer(id, name, object); },
    .withdraw = [](visor_host* host,
                   void* object) { self(host).core_.registry.withdraw(self(host).name_, object); },
    .watch = [](visor_host* host, const char* id, void (*fn)(void*, const char*, void*), void* ctx,
                visor_handle** handle) -> visor_status {
      InstanceHost& me = self(host);
      if (!id || !fn || !handle)
        return record(me.core_, VISOR_EINVAL, "watch: expected an id, a function and a place for the handle");
      if (me.ended_) return me.refuse("watch");
      *handle = me.core_.registry.watch(Host(host), me.name_, id, fn, ctx);
      return VISOR_OK;
    },
    .now = [](visor_host* host) { return self(host).core_.loop.now_ns(); },
    .time = [](visor_host* host) { return self(host).core_.loop.unix_ns(); },
    .random = [](visor_host* host, void* bytes,
                 size_t size) { self(host).core_.loop.random({static_cast<uint8_t*>(bytes), size}); },
    .timer = [](visor_host* host, uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*),
                void* ctx) { return self(host).timer(first_ms, repeat_ms, fn, ctx); },
    .cancel =
        [](visor_host* host, uint64_t timer) {
          // Only its own: a number from elsewhere is harmless too.
          if (self(host).timers_.erase(timer) > 0) self(host).core_.loop.cancel(timer);
        },
    .post =
        [](visor_host* host, void (*fn)(void*), void* ctx) {
          Core& core = self(host).core_;
          core.posted.fetch_add(1, std::memory_order_relaxed);
          core.loop.post([fn, ctx] { fn(ctx); });
        },
    .work = [](visor_host* host, void (*fn)(void*), void* ctx,
               visor_done done) { return self(host).work(fn, ctx, done); },
    .config = [](visor_host* host) { return to_span(std::string_view(self(host).config_)); },
    .directory = [](visor_host* host) { return to_span(std::string_view(self(host).directory_)); },
    .log = [](visor_host* host, int32_t level, visor_span line) { self(host).write_log(level, text(line)); },
    .fail = [](visor_host* host, visor_status status,
               visor_span why) { return record(self(host).core_, status, text(why)); },
    .error = [](visor_host* host) { return to_span(std::string_view(self(host).core_.error)); },
};

InstanceHost::InstanceHost(Core& core, std::string name, std::string config, std::string directory)
    : visor_host{&kApi},
      core_(core),
      name_(std::move(name)),
      directory_(std::move(directory)),
      config_(std::move(config)) {}

InstanceHost::~InstanceHost() {
  for (uint64_t timer : timers_) core_.loop.cancel(timer);
}

visor_status InstanceHost::refuse(std::string_view what) {
  std::string why = std::string(what) + ": " + name_ + " has stopped";
  write_log(VISOR_ERROR, why);
  return record(core_, VISOR_ECLOSED, why);
}

void InstanceHost::when_idle(Loop::Task fn) {
  if (working_ == 0) return fn();
  idle_ = std::move(fn);
}

void InstanceHost::clean_up() {
  auto left = [this](size_t count, std::string_view what) {
    if (count == 0) return;
    write_log(VISOR_WARN,
              "left " + std::to_string(count) + " " + std::string(what) + " behind when it stopped");
  };
  left(timers_.size(), "timers");
  for (uint64_t timer : timers_) core_.loop.cancel(timer);
  timers_.clear();
  left(core_.registry.forget_watches(name_), "watches");
  left(size_t(std::ranges::count(core_.registry.entries(), name_, &Registry::Entry::owner)), "offers");
  core_.registry.withdraw_all(name_);
  ended_ = true;
}

uint64_t InstanceHost::timer(uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void*), void* ctx) {
  if (ended_) {
    refuse("timer");
    return 0; /* no timer's number */
  }
  auto id = std::make_shared<uint64_t>(0);
  *id = core_.loop.timer(first_ms, repeat_ms, [this, id, once = repeat_ms == 0, fn, ctx] {
    if (once) timers_.erase(*id);
    fn(ctx);
  });
  timers_.insert(*id);
  return *id;
}

visor_status InstanceHost::work(void (*fn)(void*), void* ctx, visor_done done) {
  if (ended_) return refuse("work");
  visor_status status = core_.loop.work([fn, ctx] { fn(ctx); },
                                        [this, done] {
                                          --working_;
                                          if (done.fn) done.fn(done.ctx, VISOR_OK, nullptr);
                                          if (working_ == 0 && idle_) std::exchange(idle_, nullptr)();
                                        });
  if (status != VISOR_OK)
    return record(core_, status, "too much work is under way; try again when some is done");
  ++working_;
  return VISOR_OK;
}

void InstanceHost::write_log(int32_t level, std::string_view line) {
  level = std::clamp<int32_t>(level, VISOR_TRACE, VISOR_ERROR);
  if (core_.loop.on_loop_thread()) return core_.log.write(core_.loop.unix_ns(), level, name_, line);
  core_.posted.fetch_add(1, std::memory_order_relaxed);
  core_.loop.post([this, level, when = core_.loop.unix_ns(), copy = std::string(line)] {
    core_.log.write(when, level, name_, copy);
  });
}

visor_status InstanceHost::offer(const char* id, const char* name, void* object) {
  if (!id || !object) return record(core_, VISOR_EINVAL, "offer: expected an id and an object");
  if (ended_) return refuse("offer");
  auto offered = core_.registry.offer(name_, id, name ? name : name_, object);
  return offered ? VISOR_OK : record(core_, offered.error().status, offered.error().text);
}

}  // namespace visor::kernel
