/* A whole relay network of real kernels: a discovery, servers, clients. */
#ifndef VISOR_TESTS_CONFORMANCE_DMSG_NETWORK_HPP
#define VISOR_TESTS_CONFORMANCE_DMSG_NETWORK_HPP
#include "tests/conformance/dmsg_user.hpp"

namespace visor::test::dmsg {

inline constexpr const char* kDiscoveryMachine = "10.0.0.9";
inline constexpr const char* kDiscoveryUrl = "http://10.0.0.9:9090";

inline std::string server_machine(size_t which) {
  return "10.0.0." + std::to_string(which + 1);
}

inline std::string in_config(const std::string& plugins) {
  return R"({"plugins":[)" + plugins + "]}";
}
inline std::string plugin(const std::string& name, const std::string& members = "") {
  return R"({"plugin":")" + name + R"(","config":{)" + members + "}}";
}
inline std::string json_text(const std::string& name, const std::string& value) {
  return "\"" + name + R"(":")" + value + "\"";
}

inline Node& discovery_node(World& world, const std::string& more = "") {
  return world.add(
      kDiscoveryMachine,
      in_config(plugin("storage_memory") + "," +
                plugin("gateway", R"("listen":"tcp://0.0.0.0:9090","token":"0123456789abcdef")") + "," +
                plugin("dmsg_discovery") + more),
      {.log_level = VISOR_WARN});
}

inline Node& server_node(World& world, size_t which, const std::string& discovery = kDiscoveryUrl,
                         std::optional<std::array<uint8_t, 32>> secret = std::nullopt) {
  std::string members = json_text("listen", "tcp://0.0.0.0:8081") + "," +
                        json_text("public_address", server_machine(which) + ":8081");
  if (!discovery.empty()) members += "," + json_text("discovery", discovery);
  return world.add(server_machine(which), in_config(plugin("fetch") + "," + plugin("dmsg_server", members)),
                   {.secret = secret, .log_level = VISOR_WARN});
}

/* members: of the client's configuration, besides the discovery. */
inline Node& client_node(World& world, const std::string& machine, const std::string& members = "",
                         const std::string& discovery = kDiscoveryUrl) {
  std::string all = json_text("discovery", discovery) + (members.empty() ? "" : ",") + members;
  return world.add(machine, in_config(plugin("fetch") + "," + plugin("dmsg", all)),
                   {.log_level = VISOR_WARN});
}

/* Is the client's entry in the discovery as it should be? */
inline bool registered(Node& client) {
  boost::json::object all = status(client);
  const boost::json::value* part = all.if_contains("discovery");
  REQUIRE(part != nullptr);
  return part->if_object()->if_contains("registered")->as_bool();
}
inline bool wait_registered(Node& client, uint64_t limit_ms = 10'000) {
  return client.world().run_until([&] { return connected(client) > 0 && registered(client); }, limit_ms);
}

/* The key of a server that the client is connected with. */
inline std::string server_of(Node& client) {
  boost::json::object all = status(client);
  const boost::json::array& servers = *all.if_contains("servers")->if_array();
  REQUIRE_FALSE(servers.empty());
  return std::string(servers.front().if_string()->c_str());
}

}  // namespace visor::test::dmsg
#endif  // VISOR_TESTS_CONFORMANCE_DMSG_NETWORK_HPP
