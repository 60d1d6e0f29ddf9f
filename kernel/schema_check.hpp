/* A schema in the form in which values are checked: every keyword is looked up once, when it is read. */
#ifndef VISOR_KERNEL_SCHEMA_CHECK_HPP
#define VISOR_KERNEL_SCHEMA_CHECK_HPP
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel/schema_rules.hpp"
#include "kernel/schema_text.hpp"

namespace visor::kernel {

/* Of one schema and, inside of it, of its parts.  What is not asked for lets everything through. */
class SchemaCheck {
 public:
  using Finding = std::optional<SchemaFinding>; /* nothing: it fits */

  /* Of a schema that read_schema took.  Both stay where they are for as long as this is used. */
  SchemaCheck(const boost::json::value& schema, const Patterns& patterns);

  /* What does not fit first; path is the value's. */
  Finding check(const boost::json::value& value, std::string_view path) const;

 private:
  struct Place;
  struct Property;
  struct Sizes {
    uint64_t least = 0, most = std::numeric_limits<uint64_t>::max();
    bool allow(uint64_t size) const { return size >= least && size <= most; }
  };

  void read(std::string_view keyword, const boost::json::value& rule, const Patterns& patterns);
  void read_types(const boost::json::value& rule);
  static std::vector<SchemaCheck> read_parts(const boost::json::value& rule, const Patterns& patterns);

  Finding check(const boost::json::value& value, const Place& place) const;
  Finding check_names(const boost::json::value& value, const Place& place) const;
  Finding check_members(const boost::json::value& value, const Place& place) const;
  Finding check_items(const boost::json::value& value, const Place& place) const;
  Finding check_choices(const boost::json::value& value, const Place& place) const;
  bool fits_values(const boost::json::value& value) const;
  bool fits_number(const boost::json::value& value) const;
  bool fits_string(const boost::json::value& value) const;
  const SchemaCheck* property(std::string_view name) const;
  size_t count_fitting(const std::vector<SchemaCheck>& choices, const boost::json::value& value,
                       const Place& place) const;

  const boost::json::value* schema_;           /* as it is written, for sentences */
  bool nothing_ = false;                       /* the schema `false` */
  uint8_t kinds_ = 0xff;                       /* a bit for each boost::json::kind */
  const boost::json::value* only_ = nullptr;   /* const */
  const boost::json::array* values_ = nullptr; /* enum */
  const boost::json::value *least_ = nullptr, *most_ = nullptr, *above_ = nullptr, *below_ = nullptr;
  const boost::json::value* step_ = nullptr;
  Sizes length_, item_count_, member_count_;
  const Pattern* pattern_ = nullptr;
  std::vector<Property> properties_;
  std::vector<std::string_view> required_;
  std::unique_ptr<SchemaCheck> others_, items_; /* of further properties; of each item */
  std::vector<SchemaCheck> all_of_, any_of_, one_of_;
};

struct SchemaCheck::Property {
  std::string_view name;
  SchemaCheck check;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_SCHEMA_CHECK_HPP
