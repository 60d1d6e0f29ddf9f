/* JSON Schema: checks configurations and arguments, and says what is wrong in one sentence. */
#ifndef VISOR_KERNEL_SCHEMA_HPP
#define VISOR_KERNEL_SCHEMA_HPP
#include <memory>
#include <string_view>
#include <visor/value.hpp>

namespace boost::json {
class value;
}

namespace visor::kernel {

/* A schema within the part of draft 7 that this project uses, and no other: a keyword outside of it is an
 * error when the plugin is loaded, so that no schema is ever checked by half.
 *
 *   any value   type (a name or several), enum, const, anyOf, oneOf, allOf; true and false as schemas
 *   numbers     minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf
 *   strings     minLength, maxLength (characters), pattern (kernel/pattern.hpp)
 *   arrays      items (one schema for all), minItems, maxItems
 *   objects     properties, required, additionalProperties (a schema, or true or false), minProperties,
 *               maxProperties
 *   for people  title, description, default, examples, format, writeOnly (covered where values are shown),
 *               readOnly, deprecated, $comment, $schema
 *
 * "integer" is a number written without fraction and exponent. */
class Schema {
 public:
  /* text null: anything fits.  VISOR_EINVAL: the text is no schema within that part; says where and why. */
  static Result<Schema> compile(const char* text);

  /* VISOR_EINVAL with the path, what was expected and what came:
   * `plugins[2].config.interval_ms: expected integer >= 1000, got "abc"`. */
  Result<void> check(const boost::json::value& value, std::string_view path) const;

  /* The value with what the schema marks "writeOnly" (passwords, tokens) covered. */
  boost::json::value redacted(const boost::json::value& value) const;

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

 private:
  struct Impl;
  explicit Schema(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SCHEMA_HPP
