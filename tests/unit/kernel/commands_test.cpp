// visor.commands/1: the check before, the queue between, the end for both sides.
#include <catch2/catch.hpp>

#include "kernel/commands.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::test {
namespace {

/* A caller that takes as many values as it is told to. */
struct Caller {
  explicit Caller(Node& n) : node(n), commands(n.kernel().commands()) {}
  visor_status call(const char* instance, const char* command, std::string_view args) {
    inside = true;
    visor_status taken =
        commands->api->call(commands, instance, command, to_span(args), &kTable, this, &ticket);
    inside = false;
    return taken;
  }
  void resume() { commands->api->resume(commands, ticket); }
  void cancel() { commands->api->cancel(commands, ticket); }

  static visor_status value(void* ctx, visor_span json) {
    auto& self = *static_cast<Caller*>(ctx);
    CHECK_FALSE(self.inside);
    CHECK(self.finished == 0);
    if (self.room == 0) return VISOR_EAGAIN;
    --self.room;
    self.values.emplace_back(text(json));
    return self.answer;
  }
  static void finish(void* ctx, visor_status status, visor_span why) {
    auto& self = *static_cast<Caller*>(ctx);
    CHECK_FALSE(self.inside);
    ++self.finished;
    self.status = status;
    self.why = text(why);
    if (status != VISOR_OK) CHECK(self.node.host().error(status).text == self.why);
  }
  static constexpr visor_caller kTable = {sizeof(visor_caller), 0, &Caller::value, &Caller::finish};

  Node& node;
  visor_commands* commands;
  visor_ticket* ticket = nullptr;
  size_t room = SIZE_MAX;
  visor_status answer = VISOR_OK;
  std::vector<std::string> values;
  int finished = 0;
  visor_status status = 1;
  std::string why;
  bool inside = false;
};

constexpr const char* kEcho = R"({"plugins":[{"plugin":"echo"}]})";

}  // namespace

TEST_CASE("arguments are checked by the schema before the command runs", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  auto error = [&](const std::string& args) {
    auto result = node.call("echo", "say", args);
    return result ? "" : result.error().text;
  };
  CHECK(node.call("echo", "say", R"({"text":"hi"})").value() == R"({"text":"hi"})");
  CHECK(error("{}") == "echo say: text: missing; expected string of at most 20 characters");
  CHECK(error("") == "echo say: text: missing; expected string of at most 20 characters");
  CHECK(error(R"({"text":1})") == "echo say: text: expected string of at most 20 characters, got 1");
  CHECK(error(R"({"text":"hi","times":10})") == "echo say: times: expected integer from 1 to 9, got 10");
  CHECK(error(R"({"text":"hi","tmies":1})") == "echo say: tmies: unknown property; did you mean \"times\"?");
  CHECK(error("[1]") == "echo say: arguments: expected an object, got an array of 1");
  CHECK(error("{\"text\":") == "echo say: arguments, line 1, column 9: the text ends before the value does");
}

TEST_CASE("unknown instances and commands name the nearest", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  CHECK(node.call("ehco", "say").error().text == "no instance \"ehco\" is running; did you mean \"echo\"?");
  CHECK(node.call("ehco", "say").error().status == VISOR_ENOENT);
  CHECK(node.call("zzzzzz", "say").error().text ==
        "no instance \"zzzzzz\" is running; known are \"kernel\", \"echo\"");
  CHECK(node.call("echo", "sya").error().text == "echo has no command \"sya\"; did you mean \"say\"?");
}

TEST_CASE("a command's failure reaches the caller with its text", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  CHECK(node.call("echo", "fail").error().status == VISOR_EPERM);
  CHECK(node.call("echo", "fail").error().text == "this command always fails");
  CHECK(node.call("echo", "silent_failure").error().text == "VISOR_ENOSPC");
}

TEST_CASE("commands are listed with their instance and plugin", "[kernel]") {
  SimWorld world(1);
  Node& node =
      world.add("a", R"({"plugins":[{"plugin":"echo","as":"first"},{"plugin":"echo","as":"second"}]})");
  std::vector<std::string> rows;
  node.kernel().commands()->api->each(
      node.kernel().commands(),
      [](void* ctx, const char* instance, const char* plugin, const visor_command* row) {
        static_cast<std::vector<std::string>*>(ctx)->push_back(std::string(instance) + "/" + plugin + "/" +
                                                               row->name);
      },
      &rows);
  REQUIRE(rows.size() == 4 + 6 + 6);
  CHECK(rows[0] == "kernel/kernel/status");
  CHECK(rows[4] == "first/echo/say");
  CHECK(rows[15] == "second/echo/refusals");
}

TEST_CASE("a stream comes whole and in order", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  auto values = node.values("echo", "count", R"({"count":10000})");
  REQUIRE(values.has_value());
  REQUIRE(values->size() == 10000);
  for (size_t i = 0; i < values->size(); ++i) REQUIRE((*values)[i] == std::to_string(i));
}

TEST_CASE("a caller that holds on holds the plugin up, and nothing is lost or queued without bound",
          "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  Caller caller(node);
  caller.room = 3;
  REQUIRE(caller.call("echo", "count", R"({"count":1000})") == VISOR_OK);
  world.run_for(100);
  CHECK(caller.values.size() == 3);
  CHECK(caller.finished == 0);
  CHECK(node.call("echo", "refusals").value() == "1"); /* 256 wait, and the plugin waits too */
  size_t rounds = 0;
  while (caller.finished == 0 && rounds < 1000) {
    caller.room = 10;
    caller.resume();
    world.run_for(1);
    ++rounds;
  }
  CHECK(caller.status == VISOR_OK);
  REQUIRE(caller.values.size() == 1000);
  CHECK(caller.values.back() == "999");
  CHECK(rounds == 100);
}

