/* A plugin of the gateway's tests: its commands show how calls end. */
#ifndef VISOR_TESTS_CONFORMANCE_GATEWAY_TICKER_HPP
#define VISOR_TESTS_CONFORMANCE_GATEWAY_TICKER_HPP
#include <catch2/catch.hpp>
#include <visor/plugin.hpp>

#include <boost/json.hpp>

#include "tests/support/catalog.hpp"

namespace visor::test {

namespace json = boost::json;

class Ticker final : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }

  struct Count {
    Ticker* ticker;
    visor_call* call;
    int64_t next = 0, limit = 0;
    size_t size = 0;
    bool fail = false; /* in the end */
  };
  static void ready(void* ctx, visor_call*) { pump(static_cast<Count*>(ctx)); }
  static void canceled(void* ctx, visor_call* call) {
    std::unique_ptr<Count> owned(static_cast<Count*>(ctx));
    ++owned->ticker->canceled_;
    call->api->finish(call, VISOR_ECANCELED);
  }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, &ready, &canceled};
  static void pump(Count* count) {
    for (; count->next < count->limit; ++count->next) {
      std::string value =
          "{\"n\":" + std::to_string(count->next) + ",\n\"pad\":\"" + std::string(count->size, 'x') + "\"}";
      if (count->call->api->emit(count->call, to_span(std::string_view(value))) != VISOR_OK) return;
      ++count->ticker->emitted_;
    }
    if (count->limit == 0) return; /* stays until the caller leaves */
    std::unique_ptr<Count> owned(count);
    Host host = count->ticker->host();
    count->call->api->finish(count->call,
                             count->fail ? host.fail(VISOR_ENOSPC, "no more \"numbers\"") : VISOR_OK);
  }
  Result<void> count(visor_call* call, std::string_view args) {
    auto object = json::parse(args).as_object();
    auto number = [&](const char* name) { return object.contains(name) ? object.at(name).as_int64() : 0; };
    if (number("limit") < 0) return failure(VISOR_ENOSPC, "there is no room for fewer than none");
    auto* count = new Count{
        this, call, 0, number("limit"), static_cast<size_t>(number("size")), object.contains("fail")};
    call->api->attach(call, &kEvents, count);
    pump(count);
    return {};
  }
  Result<std::string> echo(std::string_view args) { return std::string(args); }
  Result<std::string> refuse(std::string_view) { return failure(VISOR_EEXIST, "it \"exists\""); }
  Result<std::string> seen(std::string_view) {
    return "{\"canceled\":" + std::to_string(canceled_) + ",\"emitted\":" + std::to_string(emitted_) + "}";
  }

 private:
  int canceled_ = 0;
  int64_t emitted_ = 0;
};

inline constexpr const char* kCountArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "limit":{"type":"integer"},"size":{"type":"integer"},"fail":{"type":"boolean"}}})";
inline constexpr const char* kEchoArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "integer":{"type":"integer"},"number":{"type":"number"},"flag":{"type":"boolean"},"text":{"type":"string"},
  "list":{"type":"array","items":{"type":"integer"}}}})";
inline constexpr visor_command kTickerCommands[] = {
    {"count", "Numbers as they come", kCountArguments, VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0,
     command<&Ticker::count>},
    {"wait", "Nothing, for ever", kCountArguments, VISOR_COMMAND_READS, 0, command<&Ticker::count>},
    {"echo", "The arguments", kEchoArguments, VISOR_COMMAND_READS, 0, command<&Ticker::echo>},
    {"change", "The arguments, with an effect", kEchoArguments, 0, 0, command<&Ticker::echo>},
    {"refuse", "An error", kCountArguments, VISOR_COMMAND_READS, 0, command<&Ticker::refuse>},
    {"seen", "What happened", kCountArguments, VISOR_COMMAND_READS | VISOR_COMMAND_HIDDEN, 0,
     command<&Ticker::seen>},
};
inline const visor_plugin kTicker = {VISOR_PLUGIN_HEAD,
                                     .name = "ticker",
                                     .version = "1.0.0",
                                     .summary = "Counts",
                                     .license = "MIT",
                                     .schema = nullptr,
                                     .needs = nullptr,
                                     .offers = nullptr,
                                     .commands = kTickerCommands,
                                     .command_count = std::size(kTickerCommands),
                                     .command_size = sizeof(visor_command),
                                     .start = visor::start<Ticker>,
                                     .stop = visor::stop<Ticker>,
                                     .configure = nullptr};

/* Every plugin of this program, and the ticker. */
inline const kernel::Catalog& ticker_catalog() {
  static const kernel::Catalog all = [] {
    kernel::Catalog out = plugins();
    REQUIRE(out.add(&kTicker, "this test").has_value());
    return out;
  }();
  return all;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_CONFORMANCE_GATEWAY_TICKER_HPP
