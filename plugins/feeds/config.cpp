#include "config.hpp"

#include <boost/json.hpp>

namespace visor::feeds {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "drive": {"type": "string", "description": "the storage drive that feeds are kept on; the visor's default one if not said"},
    "public": {"type": "boolean", "default": false, "description": "whether any peer may ask which feeds are here"},
    "heartbeat_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 45000, "description": "a feed of our own that does not change is signed again after so long"},
    "fill": {"type": "object", "additionalProperties": false, "properties": {
      "stall_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 120000, "description": "a Root is given up when no object of it came for so long"},
      "total_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 600000, "description": "and when all of it took so long"},
      "window": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 64, "description": "objects asked for at a time on one connection"}}},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "connections": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000, "description": "of one port"},
      "pending": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000, "description": "connections in their handshake"},
      "objects": {"type": "integer", "minimum": 1, "default": 4194304, "description": "of one feed of somebody else"},
      "bytes": {"type": "integer", "minimum": 1, "default": 1073741824, "description": "likewise"}}},
    "keep": {"type": "object", "additionalProperties": false, "properties": {
      "superseded_ms": {"type": "integer", "minimum": 0, "maximum": 86400000, "default": 660000, "description": "how long objects that no Root needs stay, for peers that are reading them"},
      "superseded_bytes": {"type": "integer", "minimum": 0, "default": 268435456, "description": "beyond so many the oldest go earlier"},
      "unused_ms": {"type": "integer", "minimum": 0, "default": 3600000, "description": "how long feeds of others stay that nobody here follows"}}}
  }
})";

namespace {

namespace json = boost::json;

/* A part of the configuration; an empty one if it is not there. */
json::object part(const json::object& of, std::string_view name) {
  const json::value* member = of.if_contains(name);
  const json::object* object = member ? member->if_object() : nullptr;
  return object ? *object : json::object{};
}

template <class T>
void read(const json::object& of, std::string_view name, T& out) {
  const json::value* member = of.if_contains(name);
  if (const int64_t* number = member ? member->if_int64() : nullptr) out = static_cast<T>(*number);
}

}  // namespace

Result<ServiceSettings> read_config(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(text.empty() ? "{}" : text, error);
  const json::object* config = error ? nullptr : value.if_object();
  if (!config) return failure(VISOR_EINVAL, "the configuration must be a JSON object");

  ServiceSettings settings;
  if (const json::value* drive = config->if_contains("drive"); drive && drive->if_string()) {
    settings.stores.drive.assign(drive->if_string()->data(), drive->if_string()->size());
  }
  if (const json::value* open = config->if_contains("public"); open && open->if_bool()) {
    settings.node.is_public = *open->if_bool();
  }
  read(*config, "heartbeat_ms", settings.node.feed.publisher.heartbeat_ms);
  const json::object fill = part(*config, "fill"), limits = part(*config, "limits"),
                     keep = part(*config, "keep");
  read(fill, "stall_ms", settings.node.feed.fill.stall_ms);
  read(fill, "total_ms", settings.node.feed.fill.total_ms);
  read(fill, "window", settings.node.connection.window);
  read(limits, "connections", settings.node.max_connections);
  read(limits, "pending", settings.node.max_pending);
  read(limits, "objects", settings.node.feed.fill.limits.max_objects);
  read(limits, "bytes", settings.node.feed.fill.limits.max_bytes);
  read(keep, "superseded_ms", settings.stores.store.grace_ms);
  read(keep, "superseded_bytes", settings.stores.store.max_unreferenced_bytes);
  read(keep, "unused_ms", settings.stores.forget_ms);
  return settings;
}

}  // namespace visor::feeds
