// From start to stop: order, failures, what is left behind.
#include <catch2/catch.hpp>

#include "tests/unit/kernel/plugins.hpp"

namespace visor::test {
namespace {

using kernel::Kernel;
using History = std::vector<std::string>;

constexpr const char* kThree =
    R"({"directory":"d","plugins":[{"plugin":"consumer","as":"c"},{"plugin":"provider","as":"p"},{"plugin":"recorder","as":"r"}]})";

}  // namespace

TEST_CASE("instances start in order of need and stop in reverse", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", kThree);
  CHECK(node.kernel().state() == Kernel::State::kRunning);
  node.stop();
  CHECK(node.kernel().state() == Kernel::State::kStopped);
  CHECK(history() == History{"start p", "start c", "start r", "stop r", "stop c", "stop p"});
  CHECK(world.loop().counters().timers == 0);
}

TEST_CASE("a start that fails stops what had started, in reverse, and says why", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.make(
      "a",
      R"({"directory":"d","plugins":[{"plugin":"provider","as":"p"},{"plugin":"consumer","as":"c"},{"plugin":"failing","as":"f"},{"plugin":"recorder","as":"r"}]})");
  auto started = node.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().status == VISOR_EIO);
  CHECK(started.error().text == "f did not start: the disk is on fire");
  CHECK(node.kernel().state() == Kernel::State::kStopped);
  CHECK(history() == History{"start p", "start c", "stop c", "stop p"});
  CHECK(node.find<void>("test.thing/1") == nullptr);
}

TEST_CASE("a wrong configuration starts nothing", "[kernel]") {
  history().clear();
  SimWorld world(1);
  auto started = world.make("a", R"({"plugins":[{"plugin":"recorder"},{"plugin":"nothing"}]})").start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().status == VISOR_EINVAL);
  CHECK(history().empty());
}

TEST_CASE("a provider that does not keep its promise is named", "[kernel]") {
  history().clear();
  SimWorld world(1);
  auto started =
      world.make("a", R"({"directory":"d","plugins":[{"plugin":"liar"},{"plugin":"consumer"}]})").start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().text ==
        "consumer needs test.thing/1, which its provider did not offer when it started");
  CHECK(history() == History{"start liar", "stop liar"});
}

TEST_CASE("a stop while starting ends the start", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.make("a", kThree);
  std::vector<std::string> order;
  node.kernel().start(
      [&](Result<void> result) { order.push_back(result ? "started" : result.error().text); });
  node.kernel().stop([&] { order.push_back("stopped"); });
  node.kernel().stop([&] { order.push_back("stopped too"); });
  world.run_for(1000);
  CHECK(order == History{"stopped while starting", "stopped", "stopped too"});
  CHECK(history().empty());
}

TEST_CASE("a kernel starts once, stops as often as wanted, and may go in its last callback", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", kThree);
  CHECK(node.start().error().text == "a kernel starts once; make another");
  int stopped = 0;
  node.kernel().stop([&] { ++stopped; });
  node.kernel().stop([&] { ++stopped; });
  world.run_for(100);
  node.kernel().stop([&] { ++stopped; });
  world.run_for(100);
  CHECK(stopped == 3);

  auto own = std::make_unique<Kernel>(
      kernel::KernelOptions{.loop = world.loop(), .catalog = test_plugins(), .config = kThree});
  own->start([](Result<void>) {});
  world.run_for(100);
  own->stop([&] { own.reset(); });
  world.run_for(100);
  CHECK(own == nullptr);
}

TEST_CASE("a kernel that was never started needs no stop", "[kernel]") {
  SimWorld world(1);
  Kernel idle(kernel::KernelOptions{.loop = world.loop(), .catalog = test_plugins(), .config = kThree});
  CHECK(idle.find(VISOR_COMMANDS_1) == idle.commands());
}

