// Answer: one call of a command, answered later, more than once, or not at all.
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include "tests/support/memory_host.hpp"

namespace visor::test {
namespace {

// The host's side of a call: what was emitted and how it finished.
struct FakeCall : Object<visor_call> {
  explicit FakeCall(Host host) : Object<visor_call>(host, &kApi) {}
  visor_status emit(visor_span json) {
    if (values.size() == room) return VISOR_EAGAIN;
    values.emplace_back(text(json));
    return VISOR_OK;
  }
  void finish(visor_status status) {
    finished.push_back(status);
    why = host().error(status).text;
  }
  void attach(const visor_call_events* e, void* c) {
    events = e;
    ctx = c;
  }
  static constexpr visor_call_api kApi = {sizeof(visor_call_api), 0, thunk<&FakeCall::emit>,
                                          thunk<&FakeCall::finish>, thunk<&FakeCall::attach>};
  std::vector<std::string> values;
  std::vector<visor_status> finished;
  std::string why;
  size_t room = 100;
  const visor_call_events* events = nullptr;
  void* ctx = nullptr;
};

class Plugin : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }
  void keep(Answer answer, std::string_view) { kept = std::move(answer); }
  void forget(Answer, std::string_view) {}
  void at_once(Answer answer, std::string_view args) {
    CHECK(answer.say(args) == VISOR_OK);
    answer.finish();
    CHECK_FALSE(bool(answer));
    CHECK(answer.say("2") == VISOR_ECLOSED);
  }
  void refuse(Answer answer, std::string_view) { answer.finish({VISOR_ENOENT, "no such thing"}); }
  Answer kept;
};

template <auto Method>
visor_status run(Plugin& plugin, FakeCall& call, const char* args = "{}") {
  constexpr auto kRun = command<Method>;
  return kRun(&plugin, &call, to_span(std::string_view(args)));
}

using Statuses = std::vector<visor_status>;

}  // namespace

TEST_CASE("an answer is kept, says its values and is finished once", "[sdk]") {
  MemoryHost memory;
  Plugin plugin(memory.host());
  FakeCall call(memory.host());
  CHECK(run<&Plugin::keep>(plugin, call) == VISOR_OK);
  CHECK(call.finished.empty());
  call.room = 1;
  CHECK(plugin.kept.say("1") == VISOR_OK);
  CHECK(plugin.kept.say("2") == VISOR_EAGAIN);
  plugin.kept.on_ready([&] { CHECK(plugin.kept.say("2") == VISOR_OK); });
  call.room = 2;
  call.events->ready(call.ctx, &call);
  plugin.kept.finish();
  CHECK(call.values == std::vector<std::string>{"1", "2"});
  CHECK(call.finished == Statuses{VISOR_OK});
}

TEST_CASE("an answer that is given inside the call, or dropped there, is finished once", "[sdk]") {
  MemoryHost memory;
  Plugin plugin(memory.host());
  FakeCall given(memory.host()), dropped(memory.host()), refused(memory.host());
  CHECK(run<&Plugin::at_once>(plugin, given, "7") == VISOR_OK);
  CHECK(given.values == std::vector<std::string>{"7"});
  CHECK(given.finished == Statuses{VISOR_OK});
  CHECK(run<&Plugin::forget>(plugin, dropped) == VISOR_OK);
  CHECK(dropped.finished == Statuses{VISOR_ECANCELED});
  CHECK(run<&Plugin::refuse>(plugin, refused) == VISOR_OK);
  CHECK(refused.finished == Statuses{VISOR_ENOENT});
  CHECK(refused.why == "no such thing");
}

TEST_CASE("a caller that leaves ends the answer, and the handler may drop it", "[sdk]") {
  MemoryHost memory;
  Plugin plugin(memory.host());
  for (bool drops : {false, true}) {
    FakeCall call(memory.host());
    run<&Plugin::keep>(plugin, call);
    int heard = 0;
    plugin.kept.on_canceled([&] {
      ++heard;
      if (drops) plugin.kept = Answer();
    });
    call.events->canceled(call.ctx, &call);
    CHECK(heard == 1);
    CHECK(call.finished == Statuses{VISOR_ECANCELED});
    CHECK_FALSE(bool(plugin.kept));
  }
}

TEST_CASE("an answer that only its own handler keeps is finished once", "[sdk]") {
  MemoryHost memory;
  Plugin plugin(memory.host());
  FakeCall call(memory.host());
  run<&Plugin::keep>(plugin, call);
  auto kept = std::make_shared<Answer>(std::move(plugin.kept));
  std::weak_ptr<Answer> watched = kept;
  kept->on_canceled([kept] { kept->finish(VISOR_ETIMEDOUT); });
  kept.reset();
  call.events->canceled(call.ctx, &call);
  CHECK(call.finished == Statuses{VISOR_ETIMEDOUT});
  CHECK(watched.expired());
}

}  // namespace visor::test
