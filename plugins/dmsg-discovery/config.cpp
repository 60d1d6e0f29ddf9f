#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::dmsg_discovery {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "drive": {"type": "string", "minLength": 1, "description": "the storage drive that keeps the entries; the default one if not said"},
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "a network on whose port 80 it answers too, dmsg"},
    "test_mode": {"type": "boolean", "default": false, "description": "take servers whose address is this machine's own"},
    "official_servers": {"type": "array", "maxItems": 512, "items": {"type": "string", "pattern": "^[0-9a-f]{66}$"}, "description": "keys of servers that are listed as official, all others then as community; without it servers are listed as they call themselves"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 60000, "description": "how often servers renew their entries: those are kept for 2 intervals, clients' for 60"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "entries": {"type": "integer", "minimum": 1, "maximum": 16777216, "default": 1048576},
      "requests_per_s": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 100, "description": "of one key, over the network; 0 for no limit"},
      "burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 200},
      "address_requests_per_s": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 200, "description": "of one address, over HTTP, this machine's excepted; 0 for no limit"},
      "address_burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 400}}}}
})";

Result<Config> read_config(std::string_view text) {
  auto object = codec::parse_fields(text, "the configuration of dmsg_discovery");
  if (!object) return std::unexpected(object.error());
  Config config;
  codec::read_field(*object, "drive", config.drive);
  codec::read_field(*object, "network", config.network);
  codec::read_field(*object, "test_mode", config.test_mode);
  codec::read_field(*object, "interval_ms", config.interval_ms);
  if (const boost::json::array* keys = codec::array_at(*object, "official_servers")) {
    for (const boost::json::value& element : *keys) {
      const boost::json::string* hex = element.if_string();
      auto key = key_from_hex(hex ? std::string_view(hex->data(), hex->size()) : std::string_view());
      if (!key) return failure(VISOR_EINVAL, "official_servers: " + key.error().text);
      config.official_servers.push_back(*key);
    }
  }
  boost::json::object limits = codec::object_at(*object, "limits");
  codec::read_field(limits, "entries", config.max_entries);
  codec::read_field(limits, "requests_per_s", config.requests_per_s);
  codec::read_field(limits, "burst", config.burst);
  codec::read_field(limits, "address_requests_per_s", config.address_requests_per_s);
  codec::read_field(limits, "address_burst", config.address_burst);
  return config;
}

}  // namespace visor::dmsg_discovery
