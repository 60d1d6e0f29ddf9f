/* Which keywords a schema may have, and what must follow them. */
#ifndef VISOR_KERNEL_SCHEMA_RULES_HPP
#define VISOR_KERNEL_SCHEMA_RULES_HPP
#include <boost/json/value.hpp>
#include <map>
#include <string_view>
#include <visor/value.hpp>

#include "kernel/pattern.hpp"

namespace visor::kernel {

/* The schemas that have a "pattern", by their place in the document. */
using Patterns = std::map<const boost::json::object*, Pattern>;

/* Reads the whole schema; its patterns are added.  VISOR_EINVAL: `properties.pk.minLenght: no keyword that
 * this program checks; did you mean "minLength"?`. */
Result<void> read_schema(const boost::json::value& schema, const std::string& path, Patterns& patterns);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SCHEMA_RULES_HPP
