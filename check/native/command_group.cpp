// The group commands: every row called with what its schema allows, cancelled, held up and stopped.
#include <algorithm>
#include <boost/json.hpp>

#include "check/native/sample.hpp"
#include "check/native/trial.hpp"
#include "kernel/json.hpp"

namespace visor::check {
namespace {

namespace json = boost::json;

constexpr uint64_t kPatienceMs = 60000; /* virtual, for a command to finish */
constexpr uint64_t kSoonMs = 10000;     /* virtual, once its caller has left */
constexpr size_t kEnough = 2000;        /* values of one call */

/* A call and who made it.  Kept by whoever is told of its end: the check or the kernel, whichever is later.
 */
struct Call {
  std::vector<std::string> values;
  std::optional<Error> finished;
  bool slow = false, held = false;
  size_t taken = 0;
  visor_ticket* ticket = nullptr;

  static visor_status value(void* ctx, visor_span json_text) {
    auto& self = *static_cast<Call*>(ctx);
    if (self.slow && ++self.taken % 3 == 0) {
      self.held = true;
      return VISOR_EAGAIN;
    }
    if (self.values.size() < kEnough) self.values.emplace_back(text(json_text));
    return VISOR_OK;
  }
  static void done(void* ctx, visor_status status, visor_span why) {
    static_cast<Call*>(ctx)->finished = Error{status, std::string(text(why))};
  }
  static constexpr visor_caller kCaller = {sizeof(visor_caller), 0, &Call::value, &Call::done};
};

class CommandUser {
 public:
  CommandUser(Trial& trial, Stage& stage, Stage::Visor& visor)
      : trial_(trial), stage_(stage), visor_(visor), commands_(visor.kernel->commands()) {}

  /* Null, and a finding, if it is not taken. */
  Call* begin(const visor_command& row, const std::string& args, bool slow = false) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    call.slow = slow;
    visor_status status =
        commands_->api->call(commands_, visor_.name.c_str(), row.name, to_span(std::string_view(args)),
                             &Call::kCaller, &call, &call.ticket);
    if (!trial_.found.expect_status(visor_.host(), status, VISOR_OK, named(row, args))) return nullptr;
    return &call;
  }
  /* Until it has finished, or a stream has given enough; whether it has. */
  bool wait(Call& call, uint64_t limit_ms = kPatienceMs) {
    return stage_.loop().run_until(
               [&] {
                 if (std::exchange(call.held, false)) commands_->api->resume(commands_, call.ticket);
                 return call.finished || call.values.size() >= kEnough;
               },
               limit_ms) &&
           call.finished;
  }
  void cancel(Call& call) {
    if (!call.finished) commands_->api->cancel(commands_, call.ticket);
  }
  /* The caller leaves; its command has to finish. */
  void leave(const visor_command& row, Call& call, const std::string& args) {
    cancel(call);
    trial_.found.expect(stage_.loop().run_until([&] { return call.finished.has_value(); }, kSoonMs),
                        [&] { return named(row, args) + ": its caller left and never heard the end"; });
    trial_.found.expect(
        stage_.loop().run_until([&] { return stage_.ledger().open_calls() == 0; }, kSoonMs), [&] {
          return named(row, args) +
                 " did not finish within 10 s after its caller had left; attach to the call and finish "
                 "when `canceled` runs";
        });
  }
  static std::string named(const visor_command& row, const std::string& args) {
    constexpr size_t kShown = 200;
    return "the command " + std::string(row.name) + " with " +
           (args.size() > kShown ? args.substr(0, kShown) + "..." : args);
  }
  bool expect_values(const visor_command& row, const Call& call, const std::string& args) {
    for (const std::string& value : call.values) {
      json::error_code failed;
      json::parse(value, failed);
      if (!trial_.found.expect(
              !failed, [&] { return named(row, args) + " gave what is no JSON: " + value.substr(0, 80); }))
        return false;
    }
    if (!call.finished) return true;
    if (call.finished->status == VISOR_OK && (row.flags & VISOR_COMMAND_STREAMS) == 0) {
      trial_.found.expect(call.values.size() <= 1, [&] {
        return named(row, args) + " gave " + std::to_string(call.values.size()) +
               " values; who gives more than one says VISOR_COMMAND_STREAMS";
      });
    }
    bool says_why = call.finished->status == VISOR_OK || call.finished->status == VISOR_ECANCELED ||
                    !call.finished->text.empty();
    trial_.found.expect(says_why, [&] { return named(row, args) + " failed without a word"; });
    trial_.found.expect(call.finished->status != VISOR_EINTERNAL,
                        [&] { return named(row, args) + ": " + call.finished->text; });
    return trial_.found.clean();
  }
  /* A call from beginning to end. */
  bool run(const visor_command& row, const std::string& args) {
    stage_.doing(named(row, args));
    Call* call = begin(row, args);
    if (!call) return false;
    bool streams = (row.flags & VISOR_COMMAND_STREAMS) != 0;
    if (!wait(*call, streams ? 5000 : kPatienceMs)) {
      trial_.found.expect(
          streams, [&] { return named(row, args) + " did not finish within a minute of virtual time"; });
      leave(row, *call, args);
    }
    return expect_values(row, *call, args) && trial_.found.clean();
  }

