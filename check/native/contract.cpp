// The group contract: the laws of visor/abi.h, watched while the plugin does everything that it can.
#include "check/native/trial.hpp"

namespace visor::check {
namespace {

/* Runs the exercise and reports what was broken of these rules. */
std::function<void(Trial&)> under_watch(std::vector<Rule> rules, bool pressure = false) {
  return [rules = std::move(rules), pressure](Trial& trial) {
    const Cast* cast = trial.cast();
    if (!cast) return;
    Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
    stage.ledger().pressure = pressure;
    /* What else it does wrong is for the other groups to say; but bytes lost under pressure are this one's.
     */
    Trial unheard(trial.options, trial.directory, trial.sheet);
    bool started = exercise(unheard, stage);
    for (const std::string& sentence : unheard.found.sentences()) {
      if (!started || pressure) trial.found.add(sentence);
    }
    for (Rule rule : rules) trial.judge(stage.ledger(), {rule});
  };
}

/* Whoever connects and sends rubbish costs itself its connection, and nobody else anything. */
void strangers(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  auto visor = stage.run();
  if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
  if (exercise_listeners(trial, stage, **visor, 200) == 0 && trial.found.clean()) {
    trial.skipped = "it listens on nothing";
    return;
  }
  stage.loop().run_for(60000);
  exercise_commands(trial, stage, **visor);
  trial.found.expect(stage.stop(**visor), "it did not stop after strangers had sent rubbish");
  trial.judge(stage.ledger(), {Rule::kLeft, Rule::kMisuse, Rule::kPressure});
}

}  // namespace

std::vector<TrialRow> contract_trials(const Description&) {
  return {
      {"contract", "done", "Every done runs exactly once, later, from the loop", under_watch({Rule::kDone})},
      {"contract", "events", "Events run outside calls on their object, in order, and end when they must",
       under_watch({Rule::kEvents})},
      {"contract", "lent", "No span is used once its call is over", under_watch({})},
      {"contract", "threads", "The host and its objects are called on the loop's thread",
       under_watch({Rule::kThread})},
      {"contract", "pressure", "VISOR_EAGAIN is honoured: wait for ready, lose nothing",
       under_watch({Rule::kPressure}, true)},
      {"contract", "after_stop", "Nothing of it runs once its stop has completed",
       under_watch({Rule::kStopped})},
      {"contract", "left", "It closes what it opened before its stop completes", under_watch({Rule::kLeft})},
      {"contract", "misuse", "It uses nothing that was closed", under_watch({Rule::kMisuse})},
      {"contract", "strangers", "Rubbish from whoever connects hurts nobody else", strangers},
      {"contract", "errors", "Failures are negative and say why", under_watch({Rule::kErrors})},
  };
}

}  // namespace visor::check
