// co_await over a visor_done, a timer and blocking work: what comes back, and what happens to a wait whose
// owner goes.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "tests/support/memory_host.hpp"

namespace visor::test {
namespace {

// Something that is asked for a handle and answers when the test says so.
class Provider {
 public:
  struct Thing : Object<visor_handle> {
    Thing(Host host, int& closed) : Object<visor_handle>(host, &kApi), closed_(closed) {}
    void close() {
      ++closed_;
      delete this;
    }
    visor_span address() { return VISOR_TEXT("here"); }
    static constexpr visor_handle_api kApi = {sizeof(visor_handle_api), 0, thunk<&Thing::close>,
                                              thunk<&Thing::address>};
    int& closed_;
  };

  explicit Provider(Host host) : host_(host) {}
  visor_status open(visor_done done) {
    if (refuses) return host_.fail(VISOR_EINVAL, "refused");
    pending_ = done;
    return VISOR_OK;
  }
  void answer(visor_status status) {
    visor_done done = std::exchange(pending_, {});
    visor_handle* thing = status == VISOR_OK ? new Thing(host_, closed) : nullptr;
    if (status != VISOR_OK) host_.fail(status, "no luck");
    done.fn(done.ctx, status, thing);
  }
  void cancel(void* ctx) { canceled += pending_.ctx == ctx; }
  bool pending() const { return pending_.fn != nullptr; }

  bool refuses = false;
  int closed = 0, canceled = 0;

 private:
  Host host_;
  visor_done pending_{};
};

class Owner {
 public:
  explicit Owner(Host host) : host_(host), provider(host) {}
  Host host() const { return host_; }

  Task open_two() {
    for (int i = 0; i < 2; ++i) {
      auto thing = co_await call<visor_handle>(
          host_, [this](visor_done done) { return provider.open(done); },
          [this](void* ctx) { provider.cancel(ctx); });
      if (!thing) {
        said.push_back(thing.error().text);
        co_return;
      }
      said.push_back(std::string(text((*thing)->api->address(thing->get()))));
      things.push_back(std::move(*thing));
    }
  }
  Task tick(uint64_t ms) {
    for (;;) {
      co_await pause(host_, ms);
      said.push_back("tick");
    }
  }
  Task compute() {
    int sum = 0;
    auto done = co_await work(host_, [&sum] { sum = 6 * 7; });
    said.push_back(done ? std::to_string(sum) : done.error().text);
  }
  Task end_itself() {
    auto alive = std::make_shared<int>(1);
    watched = alive;
    co_await pause(host_, 1);
    task.end();
    said.push_back("ended");
    co_await pause(host_, 1);
    said.push_back("never");
  }

  Host host_;
  Provider provider;
  std::vector<std::string> said;
  std::vector<Owned<visor_handle>> things;
  std::weak_ptr<int> watched;
  Task task;
};

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("a task waits for each result in turn and owns what it is given", "[sdk]") {
  MemoryHost memory;
  {
    Owner owner(memory.host());
    owner.task = owner.open_two();
    CHECK(bool(owner.task));
    owner.provider.answer(VISOR_OK);
    CHECK(owner.said == Said{"here"});
    REQUIRE(owner.provider.pending());
    owner.provider.answer(VISOR_OK);
    CHECK(owner.said == Said{"here", "here"});
    CHECK_FALSE(bool(owner.task));
    owner.things.clear();
    CHECK(owner.provider.closed == 2);
  }
}

TEST_CASE("an error is a value: one of the call itself at once, one of its result later", "[sdk]") {
  MemoryHost memory;
  Owner owner(memory.host());
  owner.provider.refuses = true;
  owner.task = owner.open_two();
  CHECK(owner.said == Said{"refused"});
  CHECK_FALSE(bool(owner.task));

  owner.provider.refuses = false;
  owner.task = owner.open_two();
  owner.provider.answer(VISOR_EIO);
  CHECK(owner.said == Said{"refused", "no luck"});
}

TEST_CASE("a task that goes cancels its wait, and what comes too late is closed", "[sdk]") {
  MemoryHost memory;
  Owner owner(memory.host());
  owner.task = owner.open_two();
  owner.task = Task();
  CHECK(owner.provider.canceled == 1);
  owner.provider.answer(VISOR_OK);
  CHECK(owner.provider.closed == 1);
  CHECK(owner.said.empty());
}

TEST_CASE("a pause ends with its task", "[sdk]") {
  MemoryHost memory;
  Owner owner(memory.host());
  owner.task = owner.tick(10);
  memory.advance_ms(35);
  CHECK(owner.said == Said{"tick", "tick", "tick"});
  owner.task.end();
  CHECK(memory.timers() == 0);
  memory.advance_ms(35);
  CHECK(owner.said.size() == 3);
}

TEST_CASE("blocking work comes back to the task", "[sdk]") {
  MemoryHost memory;
  Owner owner(memory.host());
  owner.task = owner.compute();
  memory.run();
  CHECK(owner.said == Said{"42"});
}

TEST_CASE("a task that ends itself runs on to its next wait and goes there", "[sdk]") {
  MemoryHost memory;
  Owner owner(memory.host());
  owner.task = owner.end_itself();
  memory.advance_ms(10);
  CHECK(owner.said == Said{"ended"});
  CHECK(owner.watched.expired());
  CHECK(memory.timers() == 0);
}

}  // namespace visor::test
