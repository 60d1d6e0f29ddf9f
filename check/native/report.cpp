#include <boost/json.hpp>
#include <cmath>

#include "check/native/check.hpp"

namespace visor::check {

std::string to_json(const Report& report) {
  namespace json = boost::json;
  constexpr std::array kOutcomes = {"none", "passed", "failed", "skipped"};
  json::array lines;
  for (const Line& line : report.lines) {
    json::object row{{"group", line.group},
                     {"check", line.check},
                     {"promise", line.promise},
                     {"outcome", kOutcomes[static_cast<size_t>(line.outcome)]},
                     {"duration_ms", std::llround(line.duration_ms)}};
    if (!line.reason.empty()) row["reason"] = line.reason;
    if (!line.output.empty()) row["output"] = line.output;
    lines.push_back(std::move(row));
  }
  return json::serialize(json::object{{"file", report.file},
                                      {"plugin", report.plugin},
                                      {"version", report.version},
                                      {"seed", report.seed},
                                      {"passed", report.count(Outcome::kPassed)},
                                      {"failed", report.count(Outcome::kFailed)},
                                      {"skipped", report.count(Outcome::kSkipped)},
                                      {"duration_ms", std::llround(report.duration_ms)},
                                      {"checks", std::move(lines)}});
}

}  // namespace visor::check
