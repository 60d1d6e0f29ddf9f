#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::service_discovery {
namespace {

/* Entries that were not renewed so often are listed no more. */
constexpr uint64_t kMissedHeartbeats = 3;

}  // namespace

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false, "examples": [{"types": ["visor", "skychat"]}],
  "properties": {
    "drive": {"type": "string", "minLength": 1, "description": "the storage drive that keeps the entries; the default one if not said"},
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "a network on whose port 80 it answers too, dmsg"},
    "types": {"type": "array", "minItems": 1, "maxItems": 32, "items": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,31}$"}, "description": "of the services that are listed; visor, skychat, vpn and proxy if not said"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 60000, "description": "how often entries are renewed; after three times as long one is listed no more"},
    "test_mode": {"type": "boolean", "description": "addresses may be of this machine alone, such as 127.0.0.1"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "services": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 65536, "description": "entries kept"},
      "services_of_key": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 64, "description": "entries of one key"},
      "requests_per_s": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 50, "description": "of one address, or of one key over the network; 0: as many as it likes"},
      "burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 200, "description": "of one address or key at once"}}}}
})";

Result<Config> read_config(std::string_view text) {
  using codec::read_field;
  Result<boost::json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "drive", config.drive);
  read_field(*object, "network", config.network);
  read_field(*object, "interval_ms", config.interval_ms);
  read_field(*object, "test_mode", config.api.test_mode);
  config.api.life_ms = static_cast<int64_t>(kMissedHeartbeats * config.interval_ms);
  const boost::json::object limits = codec::object_at(*object, "limits");
  read_field(limits, "services", config.api.max_services);
  read_field(limits, "services_of_key", config.api.max_of_key);
  read_field(limits, "requests_per_s", config.requests_per_s);
  read_field(limits, "burst", config.burst);
  const boost::json::array* types = codec::array_at(*object, "types");
  if (!types) return config;
  config.api.types.clear();
  for (const boost::json::value& value : *types) {
    const boost::json::string* type = value.if_string();
    if (!type || !services::valid_type({type->data(), type->size()})) {
      return failure(VISOR_EINVAL, "types must be words such as visor and skychat");
    }
    config.api.types.emplace_back(type->data(), type->size());
  }
  return config;
}

}  // namespace visor::service_discovery
