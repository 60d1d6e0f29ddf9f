#include "lib/dmsg/answer.hpp"

#include <boost/json.hpp>

#include "lib/http/text.hpp"

namespace visor::dmsg {

std::optional<std::string> message_of(std::string_view body) {
  constexpr size_t kMostBytes = 64u << 10;
  if (body.size() > kMostBytes) return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = 4;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse({body.data(), body.size()}, error, {}, options);
  const boost::json::object* object = error ? nullptr : value.if_object();
  const boost::json::value* message = object ? object->if_contains("message") : nullptr;
  const boost::json::string* text = message ? message->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string(text->data(), text->size());
}

std::string message_json(std::string_view message, int32_t status) {
  return "{\"message\":" + http::json_string(message) + ",\"code\":" + std::to_string(status) + "}";
}

}  // namespace visor::dmsg
