#include "tests/unit/kernel/plugins.hpp"

#include <visor/bundle.h>

#include <cstdlib>

namespace visor::test {

std::vector<std::string>& history() {
  static std::vector<std::string> events;
  return events;
}

namespace {

constexpr const char* kThing = "test.thing/1";
constexpr const char* kThingOnly[] = {kThing, nullptr};
constexpr const char* kAnyObject = R"({"type":"object"})";
constexpr const char* kNothing = R"({"type":"object","additionalProperties":false})";

/* Commands of every kind. */
class Echo : public Instance {
 public:
  using Instance::Instance;
  void start(Started started) override { started({}); }
  void stop(Stopped stopped) override {
    history().push_back("stop echo");
    stopped();
  }
  Result<void> configure(std::string_view json) override {
    if (json.find("refuse") != json.npos) return failure(VISOR_EINVAL, "this one is refused");
    return {};
  }

  Result<std::string> say(std::string_view args) { return std::string(args); }
  Result<std::string> fail(std::string_view) { return failure(VISOR_EPERM, "this command always fails"); }
  Result<void> silent_failure(visor_call*, std::string_view) {
    return std::unexpected(Error{VISOR_ENOSPC, ""});
  }

  /* {"count":N}: 0, 1, ... N-1, as fast as the caller takes them. */
  Result<void> count(visor_call* call, std::string_view args) {
    call_ = call;
    limit_ = std::atoi(std::string(args.substr(args.find(':') + 1)).c_str());
    next_ = refusals_ = 0;
    static constexpr visor_call_events kEvents = {
        sizeof(visor_call_events), 0, [](void* ctx, visor_call*) { static_cast<Echo*>(ctx)->go_on(); },
        [](void* ctx, visor_call* canceled) {
          history().push_back("canceled");
          static_cast<Echo*>(ctx)->call_ = nullptr;
          canceled->api->finish(canceled, VISOR_ECANCELED);
        }};
    call->api->attach(call, &kEvents, this);
    go_on();
    return {};
  }
  /* Never finishes, and does not listen. */
  Result<void> forget(visor_call*, std::string_view) { return {}; }
  Result<std::string> refusals(std::string_view) { return std::to_string(refusals_); }

 private:
  void go_on() {
    while (call_ && next_ < limit_) {
      std::string value = std::to_string(next_);
      if (call_->api->emit(call_, to_span(std::string_view(value))) != VISOR_OK) {
        ++refusals_;
        return;
      }
      ++next_;
    }
    visor_call* call = std::exchange(call_, nullptr);
    if (call) call->api->finish(call, VISOR_OK);
  }
  visor_call* call_ = nullptr;
  int next_ = 0, limit_ = 0, refusals_ = 0;
};

constexpr visor_command kEchoCommands[] = {
    {"say", "Gives its arguments back",
     R"({"type":"object","additionalProperties":false,"required":["text"],"properties":{
         "text":{"type":"string","maxLength":20},"times":{"type":"integer","minimum":1,"maximum":9}}})",
     VISOR_COMMAND_READS, 0, command<&Echo::say>},
    {"fail", "Fails", kNothing, 0, 0, command<&Echo::fail>},
    {"silent_failure", "Fails without a word", kNothing, 0, 0, command<&Echo::silent_failure>},
    {"count", "Counts", R"({"type":"object","properties":{"count":{"type":"integer"}}})",
     VISOR_COMMAND_STREAMS, 0, command<&Echo::count>},
    {"forget", "Never finishes", kNothing, 0, 0, command<&Echo::forget>},
    {"refusals", "How often count was held up", kNothing, VISOR_COMMAND_READS, 0, command<&Echo::refusals>},
};

/* Says what it does, and does it as late as its configuration wants. */
class Recorder : public Instance {
 public:
  explicit Recorder(Host host) : Instance(host) {
    std::string raw(host.directory());
    name_ = raw.substr(raw.rfind('/') + 1);
  }
  void start(Started started) override {
    history().push_back("start " + name_);
    started({});
  }
  void stop(Stopped stopped) override {
    history().push_back("stop " + name_);
    stopped();
  }

 protected:
  std::string name_;
};

class Provider final : public Recorder {
 public:
  using Recorder::Recorder;
  void start(Started started) override {
    history().push_back("start " + name_);
    started(host().offer(kThing, nullptr, this));
  }
};

