/* The sentences about values that do not fit their schema. */
#ifndef VISOR_KERNEL_SCHEMA_TEXT_HPP
#define VISOR_KERNEL_SCHEMA_TEXT_HPP
#include <boost/json/value.hpp>
#include <span>
#include <string>
#include <string_view>

namespace visor::kernel {

/* What a validator found: where, as steps from the root ("[plugins]", "[2]"), and its own words. */
struct SchemaFinding {
  std::span<const std::string> steps;
  std::string_view words;
};

/* "integer from 1 to 65535", `one of "tcp", "ws"`... */
std::string expected_by(const boost::json::value& schema);

/* The whole sentence; path is the root's. */
std::string sentence(const boost::json::value& schema, const boost::json::value& value, std::string_view path,
                     const SchemaFinding& finding);

/* The schema of a member, as far as "properties" and "items" tell; null where other keywords decide. */
const boost::json::value* member_schema(const boost::json::value& schema, std::string_view key);
const boost::json::value* item_schema(const boost::json::value& schema);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SCHEMA_TEXT_HPP
