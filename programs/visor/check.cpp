/* visor check FILE.so: does a plugin keep to the contract? */
#include <fmt/core.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "check/native/check.hpp"
#include "program.hpp"

namespace visor::programs {
namespace {

namespace fs = std::filesystem;
using check::Outcome;

/* Where the checks keep files; gone when this goes. */
class Scratch {
 public:
  Scratch() {
    std::error_code failed;
    std::string pattern = (fs::temp_directory_path(failed) / "visor-check-XXXXXX").string();
    if (::mkdtemp(pattern.data())) path_ = pattern;
  }
  ~Scratch() {
    std::error_code failed;
    if (!path_.empty()) fs::remove_all(path_, failed);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/* "@file" is replaced by what that file holds. */
Result<void> read_config(check::Options& asked) {
  if (!asked.config || !asked.config->starts_with('@')) return {};
  asked.config_name = asked.config->substr(1);
  std::ifstream file(asked.config_name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return failure(VISOR_ENOENT, "--config " + *asked.config + ": the file cannot be read");
  asked.config = std::move(text);
  return {};
}

/* Each check's processes work in folders of their own. */
std::string absolute(const std::string& file) {
  std::error_code failed;
  fs::path path = fs::absolute(file, failed);
  return failed ? file : path.string();
}

void print_line(const check::Line& line) {
  constexpr std::array kWords = {"?", "ok", "FAIL", "skip"};
  std::string name = line.group + "/" + line.check;
  bool passed = line.outcome == Outcome::kPassed;
  fmt::print("{:<5} {:<32} {:>8.2f} s  {}\n", kWords[static_cast<size_t>(line.outcome)], name,
             line.duration_ms / 1000, passed ? line.promise : line.reason);
  if (!line.output.empty()) {
    std::string indented = "  | ";
    for (char c : line.output) indented += c == '\n' ? "\n  | " : std::string(1, c);
    fmt::print("{}\n", indented);
  }
  std::fflush(stdout);
}

int exit_code(const check::Report& report) {
  if (report.unmet) return kUnmet;
  return report.count(Outcome::kFailed) == 0 ? kDone : kFailed;
}

}  // namespace

int check_plugin(const Options& options) {
  Scratch scratch;
  if (scratch.path().empty()) return report({VISOR_EIO, "no folder for the checks can be made below TMPDIR"});
  check::Options asked{.file = absolute(options.file),
                       .with = {},
                       .config = options.check_config,
                       .only = options.check_only,
                       .seed = options.check_seed,
                       .timeout_ms = options.check_timeout_s * 1000,
                       .directory = scratch.path()};
  if (auto read = read_config(asked); !read) {
    report(read.error());
    return kUsage;
  }
  for (const std::string& file : options.check_with) asked.with.push_back(absolute(file));
  auto checked = check::check_plugin(asked, [&](const check::Line& line) {
    if (!options.json) print_line(line);
  });
  if (!checked) {
    report(checked.error());
    return kUsage;
  }
  if (options.json) {
    fmt::print("{}\n", check::to_json(*checked));
  } else {
    fmt::print("{}: {} passed, {} failed, {} skipped in {:.1f} s, seed {}\n", options.file,
               checked->count(Outcome::kPassed), checked->count(Outcome::kFailed),
               checked->count(Outcome::kSkipped), checked->duration_ms / 1000, checked->seed);
  }
  return exit_code(*checked);
}

}  // namespace visor::programs