class Watcher final : public Recorder {
 public:
  using Recorder::Recorder;
  void start(Started started) override {
    history().push_back("start " + name_);
    auto told = [this](std::string_view name, Provider* thing) {
      history().push_back(name_ + (thing ? " sees " : " loses ") + std::string(name));
    };
    started(watch_.open(host(), kThing, told));
  }

 private:
  Watch<Provider> watch_;
};

class Failing final : public Recorder {
 public:
  using Recorder::Recorder;
  void start(Started started) override { started(failure(VISOR_EIO, "the disk is on fire")); }
};

/* Takes seven seconds to stop. */
class Slow final : public Recorder {
 public:
  using Recorder::Recorder;
  void stop(Stopped stopped) override {
    timer_ = Timer::once(host(), 7000, [stopped] { stopped(); });
  }

 private:
  Timer timer_;
};

/* Leaves a timer, a watch and an offer behind, and has work under way when it stops. */
class Careless final : public Recorder {
 public:
  using Recorder::Recorder;
  void start(Started started) override {
    visor_host* raw = host().raw();
    static visor_handle* watch = nullptr;
    raw->api->timer(
        raw, 100000, 0, [](void*) { history().push_back("timer of a stopped instance"); }, nullptr);
    raw->api->watch(raw, kThing, [](void*, const char*, void*) {}, nullptr, &watch);
    started(host().offer("test.careless/1", nullptr, this));
  }
  void stop(Stopped stopped) override {
    visor_host* raw = host().raw();
    raw->api->work(raw, [](void*) {}, nullptr,
                   {[](void*, visor_status, void*) { history().push_back("work done"); }, nullptr});
    stopped();
  }
};

template <class T>
constexpr visor_plugin row(const char* name, const char* const* needs, const char* const* offers) {
  return {VISOR_PLUGIN_HEAD,
          .name = name,
          .version = "1.0.0",
          .summary = "For tests",
          .license = "MIT",
          .schema = kAnyObject,
          .needs = needs,
          .offers = offers,
          .commands = nullptr,
          .command_count = 0,
          .command_size = sizeof(visor_command),
          .start = visor::start<T>,
          .stop = visor::stop<T>,
          .configure = nullptr};
}

}  // namespace

const kernel::Catalog& test_plugins() {
  static constexpr visor_plugin kEcho = {
      VISOR_PLUGIN_HEAD,
      .name = "echo",
      .version = "1.2.3",
      .summary = "Commands of every kind",
      .license = "MIT",
      .schema = R"({"type":"object","additionalProperties":false,"properties":{
        "interval_ms":{"type":"integer","minimum":1000,"default":60000},
        "peers":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["pk"],"properties":{
          "pk":{"type":"string","pattern":"^[0-9a-f]{66}$","description":"a public key"},
          "type":{"enum":["tcp","ws"]}}}},
        "token":{"type":"string","writeOnly":true},
        "refuse":{"type":"boolean"}}})",
      .needs = nullptr,
      .offers = nullptr,
      .commands = kEchoCommands,
      .command_count = std::size(kEchoCommands),
      .command_size = sizeof(visor_command),
      .start = start<Echo>,
      .stop = stop<Echo>,
      .configure = configure<Echo>};
  static constexpr visor_plugin kRows[] = {
      row<Provider>("provider", nullptr, kThingOnly), row<Recorder>("consumer", kThingOnly, nullptr),
      row<Provider>("relay", kThingOnly, kThingOnly), row<Watcher>("watcher", nullptr, nullptr),
      row<Failing>("failing", nullptr, nullptr),      row<Slow>("slow", nullptr, nullptr),
      row<Recorder>("recorder", nullptr, nullptr),    row<Recorder>("liar", nullptr, kThingOnly),
      row<Careless>("careless", nullptr, nullptr)};
  static const kernel::Catalog catalog = [] {
    kernel::Catalog out;
    bool added = out.add(&kEcho, "bundled").has_value();
    for (const visor_plugin& plugin : kRows) added = added && out.add(&plugin, "bundled").has_value();
    if (!added) std::abort();
    return out;
  }();
  return catalog;
}

/* The kernel's tests use no other plugins. */
const kernel::Catalog& plugins() {
  return test_plugins();
}

}  // namespace visor::test
