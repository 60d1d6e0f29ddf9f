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

/* A compiled schema (draft 7, without references to other documents). */
class Schema {
 public:
  /* text null: anything fits.  VISOR_EINVAL: the text is no schema; natively only, since a host without
   * exceptions cannot tell, so that every plugin's schemas are compiled natively by the tests. */
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
