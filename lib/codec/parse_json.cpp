#include "lib/codec/parse_json.hpp"

namespace visor::codec {

Result<boost::json::value> parse_json(std::string_view text, const JsonBounds& bounds) {
  std::string what(bounds.what);
  if (text.size() > bounds.max_bytes) {
    return failure(VISOR_EPROTO, what + " is at most " + std::to_string(bounds.max_bytes) +
                                     " bytes of JSON; got " + std::to_string(text.size()));
  }
  boost::json::parse_options options;
  options.max_depth = bounds.max_depth;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return failure(VISOR_EPROTO, what + " is JSON; got text with: " + error.message());
  return value;
}

Result<boost::json::object> parse_json_object(std::string_view text, const JsonBounds& bounds) {
  Result<boost::json::value> value = parse_json(text, bounds);
  if (!value) return std::unexpected(value.error());
  boost::json::object* object = value->if_object();
  if (!object) return failure(VISOR_EPROTO, std::string(bounds.what) + " is a JSON object");
  return std::move(*object);
}

}  // namespace visor::codec
