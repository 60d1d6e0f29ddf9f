// One process a check: what it breaks, it breaks alone.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "check/native/asked.hpp"
#include "check/native/trial.hpp"

namespace visor::check {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kKeptOutput = 4000;

double since_ms(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/* Shared with the process that a check runs in. */
class SharedSheet {
 public:
  SharedSheet() {
    void* at = ::mmap(nullptr, sizeof(Sheet), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sheet_ = at == MAP_FAILED ? nullptr : new (at) Sheet{};
  }
  ~SharedSheet() {
    if (sheet_) ::munmap(sheet_, sizeof(Sheet));
  }
  SharedSheet(const SharedSheet&) = delete;
  SharedSheet& operator=(const SharedSheet&) = delete;
  Sheet* get() const { return sheet_; }

 private:
  Sheet* sheet_;
};

[[noreturn]] void run_in_child(const TrialRow& row, const Options& options, const std::string& directory,
                               Sheet& sheet) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_IGN);
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::chdir(directory.c_str()) != 0) sheet.set_doing("entering its folder");
  Guard::process().set_sheet(&sheet);
  {
    Trial trial(options, directory, sheet);
    sheet.set_doing("loading");
    row.run(trial);
    if (!trial.found.clean()) {
      sheet.finish(Outcome::kFailed, trial.found.sentences().front());
    } else if (trial.skipped) {
      sheet.finish(Outcome::kSkipped, *trial.skipped);
    } else if (sheet.outcome == Outcome::kNone) {
      sheet.finish(Outcome::kPassed, "");
    }
  }
  std::_Exit(EXIT_SUCCESS);
}

std::string death(int status, const Sheet& sheet) {
  std::string out;
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    out = std::string("crashed: SIG") + (name ? name : std::to_string(WTERMSIG(status)));
  } else {
    out = "ended its process with exit code " + std::to_string(WEXITSTATUS(status));
  }
  return out + ", while " + sheet.doing;
}

/* What the process writes, until it ends or its time is up; whether it ended. */
bool wait_for(pid_t child, int output, uint64_t timeout_ms, std::string& kept) {
  int ended = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  bool in_time = false;
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) break;
    pollfd both[] = {{output, POLLIN, 0}, {ended, POLLIN, 0}};
    if (::poll(both, 2, static_cast<int>(left)) <= 0) continue;
    char piece[4096];
    if (both[0].revents & POLLIN) {
      ssize_t size = ::read(output, piece, sizeof piece);
      if (size > 0) kept.append(piece, static_cast<size_t>(size));
      if (kept.size() > 2 * kKeptOutput) kept.erase(0, kept.size() - kKeptOutput);
      continue;
    }
    if (both[1].revents) {
      in_time = true;
      break;
    }
    if (both[0].revents & POLLHUP) { /* it writes no more; its end is all that is left */
      both[0].fd = -1;
      left = std::max<long>(
          1, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count());
      in_time = ::poll(&both[1], 1, static_cast<int>(left)) > 0;
      break;
    }
  }
  ::close(ended);
  if (kept.size() > kKeptOutput) kept.erase(0, kept.size() - kKeptOutput);
  return in_time;
}

