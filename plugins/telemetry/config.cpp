#include "config.hpp"

#include <boost/json.hpp>

#include "lib/crypto/secp256k1.hpp"

namespace visor::telemetry {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "tpd": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "public key of the transport discovery that the feed is announced to; without it the feed is published and announced to nobody"},
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "the network of the feed; skynet if not said"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "the feed's port, on both sides; 50 if not said"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "description": "between samples; 60000 if not said"}}
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

}  // namespace

Result<Config> read_config(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text.empty() ? "{}" : text, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return failure(VISOR_EINVAL, "the configuration must be a JSON object");
  Config config;
  if (std::string_view tpd = string_at(*object, "tpd"); !tpd.empty()) {
    Result<visor_key> key = key_from_hex(tpd);
    if (!key || !crypto::valid_public_key(*key)) {
      return failure(VISOR_EINVAL, "tpd: not a public key; take it from the transport discovery's status");
    }
    config.tpd = *key;
  }
  if (std::string_view network = string_at(*object, "network"); !network.empty()) config.network = network;
  read_number(*object, "port", config.port);
  read_number(*object, "interval_ms", config.interval_ms);
  return config;
}

}  // namespace visor::telemetry
