// The boundary: exceptions stop at it, and a broken rule ends the process with its name.
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <stdexcept>
#include <thread>
#include <visor/plugin.hpp>

#include "tests/support/memory_host.hpp"

namespace visor::test {
namespace {

struct Thrower : NetProvider {
  explicit Thrower(Host host) : NetProvider(host) {}
  visor_status dial(const visor_addr*, visor_done) override { throw std::runtime_error("no route"); }
  visor_status listen(uint16_t, void (*)(void*, visor_stream*), void*, visor_handle**) override { throw 7; }
  void cancel(void*) override { throw std::runtime_error("cannot cancel"); }
};

// Completes a dial when it is told to.
struct Dialer : NetProvider {
  explicit Dialer(Host host) : NetProvider(host) {}
  visor_status dial(const visor_addr*, visor_done done) override {
    pending.emplace(host(), done);
    if (hasty) pending->complete(VISOR_OK);
    return VISOR_OK;
  }
  visor_status listen(uint16_t, void (*)(void*, visor_stream*), void*, visor_handle**) override {
    return VISOR_ENOSYS;
  }
  void cancel(void*) override {}
  bool hasty = false;
  std::optional<Done> pending;
};

struct Pipe : StreamProvider {
  explicit Pipe(Host host) : StreamProvider(host) {}
  visor_status on_write(std::span<const visor_span>) override {
    if (echoes) deliver(bytes("x"));
    return VISOR_OK;
  }
  void on_flow(bool) override {}
  void on_end() override {}
  void on_close() override {}
  bool echoes = false;
};

class Plugin : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override {
    if (after) started({});
    throw std::runtime_error("start broke");
  }
  void stop(Stopped stopped) override {
    stopped();
    stopped();
  }
  Result<std::string> value(std::string_view) { throw std::runtime_error("value broke"); }
  void keep(Answer answer, std::string_view) {
    kept = std::move(answer);
    throw std::runtime_error("answer broke");
  }
  void hold(Answer, std::string_view) { throw std::runtime_error("answer broke"); }
  static inline bool after = false;
  Answer kept;
};

struct Waiter {
  Host host() const { return host_; }
  Task wait(uint64_t ms) {
    if (ms > 0) co_await pause(host_, ms);
    throw std::runtime_error("wait broke");
  }
  Host host_;
  Task task;
};

struct Call : Object<visor_call> {
  explicit Call(Host host) : Object<visor_call>(host, &kApi) {}
  visor_status emit(visor_span) { return VISOR_OK; }
  void finish(visor_status status) { finished.push_back(host().error(status)); }
  void attach(const visor_call_events*, void*) {}
  static constexpr visor_call_api kApi = {sizeof(visor_call_api), 0, thunk<&Call::emit>, thunk<&Call::finish>,
                                          thunk<&Call::attach>};
  std::vector<Error> finished;
};

/* What fn says on stderr before it aborts, in a process of its own; empty if it does not abort. */
std::string last_words(const std::function<void()>& fn) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    fn();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char buffer[1024];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? said : std::string();
}

bool says(const std::string& all, std::string_view part) {
  return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what a provider throws is VISOR_EINTERNAL with its text, or a line in the log", "[sdk]") {
  MemoryHost memory;
  Thrower net(memory.host());
  visor_net* raw = &net;
  CHECK(raw->api->dial(raw, nullptr, {}) == VISOR_EINTERNAL);
  CHECK(says(memory.host().error(VISOR_EINTERNAL).text, "no route"));
  CHECK(raw->api->listen(raw, 1, nullptr, nullptr, nullptr) == VISOR_EINTERNAL);
  CHECK(says(memory.host().error(VISOR_EINTERNAL).text, "unknown type"));
  raw->api->cancel(raw, nullptr);
  REQUIRE(memory.log().size() == 1);
  CHECK(says(memory.log()[0], "cannot cancel"));
}

