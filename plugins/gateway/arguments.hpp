/* A query as a command's arguments: the command's schema says what each value is. */
#ifndef VISOR_GATEWAY_ARGUMENTS_HPP
#define VISOR_GATEWAY_ARGUMENTS_HPP
#include <visor/value.hpp>

namespace visor::gateway {

/* "limit=5&live&pk=02ab" to {"limit":5,"live":true,"pk":"02ab"}.  A value that does not fit its type stays
 * text, so that the check of the arguments explains it as it explains all others; a name given again makes an
 * array where the schema wants one, else it is VISOR_EINVAL.  schema: the command's `params`, or null. */
Result<std::string> arguments_of_query(std::string_view query, const char* schema);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_ARGUMENTS_HPP
