#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::feeds {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "drive": {"type": "string", "description": "the storage drive that feeds are kept on; the visor's default one if not said"},
    "listen": {"type": "string", "pattern": "^tcp://.+:[0-9]+$", "description": "where peers reach our feeds without a relay, e.g. tcp://0.0.0.0:8870; nowhere if not said"},
    "listen_port": {"type": "integer", "minimum": 0, "maximum": 65535, "default": 50, "description": "the feeds of which port they reach there"},
    "stream": {"type": "boolean", "default": true, "description": "whether Roots go to and come from other visors as differences, not object by object"},
    "public": {"type": "boolean", "default": false, "description": "whether any peer may ask which feeds are here"},
    "folder": {"type": "string", "minLength": 1, "description": "where export and import have their files; a visor without one has neither"},
    "serve": {"type": "array", "maxItems": 64, "description": "feeds of our own that are kept open, and where others may fetch them", "items": {
      "type": "object", "additionalProperties": false, "required": ["network", "port"], "properties": {
        "network": {"type": "string", "minLength": 1, "maxLength": 64, "description": "as skynet"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535}}}},
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
      "released_ms": {"type": "integer", "minimum": 0, "maximum": 3600000, "default": 10000, "description": "how long a feed of somebody else is still followed after nobody here uses it any more"},
      "unused_ms": {"type": "integer", "minimum": 0, "default": 3600000, "description": "how long feeds of others stay that nobody here follows"}}}
  }
})";

namespace {

std::vector<KeptFeed> read_kept(const boost::json::object& config) {
  std::vector<KeptFeed> kept;
  const boost::json::array* list = codec::array_at(config, "serve");
  for (size_t i = 0; list && i < list->size(); ++i) {
    const boost::json::object* each = (*list)[i].if_object();
    if (!each) continue;
    kept.push_back({std::string(codec::string_at(*each, "network")),
                    codec::number_at<uint16_t>(*each, "port").value_or(0)});
  }
  return kept;
}

}  // namespace

Result<Config> read_config(std::string_view text) {
  using codec::read_field;
  Result<boost::json::object> config = codec::parse_fields(text, "the configuration");
  if (!config) return std::unexpected(config.error());

  Config read_in;
  ServiceSettings& settings = read_in.service;
  read_in.serve = read_kept(*config);
  read_field(*config, "drive", settings.stores.drive);
  read_field(*config, "listen", settings.listen);
  read_field(*config, "listen_port", settings.listen_port);
  read_field(*config, "stream", settings.node.connection.streams);
  read_field(*config, "folder", read_in.folder);
  read_field(*config, "public", settings.node.is_public);
  read_field(*config, "heartbeat_ms", settings.node.feed.publisher.heartbeat_ms);
  const boost::json::object fill = codec::object_at(*config, "fill"),
                            limits = codec::object_at(*config, "limits"),
                            keep = codec::object_at(*config, "keep");
  read_field(fill, "stall_ms", settings.node.feed.fill.stall_ms);
  read_field(fill, "total_ms", settings.node.feed.fill.total_ms);
  read_field(fill, "window", settings.node.connection.window);
  read_field(limits, "connections", settings.node.max_connections);
  read_field(limits, "pending", settings.node.max_pending);
  read_field(limits, "objects", settings.node.feed.fill.limits.max_objects);
  read_field(limits, "bytes", settings.node.feed.fill.limits.max_bytes);
  read_field(keep, "superseded_ms", settings.stores.store.grace_ms);
  read_field(keep, "superseded_bytes", settings.stores.store.max_unreferenced_bytes);
  read_field(keep, "released_ms", settings.node.release_ms);
  read_field(keep, "unused_ms", settings.stores.forget_ms);
  return read_in;
}

}  // namespace visor::feeds
