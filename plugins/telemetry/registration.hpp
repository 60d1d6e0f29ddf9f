/* Why a transport is not shown: never listed, the publisher stuck, or announcing in vain (specification
 * telemetry.md, 5.4). */
#ifndef VISOR_TELEMETRY_REGISTRATION_HPP
#define VISOR_TELEMETRY_REGISTRATION_HPP
#include "feed.hpp"

namespace visor::telemetry {

/* What became of announcing the feed. */
struct Announcing {
  uint64_t successes = 0, failures = 0;
  uint64_t succeeded_ms = 0, failed_ms = 0; /* monotonic; 0: never */
  std::string problem;
  bool standing = false;
  bool failed = false; /* since it was last begun */
};

struct RegistrationSources {
  const Config& config;
  const visor_key& own;
  const Tracker& tracker;
  const Publisher& publisher;
  const OwnFeed& feed;
  const Announcing& announcing;
  size_t connections;
  uint64_t now_ms;
};

/* `transport_registration` with its specified members, and `diagnosis`: a sentence. */
std::string registration_json(const RegistrationSources& sources);

/* What stands between this visor's transports and the TPD's table, as a sentence that says what to do; the
 * first of all reasons there are. */
std::string diagnosis(const RegistrationSources& sources);

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_REGISTRATION_HPP