TEST_CASE("a slow stop is named after five seconds, and waited for", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", R"({"plugins":[{"plugin":"slow","as":"turtle"}]})");
  bool stopped = false;
  node.kernel().stop([&] { stopped = true; });
  world.run_for(4900);
  CHECK_FALSE(node.logged("takes long"));
  world.run_for(200);
  CHECK(node.logged("turtle (slow) takes long to stop: 5 s so far; still waiting"));
  CHECK_FALSE(stopped);
  world.run_for(2000);
  CHECK(stopped);
}

TEST_CASE("what a plugin leaves behind is cleaned up and told, and its work is waited for", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add("a", R"({"directory":"d","plugins":[{"plugin":"careless"},{"plugin":"provider"}]})");
  node.stop();
  world.run_for(200000);
  CHECK(history() == History{"start provider", "stop provider", "work done"});
  CHECK(node.logged("left 1 timers behind when it stopped"));
  CHECK(node.logged("left 1 watches behind when it stopped"));
  CHECK(node.find<void>("test.careless/1") == nullptr);
}

TEST_CASE("an instance that has stopped gets nothing new, and its late calls do no harm", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", R"({"plugins":[]})");
  node.stop();
  visor_host* host = node.host().raw();
  auto never = [](void*) { FAIL("ran"); };
  CHECK(host->api->timer(host, 0, 0, never, nullptr) == 0);
  CHECK(host->api->work(host, never, nullptr, {}) == VISOR_ECLOSED);
  CHECK(host->api->offer(host, "test.late/1", nullptr, host) == VISOR_ECLOSED);
  visor_handle* handle = nullptr;
  auto nobody = [](void*, const char*, void*) { FAIL("told"); };
  CHECK(host->api->watch(host, "test.late/1", nobody, nullptr, &handle) == VISOR_ECLOSED);
  CHECK(node.logged("timer: kernel has stopped"));
  world.run_for(100);
}

TEST_CASE("a watcher sees what is there, what comes, and at once what goes", "[kernel]") {
  history().clear();
  SimWorld world(1);
  Node& node = world.add(
      "a",
      R"({"directory":"d","plugins":[{"plugin":"watcher","as":"w"},{"plugin":"provider","as":"p"},{"plugin":"provider","as":"q"}]})");
  world.run_for(10);
  CHECK(history() == History{"start w", "start p", "w sees p", "start q", "w sees q"});
  history().clear();
  node.stop();
  CHECK(history() == History{"w loses q", "stop q", "w loses p", "stop p", "stop w"});
}

TEST_CASE("an instance takes a new configuration, after its check", "[kernel]") {
  SimWorld world(1);
  Node& node = world.add("a", R"({"plugins":[{"plugin":"echo"},{"plugin":"recorder"}]})");
  CHECK(node.kernel().configure("echo", R"({"interval_ms":2000})").has_value());
  CHECK(
      node.call("kernel", "config").value() ==
      R"({"plugins":[{"plugin":"echo","as":"echo","config":{"interval_ms":2000}},{"plugin":"recorder","as":"recorder","config":{}}]})");
  CHECK(node.kernel().configure("echo", R"({"interval_ms":1})").error().text ==
        "echo.interval_ms: expected integer >= 1000, got 1");
  CHECK(node.kernel().configure("echo", R"({"refuse":true})").error().text == "echo: this one is refused");
  CHECK(node.kernel().configure("echo", "{").error().text ==
        "echo, line 1, column 2: the text ends before the value does");
  CHECK(node.kernel().configure("recorder", "{}").error().status == VISOR_ENOSYS);
  CHECK(node.kernel().configure("nobody", "{}").error().status == VISOR_ENOENT);
}

TEST_CASE("start and stop a thousand times", "[kernel]") {
  SimWorld world(1);
  for (int i = 0; i < 1000; ++i) {
    Node& node = world.add("a", kThree);
    world.remove(node);
  }
  CHECK(world.loop().counters().timers == 0);
  CHECK(world.loop().counters().posted == 0);
  history().clear();
}

}  // namespace visor::test
