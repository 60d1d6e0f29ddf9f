/* What the configuration of dmsg_discovery says. */
#ifndef VISOR_DMSG_DISCOVERY_CONFIG_HPP
#define VISOR_DMSG_DISCOVERY_CONFIG_HPP
#include <visor/value.hpp>

namespace visor::dmsg_discovery {

struct Config {
  std::string drive;   /* empty: the default one */
  std::string network; /* where it answers on port 80 too; empty: nowhere */
  bool test_mode = false;
  std::vector<visor_key> official_servers;
  uint64_t interval_ms = 60'000;
  size_t max_entries = 1u << 20;
  uint64_t requests_per_s = 100, burst = 200;                 /* of a key, over the network */
  uint64_t address_requests_per_s = 200, address_burst = 400; /* of an address, over HTTP */

  uint64_t server_life_ms() const { return 2 * interval_ms; }
  uint64_t client_life_ms() const { return 60 * interval_ms; }
  uint64_t short_life_ms() const { return 3 * interval_ms; }
  uint64_t sweep_ms() const { return interval_ms / 12 + 1; }
};

extern const char kConfigSchema[];

Result<Config> read_config(std::string_view text);

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_CONFIG_HPP
