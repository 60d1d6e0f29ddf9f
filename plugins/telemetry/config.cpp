#include "config.hpp"

#include "lib/codec/json_fields.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::telemetry {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "tpd": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "public key of the transport discovery that the feed is announced to; without it the feed is published and announced to nobody"},
    "subscribers": {"type": "array", "maxItems": 1024, "items": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$"}, "description": "public keys of those who may follow the feed besides the transport discovery; everybody if not said, nobody if empty"},
    "stats_readers": {"type": "array", "maxItems": 1024, "items": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$"}, "description": "public keys of those who may ask for this visor's days at /stats/ over a network of the gateway; nobody if not said"},
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "the network of the feed; skynet if not said"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "the feed's port, on both sides; 50 if not said"},
    "drive": {"type": "string", "minLength": 1, "description": "the storage drive that keeps this visor's days; the default one if not said"},
    "older_leaves": {"type": "boolean", "description": "also publish entry, current and tombstone leaves, which readers of older versions need; false if not said"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "description": "between samples; 60000 if not said"}}
})";

namespace {

Result<void> read_keys(const boost::json::array& list, const std::string& name,
                       std::vector<visor_key>& keys) {
  for (const boost::json::value& value : list) {
    const boost::json::string* hex = value.if_string();
    Result<visor_key> key =
        key_from_hex(hex ? std::string_view(hex->data(), hex->size()) : std::string_view());
    if (!key || !crypto::valid_public_key(*key)) {
      return failure(VISOR_EINVAL, name + ": not a public key; a visor's is in its status");
    }
    keys.push_back(*key);
  }
  return {};
}

}  // namespace

Result<Config> read_config(std::string_view text) {
  Result<boost::json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  if (std::string_view tpd = codec::string_at(*object, "tpd"); !tpd.empty()) {
    Result<visor_key> key = key_from_hex(tpd);
    if (!key || !crypto::valid_public_key(*key)) {
      return failure(VISOR_EINVAL, "tpd: not a public key; take it from the transport discovery's status");
    }
    config.tpd = *key;
  }
  if (const boost::json::array* list = codec::array_at(*object, "subscribers")) {
    // The TPD always is one: a feed that it may not follow would be announced to it for nothing.
    config.subscribers.emplace();
    if (config.tpd) config.subscribers->push_back(*config.tpd);
    if (auto read = read_keys(*list, "subscribers", *config.subscribers); !read)
      return std::unexpected(read.error());
  }
  if (const boost::json::array* list = codec::array_at(*object, "stats_readers")) {
    if (auto read = read_keys(*list, "stats_readers", config.stats_readers); !read)
      return std::unexpected(read.error());
  }
  if (std::string_view network = codec::string_at(*object, "network"); !network.empty())
    config.network = network;
  codec::read_field(*object, "port", config.port);
  codec::read_field(*object, "interval_ms", config.interval_ms);
  codec::read_field(*object, "drive", config.drive);
  codec::read_field(*object, "older_leaves", config.older_leaves);
  return config;
}

}  // namespace visor::telemetry