Line run_trial(const TrialRow& row, const Options& options, std::string* note = nullptr) {
  Line line{row.group, row.check, row.promise, Outcome::kFailed, {}, {}, 0};
  auto start = Clock::now();
  SharedSheet shared;
  std::string directory = options.directory + "/" + row.group + "-" + row.check;
  std::error_code failed;
  fs::create_directories(directory, failed);
  int ends[2];
  if (!shared.get() || failed || ::pipe2(ends, O_CLOEXEC) != 0) {
    line.reason = "this check could not be set up: no folder, no pipe or no memory";
    return line;
  }
  pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    run_in_child(row, options, directory, *shared.get());
  }
  ::close(ends[1]);
  uint64_t timeout_ms = options.timeout_ms * row.time_factor;
  bool in_time = wait_for(child, ends[0], timeout_ms, line.output);
  ::kill(child, SIGKILL);
  ::kill(-child, SIGKILL); /* what it may have started */
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  const Sheet& sheet = *shared.get();
  line.outcome = sheet.outcome;
  line.reason = sheet.reason;
  if (line.outcome == Outcome::kNone || (in_time && line.outcome == Outcome::kPassed && status != 0)) {
    line.outcome = Outcome::kFailed;
    line.reason =
        in_time ? death(status, sheet)
                : "still not done after " + std::to_string(timeout_ms / 1000) + " s, while " + sheet.doing;
  }
  if (note) *note = sheet.note;
  if (line.outcome != Outcome::kFailed) line.output.clear();
  fs::remove_all(directory, failed);
  line.duration_ms = since_ms(start);
  return line;
}

constexpr Group kGroups[] = {
    {"scan", "the file, its symbol, its description and its schemas"},
    {"life", "starting and stopping, once, side by side, a thousand times"},
    {"contract", "the ABI's laws: dones, events, threads, lent memory, pressure, what is left"},
    {"drive",
     "a storage drive against std::map as the model, restarts and SIGKILL (plugins that offer "
     "visor.drive/1)"},
    {"net", "streams between two visors of it (plugins that offer visor.net/1)"},
    {"commands",
     "every command with random arguments, cancelled, held up and stopped (plugins with commands)"},
};

bool wanted(const Options& options, const TrialRow& row) {
  return options.only.empty() || std::ranges::any_of(options.only, [&](const std::string& only) {
           return only == row.group || only == row.group + "/" + row.check;
         });
}

}  // namespace

std::span<const Group> groups() {
  return kGroups;
}

size_t Report::count(Outcome outcome) const {
  return static_cast<size_t>(std::ranges::count(lines, outcome, &Line::outcome));
}

std::vector<TrialRow> trials(const Description& plugin) {
  std::vector<TrialRow> out;
  for (auto more : {scan_trials(), life_trials(), contract_trials(plugin), drive_trials(plugin),
                    net_trials(plugin), command_trials(plugin)}) {
    std::ranges::move(more, std::back_inserter(out));
  }
  return out;
}

Result<Report> check_plugin(const Options& options, const std::function<void(const Line&)>& each) {
  if (auto known = check_only(options); !known) return std::unexpected(known.error());
  if (auto read = check_config_syntax(options); !read) return std::unexpected(read.error());
  auto start = Clock::now();
  Report report;
  report.file = options.file;
  report.seed = options.seed;
  auto add = [&](Line line) {
    each(line);
    report.lines.push_back(std::move(line));
  };
  auto finished = [&] {
    report.duration_ms = since_ms(start);
    return report;
  };

  const TrialRow load = scan_trials().front(), needs = life_trials().front();
  std::string note;
  Line loaded = run_trial(load, options, &note);
  if (loaded.outcome != Outcome::kPassed) {
    add(std::move(loaded));
    return finished();
  }
  auto plugin = read_description(note);
  if (!plugin) return std::unexpected(plugin.error());
  if (!plugin->config_fault.empty()) return failure(VISOR_EINVAL, plugin->config_fault);
  report.plugin = plugin->name;
  report.version = plugin->version;
  if (wanted(options, load)) add(std::move(loaded));
  for (const TrialRow& row : trials(*plugin)) {
    if (row.is(load)) continue;
    bool decides = row.is(needs); /* it runs, wanted or not */
    if (!decides && (report.unmet || !wanted(options, row))) continue;
    Line line = run_trial(row, options);
    if (decides) report.unmet = line.outcome != Outcome::kPassed;
    if (wanted(options, row) || report.unmet) add(std::move(line));
  }
  if (report.lines.empty()) {
    return failure(VISOR_EINVAL, "--only: " + report.plugin + " has nothing that these checks are about");
  }
  return finished();
}

}  // namespace visor::check
