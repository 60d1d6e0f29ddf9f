#include "config.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::chat {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "drive": {"type": "string", "description": "the storage drive that messages are kept on; the visor's default one if not said"},
    "networks": {"type": "array", "minItems": 1, "maxItems": 8, "default": ["skynet", "dmsg"], "items": {"type": "string", "minLength": 1, "maxLength": 64}, "description": "over which messages go, the preferred one first"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 1, "description": "of direct messages, on each network"},
    "acknowledged_ms": {"type": "integer", "minimum": 100, "maximum": 600000, "default": 20000, "description": "a peer that does not acknowledge within it is dialed anew"},
    "retry_ms": {"type": "integer", "minimum": 10, "maximum": 600000, "default": 3000, "description": "a peer that is not reached is tried again after it, then after twice that"},
    "max_retry_ms": {"type": "integer", "minimum": 10, "maximum": 86400000, "default": 300000},
    "give_up_ms": {"type": "integer", "minimum": 1000, "default": 2592000000, "description": "a message that does not get through for so long has failed"},
    "keep": {"type": "object", "additionalProperties": false, "properties": {
      "messages": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 5000, "description": "of one peer; the oldest go"},
      "waiting": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000, "description": "for one peer, not yet delivered"},
      "peers": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000},
      "bytes": {"type": "integer", "minimum": 2097152, "maximum": 1099511627776, "default": 268435456, "description": "of all messages; a peer has a sixteenth of it, and where all is taken the longest conversation becomes shorter"}}},
    "groups": {"type": "object", "additionalProperties": false, "properties": {
      "batch_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "default": 0, "description": "how long messages are gathered before they are published"},
      "mesh": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 8, "description": "up to so many members all follow each other"},
      "feed_messages": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 500, "description": "kept in our feed of a group, with what somebody who is away has not read; the history has more"},
      "feed_ms": {"type": "integer", "minimum": 0, "maximum": 604800000, "default": 600000, "description": "what is younger is kept beyond feed_messages, up to 50000"},
      "messages": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000, "description": "of one group kept in the history"},
      "members": {"type": "integer", "minimum": 2, "maximum": 100000, "default": 1000},
      "key_ms": {"type": "integer", "minimum": 1000, "default": 604800000, "description": "a private group's key is changed when it is so old"},
      "key_messages": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 4096, "description": "or has sealed so many messages"}}},
    "directory": {"type": "object", "additionalProperties": false, "required": ["discovery"], "description": "public groups of ours are listed there, and those of others are found", "properties": {
      "discovery": {"type": "string", "pattern": "^(https?|dmsg)://", "description": "http://host:port of the service directory, which needs fetch, or dmsg://its public key, which needs dmsg"},
      "interval_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 60000, "description": "how often what is listed is renewed"}}}
  }
})";

Result<Config> read_config(std::string_view text) {
  using codec::read_field;
  Result<boost::json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "drive", config.drive);
  if (const boost::json::array* networks = codec::array_at(*object, "networks")) {
    config.direct.networks.clear();
    for (const boost::json::value& name : *networks) {
      if (const boost::json::string* one = name.if_string()) config.direct.networks.emplace_back(*one);
    }
  }
  read_field(*object, "port", config.direct.port);
  read_field(*object, "acknowledged_ms", config.direct.ack_ms);
  read_field(*object, "retry_ms", config.direct.retry_ms);
  read_field(*object, "max_retry_ms", config.direct.max_retry_ms);
  read_field(*object, "give_up_ms", config.direct.give_up_ms);
  const boost::json::object keep = codec::object_at(*object, "keep");
  read_field(keep, "messages", config.history.per_peer);
  read_field(keep, "waiting", config.history.owed_per_peer);
  read_field(keep, "peers", config.history.peers);
  read_field(keep, "bytes", config.history.bytes);
  const boost::json::object groups = codec::object_at(*object, "groups");
  config.groups.networks = config.direct.networks;
  read_field(groups, "batch_ms", config.groups.batch_ms);
  read_field(groups, "mesh", config.groups.mesh);
  read_field(groups, "feed_messages", config.groups.feed_messages);
  read_field(groups, "feed_ms", config.groups.feed_ms);
  read_field(groups, "messages", config.group_limits.messages);
  read_field(groups, "members", config.group_limits.members);
  read_field(groups, "key_ms", config.groups.key_ms);
  read_field(groups, "key_messages", config.groups.key_messages);
  const boost::json::object directory = codec::object_at(*object, "directory");
  config.directory.url = codec::string_at(directory, "discovery");
  read_field(directory, "interval_ms", config.directory.interval_ms);
  return config;
}

}  // namespace visor::chat
