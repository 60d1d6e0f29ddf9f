#include "settings.hpp"

#include "guard.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/http/url.hpp"

namespace visor::gateway {
namespace {

namespace json = boost::json;

using codec::read_field;

void read_limits(const json::object& object, http::ServerLimits& limits) {
  read_field(object, "connections", limits.connections);
  read_field(object, "connections_per_address", limits.connections_per_address);
  read_field(object, "header_bytes", limits.message.header_bytes);
  read_field(object, "body_bytes", limits.message.body_bytes);
  read_field(object, "request_timeout_ms", limits.request_timeout_ms);
  read_field(object, "idle_timeout_ms", limits.idle_timeout_ms);
  read_field(object, "write_timeout_ms", limits.write_timeout_ms);
}

}  // namespace

const char* const kSettingsSchema = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "listen": {"type": "string", "pattern": "^tcp://", "default": "tcp://127.0.0.1:8080",
      "description": "Address and port of the HTTP server; port 0 takes any that is free"},
    "root": {"type": "string", "minLength": 1, "description": "Folder of the page's files"},
    "bootstrap": {"type": "object",
      "description": "What GET /bootstrap.json tells anybody: where a page's visor begins"},
    "token": {"type": "string", "minLength": 16, "pattern": "^[!-~]+$", "writeOnly": true,
      "description": "Secret that commands are asked with (Authorization: Bearer ...); needed where other machines can connect"},
    "hosts": {"type": "array", "items": {"type": "string", "minLength": 1},
      "description": "Names of this gateway besides localhost and the address it listens on"},
    "networks": {"type": "array", "maxItems": 8, "items": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"},
      "description": "Networks on whose port 80, by this visor's key, anybody may ask for what is public here: dmsg"},
    "limits": {"type": "object", "additionalProperties": false, "properties": {
      "connections": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 1024},
      "connections_per_address": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 256},
      "header_bytes": {"type": "integer", "minimum": 1024, "maximum": 1048576, "default": 16384},
      "body_bytes": {"type": "integer", "minimum": 0, "maximum": 67108864, "default": 1048576},
      "request_timeout_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 30000},
      "idle_timeout_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 60000},
      "write_timeout_ms": {"type": "integer", "minimum": 100, "maximum": 3600000, "default": 30000}}}}})";

std::string Settings::listen_host() const {
  auto url = http::parse_url(listen.ends_with(":0") ? listen.substr(0, listen.size() - 1) + "1" : listen);
  return url ? url->host : std::string();
}

Result<Settings> read_settings(std::string_view text) {
  Result<json::object> object = codec::parse_fields(text, "the gateway's configuration");
  if (!object) return std::unexpected(object.error());
  Settings settings;
  read_field(*object, "listen", settings.listen);
  read_field(*object, "root", settings.root);
  read_field(*object, "token", settings.token);
  if (const json::value* bootstrap = object->if_contains("bootstrap")) {
    settings.bootstrap = json::serialize(*bootstrap);
  }
  if (const json::array* hosts = codec::array_at(*object, "hosts")) {
    for (const json::value& host : *hosts) {
      if (!host.if_string()) continue;
      auto authority = http::parse_authority(std::string_view(*host.if_string()));
      if (!authority) return failure(VISOR_EINVAL, "\"hosts\": " + authority.error().text);
      settings.hosts.push_back(authority->host);
    }
  }
  if (const json::array* networks = codec::array_at(*object, "networks")) {
    for (const json::value& network : *networks) {
      if (network.if_string()) settings.networks.emplace_back(std::string_view(*network.if_string()));
    }
  }
  read_limits(codec::object_at(*object, "limits"), settings.limits);
  if (settings.listen_host().empty()) {
    return failure(VISOR_EINVAL, "\"listen\": expected an address like tcp://127.0.0.1:8080; got \"" +
                                     settings.listen + "\"");
  }
  if (settings.token.empty() && !is_loopback_host(settings.listen_host())) {
    return failure(VISOR_EPERM, "\"listen\": other machines can connect to " + settings.listen +
                                    ", and without a \"token\" (16 characters or more, for instance of "
                                    "openssl rand -hex 16) they could use this visor's commands: set one, "
                                    "or listen on tcp://127.0.0.1:8080");
  }
  return settings;
}

}  // namespace visor::gateway