TEST_CASE("what a command throws ends its call", "[sdk]") {
  MemoryHost memory;
  Plugin plugin(memory.host());
  Call value(memory.host()), kept(memory.host()), held(memory.host());
  constexpr auto kValue = command<&Plugin::value>, kKeep = command<&Plugin::keep>,
                 kHold = command<&Plugin::hold>;
  CHECK(kValue(&plugin, &value, {}) == VISOR_EINTERNAL);
  CHECK(value.finished.empty());  // the host finishes it

  for (auto [call, run] : {std::pair{&kept, kKeep}, {&held, kHold}}) {
    CHECK(run(&plugin, call, {}) == VISOR_OK);
    REQUIRE(call->finished.size() == 1);
    CHECK(call->finished[0].status == VISOR_EINTERNAL);
    CHECK(says(call->finished[0].text, "answer broke"));
  }
  CHECK_FALSE(bool(plugin.kept));
}

TEST_CASE("what a start throws before `started` is its failure, after it a line in the log", "[sdk]") {
  MemoryHost memory;
  void* self = nullptr;
  std::vector<visor_status> done;
  visor_done heard{[](void* ctx, visor_status status, void*) {
                     static_cast<std::vector<visor_status>*>(ctx)->push_back(status);
                   },
                   &done};
  Plugin::after = false;
  CHECK(start<Plugin>(memory.host().raw(), &self, heard) == VISOR_EINTERNAL);
  CHECK(says(memory.host().error(VISOR_EINTERNAL).text, "start broke"));
  memory.run();
  CHECK(done.empty());

  Plugin::after = true;
  CHECK(start<Plugin>(memory.host().raw(), &self, heard) == VISOR_OK);
  memory.run();
  CHECK(done == std::vector<visor_status>{VISOR_OK});
  REQUIRE(memory.log().size() == 1);
  CHECK(says(memory.log()[0], "start broke"));
  delete static_cast<Plugin*>(self);
}

TEST_CASE("what work throws is the reason that it gives", "[sdk]") {
  MemoryHost memory;
  std::string why;
  run_work(
      memory.host(), [] { throw std::runtime_error("work broke"); },
      [&](Result<void> result) { why = result ? "done" : result.error().text; });
  memory.run();
  CHECK(why == "work broke");
}

TEST_CASE("what a task throws ends it, as a line in its object's log", "[sdk]") {
  MemoryHost memory;
  Waiter waiter{memory.host(), {}};
  waiter.task = waiter.wait(0);
  CHECK_FALSE(bool(waiter.task));
  waiter.task = waiter.wait(5);
  CHECK(bool(waiter.task));
  memory.advance_ms(5);
  CHECK_FALSE(bool(waiter.task));
  REQUIRE(memory.log().size() == 2);
  CHECK(says(memory.log()[0], "wait broke"));
  CHECK(says(memory.log()[1], "wait broke"));
}

TEST_CASE("a broken rule ends the process with its name", "[sdk]") {
  if constexpr (!kContractChecks) return;
  MemoryHost memory;
  Dialer net(memory.host());
  visor_net* dialer = &net;
  visor_done ignored{[](void*, visor_status, void*) {}, nullptr};

  CHECK(says(last_words([&] {
               net.hasty = true;
               dialer->api->dial(dialer, nullptr, ignored);
             }),
             "after the call that took it has returned"));
  CHECK(says(last_words([&] { std::thread([&] { dialer->api->cancel(dialer, nullptr); }).join(); }),
             "called on the loop thread"));
  CHECK(says(last_words([&] {
               Pipe pipe(memory.host());
               pipe.deliver(bytes("x"));
             }),
             "only while its stream is flowing"));
  CHECK(says(last_words([&] {
               Pipe pipe(memory.host());
               visor_stream* stream = &pipe;
               visor_stream_events events{sizeof(visor_stream_events), 0, nullptr, nullptr, nullptr};
               stream->api->attach(stream, &events, nullptr);
               pipe.echoes = true;
               visor_span part = VISOR_TEXT("x");
               stream->api->write(stream, &part, 1);
             }),
             "never runs inside a call on the stream"));
  CHECK(
      says(last_words([&] { stop<Plugin>(new Plugin(memory.host()), ignored); }), "`stopped` exactly once"));
  // What keeps the rules is left alone.
  CHECK(last_words([&] {
          dialer->api->dial(dialer, nullptr, ignored);
          net.pending->complete(VISOR_OK);
        }).empty());
}

}  // namespace visor::test
