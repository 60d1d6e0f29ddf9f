// hello: a plugin to begin from.  It greets, and counts for whoever listens.
#include <boost/json.hpp>
#include <list>
#include <visor/plugin.hpp>

namespace {

namespace json = boost::json;

// A text that the host has checked against its schema; absent members are null.
json::value member(std::string_view object, std::string_view name) {
  json::error_code failed;
  json::value parsed = json::parse(object, failed);
  const json::object* members = parsed.if_object();
  const json::value* found = members ? members->if_contains(name) : nullptr;
  return found ? *found : json::value();
}

class Hello final : public visor::Instance {
 public:
  using Instance::Instance;

  void start(Started started) override {
    json::value greeting = member(host().config(), "greeting");
    if (greeting.if_string()) greeting_ = greeting.get_string();
    host().info("ready to say " + greeting_);
    started({});
  }
  void stop(Stopped stopped) override {
    counts_.clear();
    stopped();
  }

  visor::Result<std::string> greet(std::string_view args) {
    ++greeted_;
    std::string text = greeting_ + ", " + member(args, "name").get_string().c_str();
    return json::serialize(json::object{{"text", text}});
  }

  void count(visor::Answer answer, std::string_view args) {
    if (counts_.size() == kMaxCounts) return answer.finish({VISOR_EAGAIN, "16 are counted for; try later"});
    auto at = counts_.emplace(counts_.end(), std::move(answer), member(args, "to").get_int64());
    at->answer.on_canceled([this, at] { counts_.erase(at); });
    at->timer = visor::Timer::every(host(), 100, [this, at] {
      if (at->answer.say(std::to_string(at->next)) != VISOR_OK) return;  // a slow caller: again next time
      if (at->next++ < at->to) return;
      at->answer.finish();
      counts_.erase(at);
    });
  }

  visor::Result<std::string> status(std::string_view) {
    return json::serialize(
        json::object{{"greeted", greeted_}, {"counts", counts_.size()}, {"max_counts", kMaxCounts}});
  }

 private:
  struct Count {
    Count(visor::Answer a, int64_t last) : answer(std::move(a)), to(last) {}
    visor::Answer answer;
    visor::Timer timer;
    int64_t next = 1, to;
  };
  static constexpr size_t kMaxCounts = 16;

  std::string greeting_ = "Hello";
  uint64_t greeted_ = 0;
  std::list<Count> counts_;
};

constexpr visor_command kCommands[] = {
    {"greet", "Greets somebody", R"({"type":"object","required":["name"],"additionalProperties":false,
      "properties":{"name":{"type":"string","maxLength":100}}})",
     0, 0, visor::command<&Hello::greet>},
    {"count", "Counts, ten a second", R"({"type":"object","required":["to"],"additionalProperties":false,
      "properties":{"to":{"type":"integer","minimum":1,"maximum":1000}}})",
     VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, visor::command<&Hello::count>},
    {"status", "What was greeted, who is counted for", R"({"type":"object","additionalProperties":false})",
     VISOR_COMMAND_READS, 0, visor::command<&Hello::status>},
};

}  // namespace

VISOR_PLUGIN(hello) = {
    VISOR_PLUGIN_HEAD,
    .name = "hello",
    .version = "1.0.0",
    .summary = "Greets, and counts for whoever listens",
    .license = "MIT",
    .schema = R"({"type":"object","additionalProperties":false,"properties":{"greeting":{"type":"string"}}})",
    .needs = nullptr,
    .offers = nullptr,
    .commands = kCommands,
    .command_count = std::size(kCommands),
    .command_size = sizeof(visor_command),
    .start = visor::start<Hello>,
    .stop = visor::stop<Hello>,
    .configure = nullptr,
};
