/* A call of a command that stays open while a test does other things. */
#ifndef VISOR_TESTS_SUPPORT_OPEN_CALL_HPP
#define VISOR_TESTS_SUPPORT_OPEN_CALL_HPP
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <optional>

#include "tests/support/world.hpp"

namespace visor::test {

/* A call that stays open, and the JSON objects that it gave. */
class OpenCall {
 public:
  OpenCall(Node& node, const char* instance, const char* command, const std::string& args) : node_(node) {
    static constexpr visor_caller kCaller = {sizeof(visor_caller), 0, &OpenCall::on_value, &OpenCall::on_end};
    visor_commands* commands = node.kernel().commands();
    REQUIRE(commands->api->call(commands, instance, command, to_span(std::string_view(args)), &kCaller, this,
                                &ticket_) == VISOR_OK);
  }
  ~OpenCall() { cancel(); }
  void cancel() {
    if (finished) return;
    visor_commands* commands = node_.kernel().commands();
    commands->api->cancel(commands, ticket_);
    CHECK(node_.world().run_until([&] { return finished.has_value(); }, 1000));
  }
  void take(bool taken) {
    taken_ = taken;
    visor_commands* commands = node_.kernel().commands();
    if (taken) commands->api->resume(commands, ticket_);
  }

  std::vector<boost::json::object> values;
  std::optional<visor_status> finished;

 private:
  static visor_status on_value(void* ctx, visor_span value) {
    auto* self = static_cast<OpenCall*>(ctx);
    if (!self->taken_) return VISOR_EAGAIN;
    boost::json::error_code error;
    boost::json::value parsed = boost::json::parse(text(value), error);
    if (error || !parsed.is_object()) FAIL("a value is no JSON object: " << text(value));
    self->values.push_back(std::move(parsed.get_object()));
    return VISOR_OK;
  }
  static void on_end(void* ctx, visor_status status, visor_span) {
    static_cast<OpenCall*>(ctx)->finished = status;
  }
  Node& node_;
  visor_ticket* ticket_ = nullptr;
  bool taken_ = true;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_OPEN_CALL_HPP
