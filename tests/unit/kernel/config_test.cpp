// What people read when a configuration is wrong.
#include "kernel/config.hpp"

#include <catch2/catch.hpp>

#include "kernel/nearest.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::kernel {
namespace {

std::string error_of(std::string_view text) {
  auto config = read_config(test::test_plugins(), text, "visor.json");
  return config ? "" : config.error().text;
}

std::string error_in_echo(const std::string& config) {
  return error_of(R"({"plugins":[{"plugin":"recorder"},{"plugin":"echo","config":)" + config + "}]}");
}

std::string error_of_order(std::string_view text) {
  auto config = read_config(test::test_plugins(), text, "visor.json");
  REQUIRE(config.has_value());
  auto ordered = order_by_need(test::test_plugins(), {}, config->instances);
  return ordered ? "" : ordered.error().text;
}

std::string order_of(std::string_view text) {
  auto config = read_config(test::test_plugins(), text, "visor.json");
  REQUIRE(config.has_value());
  auto ordered = order_by_need(test::test_plugins(), {}, config->instances);
  INFO((ordered ? "" : ordered.error().text));
  REQUIRE(ordered.has_value());
  std::string out;
  for (const auto& instance : config->instances) out += instance.name + " ";
  return out;
}

}  // namespace

TEST_CASE("a configuration that is no JSON is told by line and column", "[kernel]") {
  CHECK(error_of("") == "visor.json, line 1, column 1: the text ends before the value does");
  CHECK(error_of("{\n  \"plugins\": [\n    {\"plugin\": \"echo\",}\n  ]\n}") ==
        "visor.json, line 3, column 23: syntax error at `}`");
  CHECK(error_of(R"({"plugins":[]} x)") ==
        "visor.json, line 1, column 16: there is more text after the value");
  CHECK(error_of(std::string(1000, '[')) == "visor.json, line 1, column 33: more than 32 levels of nesting");
  CHECK(error_of("{\"plugins\": [\"\xff\"]}").starts_with("visor.json, line 1, column 15: "));
  CHECK(error_of(std::string((1 << 20) + 1, ' ')) ==
        "visor.json: JSON of at most 1048576 bytes is read; got 1048577");
}

TEST_CASE("a name that stands twice in an object is refused, not overruled", "[kernel]") {
  CHECK(error_of("{\"plugins\":[],\n \"plugins\":[]}") ==
        R"(visor.json, line 2, column 2: "plugins" stands twice in this object)");
  CHECK(error_of(R"({"plugins":[{"plugin":"echo","config":{"to": "\\\"to\":", "to" : 1}}]})")
            .find(R"("to" stands twice)") != std::string::npos);
  CHECK(error_of(R"({"plugins":[{"plugin":"echo"},{"plugin":"echo","as":"plugin"}]})").empty());
}

TEST_CASE("the shape of a configuration is checked, and its errors give the path", "[kernel]") {
  CHECK(error_of("[]") == "visor.json: expected object, got []");
  CHECK(error_of("{}") == "visor.json: plugins: missing; expected array of at most 200 items");
  CHECK(error_of(R"({"plugins":{}})") == "visor.json: plugins: expected array of at most 200 items, got {}");
  CHECK(error_of(R"({"plugins":[],"plugin":[]})") ==
        "visor.json: plugin: unknown property; did you mean \"plugins\"?");
  CHECK(error_of(R"({"plugins":[{"plugn":"echo"}]})") ==
        "visor.json: plugins[0].plugn: unknown property; did you mean \"plugin\"?");
  CHECK(error_of(R"({"plugins":[{"plugin":"echo","as":"My Echo"}]})") ==
        "visor.json: plugins[0].as: expected string of at most 64 characters matching ^[a-z][a-z0-9_-]*$, "
        "got \"My "
        "Echo\"");
  CHECK(error_of(R"({"plugins":[],"log":{"level":"loud"}})") ==
        "visor.json: log.level: expected one of \"trace\", \"debug\", \"info\", \"warn\" or \"error\", got "
        "\"loud\"");
  CHECK(error_of(R"({"plugins":[{"plugin":"echo"}],"log":{"instances":{"ecko":"debug"}}})") ==
        "visor.json: log.instances.ecko: no instance has this name; did you mean \"echo\"?");
  CHECK(error_of(R"({"plugins":[],"identity":{}})") ==
        "visor.json: identity.file: missing; expected string that is not empty (a file that visor "
        "keygen made)");
}

TEST_CASE("an unknown plugin lists those that exist", "[kernel]") {
  std::string error = error_of(R"({"plugins":[{"plugin":"ehco"}]})");
  CHECK(error.starts_with(
      "visor.json: plugins[0].plugin: there is no plugin \"ehco\"; did you mean \"echo\"? there are "
      "\"careless\", \"consumer\", \"echo\""));
  Catalog none;
  auto config = read_config(none, R"({"plugins":[{"plugin":"echo"}]})", "c");
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().text ==
        "c: plugins[0].plugin: there is no plugin \"echo\"; none was found; say where they are with "
        "--plugin-dir");
  none.refuse("echo", "visor-echo.so: not a shared object");
  config = read_config(none, R"({"plugins":[{"plugin":"echo"}]})", "c");
  CHECK(config.error().text == "c: plugins[0].plugin: echo is no use: visor-echo.so: not a shared object");
}

