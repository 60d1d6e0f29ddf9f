// What ends with its owner: a done, a request, a timer, a task put off, a registration, a stream.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "tests/support/memory_host.hpp"

namespace visor::test {
namespace {

using Statuses = std::vector<visor_status>;

visor_done into(Statuses& statuses) {
  return {[](void* ctx, visor_status status, void*) { static_cast<Statuses*>(ctx)->push_back(status); },
          &statuses};
}

// A stream whose carrier is the test.
struct Carrier : StreamProvider {
  explicit Carrier(Host host) : StreamProvider(host) {}
  visor_status on_write(std::span<const visor_span> parts) override {
    if (full) return VISOR_EAGAIN;
    for (const visor_span& part : parts) written += text(part);
    return VISOR_OK;
  }
  void on_flow(bool flows) override { flow.push_back(flows); }
  void on_end() override { ++ends; }
  void on_close() override { ++closes; }
  std::string written;
  std::vector<bool> flow;
  bool full = false;
  int ends = 0, closes = 0;
};

}  // namespace

TEST_CASE("a done runs once; one that is dropped is cancelled on the next turn", "[sdk]") {
  MemoryHost memory;
  Statuses heard;
  {
    Done completed(memory.host(), into(heard));
    completed.complete(VISOR_OK);
    CHECK(heard == Statuses{VISOR_OK});
    CHECK_FALSE(completed.pending());
    Done moved(memory.host(), into(heard));
    Done dropped(std::move(moved));
    CHECK(dropped.is(&heard));
    Done dismissed(memory.host(), into(heard));
    dismissed.dismiss();
  }
  CHECK(heard.size() == 1);
  memory.run();
  CHECK(heard == Statuses{VISOR_OK, VISOR_ECANCELED});
}

TEST_CASE("a done that fails later brings its text with it", "[sdk]") {
  MemoryHost memory;
  struct Heard {
    Host host;
    std::string why;
  } heard{memory.host(), {}};
  visor_done done{[](void* ctx, visor_status status, void*) {
                    auto* self = static_cast<Heard*>(ctx);
                    self->why = self->host.error(status).text;
                  },
                  &heard};
  Done(memory.host(), done).later(Error{VISOR_EIO, "the disk is full"});
  memory.host().fail(VISOR_EIO, "something else in between");
  memory.run();
  CHECK(heard.why == "the disk is full");
}

TEST_CASE("a request that goes cancels, and never calls back", "[sdk]") {
  MemoryHost memory;
  visor_done taken{};
  int called = 0;
  void* canceled = nullptr;
  auto request = std::make_unique<Request<void>>();
  visor_status status = request->start(
      [&](visor_done done) {
        taken = done;
        return VISOR_OK;
      },
      [&](visor_status, void*) { ++called; }, [&](void* ctx) { canceled = ctx; });
  CHECK(status == VISOR_OK);
  CHECK(request->pending());
  request.reset();
  CHECK(canceled == taken.ctx);
  taken.fn(taken.ctx, VISOR_ECANCELED, nullptr);
  CHECK(called == 0);
}

TEST_CASE("a timer ends with its owner, also from inside", "[sdk]") {
  MemoryHost memory;
  int ticks = 0;
  auto timer = std::make_unique<Timer>();
  *timer = Timer::every(memory.host(), 10, [&] {
    if (++ticks == 2) timer.reset();
  });
  memory.advance_ms(100);
  CHECK(ticks == 2);
  CHECK(memory.timers() == 0);
}

TEST_CASE("tasks are forgotten with the object that put them off", "[sdk]") {
  MemoryHost memory;
  int ran = 0;
  {
    Tasks tasks(memory.host());
    tasks.post([&] { ++ran; });
    memory.run();
    tasks.post([&] { ++ran; });
  }
  memory.run();
  CHECK(ran == 1);
}

TEST_CASE("registrations are told of, closed from inside, and outlive who offers them", "[sdk]") {
  MemoryHost memory;
  auto set = std::make_unique<Registrations<int>>(memory.host());
  Owned<visor_handle> first(set->add(1)), second(set->add(2)), third(set->add(3, {}, "tcp://127.0.0.1:1"));
  CHECK(text(third->api->address(third.get())) == "tcp://127.0.0.1:1");
  std::vector<int> heard;
  set->each([&](int number) {
    heard.push_back(number);
    if (number == 1) second.reset();
  });
  CHECK(heard == std::vector<int>{1, 3});
  CHECK(set->size() == 2);
  set.reset();
  first.reset();  // harmless
}

TEST_CASE("a stream: data, pressure, end; closed is last", "[sdk]") {
  MemoryHost memory;
  auto* carrier = new Carrier(memory.host());
  std::vector<std::string> heard;
  Stream stream(memory.host(), carrier);
  stream.attach(
      {.data = [&](ByteView data) { heard.emplace_back(text(data)); },
       .end = [&] { heard.push_back("end"); },
       .ready = [&] { heard.push_back("ready"); },
       .closed = [&](const Error& why) { heard.push_back("closed " + std::to_string(why.status)); }});
  CHECK(carrier->flow == std::vector<bool>{true});
  carrier->deliver(bytes("one"));
  carrier->full = true;
  CHECK(stream.write(bytes("x")) == VISOR_EAGAIN);
  carrier->full = false;
  carrier->deliver_ready();
  CHECK(stream.write(bytes("x")) == VISOR_OK);
  CHECK(carrier->written == "x");
  CHECK(stream.write(Bytes((1u << 20) + 1)) == VISOR_EINVAL);
  stream.pause(true);
  CHECK_FALSE(carrier->flowing());
  stream.pause(false);
  carrier->deliver_end();
  stream.end();
  CHECK(carrier->ends == 1);
  CHECK(stream.write(bytes("y")) == VISOR_ECLOSED);
  carrier->finish(VISOR_OK);
  CHECK(heard == std::vector<std::string>{"one", "ready", "end"});
  memory.run();
  CHECK(heard.back() == "closed 0");
  CHECK_FALSE(bool(stream));
}

TEST_CASE("a stream is handed on without losing an event, and closed by its owner's end", "[sdk]") {
  MemoryHost memory;
  auto* carrier = new Carrier(memory.host());
  int closed = 0;
  {
    Stream first(memory.host(), carrier);
    first.attach({.data = {}, .end = {}, .ready = {}, .closed = [&](const Error&) { ++closed; }});
    Stream second(memory.host(), first.release());
    CHECK_FALSE(bool(first));
    carrier->finish(VISOR_ECLOSED, "gone");
    memory.run();  // nobody is attached: the event waits
    second.attach({.data = {}, .end = {}, .ready = {}, .closed = [&](const Error& why) {
                     CHECK(why.text == "gone");
                     ++closed;
                   }});
    memory.run();
    CHECK(closed == 1);
  }
  auto* dropped = new Carrier(memory.host());
  {
    Stream owner(memory.host(), dropped);
  }
  CHECK(dropped->closes == 1);
  memory.run();
}

}  // namespace visor::test
