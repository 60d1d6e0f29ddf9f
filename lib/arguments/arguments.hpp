/* Texts as a command's arguments, from a query or a command line: the command's schema says what each is. */
#ifndef VISOR_ARGUMENTS_ARGUMENTS_HPP
#define VISOR_ARGUMENTS_ARGUMENTS_HPP
#include <visor/value.hpp>

namespace visor::arguments {

struct Argument {
  std::string name, text;
};

/* {"limit","5"}, {"live",""}, {"pk","02ab"} to {"limit":5,"live":true,"pk":"02ab"}.  A text that does not fit
 * its type stays text, so that the check of the arguments explains it as it explains all others; a name given
 * again makes an array where the schema wants one, else it is VISOR_EINVAL.  schema: JSON, or empty. */
Result<std::string> to_json(std::span<const Argument> arguments, std::string_view schema);

}  // namespace visor::arguments
#endif  // VISOR_ARGUMENTS_ARGUMENTS_HPP
