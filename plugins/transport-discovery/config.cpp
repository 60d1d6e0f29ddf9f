#include "config.hpp"

#include <boost/json.hpp>

namespace visor::transport_discovery {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "network": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "description": "the network on which visors announce their feeds; skynet if not said"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "its port; 50 if not said"},
    "drive": {"type": "string", "minLength": 1, "description": "the storage drive that keeps what is known; the default one if not said"},
    "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "description": "how often visors report; 60000 if not said"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "reporters": {"type": "integer", "minimum": 1, "maximum": 1000000, "description": "visors followed at once; 65536 if not said"},
      "transports": {"type": "integer", "minimum": 1, "maximum": 16777216, "description": "transports known at once, live and ended; 1048576 if not said"}}}}
})";

namespace {

namespace json = boost::json;

template <class T>
void read_number(const json::object& object, std::string_view name, T& out) {
  const json::value* member = object.if_contains(name);
  if (const int64_t* number = member ? member->if_int64() : nullptr) out = static_cast<T>(*number);
}

void read_text(const json::object& object, std::string_view name, std::string& out) {
  const json::value* member = object.if_contains(name);
  if (const json::string* string = member ? member->if_string() : nullptr)
    out.assign(string->data(), string->size());
}

}  // namespace

Result<Config> read_config(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text.empty() ? "{}" : text, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return failure(VISOR_EINVAL, "the configuration must be a JSON object");
  Config config;
  read_text(*object, "network", config.network);
  read_number(*object, "port", config.port);
  read_text(*object, "drive", config.drive);
  read_number(*object, "interval_ms", config.interval_ms);
  const json::value* limits = object->if_contains("limits");
  if (const json::object* each = limits ? limits->if_object() : nullptr) {
    read_number(*each, "reporters", config.max_reporters);
    read_number(*each, "transports", config.max_transports);
  }
  return config;
}

}  // namespace visor::transport_discovery
