#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::fetch {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "requests": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256, "description": "Requests under way at once"},
      "body_bytes": {"type": "integer", "minimum": 1024, "maximum": 268435456, "default": 16777216, "description": "Of an answer or a question, whatever who asks allows"},
      "timeout_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 60000, "description": "Of a request from its start to the end of its answer, whatever who asks allows"}}}}
})";

Result<Config> read_config(std::string_view text) {
  auto object = codec::parse_fields(text, "the configuration of fetch");
  if (!object) return std::unexpected(object.error());
  Config config;
  boost::json::object limits = codec::object_at(*object, "limits");
  codec::read_field(limits, "requests", config.max_requests);
  codec::read_field(limits, "body_bytes", config.max_body);
  codec::read_field(limits, "timeout_ms", config.max_timeout_ms);
  return config;
}

}  // namespace visor::fetch