TEST_CASE("a plugin's configuration is checked by its schema", "[kernel]") {
  CHECK(error_in_echo("{}") == "");
  CHECK(error_in_echo(R"({"interval_ms":"abc"})") ==
        "visor.json: plugins[1].config.interval_ms: expected integer >= 1000, got \"abc\"");
  CHECK(error_in_echo(R"({"interval_ms":10})") ==
        "visor.json: plugins[1].config.interval_ms: expected integer >= 1000, got 10");
  CHECK(error_in_echo(R"({"intervall_ms":1000})") ==
        "visor.json: plugins[1].config.intervall_ms: unknown property; did you mean \"interval_ms\"?");
  CHECK(error_in_echo(R"({"colour":1})") ==
        "visor.json: plugins[1].config.colour: unknown property; known are \"interval_ms\", \"peers\", "
        "\"token\", "
        "\"refuse\"");
  CHECK(error_in_echo(R"({"peers":[{"pk":"02ab"}]})") ==
        "visor.json: plugins[1].config.peers[0].pk: expected string matching ^[0-9a-f]{66}$ (a public key), "
        "got "
        "\"02ab\"");
  CHECK(error_in_echo(R"({"peers":[{"type":"tcp"}]})") ==
        "visor.json: plugins[1].config.peers[0].pk: missing; expected string matching ^[0-9a-f]{66}$ (a "
        "public key)");
  CHECK(error_in_echo(R"({"peers":[{"pk":")" + std::string(66, 'a') + R"(","type":"udp"}]})") ==
        "visor.json: plugins[1].config.peers[0].type: expected one of \"tcp\" or \"ws\", got \"udp\"");
  CHECK(error_in_echo(R"({"peers":{"a":1}})") ==
        "visor.json: plugins[1].config.peers: expected array, got an object");
}

TEST_CASE("what comes is shown in part when it is long", "[kernel]") {
  std::string error = error_in_echo(R"({"interval_ms":")" + std::string(500, 'x') + "\"}");
  CHECK(error == "visor.json: plugins[1].config.interval_ms: expected integer >= 1000, got \"" +
                     std::string(60, 'x') + "\"... (500 bytes)");
  CHECK(error_in_echo(R"({"peers":[{"pk":")" + std::string(500000, 'a') + "\"}]}") ==
        "visor.json: plugins[1].config.peers[0].pk: expected string matching ^[0-9a-f]{66}$ (a public key), "
        "got \"" +
            std::string(60, 'a') + "\"... (500000 bytes)");
}

TEST_CASE("instances have names of their own", "[kernel]") {
  CHECK(error_of(R"({"plugins":[{"plugin":"echo"},{"plugin":"echo"}]})") ==
        "visor.json: plugins[1]: the name \"echo\" belongs to plugins[0] already; give this one another with "
        "\"as\"");
  CHECK(error_of(R"({"plugins":[{"plugin":"echo","as":"kernel"}]})") ==
        "visor.json: plugins[0]: the name \"kernel\" belongs to the kernel itself already; give this one "
        "another with "
        "\"as\"");
}

TEST_CASE("instances start in order of need, else in the order of the text", "[kernel]") {
  CHECK(order_of(R"({"plugins":[{"plugin":"echo"},{"plugin":"recorder"}]})") == "echo recorder ");
  CHECK(order_of(R"({"plugins":[{"plugin":"consumer"},{"plugin":"echo"},{"plugin":"provider"}]})") ==
        "echo provider consumer ");
  CHECK(
      order_of(
          R"({"plugins":[{"plugin":"recorder","config":{"drive":"disk"}},{"plugin":"recorder","as":"disk"}]})") ==
      "disk recorder ");
  CHECK(order_of(R"({"plugins":[{"plugin":"consumer"},{"plugin":"relay"},{"plugin":"provider"}]})") ==
        "provider relay consumer ");
  CHECK(order_of(R"({"plugins":[{"plugin":"recorder","config":{"of":["recorder"]}}]})") == "recorder ");
}

TEST_CASE("needs that nobody meets and circles are refused", "[kernel]") {
  CHECK(error_of_order(R"({"plugins":[{"plugin":"consumer","as":"c"}]})") ==
        "plugins[0]: c (consumer) needs test.thing/1, which nothing in the configuration offers; add one of "
        "\"liar\", "
        "\"provider\", \"relay\"");
  CHECK(error_of_order(R"({"plugins":[{"plugin":"echo"},{"plugin":"recorder","as":"a","config":{"x":"b"}},)"
                       R"({"plugin":"recorder","as":"b","config":{"x":"a"}}]})") ==
        "these instances need each other, so that none can start first: a (recorder) needs b (recorder) (its "
        "configuration names it), b (recorder) needs a (recorder) (its configuration names it)");
  CHECK(error_of_order(R"({"plugins":[{"plugin":"relay","as":"a"},{"plugin":"relay","as":"b"}]})") ==
        "these instances need each other, so that none can start first: a (relay) needs b (relay) "
        "(test.thing/1), b "
        "(relay) needs a (relay) (test.thing/1)");
}

TEST_CASE("secrets are covered where a configuration is shown", "[kernel]") {
  const visor_plugin& echo = *test::test_plugins().find("echo")->plugin;
  CHECK(redacted_config(echo, R"({"token":"hunter2","interval_ms":1000})") ==
        R"({"token":"***","interval_ms":1000})");
}

TEST_CASE("the nearest name is suggested only when it is near", "[kernel]") {
  std::vector<std::string> known = {"interval_ms", "drive", "port"};
  CHECK(nearest("intervalms", known) == "interval_ms");
  CHECK(nearest("dirve", known) == "drive");
  CHECK(nearest("colour", known) == "");
  CHECK(nearest("x", known) == "");
  CHECK(nearest(std::string(100000, 'x'), known) == "");
  CHECK(suggestion("x", {}) == "none is known");
}

}  // namespace visor::kernel