TEST_CASE("a cancelled call ends for the caller, and the plugin hears of it", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  Caller caller(node);
  caller.room = 5;
  REQUIRE(caller.call("echo", "count", R"({"count":1000000})") == VISOR_OK);
  world.run_for(10);
  caller.cancel();
  CHECK(caller.finished == 0); /* not inside the call */
  world.run_for(10);
  CHECK(caller.finished == 1);
  CHECK(caller.status == VISOR_ECANCELED);
  CHECK(caller.values.size() == 5);
  CHECK(history() == std::vector<std::string>{"canceled"});
  CHECK(node.call("kernel", "status")->find(R"("calls":{"open":1,)") != std::string::npos); /* its own */
}

TEST_CASE("a call cancelled before its turn never runs", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  Caller caller(node);
  REQUIRE(caller.call("echo", "say", R"({"text":"x"})") == VISOR_OK);
  caller.cancel();
  caller.cancel();
  world.run_for(10);
  CHECK(caller.finished == 1);
  CHECK(caller.values.empty());
  caller.cancel(); /* one that has gone */
  caller.resume();
  world.run_for(10);
  CHECK(caller.finished == 1);
}

TEST_CASE("a caller that refuses a value has left", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  Caller caller(node);
  caller.answer = VISOR_ECLOSED;
  REQUIRE(caller.call("echo", "count", R"({"count":1000})") == VISOR_OK);
  world.run_for(10);
  CHECK(caller.values.size() == 1);
  CHECK(caller.status == VISOR_ECANCELED);
}

TEST_CASE("calls are bounded, and what is open ends when the instance stops", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  std::vector<std::unique_ptr<Caller>> callers;
  for (size_t i = 0; i < kernel::Commands::kMaxOpenCalls; ++i) {
    callers.push_back(std::make_unique<Caller>(node));
    REQUIRE(callers.back()->call("echo", "forget", "{}") == VISOR_OK);
  }
  Caller late(node);
  CHECK(late.call("echo", "forget", "{}") == VISOR_EAGAIN);
  CHECK(node.host().error(VISOR_EAGAIN).text ==
        "at most 1024 calls are open at once; try again when one has finished");

  bool stopped = false;
  node.kernel().stop([&] { stopped = true; });
  visor_status during = VISOR_OK;
  world.loop().post([&] { during = late.call("echo", "forget", "{}"); });
  REQUIRE(world.run_until([&] { return stopped; }));
  CHECK(during == VISOR_ECLOSED);
  for (const auto& caller : callers) {
    REQUIRE(caller->finished == 1);
    REQUIRE(caller->status == VISOR_ECANCELED);
  }
  CHECK(callers[0]->why == "echo is stopping");
  CHECK(node.logged("echo did not finish 1024 commands"));
}

TEST_CASE("the kernel's own commands", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  auto status = node.call("kernel", "status");
  REQUIRE(status.has_value());
  CHECK(status->find("\"key\":\"" + to_hex(node.key()) + "\"") != std::string::npos);
  CHECK(
      status->find(
          R"({"name":"echo","plugin":"echo","version":"1.2.3","state":"running","timers":0,"working":0})") !=
      std::string::npos);
  CHECK(status->find(R"({"id":"visor.sockets/1","name":"tcp","instance":"kernel"})") != std::string::npos);
  CHECK(status->find(R"("work_limit":1024)") != std::string::npos);
  auto plugins = node.call("kernel", "plugins");
  REQUIRE(plugins.has_value());
  CHECK(
      plugins->find(
          R"({"name":"consumer","version":"1.0.0","summary":"For tests","license":"MIT","needs":["test.thing/1"],"offers":[],"origin":"bundled"})") !=
      std::string::npos);
}

TEST_CASE("the log command gives the tail, follows, and keeps up with a slow caller", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kEcho);
  Host host = node.host();
  for (int i = 0; i < 10; ++i) host.info("line " + std::to_string(i));
  auto tail = node.values("kernel", "log", R"({"tail":3,"follow":false})");
  REQUIRE(tail.has_value());
  REQUIRE(tail->size() == 3);
  CHECK((*tail)[0].find("\"level\":\"info\"") != std::string::npos);
  CHECK((*tail)[0].find("\"text\":\"line 7\"") != std::string::npos);
  CHECK(node.values("kernel", "log", R"({"tail":1000,"follow":false,"level":"error"})")->empty());
  CHECK(node.values("kernel", "log", R"({"tail":1000,"follow":false,"instance":"echo"})")->size() ==
        1); /* "started" */

  Caller caller(node);
  REQUIRE(caller.call("kernel", "log", R"({"tail":0})") == VISOR_OK);
  world.run_for(10);
  CHECK(caller.values.empty());
  host.warn("now");
  world.run_for(10);
  REQUIRE(caller.values.size() == 1);
  CHECK(caller.values[0].find("\"text\":\"now\"") != std::string::npos);

  caller.room = 0;
  for (int i = 0; i < 3000; ++i) {
    host.info("flood " + std::to_string(i));
    world.run_for(1);
  }
  caller.room = SIZE_MAX;
  caller.resume();
  world.run_for(10);
  size_t whole = caller.values.size();
  CHECK(whole > 1000);
  CHECK(whole < 1500);
  CHECK(std::ranges::count_if(caller.values, [](const auto& v) { return v.starts_with("{\"dropped\":"); }) ==
        1);
  CHECK(caller.values.back().find("flood 2999") != std::string::npos);
  caller.cancel();
  world.run_for(10);
  CHECK(caller.status == VISOR_ECANCELED);
}

}  // namespace visor::test
