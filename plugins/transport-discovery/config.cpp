#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::transport_discovery {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "the network on which visors announce their feeds; skynet if not said"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "its port; 50 if not said"},
    "http_network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "of the gateway's networks, the one by which /health says that the HTTP interface is reached: dmsg"},
    "drive": {"type": "string", "minLength": 1, "description": "the storage drive that keeps what is known; the default one if not said"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "description": "how often visors report; 60000 if not said"},
    "network_monitors": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$"}, "description": "public keys of monitors that may remove transports of others over HTTP; nobody if not said"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "reporters": {"type": "integer", "minimum": 1, "maximum": 1000000, "description": "visors followed at once; 65536 if not said"},
      "transports": {"type": "integer", "minimum": 1, "maximum": 16777216, "description": "transports known at once, live and ended; 1048576 if not said"}}}}
})";

Result<Config> read_config(std::string_view text) {
  using codec::read_field;
  Result<boost::json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "network", config.network);
  read_field(*object, "port", config.port);
  read_field(*object, "http_network", config.http_network);
  read_field(*object, "drive", config.drive);
  read_field(*object, "interval_ms", config.interval_ms);
  const boost::json::object limits = codec::object_at(*object, "limits");
  read_field(limits, "reporters", config.max_reporters);
  read_field(limits, "transports", config.max_transports);
  if (const boost::json::array* monitors = codec::array_at(*object, "network_monitors")) {
    for (const boost::json::value& value : *monitors) {
      const boost::json::string* hex = value.if_string();
      Result<visor_key> key =
          key_from_hex(hex ? std::string_view(hex->data(), hex->size()) : std::string_view());
      if (!key) return failure(VISOR_EINVAL, "network_monitors: " + key.error().text);
      config.monitors.push_back(*key);
    }
  }
  return config;
}

}  // namespace visor::transport_discovery
