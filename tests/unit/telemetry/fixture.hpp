/* Transports as visor.transports/1 would give them. */
#ifndef VISOR_TESTS_UNIT_TELEMETRY_FIXTURE_HPP
#define VISOR_TESTS_UNIT_TELEMETRY_FIXTURE_HPP
#include <algorithm>
#include <catch2/catch.hpp>

#include "lib/codec/transport_id.hpp"
#include "plugins/telemetry/publisher.hpp"

namespace visor::test {

/* The key whose bytes after the first are all `number`: nobody here asks for a point of the curve. */
inline visor_key numbered_key(uint8_t number) {
  visor_key key{};
  key.bytes[0] = 2;
  std::fill(std::begin(key.bytes) + 1, std::end(key.bytes), number);
  return key;
}

inline visor_transport connection(const visor_key& a, const visor_key& b, uint64_t epoch, uint64_t sent,
                                  uint64_t received, uint32_t state = VISOR_TRANSPORT_SERVING,
                                  std::string_view type = "swsr", std::string_view label = "automatic") {
  visor_transport out{};
  out.size = sizeof out;
  out.state = state;
  codec::TransportId id = codec::transport_id(a, b, type);
  std::copy_n(id.bytes.begin(), id.bytes.size(), out.id);
  auto edges = codec::sorted_edges(a, b);
  out.edges[0] = edges[0];
  out.edges[1] = edges[1];
  out.type = to_span(type);
  out.label = to_span(label);
  out.sent_bytes = sent;
  out.received_bytes = received;
  out.epoch = epoch;
  return out;
}

inline void collect(telemetry::Tracker& tracker, const std::vector<visor_transport>& transports,
                    uint64_t now_ms, int64_t unix_s = 1790000000) {
  tracker.begin();
  for (const visor_transport& transport : transports) tracker.see(transport, unix_s);
  tracker.end(now_ms);
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_TELEMETRY_FIXTURE_HPP
