/* Reading the small hostile JSON documents of telemetry.  Private to this room. */
#ifndef VISOR_CODEC_TELEMETRY_JSON_HPP
#define VISOR_CODEC_TELEMETRY_JSON_HPP
#include <boost/json.hpp>
#include <cmath>

#include "lib/codec/parse_json.hpp"

namespace visor::codec {

constexpr size_t kTelemetryJsonDepth = 8;

/* Reads members; the first that is of another type than expected is remembered. */
class JsonMembers {
 public:
  JsonMembers(const boost::json::object& object, std::string_view what) : object_(object), what_(what) {}

  /* An absent member gives 0 or nothing. */
  uint64_t unsigned_number(std::string_view name) {
    const boost::json::value* value = object_.if_contains(name);
    if (!value) return 0;
    if (const uint64_t* number = value->if_uint64()) return *number;
    const int64_t* number = value->if_int64();
    if (!number || *number < 0) return wrong(name, "a number without sign or fraction"), 0;
    return static_cast<uint64_t>(*number);
  }
  double number(std::string_view name) {
    const boost::json::value* value = object_.if_contains(name);
    if (!value) return 0;
    double number = -1;
    if (const double* real = value->if_double()) {
      number = *real;
    } else if (const int64_t* integer = value->if_int64()) {
      number = static_cast<double>(*integer);
    } else if (const uint64_t* large = value->if_uint64()) {
      number = static_cast<double>(*large);
    }
    if (!std::isfinite(number) || number < 0) return wrong(name, "a number from 0"), 0;
    return number;
  }
  /* Lent by the document. */
  std::string_view text(std::string_view name) {
    const boost::json::value* value = object_.if_contains(name);
    if (!value) return {};
    const boost::json::string* string = value->if_string();
    if (!string) return wrong(name, "a string"), std::string_view();
    return {string->data(), string->size()};
  }
  void wrong(std::string_view name, std::string_view expected) {
    if (error_.empty()) error_ = what_ + ": \"" + std::string(name) + "\" is " + std::string(expected);
  }
  Result<void> finish() const {
    if (!error_.empty()) return failure(VISOR_EPROTO, error_);
    return {};
  }

 private:
  const boost::json::object& object_;
  std::string what_;
  std::string error_;
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_JSON_HPP
