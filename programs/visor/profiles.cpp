#include "profiles.hpp"

#include "lib/codec/json_fields.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;
using codec::object_at;
using codec::string_at;

json::value plugin(std::string_view name, json::object config, std::string_view as = {}) {
  json::object row{{"plugin", name}, {"config", std::move(config)}};
  if (!as.empty()) row["as"] = as;
  return row;
}

bool own_machine(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

std::string listen_at(const Place& place, uint16_t port) {
  bool v6 = place.address.find(':') != std::string::npos;
  return "tcp://" + (v6 ? "[" + place.address + "]" : place.address) + ":" + std::to_string(port);
}

/* Peers without the names that people read. */
json::array dialled(const Bootstrap& network) {
  json::array out;
  const json::array* peers = codec::array_at(network, "peers");
  for (const json::value& each : peers ? *peers : json::array{}) {
    const json::object* peer = each.if_object();
    if (!peer) continue;
    out.push_back(json::object{{"pk", string_at(*peer, "pk")},
                               {"type", string_at(*peer, "type")},
                               {"address", string_at(*peer, "address")}});
  }
  return out;
}

}  // namespace

std::string with_identity(const Place& place, std::string_view name, json::array plugins) {
  std::string directory = place.directory + "/" + std::string(name);
  return json::serialize(json::object{{"identity", json::object{{"file", directory + "/visor.key"}}},
                                      {"directory", directory},
                                      {"plugins", std::move(plugins)}});
}

json::object gateway_config(const Place& place, uint16_t port) {
  json::object gateway{{"listen", listen_at(place, port)}};
  if (!place.token.empty()) gateway["token"] = place.token;
  return gateway;
}

std::string tpd_config(const Place& place, const json::object& gateway, uint64_t interval_ms) {
  bool test_mode = own_machine(place.address);
  json::object directory{{"drive", "disk"}, {"test_mode", test_mode}, {"interval_ms", interval_ms}};
  return with_identity(place, "tpd",
                       {plugin("storage_leveldb", {}, "disk"), plugin("gateway", gateway),
                        plugin("fetch", {}), plugin("dmsg", {{"interval_ms", interval_ms}}),
                        plugin("transports", {{"listen", listen_at(place, 0)}, {"interval_ms", interval_ms}}),
                        plugin("dmsg_discovery", directory), plugin("service_discovery", directory),
                        plugin("feeds", {{"drive", "disk"}}),
                        plugin("transport_discovery", {{"network", "skynet"},
                                                       {"port", kTelemetryPort},
                                                       {"http_network", "dmsg"},
                                                       {"drive", "disk"},
                                                       {"interval_ms", interval_ms}})});
}

std::string relay_config(const Place& place, const std::string& discovery, uint64_t interval_ms) {
  return with_identity(place, "relay",
                       {plugin("fetch", {}), plugin("dmsg_server", {{"listen", listen_at(place, 0)},
                                                                    {"discovery", discovery},
                                                                    {"interval_ms", interval_ms}})});
}

std::string visor_config(const Place& place, uint16_t port, const Bootstrap& network) {
  json::object rhythm;
  if (auto interval_ms = codec::number_at<uint64_t>(network, "interval_ms"))
    rhythm["interval_ms"] = *interval_ms;
  json::object transports = rhythm, chat{{"drive", "disk"}};
  transports["listen"] = listen_at(place, 0);
  transports["peers"] = dialled(network);
  if (json::object services = object_at(network, "services"); !services.empty()) {
    json::object directory{{"discovery", string_at(services, "discovery")}};
    transports["auto"] = transports["public"] = directory;
    directory.insert(rhythm.begin(), rhythm.end());
    chat["directory"] = std::move(directory);
  }
  json::array plugins{plugin("storage_leveldb", {}, "disk"), plugin("gateway", gateway_config(place, port)),
                      plugin("transports", std::move(transports)), plugin("fetch", {})};
  if (json::object relays = object_at(network, "dmsg"); !relays.empty()) {
    json::object dmsg = rhythm;
    dmsg["discovery"] = string_at(relays, "discovery");
    plugins.push_back(plugin("dmsg", std::move(dmsg)));
  }
  plugins.push_back(plugin("feeds", {{"drive", "disk"}}));
  plugins.push_back(plugin("chat", std::move(chat)));
  if (json::object tpd = object_at(network, "tpd"); !tpd.empty()) {
    json::object telemetry = rhythm;
    telemetry["tpd"] = string_at(tpd, "pk");
    telemetry["network"] = string_at(tpd, "network");
    telemetry["port"] = codec::number_at<uint16_t>(tpd, "port").value_or(kTelemetryPort);
    plugins.push_back(plugin("telemetry", std::move(telemetry)));
  }
  return with_identity(place, "visor", std::move(plugins));
}

}  // namespace visor::programs
