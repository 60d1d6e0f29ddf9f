/* Members of a JSON object that a schema has checked before: a plugin's configuration, a command's arguments.
 * What is absent, or of another type than asked for, reads as nothing. */
#ifndef VISOR_CODEC_JSON_FIELDS_HPP
#define VISOR_CODEC_JSON_FIELDS_HPP
#include <boost/json.hpp>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <visor/value.hpp>

namespace visor::codec {

/* The object that `text` is; an empty text is an empty object.  Else VISOR_EINVAL, and `what` ("the
 * configuration", "the arguments") begins its sentence. */
inline Result<boost::json::object> parse_fields(std::string_view text, std::string_view what) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text.empty() ? "{}" : text, error);
  boost::json::object* object = error ? nullptr : value.if_object();
  if (!object) return failure(VISOR_EINVAL, std::string(what) + " must be a JSON object");
  return std::move(*object);
}

/* Lent by the object; "" if there is no such string. */
inline std::string_view string_at(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  const boost::json::string* string = member ? member->if_string() : nullptr;
  return string ? std::string_view(string->data(), string->size()) : std::string_view{};
}

/* Nothing if there is no such number, or one that T cannot hold. */
template <std::integral T>
std::optional<T> number_at(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  if (!member) return std::nullopt;
  if (const int64_t* number = member->if_int64(); number && std::in_range<T>(*number)) {
    return static_cast<T>(*number);
  }
  if (const uint64_t* number = member->if_uint64(); number && std::in_range<T>(*number)) {
    return static_cast<T>(*number);
  }
  return std::nullopt;
}

/* A copy; an empty object if there is no such one. */
inline boost::json::object object_at(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  const boost::json::object* part = member ? member->if_object() : nullptr;
  return part ? *part : boost::json::object{};
}

/* Lent by the object; null if there is no such list. */
inline const boost::json::array* array_at(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  return member ? member->if_array() : nullptr;
}

/* These leave `out` (a setting's default) alone where number_at, string_at and their like find nothing. */
template <std::integral T>
void read_field(const boost::json::object& object, std::string_view name, T& out) {
  if (std::optional<T> number = number_at<T>(object, name)) out = *number;
}
inline void read_field(const boost::json::object& object, std::string_view name, bool& out) {
  const boost::json::value* member = object.if_contains(name);
  if (const bool* flag = member ? member->if_bool() : nullptr) out = *flag;
}
inline void read_field(const boost::json::object& object, std::string_view name, std::string& out) {
  const boost::json::value* member = object.if_contains(name);
  if (member && member->if_string()) out = string_at(object, name);
}

}  // namespace visor::codec
#endif  // VISOR_CODEC_JSON_FIELDS_HPP