 private:
  Trial& trial_;
  Stage& stage_;
  Stage::Visor& visor_;
  visor_commands* commands_;
  std::vector<std::unique_ptr<Call>> calls_;
};

const visor_command& row_of(const visor_plugin& plugin, size_t index) {
  return *reinterpret_cast<const visor_command*>(reinterpret_cast<const std::byte*>(plugin.commands) +
                                                 index * plugin.command_size);
}

json::value schema_of(const visor_command& row) {
  auto schema = kernel::parse_json(row.params, "the schema");
  return schema ? *schema : json::value(json::object());
}

using OnCommands = std::function<void(Trial&, Stage&, Stage::Visor&, CommandUser&)>;

/* Starts it and stops it around the check; every row is there. */
std::function<void(Trial&)> with_commands(OnCommands check, bool pressure = false) {
  return [check = std::move(check), pressure](Trial& trial) {
    const Cast* cast = trial.cast();
    if (!cast) return;
    Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
    auto visor = stage.run();
    if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
    CommandUser user(trial, stage, **visor);
    stage.ledger().pressure = pressure;
    check(trial, stage, **visor, user);
    stage.ledger().pressure = false;
    stage.stop(**visor);
    trial.judge(stage.ledger(), {Rule::kDone, Rule::kErrors, Rule::kPressure});
  };
}

void least(Trial&, Stage& stage, Stage::Visor&, CommandUser& user) {
  Sampler sampler(1);
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    if (!user.run(row, json::serialize(sampler.least(schema_of(row))))) return;
  }
}

void fuzz(Trial& trial, Stage& stage, Stage::Visor&, CommandUser& user) {
  constexpr int kCalls = 200;
  Sampler sampler(trial.options.seed);
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    json::value schema = schema_of(row);
    bool takes_arguments =
        sampler.random(schema) != sampler.least(schema) || row.params != std::string_view("{}");
    for (int call = 0; call < (takes_arguments ? kCalls : 5); ++call) {
      if (!user.run(row, json::serialize(sampler.random(schema)))) return;
    }
  }
}

void cancel(Trial& trial, Stage& stage, Stage::Visor&, CommandUser& user) {
  Sampler sampler(trial.options.seed);
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    std::string args = json::serialize(sampler.least(schema_of(row)));
    for (uint64_t after_ms : {0u, 1u, 100u, 3000u}) {
      stage.doing("cancelling " + CommandUser::named(row, args));
      Call* call = user.begin(row, args);
      if (!call) return;
      if (after_ms > 0) user.wait(*call, after_ms);
      user.leave(row, *call, args);
      if (!trial.found.clean()) return;
    }
  }
}

