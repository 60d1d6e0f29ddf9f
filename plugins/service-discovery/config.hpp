/* What the configuration of service_discovery says. */
#ifndef VISOR_SERVICE_DISCOVERY_CONFIG_HPP
#define VISOR_SERVICE_DISCOVERY_CONFIG_HPP
#include <visor/value.hpp>

#include "api.hpp"

namespace visor::service_discovery {

struct Config {
  std::string drive;   /* empty: the default one */
  std::string network; /* on whose port 80 it answers too; empty: none */
  uint64_t interval_ms = 60'000;
  ApiOptions api;
  uint64_t requests_per_s = 50, burst = 200; /* of an address, and of a key */

  uint64_t sweep_ms() const { return interval_ms / 12 + 1; }
};

extern const char kConfigSchema[];

Result<Config> read_config(std::string_view text);

}  // namespace visor::service_discovery
#endif  // VISOR_SERVICE_DISCOVERY_CONFIG_HPP
