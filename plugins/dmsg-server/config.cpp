#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::dmsg_server {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "examples": [{"listen": "tcp://0.0.0.0:8081", "public_address": "relay.example.net:8081", "discovery": "http://127.0.0.1:9090"}],
  "properties": {
    "listen": {"type": "string", "pattern": "^tcp://", "description": "where clients connect, TCP and WebSocket on one port"},
    "public_address": {"type": "string", "pattern": "^[^/ ]+:[0-9]+$", "maxLength": 256, "description": "host:port that the discovery gives to clients; the address that was bound, if not said"},
    "public_ws": {"type": "string", "pattern": "^wss?://", "maxLength": 512, "description": "URL that the discovery gives to clients in a browser"},
    "discovery": {"type": "string", "pattern": "^(http|dmsg)://", "maxLength": 512, "description": "where this relay registers: http://host:port"},
    "max_sessions": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 2048, "description": "sessions that the discovery is told of"},
    "proxy_protocol": {"type": "boolean", "default": false, "description": "connections may begin with a PROXY header, version 1 or 2; only where nobody but a proxy can connect"},
    "interval_ms": {"type": "integer", "minimum": 50, "maximum": 3600000, "default": 60000, "description": "milliseconds between registrations"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "sessions": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 4096},
      "handshakes": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 512},
      "streams_per_session": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 2048},
      "setups_per_session": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256},
      "requests_burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 4096, "description": "streams that one client may ask for at once"},
      "requests_per_s": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 500},
      "sessions_per_address": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 1024},
      "handshakes_per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 64},
      "handshakes_burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 512, "description": "handshakes that one address may begin at once"},
      "handshakes_per_s": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 64},
      "address_requests_burst": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 8192, "description": "streams that all clients of one address may ask for at once"},
      "address_requests_per_s": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 1000},
      "held_bytes": {"type": "integer", "minimum": 1048576, "maximum": 1099511627776, "default": 67108864, "description": "payload that waits for slow readers, all sessions"},
      "held_bytes_per_session": {"type": "integer", "minimum": 262144, "maximum": 1073741824, "default": 33554432},
      "handshake_ms": {"type": "integer", "minimum": 100, "maximum": 60000, "default": 5000},
      "request_ms": {"type": "integer", "minimum": 100, "maximum": 60000, "default": 5000},
      "idle_ms": {"type": "integer", "minimum": 1000, "maximum": 86400000, "default": 300000}}}}
})";

Result<Config> read_config(std::string_view text) {
  using codec::read_field;
  auto object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "listen", config.listen);
  read_field(*object, "public_address", config.public_address);
  read_field(*object, "public_ws", config.public_ws);
  read_field(*object, "discovery", config.discovery);
  read_field(*object, "max_sessions", config.max_sessions);
  read_field(*object, "proxy_protocol", config.proxy_protocol);
  read_field(*object, "interval_ms", config.interval_ms);
  Limits& limits = config.limits;
  limits.sessions = std::max(limits.sessions, 2 * config.max_sessions);
  const boost::json::object given = codec::object_at(*object, "limits");
  read_field(given, "sessions", limits.sessions);
  read_field(given, "handshakes", limits.handshakes);
  read_field(given, "streams_per_session", limits.streams_per_session);
  read_field(given, "setups_per_session", limits.setups_per_session);
  read_field(given, "requests_burst", limits.requests.burst);
  read_field(given, "requests_per_s", limits.requests.per_s);
  read_field(given, "sessions_per_address", limits.address.sessions);
  read_field(given, "handshakes_per_address", limits.address.handshakes);
  read_field(given, "handshakes_burst", limits.address.rate.burst);
  read_field(given, "handshakes_per_s", limits.address.rate.per_s);
  read_field(given, "address_requests_burst", limits.address.requests.burst);
  read_field(given, "address_requests_per_s", limits.address.requests.per_s);
  read_field(given, "held_bytes", limits.held_bytes);
  read_field(given, "held_bytes_per_session", limits.held_bytes_per_session);
  read_field(given, "handshake_ms", limits.handshake_ms);
  read_field(given, "request_ms", limits.request_ms);
  read_field(given, "idle_ms", limits.idle_ms);
  return config;
}

}  // namespace visor::dmsg_server
