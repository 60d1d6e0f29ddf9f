/* This visor's transports as they are reported: what lives now, and counters that no reconnection sets back.
 *
 * A transport's own counters begin at 0 with each connection, and what a connection has carried since the
 * last sample would be lost with it.  Here all connections of one identifier are summed, so that its counters
 * only grow as long as it is remembered; a transport that has closed stays until its last bytes have reached
 * the reader, be it that it came and went between two samples, or that the reader is away for long. */
#ifndef VISOR_TELEMETRY_TRACKER_HPP
#define VISOR_TELEMETRY_TRACKER_HPP
#include <visor/net.h>

#include <map>

#include "lib/codec/transport_id.hpp"

namespace visor::telemetry {

struct Tracked {
  codec::TransportId id;
  visor_key remote{};
  std::string type, label;
  bool serving = false;
  /* Payload of all connections since `epoch`, which is another number when they began anew. */
  uint64_t sent_bytes = 0, received_bytes = 0;
  uint64_t epoch = 0;
  double latency_min_ms = 0, latency_max_ms = 0, latency_avg_ms = 0; /* 0: not measured */
  double throughput_bytes_per_s = 0;
  int64_t sampled_at_s = 0;

  struct Connection { /* by its own epoch */
    uint64_t epoch = 0, sent_bytes = 0, received_bytes = 0;
  };
  std::vector<Connection> connections; /* oldest first; older ones are in `folded` */
  Connection folded;
  bool seen = false;      /* in the collection under way */
  uint64_t closed_ms = 0; /* monotonic; 0 while it serves */
  int64_t closed_at_s = 0;
  bool told = false; /* its last counters have been published */
};

class Tracker {
 public:
  static constexpr size_t kMaxConnections = 8; /* told apart, of one transport */
  static constexpr size_t kMaxClosed = 4096;   /* remembered; then those that closed first go */

  /* linger_ms: how long a closed transport is remembered while the reader could have taken it over. */
  Tracker(const visor_key& own, uint64_t linger_ms) : own_(own), linger_ms_(linger_ms) {}

  /* One collection: begin(), see() for each that there is, end().  A transport to oneself, or whose parts
   * cannot be reported, is left out. */
  void begin();
  void see(const visor_transport& transport, int64_t unix_s);
  void end(uint64_t now_ms, int64_t unix_s = 0);

  /* Whether a connection to the reader stands, from this moment on.  It does until something else is said. */
  void reader(bool here, uint64_t now_ms);

  /* Number of the last collection. */
  uint64_t revision() const { return revision_; }
  /* What this collection gave is published. */
  void mark_told(uint64_t revision);

  const visor_key& own() const { return own_; }
  /* By identifier. */
  const std::map<codec::TransportId, Tracked>& transports() const { return transports_; }
  size_t serving() const { return serving_; }

 private:
  /* Those of the closed that closed first; there are more. */
  void forget_oldest(size_t count);

  visor_key own_;
  uint64_t linger_ms_;
  std::map<codec::TransportId, Tracked> transports_;
  size_t serving_ = 0;
  uint64_t revision_ = 0;
  bool reader_here_ = true;
  uint64_t reader_since_ms_ = 0;
};

}  // namespace visor::telemetry
#endif  // VISOR_TELEMETRY_TRACKER_HPP
