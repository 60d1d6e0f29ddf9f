// The group drive: storage.h's promises (check/drive.hpp), and what only a real process can show: restarts
// and SIGKILL.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "check/drive_model.hpp"
#include "check/native/trial.hpp"

namespace visor::check {
namespace {

namespace fs = std::filesystem;

/* Runs it on a drive that has just been started. */
std::function<void(Trial&)> on_a_drive(const DriveCheck& check) {
  return [&check](Trial& trial) {
    const Cast* cast = trial.cast();
    if (!cast) return;
    Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
    auto visor = stage.run();
    if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
    stage.doing("following the drives' script");
    DriveUser user(trial.found, stage.waiter(**visor), (*visor)->find<visor_drive>(VISOR_DRIVE_1));
    check.run(user, trial.options.seed);
    stage.stop(**visor);
    stage.ledger().close_promises();
    trial.judge(stage.ledger(), {Rule::kDone, Rule::kThread, Rule::kLeft});
  };
}

bool is_durable(Trial& trial, Stage& stage, Stage::Visor& visor) {
  auto* drive = visor.find<visor_drive>(VISOR_DRIVE_1);
  bool durable = trial.found.expect(drive != nullptr, "no drive is offered") &&
                 (drive->api->caps & VISOR_DRIVE_DURABLE) != 0;
  if (!durable)
    trial.skipped = "the drive does not say VISOR_DRIVE_DURABLE: it keeps nothing across a restart";
  (void)stage;
  return durable;
}

void restarts(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  Model model;
  for (uint64_t round = 0; round < 5; ++round) {
    auto visor = stage.run();
    if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
    if (!is_durable(trial, stage, **visor)) return;
    DriveUser user(trial.found, stage.waiter(**visor), (*visor)->find<visor_drive>(VISOR_DRIVE_1));
    Findings::Context context(trial.found, "after " + std::to_string(round) + " restarts");
    auto kv = user.open("restarts");
    if (!kv || !expect_equal(user, kv.get(), model)) return;
    if (!follow_model(user, kv.get(), model, trial.options.seed + round, 100)) return;
    auto synced = user.sync(kv.get());
    if (!trial.found.expect(synced.has_value(), [&] { return "sync: " + synced.error().text; })) return;
    kv.reset();
    stage.stop(**visor);
  }
}

/* --- kill -9 ---
 * A writer puts n under 20 keys, batch after batch, and tells the pipe each n that it has synced; it is
 * killed at a random moment.  Whoever opens the map next must find one whole batch, no older than the last
 * that was synced. */

constexpr int kKeys = 20;

std::string key_of(int index) {
  return "key " + std::to_string(index);
}

void write_until_killed(Trial& trial, int pipe) {
  const Cast* cast = trial.cast(false);
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  auto visor = stage.run();
  if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
  uint32_t n = 0;
  if (!is_durable(trial, stage, **visor)) return;
  DriveUser user(trial.found, stage.waiter(**visor), (*visor)->find<visor_drive>(VISOR_DRIVE_1));
  auto kv = user.open("killed");
  if (!kv) return;
  if (auto last = get_one(user.host(), kv.get(), key_of(0))) n = static_cast<uint32_t>(std::stoul(*last));
  for (;;) {
    std::string number = std::to_string(++n), filler(n % 3000, 'f');
    std::vector<std::string> keys;
    keys.reserve(kKeys);
    for (int i = 0; i < kKeys; ++i) keys.push_back(key_of(i));
    std::vector<visor_op> ops;
    ops.reserve(kKeys + 1);
    for (const std::string& key : keys) ops.push_back(put(key, bytes(std::string_view(number))));
    ops.push_back(put("filler", bytes(std::string_view(filler))));
    visor_status status = kv->api->write(kv.get(), ops.data(), ops.size());
    if (!trial.found.expect_status(user.host(), status, VISOR_OK, "write")) return;
    if (n % 4 != 0) continue;
    auto synced = user.sync(kv.get());
    if (!trial.found.expect(synced.has_value(), [&] { return "sync: " + synced.error().text; })) return;
    if (::write(pipe, &n, sizeof n) != sizeof n) return;
  }
}

void expect_whole_batch(Trial& trial, uint32_t synced) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  auto visor = stage.run();
  if (!trial.found.expect(visor.has_value(), [&] { return "after SIGKILL: " + visor.error().text; })) return;
  DriveUser user(trial.found, stage.waiter(**visor), (*visor)->find<visor_drive>(VISOR_DRIVE_1));
  auto kv = user.open("killed");
  if (!kv) return;
  std::set<std::string> numbers;
  int keys = 0;
  for (int i = 0; i < kKeys; ++i) {
    auto value = get_one(user.host(), kv.get(), key_of(i));
    if (!value) continue;
    numbers.insert(*value);
    ++keys;
  }
  if (keys == 0) {
    trial.found.expect(synced == 0,
                       [&] { return "batch " + std::to_string(synced) + " was synced, nothing is there"; });
    return;
  }
  if (!trial.found.expect(keys == kKeys && numbers.size() == 1, [&] {
        return "a batch is there in part: " + std::to_string(keys) + " of " + std::to_string(kKeys) +
               " keys, from " + std::to_string(numbers.size()) + " batches";
      }))
    return;
  auto last = static_cast<uint32_t>(std::stoul(*numbers.begin()));
  trial.found.expect(last >= synced, [&] {
    return "batch " + std::to_string(synced) + " was synced, the map holds only batch " +
           std::to_string(last);
  });
}

/* Runs `fn` in a child of its own; what it finds is found here. */
pid_t in_child(Trial& trial, const std::function<void()>& fn) {
  pid_t child = ::fork();
  if (child != 0) return child;
  fn();
  if (trial.skipped) {
    trial.sheet.finish(Outcome::kSkipped, *trial.skipped);
  } else if (!trial.found.clean()) {
    trial.sheet.finish(Outcome::kFailed, trial.found.sentences().front());
  }
  std::_Exit(EXIT_SUCCESS);
}

/* This process never loads the plugin: threads do not survive a fork. */
void killed(Trial& trial) {
  constexpr int kRounds = 8;
  std::mt19937_64 random(trial.options.seed);
  uint32_t synced = 0;
  for (int round = 0; round < kRounds; ++round) {
    int ends[2];
    if (!trial.found.expect(::pipe(ends) == 0, "no pipe can be made")) return;
    pid_t writer = in_child(trial, [&] {
      ::close(ends[0]);
      write_until_killed(trial, ends[1]);
    });
    ::close(ends[1]);
    uint64_t wait_for = random() % 12;
    bool ended = false;
    for (uint64_t i = 0; i <= wait_for && !ended; ++i)
      ended = ::read(ends[0], &synced, sizeof synced) != sizeof synced;
    ::usleep(static_cast<useconds_t>(random() % 3000)); /* any moment, not the one after a sync */
    ::kill(writer, SIGKILL);
    for (uint32_t more = 0; ::read(ends[0], &more, sizeof more) == sizeof more;) synced = more;
    ::close(ends[0]);
    ::waitpid(writer, nullptr, 0);
    if (trial.sheet.outcome == Outcome::kSkipped) {
      trial.skipped = trial.sheet.reason;
      return;
    }
    if (ended) {
      trial.found.add(trial.sheet.outcome == Outcome::kFailed ? trial.sheet.reason
                                                              : "the writing process ended early");
      return;
    }
    trial.sheet.set_doing("reading what a killed process had written");
    pid_t reader = in_child(trial, [&] { expect_whole_batch(trial, synced); });
    int status = 0;
    ::waitpid(reader, &status, 0);
    if (trial.sheet.outcome == Outcome::kFailed) {
      trial.found.add("round " + std::to_string(round) + ": " + trial.sheet.reason);
      return;
    }
    if (!trial.found.expect(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                            "the process that opened the map of a killed one died"))
      return;
  }
}

}  // namespace

std::vector<TrialRow> drive_trials(const Description& plugin) {
  if (std::ranges::find(plugin.offers, VISOR_DRIVE_1) == plugin.offers.end()) return {};
  std::vector<TrialRow> out;
  for (const DriveCheck& check : drive_checks())
    out.push_back({"drive", check.name, check.promise, on_a_drive(check), 2});
  out.push_back({"drive", "restarts", "What is synced is there after a restart", restarts});
  out.push_back({"drive", "killed",
                 "After SIGKILL everything synced is there, and every batch whole or absent", killed});
  return out;
}

/* A little of everything, for the watch. */
void exercise_drive(Trial& trial, Stage& stage, Stage::Visor& visor) {
  if (stage.ledger().pressure) return; /* no call of a drive waits for room */
  stage.doing("using its drive");
  DriveUser user(trial.found, stage.waiter(visor), visor.find<visor_drive>(VISOR_DRIVE_1));
  for (const DriveCheck& check : drive_checks()) {
    std::string_view name = check.name;
    if (name != "model" && name != "sizes" && name != "batches") check.run(user, trial.options.seed);
  }
}

}  // namespace visor::check
