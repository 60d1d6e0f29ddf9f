/* One check as its process runs it, and the table of all. */
#ifndef VISOR_CHECK_NATIVE_TRIAL_HPP
#define VISOR_CHECK_NATIVE_TRIAL_HPP
#include <functional>
#include <optional>

#include "check/native/stage.hpp"

namespace visor::check {

class Trial {
 public:
  Trial(const Options& o, std::string folder, Sheet& s)
      : options(o), directory(std::move(folder)), sheet(s) {}

  const Options& options;
  const std::string directory; /* empty when the check begins; its working directory */
  Sheet& sheet;
  Findings found;
  std::optional<std::string> skipped; /* why there was nothing to check */

  /* The plugin with what it needs; null, and a finding, if they cannot be loaded. */
  const Cast* cast(bool strict = true);
  /* Moves what was broken of these rules into the findings. */
  void judge(const Ledger& ledger, std::initializer_list<Rule> rules);

 private:
  std::unique_ptr<Cast> cast_;
};

struct TrialRow {
  std::string group, check, promise;
  std::function<void(Trial&)> run;
  uint64_t time_factor = 1; /* of the timeout */

  bool is(const TrialRow& other) const { return group == other.group && check == other.check; }
};

/* What the parent knows of a plugin without having loaded it. */
struct Description {
  std::string name, version;
  std::vector<std::string> offers;
  size_t commands = 0;
  std::string config_fault =
      {}; /* why the configuration that was given does not fit its schema; empty: it does */
};

/* The first check: loads the file and writes the description, as JSON, on the sheet's note. */
void load_and_describe(Trial& trial);
Result<Description> read_description(std::string_view json);

/* A group's rows, empty if the plugin does not concern it.  The first of scan is load_and_describe, the first
 * of life says whether what it needs is there; without either nothing else can be checked. */
std::vector<TrialRow> scan_trials();
std::vector<TrialRow> life_trials();
std::vector<TrialRow> contract_trials(const Description& plugin);
std::vector<TrialRow> drive_trials(const Description& plugin);
std::vector<TrialRow> net_trials(const Description& plugin);
std::vector<TrialRow> command_trials(const Description& plugin);
/* All of them, in this order. */
std::vector<TrialRow> trials(const Description& plugin);

/* What the contract's checks watch: the plugin started, asked for everything that it has, and stopped.
 * Whether it started. */
bool exercise(Trial& trial, Stage& stage);
void exercise_drive(Trial& trial, Stage& stage, Stage::Visor& visor);
void exercise_net(Trial& trial, Stage& stage, Stage::Visor& alpha, Stage::Visor& beta);
/* Strangers connect to whatever it listens on and send rubbish; how many did. */
size_t exercise_listeners(Trial& trial, Stage& stage, Stage::Visor& visor, int rounds);
void exercise_commands(Trial& trial, Stage& stage, Stage::Visor& visor);

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_TRIAL_HPP
