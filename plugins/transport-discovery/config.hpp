/* The configuration of the TPD, and what follows from its rhythm. */
#ifndef VISOR_TRANSPORT_DISCOVERY_CONFIG_HPP
#define VISOR_TRANSPORT_DISCOVERY_CONFIG_HPP
#include <visor/value.hpp>

namespace visor::transport_discovery {

struct Config {
  std::string network = "skynet";
  uint16_t port = 50;
  std::string http_network;      /* on whose port 80 the gateway offers us, too; empty: none */
  std::string drive;             /* empty: the default one */
  uint64_t interval_ms = 60'000; /* the reporters' rhythm */
  size_t max_reporters = 65'536; /* feeds followed at once */
  size_t max_transports = 1 << 20;
  std::vector<visor_key> monitors; /* who may take transports away that are not theirs */

  /* At the rhythm of a minute: 5 min, 4 min, 30 s, 2 s, 5 s, 15 s. */
  uint64_t assertion_ttl_ms() const { return 5 * interval_ms; }
  uint64_t reclaim_ms() const { return 4 * interval_ms; }   /* feed of a peer that is not here any more */
  uint64_t reconcile_ms() const { return interval_ms / 2; } /* between attempts to open a feed */
  uint64_t pace_ms() const { return interval_ms / 30; }     /* between two Roots of one feed */
  uint64_t flush_ms() const { return interval_ms / 12; }    /* between two writes to the drive */
  uint64_t tick_ms() const { return interval_ms / 4; }
};

/* JSON Schema of the configuration. */
extern const char kConfigSchema[];

/* The text has passed the schema. */
Result<Config> read_config(std::string_view json);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_CONFIG_HPP
