/* JSON as people read it: a row an object, a line a member. */
#ifndef VISOR_PROGRAMS_TABLE_HPP
#define VISOR_PROGRAMS_TABLE_HPP
#include <string>
#include <string_view>

namespace visor::programs {

/* Arrays of objects become tables, objects lists of "name  value" with nested names joined by dots.  Control
 * characters are escaped, because a peer may have chosen them and a terminal obeys them.  What is no JSON
 * comes back as it is, escaped. */
std::string table_of(std::string_view json);

/* Control characters of ASCII and of Latin-1 as \xNN. */
std::string visible(std::string_view text);

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_TABLE_HPP
