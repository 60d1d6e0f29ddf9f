#include "kernel/kernel_commands.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <visor/instance.hpp>

#include "kernel/config.hpp"
#include "kernel/json.hpp"

namespace visor::kernel {
namespace {

constexpr const char* kNoArguments = R"({"type":"object","additionalProperties":false})";
constexpr const char* kPluginsArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "schemas":{"type":"boolean","default":false,"description":"also the schemas of their configurations, and their commands"}}})";
constexpr const char* kLogArguments = R"({"type":"object","additionalProperties":false,"properties":{
  "tail":{"type":"integer","minimum":0,"maximum":1000,"default":100,"description":"how many older records come first"},
  "follow":{"type":"boolean","default":true,"description":"stay for new records"},
  "level":{"enum":["trace","debug","info","warn","error"],"description":"the least level shown"},
  "instance":{"type":"string","maxLength":64,"description":"only this instance's records"}},
  "examples":[{"level":"warn"},{"instance":"gateway","tail":20,"follow":false}]})";

}  // namespace

/* Sends records to one caller at the caller's speed.  One who is too slow misses what the ring forgets, and
 * is told how many. */
class KernelCommands::Follower {
 public:
  struct Options {
    int32_t level = VISOR_TRACE;
    std::string instance; /* empty: all */
    bool follow = true;
  };
  Follower(KernelCommands& owner, visor_call* call, uint64_t next, Options options)
      : owner_(owner), call_(call), next_(next), options_(std::move(options)), tasks_(owner.host_) {
    call->api->attach(call, &kEvents, this);
    listener_ = owner_.log_.listen([this] { later(); });
    later();
  }
  ~Follower() { owner_.log_.unlisten(listener_); }

 private:
  void later() {
    if (waiting_for_caller_ || std::exchange(posted_, true)) return;
    tasks_.post([this] {
      posted_ = false;
      send();
    });
  }
  void send() {
    const auto& ring = owner_.log_.ring();
    while (next_ <= owner_.log_.records_written()) {
      uint64_t oldest = ring.front().sequence;
      if (next_ < oldest) {
        if (!emit("{\"dropped\":" + std::to_string(oldest - next_) + "}")) return;
        next_ = oldest;
      }
      const LogRecord& record = ring[static_cast<size_t>(next_ - oldest)];
      bool wanted = record.level >= options_.level &&
                    (options_.instance.empty() || options_.instance == record.instance);
      if (wanted && !emit(format_json(record))) return;
      ++next_;
    }
    if (!options_.follow) finish(VISOR_OK);
  }
  bool emit(const std::string& json) {
    visor_status status = call_->api->emit(call_, to_span(std::string_view(json)));
    if (status == VISOR_EAGAIN) waiting_for_caller_ = true;
    return status == VISOR_OK; /* otherwise `ready` or `canceled` follows */
  }
  void finish(visor_status status) {
    call_->api->finish(call_, status);
    std::erase_if(owner_.followers_, [this](const auto& known) { return known.get() == this; });
  }
  static void ready(void* ctx, visor_call*) {
    auto* self = static_cast<Follower*>(ctx);
    self->waiting_for_caller_ = false;
    self->later();
  }
  static void canceled(void* ctx, visor_call*) { static_cast<Follower*>(ctx)->finish(VISOR_ECANCELED); }
  static constexpr visor_call_events kEvents = {sizeof(visor_call_events), 0, &Follower::ready,
                                                &Follower::canceled};

  KernelCommands& owner_;
  visor_call* call_;
  uint64_t next_;
  Options options_;
  Tasks tasks_;
  uint64_t listener_ = 0;
  bool posted_ = false, waiting_for_caller_ = false;
};

KernelCommands::KernelCommands(Host host, Log& log, Sources sources)
    : host_(host), log_(log), sources_(std::move(sources)) {}
KernelCommands::~KernelCommands() = default;

const visor_plugin* KernelCommands::plugin() {
  static constexpr visor_command kRows[] = {
      {"status", "State, key, running instances and counters of this visor", kNoArguments,
       VISOR_COMMAND_READS, 0, command<&KernelCommands::status>},
      {"plugins", "The plugins that this visor can start, and those it refused", kPluginsArguments,
       VISOR_COMMAND_READS, 0, command<&KernelCommands::plugins>},
      {"config", "The configuration that runs, secrets covered", kNoArguments, VISOR_COMMAND_READS, 0,
       command<&KernelCommands::config>},
      {"log", "The latest log records, then new ones as they come", kLogArguments,
       VISOR_COMMAND_READS | VISOR_COMMAND_STREAMS, 0, command<&KernelCommands::log>},
  };
  static constexpr visor_plugin kPlugin = {.size = sizeof(visor_plugin),
                                           .abi = VISOR_ABI,
                                           .name = "kernel",
                                           .version = "1.0.0",
                                           .summary = "The kernel itself",
                                           .license = "MIT",
                                           .schema = nullptr,
                                           .needs = nullptr,
                                           .offers = nullptr,
                                           .commands = kRows,
                                           .command_count = std::size(kRows),
                                           .command_size = sizeof(visor_command),
                                           .start = nullptr,
                                           .stop = nullptr,
                                           .configure = nullptr};
  return &kPlugin;
}

Result<std::string> KernelCommands::plugins(std::string_view args) {
  auto value = parse_json(args, "arguments");
  if (!value) return std::unexpected(value.error());
  const auto* schemas = value->get_object().if_contains("schemas");
  return sources_.plugins(schemas && schemas->get_bool());
}

Result<void> KernelCommands::log(visor_call* call, std::string_view args) {
  auto value = parse_json(args, "arguments");
  if (!value) return std::unexpected(value.error());
  const auto& object = value->get_object();
  Follower::Options options;
  uint64_t tail = 100;
  if (const auto* v = object.if_contains("tail")) tail = v->to_number<uint64_t>();
  if (const auto* v = object.if_contains("follow")) options.follow = v->get_bool();
  if (const auto* v = object.if_contains("level")) options.level = *level_from_name(v->get_string());
  if (const auto* v = object.if_contains("instance")) options.instance = v->get_string();

  // The tail counts what the caller wants to see, not what is written.
  uint64_t next = log_.records_written() + 1;
  for (auto record = log_.ring().rbegin(); record != log_.ring().rend() && tail > 0; ++record) {
    next = record->sequence;
    if (record->level >= options.level && (options.instance.empty() || options.instance == record->instance))
      --tail;
  }
  followers_.push_back(std::make_unique<Follower>(*this, call, next, std::move(options)));
  return {};
}

}  // namespace visor::kernel
