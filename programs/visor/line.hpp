/* visor <instance> <command> [--key value]...: the words of the line, and the arguments that they are. */
#ifndef VISOR_PROGRAMS_LINE_HPP
#define VISOR_PROGRAMS_LINE_HPP
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <visor/value.hpp>

namespace visor::programs {

struct Row;

struct Line {
  std::string instance, command; /* empty: not said */
  std::vector<std::string> rest; /* words of the command's own arguments */
  std::optional<std::string> gateway, token, args;
  uint64_t timeout_ms = 0;
  bool json = false, table = false, help = false;
};

/* What is known without the command's schema.  VISOR_EINVAL says which word is wrong. */
Result<Line> read_line(const std::vector<std::string>& words);

/* The first word that is neither an option of every call nor its value; empty: none. */
std::string first_word(const std::vector<std::string>& words);

/* The command's arguments, a JSON object; types are as its schema wants them.  VISOR_EINVAL: an option that
 * the command has not, with the nearest that it has, or one without a value. */
Result<std::string> read_arguments(const Line& line, const Row& row);

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_LINE_HPP
