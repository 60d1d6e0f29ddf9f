/* The configuration of a visor's telemetry, and what follows from its rhythm. */
#ifndef VISOR_TELEMETRY_CONFIG_HPP
#define VISOR_TELEMETRY_CONFIG_HPP
#include <optional>
#include <vector>
#include <visor/value.hpp>

namespace visor::telemetry {

struct Config {
  std::optional<visor_key> tpd; /* whom the feed is announced to; nobody if absent */
  /* Who may follow the feed, the TPD among them; everybody if absent. */
  std::optional<std::vector<visor_key>> subscribers;
  std::vector<visor_key> stats_readers; /* who may ask for this visor's days over a network */
  std::string network = "skynet";
  uint16_t port = 50;
  uint64_t interval_ms = 60'000;
  std::string drive;         /* of the visor's own history; empty: the default one */
  bool older_leaves = false; /* entry, current and tombstone too, for readers of older generations */

  /* At the rhythm of a minute: 30 s, 5 s, 1 s, 5 min. */
  uint64_t announce_ms() const { return interval_ms / 2; }  /* between attempts to reach the TPD */
  uint64_t debounce_ms() const { return interval_ms / 12; } /* between two publications because of changes */
  uint32_t batch_ms() const {
    return static_cast<uint32_t>(interval_ms / 60);
  } /* leaves gathered into a Root */
  /* A closed transport's last counters; longer than it takes to notice that the connection to their reader is
   * dead. */
  uint64_t linger_ms() const { return 5 * interval_ms; }
};

/* JSON Schema of the configuration. */
extern const char kConfigSchema[];

/* The text has passed the schema; VISOR_EINVAL for a TPD's key that is no key. */
Result<Config> read_config(std::string_view json);

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_CONFIG_HPP
