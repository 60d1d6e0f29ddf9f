// The group life: starting and stopping, as often and in whatever order a kernel may.
#include <malloc.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>

#include "check/native/sample.hpp"
#include "check/native/trial.hpp"
#include "kernel/json.hpp"

/* Where the sanitizers are linked in: what is allocated now, without what they keep aside. */
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace visor::check {
namespace {

namespace fs = std::filesystem;

void start_stop(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  auto visor = stage.run();
  if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
  trial.judge(stage.ledger(), {Rule::kOffer});
  for (const char* const* id = cast->subject().offers; id && *id; ++id) {
    trial.found.expect((*visor)->kernel->find(*id) != nullptr, [&] {
      return "announces " + std::string(*id) + " and had not offered it when its start completed";
    });
  }
  stage.loop().run_for(1000);
  trial.found.expect(stage.stop(**visor), "did not complete stop within a minute of virtual time");
  trial.judge(stage.ledger(), {Rule::kLeft});
}

void again(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  for (int i = 1; i <= 3; ++i) {
    auto visor = stage.run();
    if (!trial.found.expect(visor.has_value(), [&] {
          return "start number " + std::to_string(i) + " with the same folder: " + visor.error().text;
        }))
      return;
    stage.loop().run_for(1000);
    stage.stop(**visor);
  }
  trial.judge(stage.ledger(), {Rule::kLeft});
}

void side_by_side(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  std::array<Stage::Visor*, 2> both{};
  for (size_t i = 0; i < both.size(); ++i) {
    auto visor = stage.run(i == 0 ? "alpha" : "beta");
    if (!trial.found.expect(visor.has_value(), [&] {
          return std::string(i == 0 ? "the first" : "the second") +
                 " of two visors in one process: " + visor.error().text;
        }))
      return;
    both[i] = *visor;
  }
  stage.loop().run_for(1000);
  trial.found.expect(stage.stop(*both[0]), "the first of two visors did not stop");
  stage.loop().run_for(60000);
  exercise_commands(trial, stage, *both[1]); /* the other goes on */
  trial.found.expect(stage.stop(*both[1]), "the second of two visors did not stop");
  trial.judge(stage.ledger(), {Rule::kLeft, Rule::kStopped});
}

void stop_at_once(Trial& trial) {
  constexpr const char* kNoEnd = "stopped while it starts, or at once after, it does not end within a minute";
  const Cast* cast = trial.cast();
  if (!cast) return;
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  for (int round = 0; round < 20; ++round) {
    Stage::Visor& visor = stage.make("alpha", cast->subject_config());
    auto stopped = std::make_shared<bool>(false);
    visor.kernel->start([](Result<void>) {});
    stage.doing("stopping while it starts, after " + std::to_string(round) + " turns");
    std::function<void(int)> later =
        [&](int turns) { /* a little further each time */
                         if (turns > 0) return stage.loop().post([&later, turns] { later(turns - 1); });
                         visor.kernel->stop([stopped] { *stopped = true; });
        };
    later(round);
    if (!trial.found.expect(stage.loop().run_until([&] { return *stopped; }, 60000), kNoEnd)) return;
  }
  auto visor = stage.run(); /* those before may all have been stopped too early to refuse */
  if (!trial.found.expect(visor.has_value(), [&] { return "it did not start: " + visor.error().text; }))
    return;
  if (!trial.found.expect(stage.stop(**visor), kNoEnd)) return;
  stage.loop().run_for(60000);
  stage.ledger().close_promises();
  trial.judge(stage.ledger(), {Rule::kLeft, Rule::kStopped, Rule::kDone});
}

/* The kernel puts the status's name where the plugin said nothing. */
bool silent(const Error& error) {
  return error.text.ends_with(": " + status_name(error.status));
}

/* Whatever the schema lets through, start takes or refuses with a sentence. */
void configurations(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  if (!cast->subject().schema) {
    trial.skipped = "it has no configuration";
    return;
  }
  auto schema = kernel::parse_json(cast->subject().schema, "the schema");
  if (!trial.found.expect(schema.has_value(), [&] { return schema.error().text; })) return;
  Sampler sampler(trial.options.seed);
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  for (int round = 0; round < 50; ++round) {
    std::string config = boost::json::serialize(sampler.random(*schema));
    Stage::Visor& visor = stage.make("alpha", config);
    auto started = stage.start(visor);
    if (!started) {
      trial.found.expect(!silent(started.error()),
                         [&] { return "refuses the configuration " + config + " without a word"; });
    } else {
      stage.loop().run_for(2000);
    }
    if (!trial.found.expect(stage.stop(visor),
                            [&] { return "does not stop, with the configuration " + config; }))
      return;
  }
  auto visor = stage.run(); /* and none of them is in the way of its own */
  trial.found.expect(visor.has_value(), [&] { return "with its own configuration: " + visor.error().text; });
  trial.judge(stage.ledger(), {Rule::kLeft, Rule::kDone, Rule::kErrors});
}

void reconfigure(Trial& trial) {
  const Cast* cast = trial.cast();
  if (!cast) return;
  if (!cast->subject().configure || !cast->subject().schema) {
    trial.skipped = "it takes a new configuration only by a restart";
    return;
  }
  auto schema = kernel::parse_json(cast->subject().schema, "the schema");
  if (!trial.found.expect(schema.has_value(), [&] { return schema.error().text; })) return;
  Sampler sampler(trial.options.seed);
  Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
  auto visor = stage.run();
  if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
  for (int round = 0; round < 50; ++round) {
    std::string config = boost::json::serialize(sampler.random(*schema));
    auto taken = (*visor)->kernel->configure((*visor)->name, config);
    if (!taken) {
      trial.found.expect(!silent(taken.error()),
                         [&] { return "refuses the new configuration " + config + " without a word"; });
    }
    stage.loop().run_for(500);
  }
  auto back = (*visor)->kernel->configure((*visor)->name, cast->subject_config());
  trial.found.expect(back.has_value(),
                     [&] { return "the configuration it began with is refused: " + back.error().text; });
  stage.stop(**visor);
  trial.judge(stage.ledger(), {Rule::kLeft});
}

struct Held {
  size_t bytes, files, threads;
};
Held held_now() {
  auto count = [](const char* folder) {
    std::error_code failed;
    fs::directory_iterator all(folder, failed);
    return failed ? size_t{0} : static_cast<size_t>(std::distance(begin(all), end(all)));
  };
  size_t bytes = __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
  if (bytes == 0) {
    auto info = ::mallinfo2();
    bytes = info.uordblks + info.hblkhd;
  }
  return {bytes, count("/proc/self/fd"), count("/proc/self/task")};
}

/* A thousand lives leave no memory, descriptor or thread behind.  The plugin as it is: what watches it would
 * keep more than it could lose. */
void thousand(Trial& trial) {
  constexpr size_t kLives = 1000, kWarmUp = 200, kBytesALife = 8;
  const Cast* cast = trial.cast(false);
  if (!cast) return;
  auto live = [&] {
    Stage stage(*cast, trial.options.seed, trial.directory, trial.sheet);
    auto visor = stage.run();
    if (!trial.found.expect(visor.has_value(), [&] { return visor.error().text; })) return false;
    return trial.found.expect(stage.stop(**visor), "did not stop");
  };
  Held before{};
  for (size_t i = 0; i < kLives; ++i) {
    if (i == kWarmUp) before = held_now();
    if (!live()) return;
  }
  Held after = held_now();
  size_t lives = kLives - kWarmUp;
  trial.found.expect(after.files <= before.files, [&] {
    return "leaks file descriptors: " + std::to_string(after.files - before.files) + " more after " +
           std::to_string(lives) + " starts and stops";
  });
  trial.found.expect(after.threads <= before.threads, [&] {
    return "leaks threads: " + std::to_string(after.threads - before.threads) + " more after " +
           std::to_string(lives) + " starts and stops";
  });
  trial.found.expect(after.bytes < before.bytes + lives * kBytesALife, [&] {
    return "leaks memory: " + std::to_string(after.bytes - before.bytes) + " bytes more after " +
           std::to_string(lives) + " starts and stops, " +
           std::to_string((after.bytes - before.bytes) / lives) + " each";
  });
}

}  // namespace

std::vector<TrialRow> life_trials() {
  return {
      {"life", "needs", "What it needs is there", [](Trial& trial) { (void)trial.cast(false); }},
      {"life", "start_stop", "It starts, offers what it announces, stops, and leaves nothing", start_stop},
      {"life", "again", "It starts again where it stopped", again},
      {"life", "side_by_side", "Two run in one process and know nothing of each other", side_by_side},
      {"life", "stop_at_once", "It can be stopped at every turn of its start", stop_at_once},
      {"life", "configurations",
       "Every configuration that its schema allows is taken, or refused in a sentence", configurations},
      {"life", "reconfigure", "A new configuration is taken, or refused in a sentence, while it runs",
       reconfigure},
      {"life", "thousand", "1,000 starts and stops leak no memory, descriptor or thread", thousand, 3},
  };
}

}  // namespace visor::check
