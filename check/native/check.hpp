/* `visor check`: runs every check that concerns a plugin's file, each in a process of its own. */
#ifndef VISOR_CHECK_NATIVE_CHECK_HPP
#define VISOR_CHECK_NATIVE_CHECK_HPP
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <visor/value.hpp>

#include "check/native/sheet.hpp"

namespace visor::check {

struct Options {
  std::string file;              /* visor-<name>.so */
  std::vector<std::string> with; /* files of plugins to run beside it */
  std::optional<std::string>
      config; /* its configuration, JSON; not given: its schema's first example, or {} */
  std::string config_name = "--config"; /* what errors in it call it */
  std::vector<std::string> only;        /* groups, or group/check; empty: all that concern it */
  uint64_t seed = 1;
  uint64_t timeout_ms = 60000; /* of one check, real time */
  std::string directory;       /* where checks may keep files; one folder each below it, removed afterwards */
};

struct Line {
  std::string group, check, promise;
  Outcome outcome = Outcome::kNone;
  std::string reason; /* one sentence, unless it passed */
  std::string output; /* the end of what the process wrote on stderr, if it failed */
  double duration_ms = 0;
};

struct Report {
  std::string file, plugin, version;
  uint64_t seed = 0;
  std::vector<Line> lines;
  double duration_ms = 0;
  bool unmet = false; /* something it needs is missing: nothing beyond its file could be checked */
  size_t count(Outcome outcome) const;
};

/* The groups, with a sentence each. */
struct Group {
  const char *name, *summary;
};
std::span<const Group> groups();

/* VISOR_EINVAL: `only` names what there is not, or `config` is no JSON or does not fit the plugin's schema;
 * then nothing was checked.  `each` hears of every line as it is finished. */
Result<Report> check_plugin(const Options& options, const std::function<void(const Line&)>& each);

std::string to_json(const Report& report);

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_CHECK_HPP
