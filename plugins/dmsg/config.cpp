#include "config.hpp"

#include "lib/codec/json_fields.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "lib/dmsg/address.hpp"
#include "lib/http/url.hpp"

namespace visor::dmsg_client {

const char kConfigSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "examples": [{"discovery": "http://127.0.0.1:9090"},
               {"servers": [{"pk": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "address": "tcp://192.0.2.1:8080"}]}],
  "properties": {
    "discovery": {"type": "string", "pattern": "^(http|dmsg)://", "maxLength": 512, "description": "who knows servers and clients: http://host:port, or dmsg://key:80 over the servers below"},
    "servers": {"type": "array", "maxItems": 256, "description": "servers that are known without asking", "items": {
      "type": "object", "additionalProperties": false, "required": ["pk", "address"],
      "properties": {
        "pk": {"type": "string", "pattern": "^[0-9a-fA-F]{66}$", "description": "the server's public key"},
        "address": {"type": "string", "pattern": "^(tcp|ws|wss)://", "maxLength": 512, "description": "tcp://host:port or ws://host:port/dmsg"}}}},
    "sessions": {"type": "integer", "minimum": 0, "maximum": 64, "default": 1, "description": "servers to stay connected with; 0: all"},
    "interval_ms": {"type": "integer", "minimum": 50, "maximum": 3600000, "default": 60000, "description": "milliseconds between looks at the list of servers; pings follow from it"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "sessions": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 64, "description": "with servers, those that a dial needed included"},
      "streams": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 2048, "description": "open at once in one session"},
      "dials": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 2048, "description": "under way at once"},
      "setups": {"type": "integer", "minimum": 1, "maximum": 256, "default": 128, "description": "dials on the wire at once; more wait"},
      "accepting": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256, "description": "peers' streams that are being set up"},
      "pipes": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 64, "description": "commands dial and listen under way"},
      "pipe_streams": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256, "description": "of one such command"},
      "dial_ms": {"type": "integer", "minimum": 100, "maximum": 600000, "default": 20000, "description": "a whole dial, whatever it tries"},
      "setup_ms": {"type": "integer", "minimum": 50, "maximum": 60000, "default": 5000, "description": "one try of a dial; a peer's stream until it is set up"}}}}
})";

namespace {

namespace json = boost::json;

using codec::read_field;
using codec::string_at;

void read_limits(const json::object& object, Limits& limits) {
  read_field(object, "sessions", limits.sessions);
  read_field(object, "streams", limits.streams);
  read_field(object, "dials", limits.dials);
  read_field(object, "setups", limits.setups);
  read_field(object, "accepting", limits.accepting);
  read_field(object, "pipes", limits.pipes);
  read_field(object, "pipe_streams", limits.pipe_streams);
  read_field(object, "dial_ms", limits.dial_ms);
  read_field(object, "setup_ms", limits.setup_ms);
}

Result<KnownServer> read_server(const json::object& object) {
  auto key = key_from_hex(string_at(object, "pk"));
  if (!key || !crypto::valid_public_key(*key)) return failure(VISOR_EINVAL, "pk is not a public key");
  auto url = http::parse_url(string_at(object, "address"));
  if (!url) return std::unexpected(url.error());
  KnownServer server{*key, {}, {}};
  if (url->scheme == "tcp") {
    server.tcp = url->socket().substr(std::string_view("tcp://").size());
  } else {
    server.ws = url->scheme + "://" + url->authority() + (url->path == "/" ? "/dmsg" : url->path);
  }
  return server;
}

Result<void> read_servers(const json::array& list, std::vector<KnownServer>& servers) {
  for (size_t i = 0; i < list.size(); ++i) {
    const json::object* each = list[i].if_object();
    auto server = each ? read_server(*each) : failure(VISOR_EINVAL, "expected an object");
    if (!server) {
      return failure(VISOR_EINVAL, "servers[" + std::to_string(i) + "]: " + server.error().text);
    }
    servers.push_back(std::move(*server));
  }
  return {};
}

}  // namespace

Result<Config> read_config(std::string_view text) {
  Result<json::object> object = codec::parse_fields(text, "the configuration");
  if (!object) return std::unexpected(object.error());
  Config config;
  read_field(*object, "discovery", config.discovery);
  read_field(*object, "sessions", config.sessions);
  read_field(*object, "interval_ms", config.interval_ms);
  read_limits(codec::object_at(*object, "limits"), config.limits);
  if (const json::array* list = codec::array_at(*object, "servers")) {
    if (auto read = read_servers(*list, config.servers); !read) return std::unexpected(read.error());
  }
  if (config.discovery.starts_with(dmsg::kScheme)) {
    if (auto address = dmsg::parse_address(config.discovery, 80); !address) {
      return failure(VISOR_EINVAL, "discovery: " + address.error().text);
    }
    if (config.servers.empty()) {
      return failure(
          VISOR_EINVAL,
          "a discovery on the relay network itself is reached through \"servers\"; name at least one");
    }
  }
  return config;
}

}  // namespace visor::dmsg_client
