#include "lib/dmsg/answer.hpp"

#include "lib/codec/parse_json.hpp"
#include "lib/http/text.hpp"

namespace visor::dmsg {

std::optional<std::string> message_of(std::string_view body) {
  constexpr size_t kMostBytes = 64u << 10;
  auto object = codec::parse_json_object(body, {"an answer", kMostBytes, 4});
  const boost::json::value* message = object ? object->if_contains("message") : nullptr;
  const boost::json::string* text = message ? message->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string(text->data(), text->size());
}

std::string message_json(std::string_view message, int32_t status) {
  return "{\"message\":" + http::json_string(message) + ",\"code\":" + std::to_string(status) + "}";
}

}  // namespace visor::dmsg
