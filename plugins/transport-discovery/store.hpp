/* The tables on a storage drive, so that a restart loses nothing, and the archive, which is the same entries:
 * a day that is over is written no more, and is read from here when memory has let go of it.
 *
 * Keys (identifiers and public keys as bytes, days as u16 big-endian since 1970-01-01):
 *   "t" id              a transport: edges, type, label, assertions, counters, latency
 *   "d" id day          one day: bytes as each edge reported them, 4 x u64; samples of latency u32, their sum
 * u64 "u" id day          uptime of one day: 36 bytes "v" public key      a visor: when it was last heard of,
 * when its list was "D" public key day  bytes that a visor has reported on one day: 2 x u64 "U" public key
 * day  its uptime: 36 bytes "n" day             the network's day: for each type its name, bytes, sum and
 * number of latencies "s" i64 big-endian  a session of the TPD by its beginning: when it was last up, Unix
 * seconds, i64 Values are little-endian; transports and visors begin with a version.  One batch holds whole
 * transports, so that counters and what was counted from them are never apart. */
#ifndef VISOR_TRANSPORT_DISCOVERY_STORE_HPP
#define VISOR_TRANSPORT_DISCOVERY_STORE_HPP
#include <functional>

#include "aggregator.hpp"
#include "sessions.hpp"

namespace visor::transport_discovery {

/* Changes to an ordered map, gathered. */
class Batch {
 public:
  void put(Bytes key, Bytes value) {
    bytes_ += key.size() + value.size();
    changes_.push_back({std::move(key), std::move(value), true});
  }
  void erase(Bytes key) {
    bytes_ += key.size();
    changes_.push_back({std::move(key), {}, false});
  }
  size_t size() const { return changes_.size(); }
  size_t bytes() const { return bytes_; }
  /* Lent until the next change. */
  std::vector<visor_op> ops() const;

 private:
  struct Change {
    Bytes key, value;
    bool put;
  };
  std::vector<Change> changes_;
  size_t bytes_ = 0;
};

/* Hands over everything that has changed, in batches of about max_bytes, and marks it as stored. */
void collect_changes(Aggregator& aggregator, size_t max_bytes,
                     const std::function<void(const Batch&)>& write);

/* Puts one stored entry back; to be called for all, kind after kind.  False for one that cannot be read,
 * which is then missing and nothing else.  today: days of transports that are archived by now stay where they
 * are. */
bool restore_entry(Aggregator& aggregator, ByteView key, ByteView value, UnixDay today = 0);

/* The kinds of entries in the order in which they must be restored. */
constexpr std::string_view kRestoreOrder = "tduvDUn";

/* A session of the TPD itself. */
void put_session(Batch& batch, int64_t started_at_s, int64_t seen_at_s);
bool restore_session(Sessions& sessions, ByteView key, ByteView value);

/* The archive: days of one transport between these two, both included, in the order of the days. */
Bytes archive_key(const TransportId& id, UnixDay date);
bool decode_archived_day(ByteView key, ByteView value, Day& out);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_STORE_HPP