/* As many values to a slow caller as to a quick one. */
void slow_caller(Trial& trial, Stage& stage, Stage::Visor&, CommandUser& user) {
  Sampler sampler(trial.options.seed);
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    if ((row.flags & VISOR_COMMAND_READS) == 0) continue;
    std::string args = json::serialize(sampler.least(schema_of(row)));
    stage.doing(CommandUser::named(row, args) + ", with a slow caller");
    stage.ledger().pressure = false;
    Call* quick = user.begin(row, args);
    if (!quick || !user.wait(*quick, 5000)) {
      if (quick) user.leave(row, *quick, args);
      continue; /* a stream without an end */
    }
    stage.ledger().pressure = true;
    Call* slow = user.begin(row, args, true);
    if (!slow) return;
    if (!trial.found.expect(user.wait(*slow), [&] {
          return CommandUser::named(row, args) + " never finished for a slow caller; go on when `ready` runs";
        }))
      return;
    trial.found.expect(slow->values.size() == quick->values.size(), [&] {
      return CommandUser::named(row, args) + " gave " + std::to_string(quick->values.size()) +
             " values to a quick caller and " + std::to_string(slow->values.size()) +
             " to a slow one; what VISOR_EAGAIN refused is to be emitted again on `ready`";
    });
    if (!trial.found.clean()) return;
  }
}

/* Calls that are open when it stops. */
void stopped(Trial& trial, Stage& stage, Stage::Visor& visor, CommandUser& user) {
  Sampler sampler(trial.options.seed);
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    for (int call = 0; call < 3; ++call) {
      if (!user.begin(row, json::serialize(sampler.least(schema_of(row))))) return;
    }
  }
  stage.loop().run_for(5);
  stage.doing("stopping while commands are open");
  if (!trial.found.expect(stage.stop(visor), "does not stop while commands are open")) return;
  trial.found.expect(stage.ledger().open_calls() == 0, [&] {
    return "stopped without finishing " + std::to_string(stage.ledger().open_calls()) +
           " calls of its commands; every call is finished, those that are cancelled too";
  });
}

}  // namespace

std::vector<TrialRow> command_trials(const Description& plugin) {
  if (plugin.commands == 0) return {};
  return {
      {"commands", "least", "Each answers to the least arguments with JSON and finishes once",
       with_commands(least)},
      {"commands", "fuzz", "Each withstands 200 random arguments that its schema allows", with_commands(fuzz),
       2},
      {"commands", "cancel", "Each finishes soon when its caller leaves", with_commands(cancel)},
      {"commands", "slow_caller", "A slow caller gets what a quick one gets", with_commands(slow_caller)},
      {"commands", "stopped", "Calls that are open when it stops are finished", with_commands(stopped)},
  };
}

void exercise_commands(Trial& trial, Stage& stage, Stage::Visor& visor) {
  Sampler sampler(trial.options.seed);
  CommandUser user(trial, stage, visor);
  bool pressure = std::exchange(stage.ledger().pressure, false); /* their own check does that */
  const visor_plugin& plugin = stage.cast().subject();
  for (size_t i = 0; i < plugin.command_count; ++i) {
    const visor_command& row = row_of(plugin, i);
    json::value schema = schema_of(row);
    bool fine = user.run(row, json::serialize(sampler.least(schema)));
    for (int call = 0; fine && call < 5; ++call) {
      fine = user.run(row, json::serialize(sampler.random(schema)));
    }
    std::string args = json::serialize(sampler.least(schema)); /* and two at once */
    Call *first = user.begin(row, args), *second = user.begin(row, args);
    if (!first || !second) continue;
    user.wait(*first, 1000);
    user.cancel(*second);
    user.leave(row, *first, args);
  }
  stage.ledger().pressure = pressure;
}

}  // namespace visor::check
