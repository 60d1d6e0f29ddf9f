/* The tables on a storage drive, so that a restart loses nothing.
 *
 * Keys (identifiers and public keys as bytes, days as u16 big-endian since 1970-01-01):
 *   "t" id           a transport: edges, type, label, assertions, counters, latency
 *   "d" id day       bytes of one day, as each edge reported them: 4 x u64
 *   "u" id day       uptime of one day: 36 bytes
 *   "v" public key   a reporter: when its list was last heard
 * Values are little-endian, the first two kinds of record begin with a version.  One batch holds whole
 * transports, so that counters and what was counted from them are never apart. */
#ifndef VISOR_TRANSPORT_DISCOVERY_STORE_HPP
#define VISOR_TRANSPORT_DISCOVERY_STORE_HPP
#include <functional>

#include "aggregator.hpp"

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

/* Puts one stored entry back; to be called for all, transports ("t") before days ("d", "u").  False for one
 * that cannot be read, which is then missing and nothing else. */
bool restore_entry(Aggregator& aggregator, ByteView key, ByteView value);

/* The kinds of entries in the order in which they must be restored. */
constexpr std::string_view kRestoreOrder = "tduv";

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_STORE_HPP
