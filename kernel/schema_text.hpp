/* The sentences about values that do not fit their schema. */
#ifndef VISOR_KERNEL_SCHEMA_TEXT_HPP
#define VISOR_KERNEL_SCHEMA_TEXT_HPP
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace visor::kernel {

/* The first part of a value that does not fit, and the part of the schema for it. */
struct SchemaFinding {
  enum Kind { kMisfit, kUnknown, kMissing } kind;
  const boost::json::value* schema;
  const boost::json::value* value;
  std::string path; /* of the value */
  std::string name; /* of the member that is unknown or missing */
};

/* "integer from 1 to 65535", `one of "tcp", "ws"`... */
std::string expected_by(const boost::json::value& schema);

/* The whole sentence, path first. */
std::string sentence(const SchemaFinding& finding);

/* The schema of a member, or of each item; null: any will do.  A schema may be true or false. */
const boost::json::value* member_schema(const boost::json::value& schema, std::string_view key);
const boost::json::value* item_schema(const boost::json::value& schema);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SCHEMA_TEXT_HPP
