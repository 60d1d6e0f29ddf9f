#include "config.hpp"

#include "lib/codec/json_fields.hpp"
#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::transports {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false, "examples": [{"listen": "tcp://0.0.0.0:7000"}],
  "properties": {
    "listen": {"type": "string", "pattern": "^tcp://", "description": "where TCP transports are accepted, tcp://address:port"},
    "peers": {"type": "array", "description": "transports to keep up", "items": {
      "type": "object", "additionalProperties": false, "required": ["pk", "type"],
      "properties": {
        "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the peer's public key"},
        "type": {"type": "string", "enum": ["stcpr", "swsr", "ws", "dmsg"]},
        "address": {"type": "string", "pattern": "^(tcp|ws|wss|dmsg)://", "description": "tcp://host:port or ws://host:port/skywire; dmsg needs none"}}}},
    "auto": {"type": "object", "additionalProperties": false, "required": ["discovery"], "description": "transports to visors that a service directory lists, made and replaced without being asked for; also finds the addresses of visors that are added by key alone",
      "properties": {
        "discovery": {"type": "string", "pattern": "^(https?|dmsg)://", "description": "http://host:port of the directory, which needs fetch, or dmsg://its public key, which needs dmsg"},
        "count": {"type": "integer", "minimum": 0, "maximum": 64, "default": 4, "description": "of these transports; 0: only addresses are looked up"}}},
    "public": {"type": "object", "additionalProperties": false, "required": ["discovery"], "description": "being listed there, so that anybody may connect",
      "properties": {
        "discovery": {"type": "string", "pattern": "^(https?|dmsg)://", "description": "http://host:port of the directory, which needs fetch, or dmsg://its public key, which needs dmsg"},
        "addresses": {"type": "array", "maxItems": 8, "description": "how others reach this visor; where it accepts TCP if not said", "items": {
          "type": "object", "additionalProperties": false, "required": ["type", "address"],
          "properties": {
            "type": {"type": "string", "enum": ["stcpr", "swsr"]},
            "address": {"type": "string", "maxLength": 256, "pattern": "^(tcp|ws|wss)://[!-~]+$", "description": "tcp://host:port or ws://host:port/skywire"}}}}}},
    "relay": {"type": "boolean", "default": false, "description": "who is dialled on skynet and has no transport gets one by the relay network; needs dmsg"},
    "interval_ms": {"type": "integer", "minimum": 50, "maximum": 3600000, "default": 60000, "description": "milliseconds between pings of one transport"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "transports": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 4096},
      "per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 1024},
      "settling": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256},
      "settling_per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 64}}}}
})";

namespace {

namespace json = boost::json;
using codec::read_field;
using codec::string_at;

Result<PersistentPeer> read_peer(const json::object& object, size_t index) {
  PersistentPeer peer{{},
                      std::string(codec::canonical_type(string_at(object, "type"))),
                      std::string(string_at(object, "address"))};
  auto key = key_from_hex(string_at(object, "pk"));
  if (!key || !crypto::valid_public_key(*key)) {
    return failure(VISOR_EINVAL, "peers[" + std::to_string(index) + "].pk: not a public key");
  }
  peer.key = *key;
  return peer;
}

void read_services(const json::object& object, Config& config) {
  const json::object automatic = codec::object_at(object, "auto");
  config.automatic.discovery = string_at(automatic, "discovery");
  read_field(automatic, "count", config.automatic.count);
  const json::object listing = codec::object_at(object, "public");
  config.listing.discovery = string_at(listing, "discovery");
  const json::array* addresses = codec::array_at(listing, "addresses");
  for (size_t i = 0; addresses && i < addresses->size(); ++i) {
    if (const json::object* each = (*addresses)[i].if_object()) {
      config.listing.addresses.push_back(
          {std::string(string_at(*each, "type")), std::string(string_at(*each, "address"))});
    }
  }
}

}  // namespace

Result<Config> read_config(std::string_view text) {
  Result<json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "listen", config.listen);
  read_field(*object, "relay", config.relay);
  read_field(*object, "interval_ms", config.interval_ms);
  const json::object limits = codec::object_at(*object, "limits");
  read_field(limits, "transports", config.limits.transports);
  read_field(limits, "per_address", config.limits.per_address);
  read_field(limits, "settling", config.limits.settling);
  read_field(limits, "settling_per_address", config.limits.settling_per_address);
  read_services(*object, config);
  const json::array* list = codec::array_at(*object, "peers");
  for (size_t i = 0; list && i < list->size(); ++i) {
    const json::object* each = (*list)[i].if_object();
    auto peer = each ? read_peer(*each, i) : failure(VISOR_EINVAL, "peers must be objects");
    if (!peer) return std::unexpected(peer.error());
    config.peers.push_back(std::move(*peer));
  }
  return config;
}

}  // namespace visor::transports
