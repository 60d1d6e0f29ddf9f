#include "config.hpp"

#include <boost/json.hpp>

#include "lib/codec/transport_type.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::transports {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false, "examples": [{"listen": "tcp://0.0.0.0:7000"}],
  "properties": {
    "listen": {"type": "string", "pattern": "^tcp://", "description": "where TCP transports are accepted, tcp://address:port"},
    "peers": {"type": "array", "description": "transports to keep up", "items": {
      "type": "object", "additionalProperties": false, "required": ["pk", "type", "address"],
      "properties": {
        "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the peer's public key"},
        "type": {"type": "string", "enum": ["stcpr", "swsr", "ws"]},
        "address": {"type": "string", "pattern": "^(tcp|ws|wss)://", "description": "tcp://host:port or ws://host:port/skywire"}}}},
    "interval_ms": {"type": "integer", "minimum": 50, "maximum": 3600000, "default": 60000, "description": "milliseconds between pings of one transport"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "transports": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 4096},
      "per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 1024},
      "settling": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256},
      "settling_per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 64}}}}
})";

namespace {

namespace json = boost::json;

std::string_view string_at(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  const json::string* string = member ? member->if_string() : nullptr;
  return string ? std::string_view(string->data(), string->size()) : std::string_view{};
}

template <class T>
void read_number(const json::object& object, std::string_view name, T& out) {
  const json::value* member = object.if_contains(name);
  if (const int64_t* number = member ? member->if_int64() : nullptr) out = static_cast<T>(*number);
}

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

}  // namespace

Result<Config> read_config(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text.empty() ? "{}" : text, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return failure(VISOR_EINVAL, "the configuration must be a JSON object");
  Config config;
  config.listen = string_at(*object, "listen");
  read_number(*object, "interval_ms", config.interval_ms);
  const json::value* limits = object->if_contains("limits");
  if (const json::object* each = limits ? limits->if_object() : nullptr) {
    read_number(*each, "transports", config.limits.transports);
    read_number(*each, "per_address", config.limits.per_address);
    read_number(*each, "settling", config.limits.settling);
    read_number(*each, "settling_per_address", config.limits.settling_per_address);
  }
  const json::value* peers = object->if_contains("peers");
  const json::array* list = peers ? peers->if_array() : nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const json::object* each = (*list)[i].if_object();
    auto peer = each ? read_peer(*each, i) : failure(VISOR_EINVAL, "peers must be objects");
    if (!peer) return std::unexpected(peer.error());
    config.peers.push_back(std::move(*peer));
  }
  return config;
}

}  // namespace visor::transports
