/* The whole network's days: bytes and latency by type of transport (specification telemetry.md, 3.7).  They
 * outlive the transports that they were counted from. */
#ifndef VISOR_TRANSPORT_DISCOVERY_TOTALS_HPP
#define VISOR_TRANSPORT_DISCOVERY_TOTALS_HPP
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "counters.hpp"
#include "lib/codec/telemetry_time.hpp"

namespace visor::transport_discovery {

struct TypeTotal {
  uint64_t bytes = 0;          /* of each transport, what the edge that counted more has counted */
  uint64_t latency_sum_us = 0; /* of the averages that were reported */
  uint64_t latency_samples = 0;

  bool none() const { return bytes == 0 && latency_samples == 0; }
  TypeTotal& operator+=(const TypeTotal& more) {
    bytes = saturating_add(bytes, more.bytes);
    latency_sum_us = saturating_add(latency_sum_us, more.latency_sum_us);
    latency_samples = saturating_add(latency_samples, more.latency_samples);
    return *this;
  }
};

/* By the type's number. */
using NetworkDay = std::vector<TypeTotal>;

class Totals {
 public:
  void add_bytes(codec::UnixDay date, uint8_t type, uint64_t bytes) {
    TypeTotal& total = at(date, type);
    total.bytes = saturating_add(total.bytes, bytes);
    type_of(since_start_, type).bytes += bytes;
  }
  void add_latency(codec::UnixDay date, uint8_t type, uint32_t avg_us) { at(date, type) += {0, avg_us, 1}; }

  /* Ascending. */
  const std::map<codec::UnixDay, NetworkDay>& days() const { return days_; }
  /* Only grows, as counters do. */
  const NetworkDay& since_start() const { return since_start_; }

  /* --- storing --- */
  std::set<codec::UnixDay> take_dirty() { return std::exchange(dirty_, {}); }
  std::vector<codec::UnixDay> take_removed() { return std::exchange(removed_, {}); }
  bool dirty() const { return !dirty_.empty() || !removed_.empty(); }
  void restore(codec::UnixDay date, uint8_t type, const TypeTotal& total) {
    type_of(days_[date], type) = total;
  }
  /* Lets go of the days up to this one. */
  void drop_until(codec::UnixDay last) {
    while (!days_.empty() && days_.begin()->first <= last) {
      removed_.push_back(days_.begin()->first);
      dirty_.erase(days_.begin()->first);
      days_.erase(days_.begin());
    }
  }

 private:
  static TypeTotal& type_of(NetworkDay& day, uint8_t type) {
    if (day.size() <= type) day.resize(type + size_t(1));
    return day[type];
  }
  TypeTotal& at(codec::UnixDay date, uint8_t type) {
    dirty_.insert(date);
    return type_of(days_[date], type);
  }

  std::map<codec::UnixDay, NetworkDay> days_;
  NetworkDay since_start_;
  std::set<codec::UnixDay> dirty_;
  std::vector<codec::UnixDay> removed_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_TOTALS_HPP
